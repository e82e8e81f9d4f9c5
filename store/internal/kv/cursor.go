package kv

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// SeekLE moves to a key, or to the last one before it, nil if there is none. If it is
// not there, next is the first one behind it.
//
// The cursors of bbolt v1.5.0 move back onto pages that the transaction has emptied:
// there Prev returns nil, whatever is before, and Last never returns if all are empty.
// So Last, Prev, and what uses them, are for those who read; this is for writers, too.
func SeekLE(c *bbolt.Cursor, want []byte) (key, value, next []byte) {
	if key, value = c.Seek(want); bytes.Equal(key, want) {
		return key, value, nil
	}
	next = key
	if !c.Bucket().Writable() {
		if next == nil {
			key, value = c.Last()
		} else {
			key, value = c.Prev()
		}
		return key, value, next
	}
	if next != nil {
		if key, value = c.Prev(); key != nil {
			return key, value, next
		}
	}
	if first, _ := c.Bucket().Cursor().First(); first == nil || bytes.Compare(first, want) > 0 {
		return nil, nil, next
	}
	if next == nil {
		key, value = c.Last()
	}
	for key == nil {
		key, value = c.Prev()
	}
	return key, value, next
}

// SeekLT moves to the last key below end, nil if there is none.
func SeekLT(c *bbolt.Cursor, end []byte) (key, value []byte) {
	if key, value, _ = SeekLE(c, end); bytes.Equal(key, end) {
		return c.Prev()
	}
	return key, value
}

// Keys returns the first keys with a prefix, at most so many, in memory of their own.
func Keys(b *bbolt.Bucket, prefix []byte, most int) (keys [][]byte) {
	c := b.Cursor()
	for key, _ := c.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix) && len(keys) < most; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	return keys
}

// DeleteBucket deletes a bucket and first those in it: bbolt v1.5.0 does so too, but
// passes by every second one, and the pages of those are lost.
func DeleteBucket(b *bbolt.Bucket, key []byte) error {
	var names [][]byte
	if err := b.Bucket(key).ForEachBucket(func(name []byte) error {
		names = append(names, bytes.Clone(name))
		return nil
	}); err != nil {
		return err
	}
	for _, name := range names {
		if err := DeleteBucket(b.Bucket(key), name); err != nil {
			return err
		}
	}
	return b.DeleteBucket(key)
}
