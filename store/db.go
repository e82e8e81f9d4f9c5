package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/lately"
	"rollcall/store/internal/boltfile"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

// DB is an open database. Its methods may be called from any goroutine; writes
// run one after another. While it is open no other process can open the file.
type DB struct {
	path       string
	file       *boltfile.File
	options    Options
	format     int    // of the file
	unfinished []byte // how far its upgrade to that format is, nil if it is done
	id         []byte
	salt       []byte // of what is kept as a hash
	keys       *crypt.Keyring
	bad        damaged
	counters   *counters
	// encryption is what meta said of the keys when the file was opened.
	encryption crypt.State
	decryptErr error // see DecryptErr

	forgotten   tombstones
	early       earlyIndex
	channelIDs  channelIDs
	gate        atomic.Pointer[Gate]
	keptOut     lately.Map[KeptOut]
	tombstoning sync.Mutex // held while forgotten is changed, in the file and in memory
}

// view runs fn in a read transaction.
func (db *DB) view(ctx context.Context, fn func(*kv.Tx) error) (err error) {
	defer db.named(&err)
	return db.file.View(ctx, fn)
}

// update runs fn in a write transaction and commits it, synced.
func (db *DB) update(ctx context.Context, fn func(*writeTx) error) (err error) {
	defer db.named(&err)
	var began time.Time
	w := &writeTx{keys: db.keys, salt: db.salt, forgotten: &db.forgotten, bad: &db.bad, gate: db.guard(), early: &db.early, guilds: map[ID]*guildTx{}}
	err = db.file.Update(ctx, func(tx *kv.Tx) error {
		began = time.Now()
		w.tx = tx
		if err := fn(w); err != nil {
			return err
		}
		return w.flush()
	})
	switch {
	case err == nil:
		db.counters.committed(w.outcomes[:], time.Since(began))
		for _, m := range w.kept {
			db.keptOut.Add(m.message, m.why)
		}
	case errors.Is(err, ErrFull):
		db.counters.noRoom()
	}
	return err
}

// named gives an error the file's name, except for a cancelled context.
func (db *DB) named(err *error) {
	if *err != nil && !errors.Is(*err, context.Canceled) && !errors.Is(*err, context.DeadlineExceeded) {
		*err = fmt.Errorf("database %q: %w", db.path, *err)
	}
}

// Path returns the path that Open was given.
func (db *DB) Path() string { return db.path }

// Close waits for running transactions, and for a Compact whose context is done or
// that comes to its end, and closes the file.
func (db *DB) Close() error {
	if err := db.file.Close(); err != nil {
		return fmt.Errorf("close database %q: %w", db.path, err)
	}
	return nil
}

// Damaged returns how often a record was met, since Open, that cannot be read
// because its value fails its checksum or does not decode. Reads leave it out.
func (db *DB) Damaged() int64 {
	db.bad.mu.Lock()
	defer db.bad.mu.Unlock()
	return db.bad.met
}

// damaged tells of records that cannot be read, once each.
type damaged struct {
	tell func(error) // Options.Damaged
	mu   sync.Mutex
	met  int64
	told map[string]bool // by guild and key, at most damagedTold
}

const damagedTold = 1000

func (d *damaged) note(guild ID, key []byte, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.met++
	name := string(kv.U64(nil, uint64(guild))) + string(key)
	if d.tell == nil || d.told[name] || len(d.told) >= damagedTold {
		return
	}
	d.told[name] = true
	d.tell(fmt.Errorf("guild %d: %w", guild, err))
}

// Options of Open.
type Options struct {
	LockTimeout time.Duration // how long to wait for another process's lock; 0 means 2 s
	MaxSize     int64         // bytes the file may grow to; 0 means no limit
	MustExist   bool          // refuse to create the file: fs.ErrNotExist
	Key         Key           // what the database is, or a new one is to be, encrypted with; none unless set
	// ReadOnly opens the file for reading alone, and leaves it as it is. Others may open
	// it so at the same time. A file of an older format can then be copied and no more.
	ReadOnly bool
	// SkipDecrypt, with ReadOnly, opens a file that Key does not fit. If it is encrypted, its
	// texts and names read as empty; it can be copied, and checked but for them.
	SkipDecrypt bool
	// Damaged, if set, is called when a record is met that cannot be read because
	// its value fails its checksum or does not decode: once a record, and for at
	// most a thousand. It is called in a transaction and must be quick.
	Damaged func(err error)
}

// withoutKey is what is kept of the options.
func (o Options) withoutKey() Options {
	o.Key = Key{}
	return o
}

// checkLimit bounds what Check reports; one damaged page can break thousands of values.
const checkLimit = 100

type (
	// CompactOptions are what a caller of Compact may have a say in.
	CompactOptions = boltfile.CompactOptions
	// Compaction is what Compact did.
	Compaction = boltfile.Compaction
	// Replacement puts a file, usually a backup, in the place of a database.
	Replacement = boltfile.Replacement
)

// KeptSuffix ends the name under which a Replacement keeps the file that it replaces.
const KeptSuffix = boltfile.KeptSuffix

// Replace begins to replace the database at path, which may be sound, damaged or missing.
// It wraps ErrLocked if a process has it open, fs.ErrExist if a file is kept from before,
// which is not overwritten.
func Replace(path string) (*Replacement, error) { return boltfile.Replace(path) }

// Unused returns nil if nobody has the file at path open as a database, and otherwise
// ErrLocked.
func Unused(path string) error { return boltfile.Unused(path) }

// CheckDigest compares a file with the digest that it ends with. It returns false
// if there is none, as in every database that is no backup, and an error that wraps
// ErrDamaged if a single byte of it has changed.
func CheckDigest(ctx context.Context, path string) (found bool, err error) {
	return boltfile.CheckDigest(ctx, path)
}

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
func (db *DB) Compact(ctx context.Context, o CompactOptions) (done Compaction, err error) {
	defer db.named(&err)
	return db.file.Compact(ctx, o)
}

// Backup writes a consistent copy of the database as it is now, with a digest, and
// returns its size. It holds a read transaction until w has taken everything: give
// it a local file, never a slow reader.
func (db *DB) Backup(ctx context.Context, w io.Writer) (size int64, err error) {
	defer db.named(&err)
	return db.file.Backup(ctx, w)
}

// BackupSize returns the size that a Backup would have now. A compact one is smaller.
func (db *DB) BackupSize(ctx context.Context) (size int64, err error) {
	defer db.named(&err)
	return db.file.BackupSize(ctx)
}

// BackupCompact makes a copy of the database as it is now, without free pages and
// with a digest, in the empty file at path, and returns its size. The file is synced.
func (db *DB) BackupCompact(ctx context.Context, path string) (size int64, err error) {
	defer db.named(&err)
	return db.file.BackupCompact(ctx, path)
}

// Snapshot writes a consistent copy of the file as it is now and returns its
// size. It holds a read transaction until w has taken everything: give it a local
// file, never a slow reader.
func (db *DB) Snapshot(ctx context.Context, w io.Writer) (n int64, err error) {
	defer db.named(&err)
	return db.file.Snapshot(ctx, w)
}

// CheckPages verifies that the pages of the file form trees, in which each is
// found once and the keys are in order. It may take very long over a damaged file,
// and what it meets there can end the process: run it in one of its own, with a time
// limit, and never beside a writer.
func (db *DB) CheckPages(ctx context.Context) (problems []string, err error) {
	defer db.named(&err)
	return db.file.CheckPages(ctx, checkLimit)
}
