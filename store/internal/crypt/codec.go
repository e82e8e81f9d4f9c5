package crypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
)

// A text (what was said, a name, the cursor of a log file) is stored as it is, or
// encrypted:
//
//	number u8           of the key
//	nonce               12 random bytes
//	text                AES-256-GCM, as long as the text, and a tag of 16 bytes
//
// The text is bound to its bucket by the bucket's own key, and to its place by the
// associated data: the key of the value and what the value has before the text. So
// it does not open anywhere else, or after that was changed.
//
// In a record a flag says which of the two it is. Elsewhere an encrypted text
// begins with the byte 0xff, which is in no UTF-8; a text that does begin with it
// has 0xff 0 before it.
const (
	nonceSize = 12
	tagSize   = 16
	Overhead  = 1 + nonceSize + tagSize
	textMark  = 0xff
)

var (
	errForged   = errors.New("does not open: it was changed or moved, and not by rollcall")
	ErrNotPlain = errors.New("is not encrypted, though the database is")
	errNoKey    = errors.New("is encrypted with a key that the database does not name")
)

// Codec reads and writes the texts of one bucket in one transaction. It is for
// one goroutine.
type Codec struct {
	keys   *Keyring
	path   string
	last   *Master // whose cipher this is
	cipher cipher.AEAD
	random []byte // nonces to come
	bound  []byte // room for associated data
	opened []byte // and for a text
}

// Texts returns the codec of a bucket, named as in doc.go.
func (r *Keyring) Texts(path string) *Codec {
	return &Codec{keys: r, path: path}
}

// NestedTexts is Texts of a nested bucket.
func (r *Keyring) NestedTexts(bucket, name []byte) *Codec {
	return r.Texts(string(bucket) + "/" + string(name))
}

// Encrypts reports whether texts are written encrypted.
func (t *Codec) Encrypts() bool { return t.keys.Write != nil }

func (t *Codec) aead(m *Master) cipher.AEAD {
	if t.last != m {
		var err error
		if t.cipher, err = m.aead(t.path); err != nil {
			panic(err) // it did not fail when the key was taken into use
		}
		t.last = m
	}
	return t.cipher
}

// nonce draws a few at once: asking the system can cost more than encrypting.
func (t *Codec) nonce() []byte {
	if len(t.random) < nonceSize {
		t.random = make([]byte, 64*nonceSize)
		rand.Read(t.random)
	}
	n := t.random[:nonceSize]
	t.random = t.random[nonceSize:]
	return n
}

// AppendEncrypted adds a text, and what follows it, to b, encrypted as one, bound to the
// associated data (which may be a part of b).
func AppendEncrypted[T string | []byte](t *Codec, b, bound []byte, text T, more ...[]byte) []byte {
	m := t.keys.Write
	nonce := t.nonce()
	b = append(append(b, m.number), nonce...)
	n := len(b)
	b = append(b, text...)
	for _, part := range more {
		b = append(b, part...)
	}
	return t.aead(m).Seal(b[:n], nonce, b[n:], bound)
}

// Decrypt adds to b what AppendEncrypted made of a text.
func (t *Codec) Decrypt(b, bound, encrypted []byte) ([]byte, error) {
	if len(encrypted) < Overhead {
		return nil, kv.ErrBadValue
	}
	if t.keys.SkipDecrypt {
		return b, nil
	}
	m := t.keys.byNumber(encrypted[0])
	if m == nil {
		return nil, errNoKey
	}
	text, err := t.aead(m).Open(b, encrypted[1:1+nonceSize], encrypted[1+nonceSize:], bound)
	if err != nil {
		return nil, errForged
	}
	return text, nil
}

// Append adds a text to b, which holds what the value under key has before it.
func (t *Codec) Append(b, key, text []byte) []byte {
	switch {
	case t.Encrypts():
		return AppendEncrypted(t, append(b, textMark), t.Bind(key, b), text)
	case len(text) > 0 && text[0] == textMark:
		b = append(b, textMark, 0)
	}
	return append(b, text...)
}

// Read returns the text of the payload under key, which begins at an offset. It is
// a part of the payload, or overwritten by the next call.
func (t *Codec) Read(key, payload []byte, at int) ([]byte, error) {
	if at > len(payload) {
		return nil, kv.Damaged(key)
	}
	text := payload[at:]
	switch {
	case keyNumber(text) != 0:
		var err error
		t.opened, err = t.Decrypt(t.opened[:0], t.Bind(key, payload[:at]), text[1:])
		return t.opened, TextError(key, err)
	case !t.keys.Plain:
		return nil, TextError(key, ErrNotPlain)
	case len(text) > 1 && text[0] == textMark:
		text = text[2:]
	}
	return text, nil
}

// Reencrypt returns the payload under key with its text, which begins at an offset,
// encrypted with the key that is written with; nil if it is.
func (t *Codec) Reencrypt(key, payload []byte, at int) ([]byte, error) {
	text, err := t.Read(key, payload, at)
	if err != nil || keyNumber(payload[at:]) == t.WriteNumber() {
		return nil, err
	}
	return t.Append(bytes.Clone(payload[:at]), key, text), nil
}

// keyNumber returns that of the key that a text is encrypted with, 0 for none.
func keyNumber(text []byte) byte {
	if len(text) > 1 && text[0] == textMark {
		return text[1]
	}
	return 0
}

// WriteNumber is that of the key that texts are written with, 0 for none.
func (t *Codec) WriteNumber() byte {
	if t.keys.Write == nil {
		return 0
	}
	return t.keys.Write.number
}

// Bind returns the associated data of a text: its key and what its value has before it.
// The next call overwrites it.
func (t *Codec) Bind(key, head []byte) []byte {
	t.bound = append(append(t.bound[:0], key...), head...)
	return t.bound
}

// TextError wraps what is wrong with a text whose value passed its checksum.
func TextError(key []byte, err error) error {
	switch err {
	case nil:
		return nil
	case kv.ErrBadValue:
		return kv.Damaged(key)
	}
	return fmt.Errorf("%w: the value under key %x passes its checksum, but its text %w", kv.ErrDamaged, key, err)
}

// Plain reports whether texts may be stored as they are.
func (t *Codec) Plain() bool { return t.keys.Plain }

// Get returns the text of the value under key, nil if there is none. It is good until the
// codec reads again.
func (t *Codec) Get(b *bbolt.Bucket, key []byte) ([]byte, error) {
	payload, err := kv.Get(b, key)
	if err != nil || payload == nil {
		return nil, err
	}
	return t.Read(key, payload, 0)
}

// Buffer is room for a text. The next Read overwrites it.
func (t *Codec) Buffer() *[]byte { return &t.opened }
