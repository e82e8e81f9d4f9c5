package boltfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/internal/atomicfile"
)

// CompactOptions are what a caller of Compact may have a say in.
type CompactOptions struct {
	// Check, if set, judges the new file before it takes the place of the old one,
	// and may take its time. It must not write to it.
	Check func(ctx context.Context, path string) error
	// Progress, if set, is told every few megabytes how many bytes are copied, of at
	// most so many. Its error ends the compaction.
	Progress func(done, most int64) error
}

// Compaction is what Compact did.
type Compaction struct {
	Before, After int64         // bytes of the file
	Paused        time.Duration // how long writers had to wait
}

// A compaction makes up for what was written meanwhile, until that is little, and
// then once more while nobody writes.
const (
	compactRounds = 10
	compactLittle = 5000 // keys
)

// Compact writes all that is stored into a new file, without the free pages between
// and the text that is still on them, and puts it in the place of the old one. Others
// read and write meanwhile; only at the end writers wait, while the last changes
// are copied and synced. What is deleted while Compact runs may be on a free page
// of the new file.
//
// Whatever is killed, there is a whole database under its name: the old one, or the
// new one with all that was ever acknowledged. After an error the old one is in its
// place and goes on, except if the folder cannot be synced: then it is not known
// which one is there after a loss of power, every later write fails, and the process
// should end.
//
// It wraps ErrBusy if another Compact runs, and errors.ErrUnsupported on Windows,
// where a file cannot be replaced while it is open.
func (f *File) Compact(ctx context.Context, o CompactOptions) (done Compaction, err error) {
	if runtime.GOOS == "windows" {
		return done, fmt.Errorf("%w: a file that is open cannot be replaced here; make a compact backup and restore it", errors.ErrUnsupported)
	}
	if f.options.ReadOnly {
		return done, errors.New("it is open for reading alone")
	}
	if !f.compacting.TryLock() {
		return done, fmt.Errorf("%w: it is being compacted", ErrBusy)
	}
	defer f.compacting.Unlock()
	h := f.acquire()
	defer f.release(h)
	defer recoverDamage(&err)()

	path := f.realPath()
	before, err := h.file.Stat()
	if err != nil {
		return done, atomicfile.Plain(err)
	}
	made, err := atomicfile.CreateReplacement(path)
	if err != nil {
		return done, err
	}
	defer made.Discard()
	if err := atomicfile.InheritOwner(made.File, before); err != nil {
		return done, err
	}
	c, err := newCopier(ctx, h, made.Name(), f.options)
	if err != nil {
		return done, err
	}
	defer c.close()
	m := &compaction{copier: c, file: f}
	defer m.unpin()
	if err := m.copy(o); err != nil {
		return done, err
	}
	if done.Paused, err = m.takePlace(path); err != nil {
		return done, err
	}
	after, err := os.Stat(path)
	if err != nil {
		return done, atomicfile.Plain(err)
	}
	done.Before, done.After = before.Size(), after.Size()
	return done, nil
}

// compaction is a copy that has to catch up with its original.
type compaction struct {
	*copier
	file   *File
	pinned *bbolt.Tx // what was copied
}

// pin begins a transaction that sees what is there now.
func (m *compaction) pin() (err error) {
	m.pinned, err = m.from.Begin(false)
	return err
}

func (m *compaction) unpin() {
	if m.pinned != nil {
		m.pinned.Rollback()
		m.pinned = nil
	}
}

// copy copies all that is there, lets it be checked, and what came meanwhile.
func (m *compaction) copy(o CompactOptions) error {
	if err := m.pin(); err != nil {
		return err
	}
	if o.Progress != nil {
		most := m.pinned.Size()
		m.progress = func(done int64) error { return o.Progress(min(done, most), most) }
	}
	m.hasty()
	if err := m.all(nil, root(m.pinned)); err != nil {
		return err
	}
	if err := errors.Join(m.commit(), m.synced()); err != nil {
		return err
	}
	m.progress = nil
	// The longer a transaction is pinned, the more pages wait to be used again, and
	// each commit writes a list of them.
	if err := m.catchUp(); err != nil {
		return err
	}
	if o.Check == nil {
		return nil
	}
	if err := m.close(); err != nil {
		return err
	}
	if err := o.Check(m.ctx, m.path); err != nil {
		return fmt.Errorf("the compacted file: %w", err)
	}
	if err := m.open(); err != nil {
		return err
	}
	return m.catchUp()
}

// catchUp copies what came meanwhile, until that is little.
func (m *compaction) catchUp() error {
	for range compactRounds {
		d, err := m.since(m.pinned)
		if err != nil {
			return err
		}
		if err := m.follow(d); err != nil {
			return err
		}
		if m.changes < compactLittle {
			break
		}
	}
	return nil
}

// follow makes an update to what is there now, which is then what was copied.
func (m *compaction) follow(d *difference) error {
	was := m.pinned
	defer was.Rollback()
	if err := m.pin(); err != nil {
		return err
	}
	return d.update(m.pinned)
}

// takePlace lets writers wait, copies their last changes and puts the new file in
// the place of the old one, on the disk and in the DB.
func (m *compaction) takePlace(path string) (paused time.Duration, err error) {
	d, err := m.since(m.pinned)
	if err != nil {
		return 0, err
	}
	f := m.file
	f.writing.Lock()
	defer f.writing.Unlock()
	began := time.Now()
	if f.broken != nil {
		return 0, f.broken
	}
	m.urgent = true
	if err := m.follow(d); err != nil {
		return 0, err
	}
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	if err := os.Rename(m.path, path); err != nil {
		return 0, atomicfile.Plain(err)
	}
	// From here on the new file is the database. It is open, and locked, already.
	m.to.AllocSize = m.from.AllocSize
	f.replace(m.to)
	f.digest = false
	m.to = nil
	if err := atomicfile.SyncFolder(filepath.Dir(path)); err != nil {
		f.broken = err
		return 0, err
	}
	return time.Since(began), nil
}
