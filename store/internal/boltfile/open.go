package boltfile

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/kv"
)

// handle is an open file. Compact puts another one in its place; then whoever reads
// from it goes on, and the last of them closes it.
type handle struct {
	*bbolt.DB
	file     *os.File // bbolt's own, to read whole pages from
	pageSize int
	readers  int // guarded by File.mu, as is the next one
	replaced bool
}

// addressSpace is what the map of the file may grow to without being moved.
// Moving it waits for all readers, and all new readers wait for it.
const addressSpace = 64 << 30

// openBolt opens a file that is there; an empty one becomes a bbolt file with
// pages of pageSize bytes (0: the machine's own).
func openBolt(path string, o Options, pageSize int) (*handle, error) {
	if o.LockTimeout == 0 {
		o.LockTimeout = 2 * time.Second
	}
	space := initialMap()
	for {
		h, opened, err := openLocked(path, o, pageSize, space)
		if errors.Is(err, syscall.ENOMEM) && space > 0 {
			// There is a limit (ulimit -v, a container, an emulator): the map grows
			// with the file then, and is moved when it does.
			space = 0
			continue
		}
		if opened == nil || errors.Is(err, atomicfile.ErrLocked) {
			return nil, err
		}
		// Who held the lock until now may have put another file in the place of
		// this one, as Compact and Replace do.
		there, statErr := os.Stat(path)
		if statErr == nil && os.SameFile(there, opened) {
			return h, err
		}
		if err == nil {
			h.Close()
		}
		if statErr != nil {
			return nil, atomicfile.Plain(statErr)
		}
	}
}

// openLocked opens a file once it has the lock on it, and tells which one that was.
func openLocked(path string, o Options, pageSize, space int) (h *handle, opened os.FileInfo, err error) {
	h = new(handle)
	defer func() {
		if err != nil && h.file != nil {
			h.file.Close() // bbolt does not when it panics
			h = nil
		}
	}()
	defer recoverDamage(&err)()
	h.DB, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         o.LockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: space,
		MaxSize:         int(o.MaxSize),
		PageSize:        pageSize,
		ReadOnly:        o.ReadOnly,
		// A file that vanished between Stat and here must not be made anew, empty.
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			if f, err = os.OpenFile(name, flag&^os.O_CREATE, mode); err != nil {
				return nil, err
			}
			h.file = f
			opened, err = f.Stat()
			return f, err
		},
	})
	switch {
	case err == nil:
		h.pageSize = h.Info().PageSize
	case errors.Is(err, bolterrors.ErrTimeout):
		err = atomicfile.ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		err = fmt.Errorf("%w: not a bbolt file (%v)", kv.ErrDamaged, err)
	case errors.As(err, new(*os.PathError)):
		err = atomicfile.Plain(err)
	case errors.Is(err, syscall.ENOMEM):
		err = fmt.Errorf("the file does not fit into the address space that this process may have: %w", err)
	default:
		err = fmt.Errorf("%w: %v", kv.ErrDamaged, err)
	}
	return h, opened, err
}

// initialMap is 0 on Windows, where the file would be made as large as its map,
// and where addresses have 32 bits.
func initialMap() int {
	if runtime.GOOS == "windows" || math.MaxInt == math.MaxInt32 {
		return 0
	}
	space := int64(addressSpace) // too large for a constant int where this is not reached
	return int(space)
}

// recoverDamage turns what bbolt does on damaged pages (it panics, or reads
// beyond a truncated file: SIGBUS) into kv.ErrDamaged. To be deferred as
// recoverDamage(&err)().
func recoverDamage(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		switch r := recover().(type) {
		case nil:
		case runtime.Error: // a page that is not there, or that leads nowhere
			*err = fmt.Errorf("%w: its pages cannot be read (%v)", kv.ErrDamaged, r)
		default:
			*err = fmt.Errorf("%w: %v", kv.ErrDamaged, r)
		}
	}
}
