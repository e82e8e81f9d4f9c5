package civil

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // a container that holds nothing but the binary knows zones too
)

// ErrBadZone says that a text names no time zone.
var ErrBadZone = errors.New("not a time zone: want a name of the IANA database such as Europe/Berlin, or UTC")

// maxZone is the length of the longest name that is looked for; the database's
// own have at most 32 bytes.
const maxZone = 64

// ParseZone finds a time zone by its name in the IANA database. The zone of the
// machine ("Local") is none: an answer must not depend on where it is given. Neither
// are those with leap seconds ("right/…"), whose days begin in no quarter hour.
func ParseZone(name string) (*time.Location, error) {
	switch {
	case name == "", len(name) > maxZone, strings.EqualFold(name, "local"), strings.EqualFold(name, "localtime"),
		strings.HasPrefix(name, "right/"), strings.ContainsFunc(name, notOfZone):
		return nil, ErrBadZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, ErrBadZone
	}
	return zone, nil
}

// notOfZone keeps paths that lead elsewhere ("../x") away from the file system.
func notOfZone(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/_+-", r)
}
