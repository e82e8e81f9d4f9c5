package importer

import (
	"fmt"
	"strings"
)

// Format is a tool whose archives are known. Its text is that of the flag and in JSON.
type Format string

// The formats, in the order in which they are read.
const (
	Auto     Format = "auto" // any
	Discrawl Format = "discrawl"
	DHT      Format = "dht"
	Package  Format = "package"
	DCE      Format = "dce"
	PigPig   Format = "pigpig"
)

// Formats are all values of the flag.
var formats = []Format{Auto, DCE, DHT, Discrawl, Package, PigPig}

// Formats returns all values of the flag.
func Formats() []Format { return append([]Format(nil), formats...) }

// ParseFormat reads a value of the flag.
func ParseFormat(s string) (Format, error) {
	var names []string
	for _, f := range formats {
		if string(f) == s {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("%.40q is not a format: want one of %s", s, strings.Join(names, ", "))
}

// rank orders archives by how well their tools keep texts.
func (f Format) rank() int {
	switch f {
	case Discrawl:
		return 0
	case DHT, Package:
		return 1
	case DCE:
		return 2
	}
	return 3
}
