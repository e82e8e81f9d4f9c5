package store

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
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
	nonceSize    = 12
	tagSize      = 16
	textOverhead = 1 + nonceSize + tagSize
	textMark     = 0xff
)

var (
	errForged   = errors.New("does not open: it was changed or moved, and not by rollcall")
	errNotPlain = errors.New("is not encrypted, though the database is")
	errNoKey    = errors.New("is encrypted with a key that the database does not name")
)

// textCodec reads and writes the texts of one bucket in one transaction. It is for
// one goroutine.
type textCodec struct {
	keys   *keyring
	path   string
	last   *master // whose cipher this is
	cipher cipher.AEAD
	random []byte // nonces to come
	bound  []byte // room for associated data
	opened []byte // and for a text
}

// texts returns the codec of a bucket, named as in doc.go.
func (r *keyring) texts(path string) *textCodec {
	return &textCodec{keys: r, path: path}
}

// nestedTexts is texts of a nested bucket.
func (r *keyring) nestedTexts(bucket, name []byte) *textCodec {
	return r.texts(string(bucket) + "/" + string(name))
}

func (t *textCodec) encrypts() bool { return t.keys.write != nil }

func (t *textCodec) aead(m *master) cipher.AEAD {
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
func (t *textCodec) nonce() []byte {
	if len(t.random) < nonceSize {
		t.random = make([]byte, 64*nonceSize)
		rand.Read(t.random)
	}
	n := t.random[:nonceSize]
	t.random = t.random[nonceSize:]
	return n
}

// appendEncrypted adds a text, and what follows it, to b, encrypted as one, bound to the
// associated data (which may be a part of b).
func appendEncrypted[T string | []byte](t *textCodec, b, bound []byte, text T, more []byte) []byte {
	m := t.keys.write
	nonce := t.nonce()
	b = append(append(b, m.number), nonce...)
	n := len(b)
	b = append(append(b, text...), more...)
	return t.aead(m).Seal(b[:n], nonce, b[n:], bound)
}

// decrypt adds to b what appendEncrypted made of a text.
func (t *textCodec) decrypt(b, bound, encrypted []byte) ([]byte, error) {
	if len(encrypted) < textOverhead {
		return nil, errBadValue
	}
	if t.keys.blind {
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

// append adds a text to b, which holds what the value under key has before it.
func (t *textCodec) append(b, key, text []byte) []byte {
	switch {
	case t.encrypts():
		return appendEncrypted(t, append(b, textMark), t.bind(key, b), text, nil)
	case len(text) > 0 && text[0] == textMark:
		b = append(b, textMark, 0)
	}
	return append(b, text...)
}

// read returns the text of the payload under key, which begins at an offset. It is
// a part of the payload, or overwritten by the next call.
func (t *textCodec) read(key, payload []byte, at int) ([]byte, error) {
	if at > len(payload) {
		return nil, damagedValue(key)
	}
	text := payload[at:]
	switch {
	case keyNumber(text) != 0:
		var err error
		t.opened, err = t.decrypt(t.opened[:0], t.bind(key, payload[:at]), text[1:])
		return t.opened, badText(key, err)
	case !t.keys.plain:
		return nil, badText(key, errNotPlain)
	case len(text) > 1 && text[0] == textMark:
		text = text[2:]
	}
	return text, nil
}

// again returns the payload under key with its text, which begins at an offset,
// encrypted with the key that is written with; nil if it is.
func (t *textCodec) again(key, payload []byte, at int) ([]byte, error) {
	text, err := t.read(key, payload, at)
	if err != nil || keyNumber(payload[at:]) == t.writeNumber() {
		return nil, err
	}
	return t.append(bytes.Clone(payload[:at]), key, text), nil
}

// keyNumber is that of the key that a text is encrypted with, 0 for none.
func keyNumber(text []byte) byte {
	if len(text) > 1 && text[0] == textMark {
		return text[1]
	}
	return 0
}

// writeNumber is that of the key that texts are written with, 0 for none.
func (t *textCodec) writeNumber() byte {
	if t.keys.write == nil {
		return 0
	}
	return t.keys.write.number
}

func (t *textCodec) bind(key, head []byte) []byte {
	t.bound = append(append(t.bound[:0], key...), head...)
	return t.bound
}

// badText says what is wrong with a text whose value passed its checksum.
func badText(key []byte, err error) error {
	switch err {
	case nil:
		return nil
	case errBadValue:
		return damagedValue(key)
	}
	return fmt.Errorf("%w: the value under key %x passes its checksum, but its text %w", ErrDamaged, key, err)
}
