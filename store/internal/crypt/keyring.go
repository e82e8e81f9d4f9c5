package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"sync"
)

// Master is a key in use in one database.
type Master struct {
	number byte
	secret []byte   // of the key and the database's id; all else follows from it
	aeads  sync.Map // what aead has made, by path: two of each guild, a kilobyte each
}

// Master takes the key into use in a database, under a number. It fails only where the system's policy forbids the cipher.
func (k Key) Master(database []byte, number byte) (*Master, error) {
	secret, err := hkdf.Extract(sha256.New, k.bytes(), database)
	if err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	m := &Master{number: number, secret: secret}
	if _, err := m.aead(""); err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	return m, nil
}

// aead returns the cipher of one bucket's texts. It has a key of its own, so that
// a value which was moved to another bucket does not open, and so that random
// nonces of 96 bits are enough: they must not repeat under one key.
func (m *Master) aead(path string) (cipher.AEAD, error) {
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

// Keyring holds the keys of a database in use.
type Keyring struct {
	Write       *Master   // what texts are encrypted with; nil: they are stored as they are
	Read        []*Master // what texts may be encrypted with
	Plain       bool      // texts may be stored as they are
	SkipDecrypt bool      // those that are encrypted are not opened, and read as empty
}

// NewKeyring returns a keyring that reads and writes with one key, or without if m is nil.
func NewKeyring(m *Master) *Keyring {
	if m == nil {
		return &Keyring{Plain: true}
	}
	return &Keyring{Write: m, Read: []*Master{m}}
}

func (r *Keyring) byNumber(number byte) *Master {
	for _, m := range r.Read {
		if m.number == number {
			return m
		}
	}
	return nil
}
