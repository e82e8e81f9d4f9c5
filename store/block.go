package store

import (
	"encoding/binary"
	"slices"
)

// Records that follow one another are kept together, in blocks: a key for each would
// cost a search, and 40 bytes beside it, for every message. The key of a block is that
// of its first record. Numbers are uvarints unless their size is given.
//
//	format u8 = 2
//	length · value of the first record (codec.go, with its checksum)
//	{ difference to the user before · time · id u64 · length · value }*
//
// Of the same user, the time is the difference to the one before, else all of it, as
// i64 with its sign flipped. A block of a single record is that record's value and
// nothing else, if that does not begin as a block does.
//
// The checksum of a value is that of its own key and itself. A block has none: what is
// wrong with the keys in it is found in the values under them, and costs the records
// behind it in this block and no more (readBlock).
const (
	blockFormat = 2
	// blockAim is the size in bytes that blocks of many records are made with, and
	// from which one is left as it is by what comes behind it; blockMost is the size
	// beyond which it is parted. They are small beside a page, so that pages fill up.
	blockAim  = 640
	blockMost = 960
	// blockEntries is more than most blocks hold.
	blockEntries = 16
	// entryHead is about what a record takes in a block beside its value.
	entryHead = 14
)

// entry is a record in its place: its key, and its value as it is stored.
type entry struct {
	key   recordKey
	value []byte
}

// sound says whether the entry's key and value belong together. It needs room for a key.
func (e *entry) sound(room *[recordKeySize]byte) bool {
	_, ok := unseal(e.key.append(room[:0]), e.value)
	return ok
}

func compareEntry(e entry, key recordKey) int { return e.key.compare(key) }

// appendBlock packs entries, which are in order. The first one's key is the block's.
func appendBlock(b []byte, entries []entry) []byte {
	if value := entries[0].value; len(entries) == 1 && (len(value) == 0 || value[0] != blockFormat) {
		return append(b, value...)
	}
	b = append(b, blockFormat)
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			before := &entries[i-1].key
			b = binary.AppendUvarint(b, uint64(e.key.user-before.user))
			if e.key.user == before.user {
				b = binary.AppendUvarint(b, uint64(e.key.time-before.time))
			} else {
				b = u64(b, uint64(e.key.time)^(1<<63))
			}
			b = u64(b, e.key.id)
		}
		b = binary.AppendUvarint(b, uint64(len(e.value)))
		b = append(b, e.value...)
	}
	return b
}

// decodeBlock adds the entries of the block under a key. Their values are parts of b.
func decodeBlock(to []entry, key recordKey, b []byte) ([]entry, error) {
	if len(b) == 0 || b[0] != blockFormat {
		return append(to, entry{key, b}), nil
	}
	if b = b[1:]; len(b) == 0 {
		return to, errBadValue
	}
	for first := true; len(b) > 0; first = false {
		if !first {
			user, n := uvarint(b)
			if n <= 0 || uint64(key.user)+user < user {
				return to, errBadValue
			}
			b = b[n:]
			ahead, n := uint64(0), 8
			if user == 0 {
				ahead, n = uvarint(b)
			}
			if n <= 0 || len(b) < n+8 {
				return to, errBadValue
			}
			next := recordKey{key.user + ID(user), key.time + Micros(ahead), binary.BigEndian.Uint64(b[n:])}
			if user != 0 {
				next.time = Micros(binary.BigEndian.Uint64(b) ^ (1 << 63))
			}
			if next.compare(key) <= 0 {
				return to, errBadValue
			}
			key, b = next, b[n+8:]
		}
		size, n := uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return to, errBadValue
		}
		end := n + int(size)
		to = append(to, entry{key, b[n:end:end]})
		b = b[end:]
	}
	return to, nil
}

// uvarint is binary.Uvarint, quick where the number is small, as most are.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// sizeOf is about what entries take in blocks, in bytes.
func sizeOf(entries []entry) (n int) {
	for i := range entries {
		n += len(entries[i].value) + entryHead
	}
	return n
}

// findEntry returns the place of the first entry that is not before a key.
func findEntry(entries []entry, key recordKey) (int, bool) {
	return slices.BinarySearchFunc(entries, key, compareEntry)
}

// mergeEntries adds two lists of entries to a third, in order. Where both have a key,
// that of fresh stands.
func mergeEntries(to, old, fresh []entry) []entry {
	for len(old) > 0 && len(fresh) > 0 {
		switch c := old[0].key.compare(fresh[0].key); {
		case c < 0:
			to, old = append(to, old[0]), old[1:]
		case c > 0:
			to, fresh = append(to, fresh[0]), fresh[1:]
		default:
			old = old[1:]
		}
	}
	return append(append(to, old...), fresh...)
}
