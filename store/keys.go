package store

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"
)

// keyMark is how the file knows a key: by its id, and in values by its number.
type keyMark struct {
	Number byte   `json:"number"` // from 1 on
	ID     []byte `json:"id"`
}

// name is "none" for no key.
func (m *keyMark) name() string {
	if m == nil {
		return "none"
	}
	return hex.EncodeToString(m.ID[:min(4, len(m.ID))])
}

// next is how a file that knows m is to know another key.
func (m *keyMark) next(k Key) *keyMark {
	number := byte(1)
	if m != nil && m.Number != 255 {
		number = m.Number + 1
	}
	return &keyMark{number, k.id()}
}

func (m *keyMark) is(k Key) bool {
	if m == nil || !k.IsSet() {
		return m == nil && !k.IsSet()
	}
	return bytes.Equal(m.ID, k.id())
}

// encryption is what meta says of the keys; the zero value, and none at all: texts
// are stored as they are.
type encryption struct {
	Key   *keyMark  `json:"key,omitempty"`
	Rekey *rekeying `json:"rekey,omitempty"`
}

// rekeying is a change of the key that has begun. All texts up to and with the one
// under the key At of the bucket In are done.
type rekeying struct {
	To      *keyMark `json:"to,omitempty"`
	In      string   `json:"in,omitempty"`
	At      []byte   `json:"at,omitempty"`
	Done    int64    `json:"done"` // texts that were seen to, those that cannot be read among them
	Damaged int64    `json:"damaged,omitempty"`
}

func (r *rekeying) add(done, damaged int) {
	r.Done += int64(done)
	r.Damaged += int64(damaged)
}

func (e encryption) unfinished() error {
	return fmt.Errorf("%w (from %s to %s)", ErrRekeying, e.Key.name(), e.Rekey.To.name())
}

// fits says whether the key is what texts are encrypted with.
func (e encryption) fits(k Key) error {
	switch {
	case e.Key == nil && k.IsSet():
		return ErrNotEncrypted
	case e.Key != nil && !k.IsSet():
		return fmt.Errorf("%w %s", ErrKeyMissing, e.Key.name())
	case !e.Key.is(k):
		return fmt.Errorf("%w %s, not with %s", ErrKeyWrong, e.Key.name(), k.ID())
	}
	return nil
}

func readEncryption(meta *bbolt.Bucket) (e encryption, err error) {
	payload, err := get(meta, keyEncryption)
	if err == nil && payload != nil {
		err = decodeJSON(keyEncryption, payload, &e)
	}
	return e, err
}

func writeEncryption(meta *bbolt.Bucket, e encryption) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return meta.Put(keyEncryption, seal(keyEncryption, payload))
}

// master is a key in use in one database.
type master struct {
	number byte
	secret []byte   // of the key and the database's id; all else follows from it
	aeads  sync.Map // what aead has made, by path: two of each guild, a kilobyte each
}

// master fails only where the system's policy forbids the cipher.
func (k Key) master(database []byte, number byte) (*master, error) {
	secret, err := hkdf.Extract(sha256.New, k.bytes(), database)
	if err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	m := &master{number: number, secret: secret}
	if _, err := m.aead(""); err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	return m, nil
}

// aead returns the cipher of one bucket's texts. It has a key of its own, so that
// a value which was moved to another bucket does not open, and so that random
// nonces of 96 bits are enough: they must not repeat under one key.
func (m *master) aead(path string) (cipher.AEAD, error) {
	if a, ok := m.aeads.Load(path); ok {
		return a.(cipher.AEAD), nil
	}
	key, err := hkdf.Expand(sha256.New, m.secret, "rollcall: the texts of "+path, keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	a, err := cipher.NewGCM(block)
	if err == nil {
		m.aeads.Store(path, a)
	}
	return a, err
}

// keyring holds the keys of a database in use.
type keyring struct {
	write *master   // what texts are encrypted with; nil: they are stored as they are
	read  []*master // what texts may be encrypted with
	plain bool      // texts may be stored as they are
	blind bool      // those that are encrypted are not opened, and read as empty
}

func newKeyring(m *master) *keyring {
	if m == nil {
		return &keyring{plain: true}
	}
	return &keyring{write: m, read: []*master{m}}
}

func (r *keyring) byNumber(number byte) *master {
	for _, m := range r.read {
		if m.number == number {
			return m
		}
	}
	return nil
}

// start makes an open file ready for use with a key.
func (db *DB) start(k Key) (err error) {
	err = db.encryption.fits(k)
	if db.encryption.Rekey != nil {
		err = db.encryption.unfinished()
	}
	blind := db.options.ReadOnly && db.options.Blind
	switch {
	case blind && errors.Is(err, ErrNotEncrypted):
		k = Key{} // nothing to be opened
	case blind && err != nil:
		db.unopened = err
		db.keys = &keyring{blind: true, plain: db.encryption.Rekey != nil}
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

// Unopened says why the texts of a file that was opened blind read as empty, nil if
// they do not.
func (db *DB) Unopened() error { return db.unopened }

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
	return db.file.View(context.Background(), db.forgotten.load)
}

// useKey takes the key that fits into use and reads the salt with it.
func (db *DB) useKey(k Key) error {
	var m *master
	if k.IsSet() {
		var err error
		if m, err = k.master(db.id, db.encryption.Key.Number); err != nil {
			return err
		}
	}
	db.keys = newKeyring(m)
	return db.file.View(context.Background(), func(tx *bbolt.Tx) (err error) {
		db.salt, err = readSalt(tx.Bucket(bucketMeta), db.keys)
		return err
	})
}

// The salt is what the keys of log lines, of channels by name, and of those who
// were forgotten are made with. It stays the same for ever, so that those keys do,
// and is as secret as the texts: encrypted when they are, and told apart by its size.
const saltSize = 16

func readSalt(meta *bbolt.Bucket, keys *keyring) ([]byte, error) {
	salt, err := get(meta, keySalt)
	if err == nil && len(salt) != saltSize {
		salt, err = keys.texts(string(bucketMeta)).decrypt(nil, keySalt, salt)
		err = badText(keySalt, err)
	}
	return bytes.Clone(salt), err
}

func writeSalt(meta *bbolt.Bucket, keys *keyring, salt []byte) error {
	payload := bytes.Clone(salt)
	if keys.write != nil {
		payload = appendEncrypted(keys.texts(string(bucketMeta)), nil, keySalt, salt, nil)
	}
	return meta.Put(keySalt, seal(keySalt, payload))
}

// KeyID names the key that the texts are encrypted with, as Key.ID does; "" if they
// are not encrypted.
func (db *DB) KeyID() string {
	if db.encryption.Key == nil {
		return ""
	}
	return db.encryption.Key.name()
}
