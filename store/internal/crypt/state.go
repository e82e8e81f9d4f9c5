package crypt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
)

// The keys of the bucket meta under which the state and the salt are.
var (
	stateKey = []byte("encryption")
	SaltKey  = []byte("salt")
)

const metaPath = "meta"

// Errors of a key that does not fit.
var (
	// ErrKeyMissing, ErrKeyWrong: the database is encrypted, and not with the key
	// that was given. ErrNotEncrypted: it is not, and a key was given.
	ErrKeyMissing   = errors.New("it is encrypted, with key")
	ErrKeyWrong     = errors.New("it is encrypted with key")
	ErrNotEncrypted = errors.New("it is not encrypted")
	// ErrRekeying: a change of the key has begun and must be finished first.
	ErrRekeying = errors.New("a change of its key was not finished")
)

// Mark is how the file knows a key: by its id, and in values by its number.
type Mark struct {
	Number byte   `json:"number"` // from 1 on
	ID     []byte `json:"id"`
}

// Name names the key to people; it is "none" for no key.
func (m *Mark) Name() string {
	if m == nil {
		return "none"
	}
	return hex.EncodeToString(m.ID[:min(4, len(m.ID))])
}

// Next returns how a file that knows m is to know another key.
func (m *Mark) Next(k Key) *Mark {
	number := byte(1)
	if m != nil && m.Number != 255 {
		number = m.Number + 1
	}
	return &Mark{number, k.id()}
}

// Is reports whether m is that of a key; nil is that of no key.
func (m *Mark) Is(k Key) bool {
	if m == nil || !k.IsSet() {
		return m == nil && !k.IsSet()
	}
	return bytes.Equal(m.ID, k.id())
}

// State is what meta says of the keys; the zero value, and none at all: texts
// are stored as they are.
type State struct {
	Key   *Mark     `json:"key,omitempty"`
	Rekey *Rekeying `json:"rekey,omitempty"`
}

// Rekeying is a change of the key that has begun. All texts up to and with the one
// under the key At of the bucket In are done.
type Rekeying struct {
	To      *Mark  `json:"to,omitempty"`
	In      string `json:"in,omitempty"`
	At      []byte `json:"at,omitempty"`
	Done    int64  `json:"done"` // texts that were seen to, those that cannot be read among them
	Damaged int64  `json:"damaged,omitempty"`
}

// Add counts texts that were seen to.
func (r *Rekeying) Add(done, damaged int) {
	r.Done += int64(done)
	r.Damaged += int64(damaged)
}

// Unfinished is the error of a file that is to be opened while a change has begun.
func (e State) Unfinished() error {
	return fmt.Errorf("%w (from %s to %s)", ErrRekeying, e.Key.Name(), e.Rekey.To.Name())
}

// Fits returns nil if the key is what texts are encrypted with.
func (e State) Fits(k Key) error {
	switch {
	case e.Key == nil && k.IsSet():
		return ErrNotEncrypted
	case e.Key != nil && !k.IsSet():
		return fmt.Errorf("%w %s", ErrKeyMissing, e.Key.Name())
	case !e.Key.Is(k):
		return fmt.Errorf("%w %s, not with %s", ErrKeyWrong, e.Key.Name(), k.ID())
	}
	return nil
}

// ReadState reads the state out of the bucket meta.
func ReadState(meta *bbolt.Bucket) (e State, err error) {
	payload, err := kv.Get(meta, stateKey)
	if err == nil && payload != nil {
		err = kv.DecodeJSON(stateKey, payload, &e)
	}
	return e, err
}

// WriteState writes it.
func WriteState(meta *bbolt.Bucket, e State) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return meta.Put(stateKey, kv.Seal(stateKey, payload))
}

// SaltSize is the length of a database's salt in bytes. The salt is what the keys of log lines, of channels by name, and of those who
// were forgotten are made with. It stays the same for ever, so that those keys do,
// and is as secret as the texts: encrypted when they are, and told apart by its size.
const SaltSize = 16

// ReadSalt reads the salt out of the bucket meta.
func ReadSalt(meta *bbolt.Bucket, keys *Keyring) ([]byte, error) {
	salt, err := kv.Get(meta, SaltKey)
	if err == nil && len(salt) != SaltSize {
		salt, err = keys.Texts(metaPath).Decrypt(nil, SaltKey, salt)
		err = TextError(SaltKey, err)
	}
	return bytes.Clone(salt), err
}

// WriteSalt writes it, encrypted if the keyring encrypts.
func WriteSalt(meta *bbolt.Bucket, keys *Keyring, salt []byte) error {
	payload := bytes.Clone(salt)
	if keys.Write != nil {
		payload = AppendEncrypted(keys.Texts(metaPath), nil, SaltKey, salt)
	}
	return meta.Put(SaltKey, kv.Seal(SaltKey, payload))
}
