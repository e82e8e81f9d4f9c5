package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"rollcall/internal/atomicfile"
)

// ErrFolderExists is returned for a folder that is there and not empty.
var ErrFolderExists = errors.New("it is there already and not empty: name another folder, or remove it")

// folder is a folder in the making: it has another name until it is whole.
type folder struct {
	path, temporary string
	subfolders      []string
	done            bool
}

func newFolder(path string) (*folder, error) {
	path = filepath.Clean(path)
	if err := free(path); err != nil {
		return nil, err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
	if err != nil {
		return nil, atomicfile.Plain(err)
	}
	return &folder{path: path, temporary: temporary}, nil
}

// free reports whether a folder can get a name: nothing has it, or an empty folder.
func free(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return atomicfile.Plain(err)
	case len(entries) > 0:
		return ErrFolderExists
	}
	return nil
}

// create creates a file; its folder is created if need be.
func (f *folder) create(parts ...string) (*os.File, error) {
	path := filepath.Join(append([]string{f.temporary}, parts...)...)
	for dir := filepath.Dir(path); len(dir) > len(f.temporary) && !slices.Contains(f.subfolders, dir); dir = filepath.Dir(dir) {
		f.subfolders = append(f.subfolders, dir)
	}
	if len(parts) > 1 {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, atomicfile.Plain(err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", filepath.Join(parts...), atomicfile.Plain(err))
	}
	return file, nil
}

// finish syncs and closes a file of the folder.
func finish(file *os.File) error {
	return errors.Join(file.Sync(), file.Close())
}

// commit gives the folder its name; its files are finished.
func (f *folder) commit() error {
	for _, dir := range f.subfolders {
		if err := atomicfile.SyncFolder(dir); err != nil {
			return err
		}
	}
	if err := atomicfile.SyncFolder(f.temporary); err != nil {
		return err
	}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ErrFolderExists
	}
	if err := os.Rename(f.temporary, f.path); err != nil {
		return atomicfile.Plain(err)
	}
	f.done = true
	return atomicfile.SyncFolder(filepath.Dir(f.path))
}

func (f *folder) discard() {
	if !f.done {
		os.RemoveAll(f.temporary)
	}
}
