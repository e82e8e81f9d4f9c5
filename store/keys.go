package store

import (
	"context"
	"errors"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

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
		db.keys = &crypt.Keyring{SkipDecrypt: true, Plain: db.encryption.Rekey != nil}
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

// DecryptErr says why the texts of a file that was opened with SkipDecrypt read as empty, nil if
// they do not.
func (db *DB) DecryptErr() error { return db.decryptErr }

// ready takes the key that fits into use and brings an older format up to date.
func (db *DB) ready(k Key) error {
	if err := db.useKey(k); err != nil {
		return err
	}
	if err := db.upgrade(db.format); err != nil {
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
