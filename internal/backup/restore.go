package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"rollcall/store"
)

// Restored is a database that was put back.
type Restored struct {
	Size int64  // bytes of the file
	Kept string // where the file is that was there before; "" if there was none
	Took time.Duration
}

// Restore puts the backup at from, compressed or not, in the place of the database at
// path, after it was found sound. The file that was there is kept under another name,
// see store.Replace. Until the very end it stays in its place, and after an error it is
// still there.
//
// It wraps store.ErrLocked if a daemon has the database open, store.ErrDamaged if the
// backup is not sound, fs.ErrExist if a file is still kept from an earlier restore.
func Restore(ctx context.Context, path, from string) (done Restored, err error) {
	began := time.Now()
	if is, err := os.Stat(path); err == nil {
		if of, err := os.Stat(from); err == nil && os.SameFile(is, of) {
			return done, fmt.Errorf("backup %q: it is the database itself", from)
		}
	}
	f, err := open(from)
	if err != nil {
		return done, err
	}
	defer f.Close()
	r, err := store.Replace(path)
	if err != nil {
		return done, err
	}
	defer r.Discard()
	if err := unpack(ctx, f, Throttled(ctx, r.File)); err != nil {
		return done, fmt.Errorf("backup %q: %w", from, err)
	}
	if err := r.Sync(); err != nil {
		return done, fmt.Errorf("restore to %q: %w", path, err)
	}
	if err := Sound(ctx, r.Name(), from); err != nil {
		return done, err
	}
	info, err := r.Stat()
	if err != nil {
		return done, fmt.Errorf("restore to %q: %w", path, err)
	}
	if err := errors.Join(ctx.Err(), r.Commit()); err != nil {
		return done, err
	}
	return Restored{info.Size(), r.Kept, time.Since(began)}, nil
}
