package record

import (
	"encoding/binary"
	"slices"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
)

// Records that follow one another are kept together, in blocks: a key for each would
// cost a search, and 40 bytes beside it, for every message. The key of a block is that
// of its first record. Numbers are uvarints unless their size is given.
//
//	format u8 = 2
//	length · value of the first record (value.go, with its checksum)
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
	// BlockAim is the size in bytes that blocks of many records are made with, and
	// from which one is left as it is by what comes behind it; BlockMost is the size
	// beyond which it is parted. They are small beside a page, so that pages fill up.
	BlockAim  = 640
	BlockMost = 960
	// BlockEntries is more than most blocks hold.
	BlockEntries = 16
	// EntryHead is about what a record takes in a block beside its value.
	EntryHead = 14
)

// Entry is a record in its place: its key, and its value as it is stored.
type Entry struct {
	Key   Key
	Value []byte
}

// ChecksumOK reports whether the entry's key and value belong together. It needs room for a key.
func (e *Entry) ChecksumOK(room *[KeySize]byte) bool {
	_, ok := kv.Unseal(e.Key.Append(room[:0]), e.Value)
	return ok
}

func compareEntry(e Entry, key Key) int { return e.Key.Compare(key) }

// AppendBlock packs entries, which are in order. The first one's key is the block's.
func AppendBlock(b []byte, entries []Entry) []byte {
	if value := entries[0].Value; len(entries) == 1 && (len(value) == 0 || value[0] != blockFormat) {
		return append(b, value...)
	}
	b = append(b, blockFormat)
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			before := &entries[i-1].Key
			b = binary.AppendUvarint(b, uint64(e.Key.User-before.User))
			if e.Key.User == before.User {
				b = binary.AppendUvarint(b, uint64(e.Key.Time-before.Time))
			} else {
				b = kv.U64(b, uint64(e.Key.Time)^(1<<63))
			}
			b = kv.U64(b, e.Key.ID)
		}
		b = binary.AppendUvarint(b, uint64(len(e.Value)))
		b = append(b, e.Value...)
	}
	return b
}

// DecodeBlock adds the entries of the block under a key. Their values are parts of b.
func DecodeBlock(to []Entry, key Key, b []byte) ([]Entry, error) {
	if len(b) == 0 || b[0] != blockFormat {
		return append(to, Entry{key, b}), nil
	}
	if b = b[1:]; len(b) == 0 {
		return to, kv.ErrBadValue
	}
	for first := true; len(b) > 0; first = false {
		if !first {
			user, n := uvarint(b)
			if n <= 0 || uint64(key.User)+user < user {
				return to, kv.ErrBadValue
			}
			b = b[n:]
			ahead, n := uint64(0), 8
			if user == 0 {
				ahead, n = uvarint(b)
			}
			if n <= 0 || len(b) < n+8 {
				return to, kv.ErrBadValue
			}
			next := Key{key.User + snowflake.ID(user), key.Time + civil.Micros(ahead), binary.BigEndian.Uint64(b[n:])}
			if user != 0 {
				next.Time = civil.Micros(binary.BigEndian.Uint64(b) ^ (1 << 63))
			}
			if next.Compare(key) <= 0 {
				return to, kv.ErrBadValue
			}
			key, b = next, b[n+8:]
		}
		size, n := uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return to, kv.ErrBadValue
		}
		end := n + int(size)
		to = append(to, Entry{key, b[n:end:end]})
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

// SizeOf is about what entries take in blocks, in bytes.
func SizeOf(entries []Entry) (n int) {
	for i := range entries {
		n += len(entries[i].Value) + EntryHead
	}
	return n
}

// Find returns the place of the first entry that is not before a key.
func Find(entries []Entry, key Key) (int, bool) {
	return slices.BinarySearchFunc(entries, key, compareEntry)
}

// Merge adds two lists of entries to a third, in order. Where both have a key,
// that of fresh stands.
func Merge(to, old, fresh []Entry) []Entry {
	for len(old) > 0 && len(fresh) > 0 {
		switch c := old[0].Key.Compare(fresh[0].Key); {
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
