package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// PendingFile is a file in the making. It has another name until it is whole, so that
// under its own there is either nothing or all of it, whatever is killed meanwhile.
type PendingFile struct {
	*os.File        // open for reading and writing, mode 0600
	path     string // the name it is to get
}

// Path returns the name that the file is to get.
func (f *PendingFile) Path() string { return f.path }

// Create begins a file that is to be called path. What a kill leaves of it is
// called path, ".part-" and some digits.
func Create(path string) (*PendingFile, error) { return create(path, ".part-*") }

// CreateReplacement begins a file that is to take the place of the database at path. What a
// kill leaves of it, RemoveUnfinished removes.
func CreateReplacement(path string) (*PendingFile, error) { return create(path, unfinished) }

// CreateTemporary creates an empty file beside the open database at path. If it is not
// removed, that is done when the database is opened the next time.
func CreateTemporary(path string) (*os.File, error) {
	f, err := CreateReplacement(path)
	if err != nil {
		return nil, err
	}
	return f.File, nil
}

func create(path, ending string) (*PendingFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+ending)
	if err != nil {
		return nil, Plain(err)
	}
	return &PendingFile{f, path}, nil
}

// Commit syncs the file, closes it, gives it its name and syncs the folder. A file
// that has the name already is left alone (fs.ErrExist), or replaced if replace is
// set. After an error nothing is left of the new file, except if the folder could
// not be synced: then it is there and a loss of power may take it.
func (f *PendingFile) Commit(replace bool) (err error) {
	defer f.Discard()
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return Plain(err)
	}
	if replace {
		err = os.Rename(f.Name(), f.path)
	} else {
		err = giveName(f.Name(), f.path)
	}
	if err != nil {
		return Plain(err)
	}
	return SyncFolder(filepath.Dir(f.path))
}

// Discard closes the file and removes it, unless it has got its name.
func (f *PendingFile) Discard() {
	f.Close()
	os.Remove(f.Name())
}

// giveName moves a file to a name that nothing has yet. A hard link never
// replaces a file that another process made meanwhile; not every file system
// has them.
func giveName(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

func SyncFolder(path string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return Plain(err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", Plain(err))
	}
	return nil
}

// Plain drops the operation and path that the caller names anyway.
func Plain(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

// RemoveUnfinished removes what a crash left behind while a database was created,
// restored or compacted at path. The lock on it is held, so nobody is doing so now.
func RemoveUnfinished(path string) {
	left, err := filepath.Glob(escapeGlob(path) + unfinished)
	if err != nil {
		return
	}
	for _, name := range left {
		os.Remove(name)
	}
}

// unfinished ends the names of databases in the making, before they get their own.
const unfinished = ".new-*"

func escapeGlob(path string) string {
	if runtime.GOOS == "windows" { // no escapes there
		return path
	}
	var b []byte
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}
