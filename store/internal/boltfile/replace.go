package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall/internal/atomicfile"
)

// KeptSuffix ends the name under which Replacement keeps the file that it replaces.
const KeptSuffix = ".before-restore"

// Replacement puts a file, usually a backup, in the place of a database that may be
// sound, damaged or missing. From begin to end no other process can open the one
// that is there.
type Replacement struct {
	*atomicfile.PendingFile          // to be filled with the database
	Kept                    string   // where the old file is kept; "" if there was none
	old                     *os.File // open, and locked; nil if there was none
}

// Replace begins to replace the database at path. It wraps atomicfile.ErrLocked if a process
// has it open, fs.ErrExist if a file is kept from before, which is not overwritten.
func Replace(path string) (*Replacement, error) {
	r, err := replace(path)
	if err != nil {
		return nil, fmt.Errorf("replace database %q: %w", path, err)
	}
	return r, nil
}

func replace(path string) (r *Replacement, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	r = new(Replacement)
	defer func() {
		if err != nil {
			r.Discard()
		}
	}()
	model, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if model, err = os.Stat(filepath.Dir(path)); err != nil {
			return r, atomicfile.Plain(err)
		}
	case err != nil:
		return r, atomicfile.Plain(err)
	case !model.Mode().IsRegular():
		return r, errors.New("it is not a regular file")
	default:
		if r.old, err = atomicfile.OpenLocked(path); err != nil {
			return r, err
		}
		r.Kept = path + KeptSuffix
		if kept, err := os.Lstat(r.Kept); err == nil && !os.SameFile(kept, model) {
			return r, r.occupied()
		}
		atomicfile.RemoveUnfinished(path)
	}
	if r.PendingFile, err = atomicfile.CreateReplacement(path); err != nil {
		return r, err
	}
	return r, atomicfile.InheritOwner(r.File, model)
}

// Commit syncs the new file, keeps the old one under its other name and puts the new
// one in its place. At every moment there is a whole file under the name. Where the
// file system has no links that is not so: for a moment there is none.
func (r *Replacement) Commit() error {
	if err := r.commit(); err != nil {
		return fmt.Errorf("replace database %q: %w", r.Path(), err)
	}
	return nil
}

func (r *Replacement) commit() error {
	defer r.Discard()
	if r.old == nil {
		return r.PendingFile.Commit(false)
	}
	if err := r.Sync(); err != nil {
		return atomicfile.Plain(err)
	}
	if err := r.keep(); err != nil {
		return err
	}
	return r.PendingFile.Commit(true)
}

func (r *Replacement) keep() error {
	err := os.Link(r.Path(), r.Kept)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		kept, err1 := os.Lstat(r.Kept)
		old, err2 := os.Lstat(r.Path())
		if err := errors.Join(err1, err2); err != nil {
			return atomicfile.Plain(err)
		}
		if !os.SameFile(kept, old) {
			return r.occupied()
		}
		return nil // an earlier attempt was killed when it had come to here
	}
	return atomicfile.Plain(os.Rename(r.Path(), r.Kept))
}

func (r *Replacement) occupied() error {
	return fmt.Errorf("%q is kept from an earlier restore: move it away or remove it: %w", r.Kept, fs.ErrExist)
}

// Discard gives up: the old file stays, and others may open it.
func (r *Replacement) Discard() {
	if r.PendingFile != nil {
		r.PendingFile.Discard()
	}
	if r.old != nil {
		r.old.Close()
	}
}

// Unused returns nil if nobody has the file at path open as a database, and otherwise
// atomicfile.ErrLocked.
func Unused(path string) error {
	f, err := atomicfile.OpenLocked(path)
	if err != nil {
		return err
	}
	f.Close()
	return nil
}
