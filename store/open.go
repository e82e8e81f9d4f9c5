package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/atomicfile"
	"rollcall/internal/lately"
	"rollcall/store/internal/boltfile"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

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

// DB is an open database. Its methods may be called from any goroutine; writes
// run one after another. While it is open no other process can open the file.
type DB struct {
	path     string
	file     *boltfile.File
	options  Options
	format   int // of the file when it was opened
	id       []byte
	salt     []byte // of what is kept as a hash
	keys     *crypt.Keyring
	bad      damaged
	counters *counters
	// encryption is what meta said of the keys when the file was opened.
	encryption crypt.State
	decryptErr error // see DecryptErr

	forgotten  tombstones
	early      earlyIndex
	channelIDs channelIDs
	gate       atomic.Pointer[Gate]
	keptOut    lately.Map[KeptOut]
	burying    sync.Mutex // held while forgotten is changed, in the file and in memory
}

const databaseIDSize = 16

// Open opens the database at path and creates it if there is none.
//
// The error says what is wrong with which file. It wraps ErrLocked if another
// process holds the file, ErrDamaged if the file is not a sound rollcall
// database (it is left as it is), fs.ErrNotExist with Options.MustExist. It wraps
// ErrKeyMissing, ErrKeyWrong, ErrNotEncrypted or ErrRekeying if Options.Key is not
// what the file is encrypted with.
func Open(path string, o Options) (*DB, error) {
	db, err := open(path, o)
	if err == nil {
		if err = db.start(o.Key); err == nil {
			return db, nil
		}
		db.file.Close()
	}
	return nil, fmt.Errorf("open database %q: %w", path, err)
}

// open opens the file and makes sure that it is ours.
func open(path string, o Options) (*DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !o.MustExist && !o.ReadOnly:
		if err := boltfile.Create(path, func(tx *kv.Tx) error { return writeMeta(tx, o.Key) }); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	case err != nil:
		return nil, atomicfile.Plain(err)
	case info.IsDir():
		return nil, errors.New("it is a folder; name a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() == 0:
		return nil, fmt.Errorf("%w: the file is empty", ErrDamaged)
	}
	file, err := boltfile.Open(path, boltfile.Options{LockTimeout: o.LockTimeout, MaxSize: o.MaxSize, ReadOnly: o.ReadOnly})
	if err != nil {
		return nil, err
	}
	db := &DB{file: file, path: path, options: o.withoutKey(), bad: damaged{tell: o.Damaged, told: map[string]bool{}}, counters: newCounters()}
	db.keptOut.Most = keptOutMost
	if err := db.verify(); err != nil {
		file.Close()
		return nil, err
	}
	return db, nil
}

func writeMeta(tx *kv.Tx, k Key) error {
	for _, name := range topBuckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	for _, name := range stateBuckets {
		if _, err := tx.Bucket(bucketState).CreateBucket(name); err != nil {
			return err
		}
	}
	random := make([]byte, databaseIDSize+crypt.SaltSize)
	rand.Read(random)
	id, salt := random[:databaseIDSize], random[databaseIDSize:]
	meta := tx.Bucket(bucketMeta)
	for _, v := range []struct{ key, value []byte }{
		{keyFormat, kv.U32(nil, formatVersion)},
		{keyDatabaseID, id},
		{keyCreated, kv.U64(nil, uint64(MicrosOf(time.Now())))},
	} {
		if err := meta.Put(v.key, kv.Seal(v.key, v.value[:len(v.value):len(v.value)])); err != nil {
			return err
		}
	}
	if !k.IsSet() {
		return crypt.WriteSalt(meta, crypt.NewKeyring(nil), salt)
	}
	mark := (*crypt.Mark)(nil).Next(k)
	m, err := k.Master(id, mark.Number)
	if err != nil {
		return err
	}
	return errors.Join(crypt.WriteState(meta, crypt.State{Key: mark}), crypt.WriteSalt(meta, crypt.NewKeyring(m), salt))
}

// verify checks that the file is ours, whole and of a format that we know.
func (db *DB) verify() (err error) {
	return db.file.View(context.Background(), func(tx *kv.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			return fmt.Errorf("%w: it is the bbolt file of another program", ErrDamaged)
		}
		version, ok1 := metaValue(meta, keyFormat, 4)
		id, ok2 := metaValue(meta, keyDatabaseID, databaseIDSize)
		if !ok1 || !ok2 {
			return fmt.Errorf("%w: it is the bbolt file of another program, or its first bucket is damaged", ErrDamaged)
		}
		db.format, db.id = int(binary.BigEndian.Uint32(version)), append([]byte(nil), id...)
		if db.format > formatVersion {
			return fmt.Errorf("it was written by a newer rollcall (format %d, this one knows %d): use that one", db.format, formatVersion)
		}
		if db.format < 1 {
			return fmt.Errorf("%w: format %d", ErrDamaged, db.format)
		}
		db.encryption, err = crypt.ReadState(meta)
		return err
	})
}

func (db *DB) verifyBuckets(tx *kv.Tx) error {
	for _, name := range topBuckets {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
		}
	}
	for _, name := range stateBuckets {
		if tx.Bucket(bucketState).Bucket(name) == nil {
			return fmt.Errorf("%w: bucket state/%s is missing", ErrDamaged, name)
		}
	}
	return nil
}

func metaValue(meta *kv.Bucket, key []byte, size int) ([]byte, bool) {
	value, ok := kv.Unseal(key, meta.Get(key))
	return value, ok && len(value) == size
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
