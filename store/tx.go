package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"rollcall/internal/atomicfile"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// view runs fn in a read transaction.
func (db *DB) view(ctx context.Context, fn func(*bbolt.Tx) error) (err error) {
	return db.viewFile(ctx, func(_ *handle, tx *bbolt.Tx) error { return fn(tx) })
}

// viewFile is view for who needs the file too that the transaction reads from.
func (db *DB) viewFile(ctx context.Context, fn func(*handle, *bbolt.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer db.named(&err)
	h := db.acquire()
	defer db.release(h)
	defer recoverDamage(&err)()
	return h.View(func(tx *bbolt.Tx) error { return fn(h, tx) })
}

// update runs fn in a write transaction and commits it, synced.
func (db *DB) update(ctx context.Context, fn func(*writeTx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	defer db.named(&err)
	if db.broken != nil {
		return db.broken
	}
	if err := db.dropDigest(); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			db.broken = err
		}
	}()
	defer recoverDamage(&err)()
	start := time.Now()
	w := &writeTx{keys: db.keys, salt: db.salt, forgotten: &db.forgotten, bad: &db.bad, guilds: map[ID]*guildTx{}}
	err = db.bolt.Update(func(tx *bbolt.Tx) error {
		w.tx = tx
		if err := fn(w); err != nil {
			return err
		}
		return w.flush()
	})
	ended = true
	if err == nil {
		db.counters.committed(w, time.Since(start))
	}
	if isFull(err) {
		db.counters.noRoom()
		return fmt.Errorf("%w: %v", ErrFull, err)
	}
	return err
}

// named gives an error the file's name, except for a cancelled context.
func (db *DB) named(err *error) {
	if *err != nil && !errors.Is(*err, context.Canceled) && !errors.Is(*err, context.DeadlineExceeded) {
		*err = fmt.Errorf("database %q: %w", db.path, *err)
	}
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

// writeTx is a write transaction: it puts records at once and gathers what they
// change elsewhere, which flush writes in order, each key once.
type writeTx struct {
	tx        *bbolt.Tx
	keys      *keyring
	salt      []byte
	forgotten *tombstones
	bad       *damaged
	guilds    map[ID]*guildTx
	arena     arena
	// outcomes are counted by Source, and into Stats once the transaction stands.
	outcomes [SourceImport + 1]Outcomes
}

// arena hands out the memory of keys and values, which bbolt keeps until the
// transaction ends.
type arena struct{ free []byte }

// take returns an empty slice with room for n bytes.
func (a *arena) take(n int) []byte {
	if n > cap(a.free)-len(a.free) {
		if n > 1<<16 {
			return make([]byte, 0, n)
		}
		a.free = make([]byte, 0, 1<<18)
	}
	b := a.free[len(a.free) : len(a.free) : len(a.free)+n]
	a.free = a.free[:len(a.free)+n]
	return b
}

// put stores payload under key with its checksum. The payload is copied.
func (w *writeTx) put(b *bbolt.Bucket, key, payload []byte) error {
	value := append(w.arena.take(len(payload)+checksumSize), payload...)
	return b.Put(key, seal(key, value))
}

// get returns the payload under key, nil if there is none.
func get(b *bbolt.Bucket, key []byte) ([]byte, error) {
	value := b.Get(key)
	if value == nil {
		return nil, nil
	}
	payload, ok := unseal(key, value)
	if !ok {
		return nil, damagedValue(key)
	}
	return payload, nil
}

// getText returns the text under key, nil if there is none. It is good until the
// codec reads again.
func getText(b *bbolt.Bucket, t *textCodec, key []byte) ([]byte, error) {
	payload, err := get(b, key)
	if err != nil || payload == nil {
		return nil, err
	}
	return t.read(key, payload, 0)
}

func damagedValue(key []byte) error {
	return fmt.Errorf("%w: the value under key %x fails its checksum", ErrDamaged, key)
}
