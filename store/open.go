package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/boltfile"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

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
		if value := meta.Get(keyUpgrade); value != nil {
			at, ok := kv.Unseal(keyUpgrade, value)
			if !ok || len(at) == 0 || db.format < 2 {
				return kv.Damaged(keyUpgrade)
			}
			db.unfinished = bytes.Clone(at)
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

// start makes an open file ready for use with a key.
func (db *DB) start(k Key) (err error) {
	err = db.encryption.Fits(k)
	if db.encryption.Rekey != nil {
		err = db.encryption.Unfinished()
	}
	skip := db.options.ReadOnly && db.options.SkipDecrypt
	switch {
	case skip && errors.Is(err, ErrNotEncrypted):
		k = Key{} // nothing to be opened
	case skip && err != nil:
		db.decryptErr = err
		db.keys = db.unopened()
		if db.OldFormat() {
			return nil
		}
		return db.file.View(context.Background(), db.verifyBuckets)
	case err != nil:
		return err
	}
	if db.OldFormat() {
		return nil
	}
	return db.ready(k)
}

// unopened returns the keys of a file whose own are not at hand.
func (db *DB) unopened() *crypt.Keyring {
	return &crypt.Keyring{SkipDecrypt: true, Plain: db.encryption.Rekey != nil}
}

// DecryptErr says why the texts of a file that was opened with SkipDecrypt read as empty, nil if
// they do not.
func (db *DB) DecryptErr() error { return db.decryptErr }

// ready takes the key that fits into use and brings an older format up to date.
func (db *DB) ready(k Key) error {
	if err := db.useKey(k); err != nil {
		return err
	}
	if err := db.upgrade(); err != nil {
		return err
	}
	if err := db.file.View(context.Background(), db.verifyBuckets); err != nil {
		return err
	}
	db.forgotten.salt = db.salt
	return db.file.View(context.Background(), func(tx *kv.Tx) error {
		return errors.Join(db.forgotten.load(tx), db.early.load(tx))
	})
}

// useKey takes the key that fits into use and reads the salt with it.
func (db *DB) useKey(k Key) error {
	var m *crypt.Master
	if k.IsSet() {
		var err error
		if m, err = k.Master(db.id, db.encryption.Key.Number); err != nil {
			return err
		}
	}
	db.keys = crypt.NewKeyring(m)
	return db.file.View(context.Background(), func(tx *kv.Tx) (err error) {
		db.salt, err = crypt.ReadSalt(tx.Bucket(bucketMeta), db.keys)
		return err
	})
}

// KeyID names the key that the texts are encrypted with, as Key.ID does; "" if they
// are not encrypted.
func (db *DB) KeyID() string {
	if db.encryption.Key == nil {
		return ""
	}
	return db.encryption.Key.Name()
}
