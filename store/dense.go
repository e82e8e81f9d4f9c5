package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"go.etcd.io/bbolt"
)

// A dense bucket keeps a few bytes for each of many users, in the order of users,
// under a prefix. A key of its own for each would be several times as large as what
// is kept, and reading many of them would mostly be stepping from key to key. So
// neighbouring users share a chunk:
//
//	prefix · user u64   →   { difference to the user before · length · value }*
//
// A chunk holds users from the one in its key up to the next chunk's; the first of
// a prefix has 0 there, so each user has exactly one place. Any other key is that of
// the chunk's first user: one who goes leaves nothing behind. The first difference
// is that to the key's user, each further one is at least 1.
const (
	// denseMost is the size in bytes from which a chunk is divided. A live commit
	// rewrites a page for a chunk however small it is, and decodes all of it.
	denseMost = 1024
	denseAim  = 700 // of the parts
)

// denseEntry is one user's value.
type denseEntry struct {
	user  ID
	value []byte
}

// eachDense calls fn with the entries of a chunk whose checksum was taken off.
func eachDense(key, payload []byte, fn func(user ID, value []byte) error) error {
	user, ok := denseFirst(key)
	if !ok {
		return damagedValue(key)
	}
	for i := 0; len(payload) > 0; i++ {
		difference, n := binary.Uvarint(payload)
		if n <= 0 || i > 0 && difference == 0 || difference > uint64(1<<64-1-user) {
			return damagedValue(key)
		}
		user += ID(difference)
		payload = payload[n:]
		size, n := binary.Uvarint(payload)
		if n <= 0 || size > uint64(len(payload)-n) {
			return damagedValue(key)
		}
		end := n + int(size)
		if err := fn(user, payload[n:end:end]); err != nil {
			return err
		}
		payload = payload[end:]
	}
	return nil
}

// denseFirst returns the user in a chunk's key.
func denseFirst(key []byte) (ID, bool) {
	if len(key) < 8 {
		return 0, false
	}
	return ID(binary.BigEndian.Uint64(key[len(key)-8:])), true
}

func appendDense(b []byte, first ID, entries []denseEntry) []byte {
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.user-first))
		first = e.user
		b = binary.AppendUvarint(b, uint64(len(e.value)))
		b = append(b, e.value...)
	}
	return b
}

// denseChunk moves to the chunk of a user, nil if there is none under the prefix,
// and returns the first chunk behind the user's place, of whatever prefix.
func denseChunk(c *bbolt.Cursor, prefix []byte, user ID) (key, value, next []byte) {
	want := u64(bytes.Clone(prefix), uint64(user))
	key, value, next = seekBack(c, want)
	if bytes.Equal(key, want) {
		next, _ = c.Next()
		return key, value, next
	}
	if key == nil || !bytes.HasPrefix(key, prefix) {
		return nil, nil, next
	}
	return key, value, next
}

// denseGet returns a user's value, nil if there is none.
func denseGet(b *bbolt.Bucket, prefix []byte, user ID) (value []byte, err error) {
	key, sealed, _ := denseChunk(b.Cursor(), prefix, user)
	if key == nil {
		return nil, nil
	}
	return denseFind(key, sealed, user)
}

// denseFind looks for a user in a chunk as it is stored.
func denseFind(key, sealed []byte, user ID) (value []byte, err error) {
	payload, ok := unseal(key, sealed)
	if !ok {
		return nil, damagedValue(key)
	}
	err = eachDense(key, payload, func(u ID, v []byte) error {
		if u < user {
			return nil
		}
		if u == user {
			value = v
		}
		return errPassed
	})
	if err == errPassed {
		err = nil
	}
	return value, err
}

// errPassed ends a search that has come to its place.
var errPassed = errors.New("passed")

// denseWriter changes a dense bucket.
type denseWriter struct {
	w      *writeTx
	bucket *bbolt.Bucket
	merged []denseEntry
	values []byte
	chunk  []byte
}

// update changes the values of n users, who come in order, each once. change appends
// a user's new value, given the old one (nil if there is none), or nothing if there
// is to be none.
func (d *denseWriter) update(prefix []byte, n int, user func(i int) ID, change func(i int, old, to []byte) ([]byte, error)) error {
	for i := 0; i < n; {
		key, sealed, next := denseChunk(d.bucket.Cursor(), prefix, user(i))
		count := 1
		for i+count < n && !(bytes.HasPrefix(next, prefix) && len(next) == len(prefix)+8 && binary.BigEndian.Uint64(next[len(prefix):]) <= uint64(user(i+count))) {
			count++
		}
		var payload []byte
		if key == nil {
			key = u64(bytes.Clone(prefix), 0)
		} else {
			var ok bool
			if payload, ok = unseal(key, sealed); !ok {
				return damagedValue(key)
			}
			key = bytes.Clone(key)
		}
		at := i
		err := d.merge(key, payload, count, func(k int) ID { return user(at + k) }, func(k int, old, to []byte) ([]byte, error) { return change(at+k, old, to) })
		if err != nil {
			return err
		}
		if err := d.put(prefix, key); err != nil {
			return err
		}
		i += count
	}
	return nil
}

// merge makes d.merged of a chunk and n changes.
func (d *denseWriter) merge(key, payload []byte, n int, user func(int) ID, change func(i int, old, to []byte) ([]byte, error)) error {
	d.merged, d.values = d.merged[:0], d.values[:0]
	i := 0
	apply := func(old []byte) error {
		start := len(d.values)
		var err error
		if d.values, err = change(i, old, d.values); err != nil {
			return err
		}
		if len(d.values) > start {
			d.merged = append(d.merged, denseEntry{user(i), d.values[start:len(d.values):len(d.values)]})
		}
		i++
		return nil
	}
	err := eachDense(key, payload, func(u ID, value []byte) error {
		for i < n && user(i) < u {
			if err := apply(nil); err != nil {
				return err
			}
		}
		if i < n && user(i) == u {
			return apply(value)
		}
		d.merged = append(d.merged, denseEntry{u, value})
		return nil
	})
	for err == nil && i < n {
		err = apply(nil)
	}
	return err
}

// put writes d.merged in place of the chunk of a key, in parts if it has grown large.
func (d *denseWriter) put(prefix, key []byte) error {
	if len(d.merged) == 0 {
		return d.bucket.Delete(key)
	}
	first, _ := denseFirst(key)
	if first != 0 && d.merged[0].user != first { // the users between belong to the chunk before now
		if err := d.bucket.Delete(key); err != nil {
			return err
		}
		first = d.merged[0].user
		key = u64(slices.Clone(prefix), uint64(first))
	}
	d.chunk = appendDense(d.chunk[:0], first, d.merged)
	if len(d.chunk) <= denseMost {
		return d.w.put(d.bucket, key, d.chunk)
	}
	parts := (len(d.chunk) + denseAim - 1) / denseAim
	aim := len(d.chunk) / parts
	for rest := d.merged; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && size < aim {
			size += len(rest[n].value) + 8
			n++
		}
		d.chunk = appendDense(d.chunk[:0], first, rest[:n])
		if err := d.w.put(d.bucket, key, d.chunk); err != nil {
			return err
		}
		if rest = rest[n:]; len(rest) > 0 {
			first = rest[0].user
			key = u64(slices.Clone(prefix), uint64(first))
		}
	}
	return nil
}
