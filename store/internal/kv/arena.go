package kv

import "go.etcd.io/bbolt"

// Arena hands out the memory of keys and values, which bbolt keeps until the
// transaction ends.
type Arena struct{ free []byte }

// Alloc returns an empty slice with room for n bytes.
func (a *Arena) Alloc(n int) []byte {
	if n > cap(a.free)-len(a.free) {
		if n > 1<<16 {
			return make([]byte, 0, n)
		}
		a.free = make([]byte, 0, 1<<18)
	}
	b := a.free[len(a.free) : len(a.free) : len(a.free)+n]
	a.free = a.free[:len(a.free)+n]
	return b
}

// Put stores payload under key with its checksum. The payload is copied.
func (a *Arena) Put(b *bbolt.Bucket, key, payload []byte) error {
	value := append(a.Alloc(len(payload)+ChecksumSize), payload...)
	return b.Put(key, Seal(key, value))
}
