package importer

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Bounds of a .zip. Deflate packs JSON of many spaces into a thirtieth at best; what
// unpacks to a hundred times of what it is was made to.
const (
	zipEntries = 1 << 20
	zipRatio   = 150
	zipSmall   = 64 << 20 // what is no larger than this when unpacked may have any ratio
)

// openZip opens a .zip of which every entry may be read.
func openZip(f *os.File, size int64) (*zip.Reader, error) {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("it is no whole .zip (%w): copy or download it again", err)
	}
	if len(z.File) > zipEntries {
		return nil, fmt.Errorf("it has %d entries, which is more than a .zip of messages can have", len(z.File))
	}
	var unpacked uint64
	for _, e := range z.File {
		switch {
		case unsafeName(e.Name):
			return nil, fmt.Errorf("the name of an entry, %.100q, leads out of the .zip", e.Name)
		case e.Flags&1 != 0:
			return nil, errors.New("it is encrypted: unpack it first")
		case e.Mode()&fs.ModeSymlink != 0:
			return nil, fmt.Errorf("an entry, %.100q, is a symbolic link", e.Name)
		}
		unpacked += e.UncompressedSize64
		if unpacked > 1<<50 || unpacked > zipSmall && unpacked/zipRatio > uint64(size) {
			return nil, fmt.Errorf("it would unpack to more than %d times its size", zipRatio)
		}
	}
	return z, nil
}

// unsafeName reports whether the name of an entry is none of a file below a folder, on
// any system.
func unsafeName(name string) bool {
	name = strings.TrimSuffix(name, "/")
	return name != "" && !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || len(name) > 1 && name[1] == ':'
}
