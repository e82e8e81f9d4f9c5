package boltfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/kv"
)

// Errors that callers tell apart, beside kv.ErrDamaged and atomicfile.ErrLocked.
var (
	// ErrFull reports that the disk, or the file's allowed size, is exhausted. Nothing was
	// written; the same call succeeds once there is room.
	ErrFull = errors.New("no space left")
	// ErrBusy reports that another call is doing just that.
	ErrBusy = errors.New("busy")
)

// Options of Open.
type Options struct {
	LockTimeout time.Duration // how long to wait for another process's lock; 0 means 2 s
	MaxSize     int64         // bytes the file may grow to; 0 means no limit
	ReadOnly    bool          // others may open it so at the same time
}

// File is an open bbolt file. Its methods may be called from any goroutine; writes run
// one after another. While it is open for writing no other process can open it.
type File struct {
	path    string
	options Options

	// current is what is open. Whoever reads acquires it; whoever writes, and so holds
	// writing, uses it as it is. To replace it takes both.
	mu       sync.Mutex
	current  *handle
	replaced sync.WaitGroup // those that are still read from

	compacting sync.Mutex // held by Compact, before writing

	// A write transaction that meets a damaged page panics, and again when bbolt rolls
	// it back. Then bbolt never gives back its lock, and whoever wants it, Close among
	// them, would wait for ever. writing stands before that lock; broken, which it
	// guards, keeps everybody away from it afterwards.
	writing sync.Mutex
	broken  error
	digest  bool // the file ends with one, see backup.go
}

// Open opens the file at path, which must exist and be a regular file that is not empty.
// The error wraps atomicfile.ErrLocked if another process holds the file, kv.ErrDamaged if
// it is no sound bbolt file (it is left as it is).
func Open(path string, o Options) (*File, error) {
	h, err := openBolt(path, o, 0)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, options: o, current: h}
	if err := f.measure(); err != nil {
		h.Close()
		return nil, err
	}
	if !o.ReadOnly {
		atomicfile.RemoveUnfinished(f.realPath())
	}
	return f, nil
}

// measure wants the file to be as long as its pages need, and looks for a digest behind them.
func (f *File) measure() error {
	return f.View(context.Background(), func(tx *bbolt.Tx) error {
		info, err := f.current.file.Stat()
		if err != nil {
			return atomicfile.Plain(err)
		}
		f.digest = hasDigest(info.Size())
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: the file was cut off: it has %d bytes of %d", kv.ErrDamaged, info.Size(), tx.Size())
		}
		return nil
	})
}

// Create makes a file whose first transaction is fill. It makes it under a temporary name,
// syncs it, gives it its name and syncs the folder: a crash leaves either no file or a
// whole one. A file that is there is left alone (fs.ErrExist).
func Create(path string, fill func(*bbolt.Tx) error) error {
	f, err := atomicfile.CreateReplacement(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	b, err := bbolt.Open(f.Name(), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoStatistics: true})
	if err != nil {
		return err
	}
	err = b.Update(fill)
	if cerr := b.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return f.Commit(false)
}

// View runs fn in a read transaction.
func (f *File) View(ctx context.Context, fn func(*bbolt.Tx) error) error {
	return f.viewHandle(ctx, func(_ *handle, tx *bbolt.Tx) error { return fn(tx) })
}

// Begin begins a read transaction for who reads in several calls, each inside Guard. end ends
// it; it must be called once.
func (f *File) Begin(ctx context.Context) (tx *bbolt.Tx, end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	h := f.acquire()
	err = Guard(func() (err error) {
		tx, err = h.DB.Begin(false)
		return err
	})
	if err != nil {
		f.release(h)
		return nil, nil, err
	}
	return tx, func() {
		tx.Rollback() // of one that reads it cannot fail
		f.release(h)
	}, nil
}

// Guard runs fn, which reads from a transaction of Begin. Damage that it meets is an error, as
// in View.
func Guard(fn func() error) (err error) {
	defer recoverDamage(&err)()
	return fn()
}

// viewHandle is View for who needs the file too that the transaction reads from.
func (f *File) viewHandle(ctx context.Context, fn func(*handle, *bbolt.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	h := f.acquire()
	defer f.release(h)
	defer recoverDamage(&err)()
	return h.View(func(tx *bbolt.Tx) error { return fn(h, tx) })
}

// Update runs fn in a write transaction and commits it, synced. It wraps ErrFull where
// there was no room and nothing was written. After a panic of fn on a damaged page every
// later Update fails, and the process should end.
func (f *File) Update(ctx context.Context, fn func(*bbolt.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.broken != nil {
		return f.broken
	}
	if err := f.dropDigest(); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			f.broken = err
		}
	}()
	defer recoverDamage(&err)()
	err = f.current.Update(fn)
	ended = true
	if isFull(err) {
		return fmt.Errorf("%w: %v", ErrFull, err)
	}
	return err
}

// isFull recognises an exhausted disk, quota or MaxSize: a write or a growth of
// the file that was refused, after which bbolt has rolled back. bbolt's "file
// resize error" does not unwrap, so its text is looked at. The same error from a
// sync is another matter: the system may have dropped pages that it could not
// write, and a later sync would say nothing of them.
func isFull(err error) bool {
	if err == nil {
		return false
	}
	var p *fs.PathError
	refused := errors.As(err, &p) && p.Op == "write" && (errors.Is(p.Err, syscall.ENOSPC) || errors.Is(p.Err, atomicfile.ErrQuota))
	return refused || errors.Is(err, bolterrors.ErrMaxSizeReached) ||
		strings.Contains(err.Error(), "file resize error") && strings.Contains(err.Error(), syscall.ENOSPC.Error())
}

// acquire returns the open file to a reader, who has to release it.
func (f *File) acquire() *handle {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current.readers++
	return f.current
}

func (f *File) release(h *handle) {
	f.mu.Lock()
	h.readers--
	last := h.replaced && h.readers == 0
	f.mu.Unlock()
	if last {
		h.Close() // nothing was written to it since it was replaced
		f.replaced.Done()
	}
}

// replace lets all who come from now on use another file. The caller holds writing,
// and has acquired the file that is replaced.
func (f *File) replace(with *handle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replaced.Add(1)
	f.current.replaced = true
	f.current = with
}

// realPath returns where the file is if its path leads there through links.
func (f *File) realPath() string {
	if path, err := filepath.EvalSymlinks(f.path); err == nil {
		return path
	}
	return f.path
}

// Stat returns what the system says of the file under the path.
func (f *File) Stat() (os.FileInfo, error) {
	info, err := os.Stat(f.path)
	return info, atomicfile.Plain(err)
}

// Close waits for running transactions, and for a Compact whose context is done or
// that comes to its end, and closes the file.
func (f *File) Close() error {
	f.compacting.Lock()
	defer f.compacting.Unlock()
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.broken != nil {
		return nil // the end of the process closes the file
	}
	err := f.current.Close()
	f.replaced.Wait()
	return err
}
