package crypt

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// Key is what a database is encrypted with: 32 random bytes. The zero Key is none.
// It holds them as a pointer to a string, of which fmt prints the address alone, even
// where it does not ask for String.
type Key struct{ secret *string }

const (
	keySize   = 32
	keyIDSize = 16
)

// ErrBadKey says that a text is no key. It does not hold the text.
var ErrBadKey = errors.New("not a key: want 32 bytes in base64 or hexadecimal on one line")

// NewKey makes a key.
func NewKey() Key {
	random := make([]byte, keySize)
	rand.Read(random)
	return keyOf(random)
}

func keyOf(b []byte) Key {
	secret := string(b)
	return Key{&secret}
}

// bytes are those of a key that is set.
func (k Key) bytes() []byte { return []byte(*k.secret) }

// ParseKey reads a key as Encode writes it, as base64 of any kind, or as 64
// hexadecimal digits; white space around it is ignored.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	var secret []byte
	var err error
	if len(text) == hex.EncodedLen(keySize) {
		secret, err = hex.DecodeString(text)
	} else {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		secret, err = base64.RawStdEncoding.Strict().DecodeString(text)
	}
	if err != nil || len(secret) != keySize {
		return Key{}, ErrBadKey
	}
	return keyOf(secret), nil
}

// Encode returns the key itself, in base64: what a key file holds.
func (k Key) Encode() string { return base64.StdEncoding.EncodeToString(k.bytes()) }

// IsSet reports whether there is a key.
func (k Key) IsSet() bool { return k.secret != nil }

// ID names the key to people without giving it away: eight hexadecimal digits, ""
// for none.
func (k Key) ID() string {
	if !k.IsSet() {
		return ""
	}
	return (&Mark{ID: k.id()}).Name()
}

// String is ID, so that a key that is printed is only named.
func (k Key) String() string { return k.ID() }

// id tells keys apart: a wrong one is found without trying it on a text.
func (k Key) id() []byte {
	id, err := hkdf.Key(sha256.New, k.bytes(), nil, "rollcall: the id of a key", keyIDSize)
	if err != nil {
		panic(err) // the sizes are right
	}
	return id
}
