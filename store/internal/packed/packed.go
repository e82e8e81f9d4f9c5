package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
)

// Sizes of chunks in bytes.
const (
	// chunkMost is the size in bytes from which a chunk is divided. A live commit
	// rewrites a page for a chunk however small it is, and decodes all of it.
	chunkMost = 1024
	chunkAim  = 700 // of the parts
)

// Entry is one user's value.
type Entry struct {
	User  snowflake.ID
	Value []byte
}

// Each calls fn with the entries of a chunk whose checksum was taken off.
func Each(key, payload []byte, fn func(user snowflake.ID, value []byte) error) error {
	user, ok := First(key)
	if !ok {
		return kv.Damaged(key)
	}
	for i := 0; len(payload) > 0; i++ {
		difference, n := binary.Uvarint(payload)
		if n <= 0 || i > 0 && difference == 0 || difference > uint64(1<<64-1-user) {
			return kv.Damaged(key)
		}
		user += snowflake.ID(difference)
		payload = payload[n:]
		size, n := binary.Uvarint(payload)
		if n <= 0 || size > uint64(len(payload)-n) {
			return kv.Damaged(key)
		}
		end := n + int(size)
		if err := fn(user, payload[n:end:end]); err != nil {
			return err
		}
		payload = payload[end:]
	}
	return nil
}

// First returns the user in a chunk's key.
func First(key []byte) (snowflake.ID, bool) {
	if len(key) < 8 {
		return 0, false
	}
	return snowflake.ID(binary.BigEndian.Uint64(key[len(key)-8:])), true
}

// Append packs entries, which are in the order of users, into a chunk whose key has first.
func Append(b []byte, first snowflake.ID, entries []Entry) []byte {
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.User-first))
		first = e.User
		b = binary.AppendUvarint(b, uint64(len(e.Value)))
		b = append(b, e.Value...)
	}
	return b
}

// Seek moves to the chunk of a user, nil if there is none under the prefix,
// and returns the first chunk behind the user's place, of whatever prefix.
func Seek(c *bbolt.Cursor, prefix []byte, user snowflake.ID) (key, value, next []byte) {
	want := kv.U64(bytes.Clone(prefix), uint64(user))
	key, value, next = kv.SeekLE(c, want)
	if bytes.Equal(key, want) {
		next, _ = c.Next()
		return key, value, next
	}
	if key == nil || !bytes.HasPrefix(key, prefix) {
		return nil, nil, next
	}
	return key, value, next
}

// Get returns a user's value, nil if there is none.
func Get(b *bbolt.Bucket, prefix []byte, user snowflake.ID) (value []byte, err error) {
	key, sealed, _ := Seek(b.Cursor(), prefix, user)
	if key == nil {
		return nil, nil
	}
	return Find(key, sealed, user)
}

// Find looks for a user in a chunk as it is stored.
func Find(key, sealed []byte, user snowflake.ID) (value []byte, err error) {
	payload, ok := kv.Unseal(key, sealed)
	if !ok {
		return nil, kv.Damaged(key)
	}
	err = Each(key, payload, func(u snowflake.ID, v []byte) error {
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

// NewWriter returns a writer that takes the memory for what it puts from arena.
func NewWriter(b *bbolt.Bucket, arena *kv.Arena) *Writer { return &Writer{bucket: b, arena: arena} }

// Writer changes a packed bucket. It is for one goroutine and one transaction.
type Writer struct {
	arena  *kv.Arena
	bucket *bbolt.Bucket
	merged []Entry
	values []byte
	chunk  []byte
}

// Update changes the values of n users, who come in order, each once. change appends
// a user's new value, given the old one (nil if there is none), or nothing if there
// is to be none.
func (d *Writer) Update(prefix []byte, n int, user func(i int) snowflake.ID, change func(i int, old, to []byte) ([]byte, error)) error {
	for i := 0; i < n; {
		key, sealed, next := Seek(d.bucket.Cursor(), prefix, user(i))
		count := 1
		for i+count < n && !(bytes.HasPrefix(next, prefix) && len(next) == len(prefix)+8 && binary.BigEndian.Uint64(next[len(prefix):]) <= uint64(user(i+count))) {
			count++
		}
		var payload []byte
		if key == nil {
			key = kv.U64(bytes.Clone(prefix), 0)
		} else {
			var ok bool
			if payload, ok = kv.Unseal(key, sealed); !ok {
				return kv.Damaged(key)
			}
			key = bytes.Clone(key)
		}
		at := i
		err := d.merge(key, payload, count, func(k int) snowflake.ID { return user(at + k) },
			func(k int, old, to []byte) ([]byte, error) { return change(at+k, old, to) })
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
func (d *Writer) merge(key, payload []byte, n int, user func(int) snowflake.ID, change func(i int, old, to []byte) ([]byte, error)) error {
	d.merged, d.values = d.merged[:0], d.values[:0]
	i := 0
	apply := func(old []byte) error {
		start := len(d.values)
		var err error
		if d.values, err = change(i, old, d.values); err != nil {
			return err
		}
		if len(d.values) > start {
			d.merged = append(d.merged, Entry{user(i), d.values[start:len(d.values):len(d.values)]})
		}
		i++
		return nil
	}
	err := Each(key, payload, func(u snowflake.ID, value []byte) error {
		for i < n && user(i) < u {
			if err := apply(nil); err != nil {
				return err
			}
		}
		if i < n && user(i) == u {
			return apply(value)
		}
		d.merged = append(d.merged, Entry{u, value})
		return nil
	})
	for err == nil && i < n {
		err = apply(nil)
	}
	return err
}

// put writes d.merged in place of the chunk of a key, in parts if it has grown large.
func (d *Writer) put(prefix, key []byte) error {
	if len(d.merged) == 0 {
		return d.bucket.Delete(key)
	}
	first, _ := First(key)
	if first != 0 && d.merged[0].User != first { // the users between belong to the chunk before now
		if err := d.bucket.Delete(key); err != nil {
			return err
		}
		first = d.merged[0].User
		key = kv.U64(slices.Clone(prefix), uint64(first))
	}
	d.chunk = Append(d.chunk[:0], first, d.merged)
	if len(d.chunk) <= chunkMost {
		return d.arena.Put(d.bucket, key, d.chunk)
	}
	parts := (len(d.chunk) + chunkAim - 1) / chunkAim
	aim := len(d.chunk) / parts
	for rest := d.merged; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && size < aim {
			size += len(rest[n].Value) + 8
			n++
		}
		d.chunk = Append(d.chunk[:0], first, rest[:n])
		if err := d.arena.Put(d.bucket, key, d.chunk); err != nil {
			return err
		}
		if rest = rest[n:]; len(rest) > 0 {
			first = rest[0].User
			key = kv.U64(slices.Clone(prefix), uint64(first))
		}
	}
	return nil
}
