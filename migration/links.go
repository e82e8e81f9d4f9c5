package migration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// entry is a file or folder below the root.
type entry struct {
	path   string // below the root, with slashes, as it is found
	real   string // absolute, without links
	isLink bool
	linked bool // a link led here: it is one itself, or below one
	info   fs.FileInfo
}

var errOutside = errors.New("a link that leaves the logs; it is not followed")

// look looks at what is called name in a folder, and behind it if it is a link.
// With an error the entry has its path.
func (w *walk) look(folder entry, name string) (entry, error) {
	e := entry{path: path.Join(folder.path, name), real: filepath.Join(folder.real, name), linked: folder.linked}
	var err error
	if e.info, err = os.Lstat(e.real); err != nil {
		return e, err
	}
	if e.info.Mode()&fs.ModeSymlink == 0 {
		return e, nil
	}
	e.isLink, e.linked = true, true
	target, err := filepath.EvalSymlinks(e.real)
	if err != nil {
		return e, fmt.Errorf("a link that leads nowhere: %w", plain(err))
	}
	if _, ok := w.below(target); !ok {
		return e, errOutside
	}
	e.real = target
	e.info, err = os.Stat(target)
	return e, err
}

// plain drops the operation and the path from an error of the file system.
func plain(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// below returns the path of a real file below the root, with slashes.
func (w *walk) below(real string) (string, bool) {
	rel, err := filepath.Rel(w.root.real, real)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// first reports whether a file is to be read here: a real file is read once, and
// where it really is rather than where links show it.
func (w *walk) first(e entry) bool {
	if !e.linked {
		return true
	}
	rel, ok := w.below(e.real)
	if !ok || w.linked[e.real] || hasOwnPlace(rel) {
		return false
	}
	w.linked[e.real] = true
	return true
}
