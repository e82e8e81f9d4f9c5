package store

import (
	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
)

const checksumSize = kv.ChecksumSize

var errBadValue = kv.ErrBadValue

func u16(b []byte, v uint16) []byte                                   { return kv.U16(b, v) }
func u32(b []byte, v uint32) []byte                                   { return kv.U32(b, v) }
func u64(b []byte, v uint64) []byte                                   { return kv.U64(b, v) }
func seal(key, payload []byte) []byte                                 { return kv.Seal(key, payload) }
func unseal(key, value []byte) ([]byte, bool)                         { return kv.Unseal(key, value) }
func get(b *bbolt.Bucket, key []byte) ([]byte, error)                 { return kv.Get(b, key) }
func damagedValue(key []byte) error                                   { return kv.Damaged(key) }
func decodeJSON(key, payload []byte, v any) error                     { return kv.DecodeJSON(key, payload, v) }
func lastBefore(c *bbolt.Cursor, end []byte) ([]byte, []byte)         { return kv.SeekLT(c, end) }
func seekBack(c *bbolt.Cursor, want []byte) (key, value, next []byte) { return kv.SeekLE(c, want) }
func keysFrom(b *bbolt.Bucket, prefix []byte, most int) [][]byte      { return kv.Keys(b, prefix, most) }
