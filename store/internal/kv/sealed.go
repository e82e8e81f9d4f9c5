package kv

import (
	"encoding/binary"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// ChecksumSize is the number of bytes by which a stored value is longer than its payload.
const ChecksumSize = crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal returns the value to store under a key: the payload and a CRC-32C of key
// and payload, since bbolt never notices a flipped byte. It appends to payload.
func Seal(key, payload []byte) []byte {
	sum := crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, payload)
	return binary.BigEndian.AppendUint32(payload, sum)
}

// Unseal returns the payload of a stored value, or false if its checksum is wrong.
func Unseal(key, value []byte) ([]byte, bool) {
	n := len(value) - ChecksumSize
	if n < 0 {
		return nil, false
	}
	sum := crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, value[:n])
	return value[:n:n], binary.BigEndian.Uint32(value[n:]) == sum
}

// Get returns the payload under key, nil if there is none. It is good until the
// transaction ends.
func Get(b *bbolt.Bucket, key []byte) ([]byte, error) {
	value := b.Get(key)
	if value == nil {
		return nil, nil
	}
	payload, ok := Unseal(key, value)
	if !ok {
		return nil, Damaged(key)
	}
	return payload, nil
}

// Numbers in keys and values are big-endian, so that keys sort.

// U16 appends v to b.
func U16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }

// U32 appends v to b.
func U32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// U64 appends v to b.
func U64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }
