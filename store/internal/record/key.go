package record

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
)

const (
	// LogMark is set in the id of every record that has no message id. No
	// snowflake has it before the year 2084.
	LogMark = 1 << 63
	// KeySize is the length of a key in bytes.
	KeySize = 24
)

// Key is the key of a record. Keys order records by user, time and message: user u64 ·
// time i64 with its sign flipped · message id or LogKey u64.
type Key struct {
	User snowflake.ID
	Time civil.Micros
	ID   uint64
}

// Append adds the bytes of the key to b.
func (k Key) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(k.User))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Time)^(1<<63))
	return binary.BigEndian.AppendUint64(b, k.ID)
}

// IsLog reports whether the record is a log line, which has no message id.
func (k Key) IsLog() bool { return k.ID&LogMark != 0 }

// ParseKey reads a key. It returns false if b is not KeySize bytes long.
func ParseKey(b []byte) (Key, bool) {
	if len(b) != KeySize {
		return Key{}, false
	}
	return Key{
		User: snowflake.ID(binary.BigEndian.Uint64(b)),
		Time: civil.Micros(binary.BigEndian.Uint64(b[8:]) ^ (1 << 63)),
		ID:   binary.BigEndian.Uint64(b[16:]),
	}, true
}

// Compare orders keys as their bytes are ordered.
func (k Key) Compare(o Key) int {
	switch {
	case k.User != o.User:
		return cmp.Compare(k.User, o.User)
	case k.Time != o.Time:
		return cmp.Compare(k.Time, o.Time)
	default:
		return cmp.Compare(k.ID, o.ID)
	}
}

// PadKey returns the first key that is not before b, which may be shorter or longer than
// a key: it is filled up with zeros, or cut.
func PadKey(b []byte) Key {
	var room [KeySize]byte
	copy(room[:], b)
	key, _ := ParseKey(room[:])
	return key
}

// LogKey stands in for the id of a message without one: 63 bits of the SHA-256
// of channel name and content, salted so that the file's keys do not give away
// what was said. Two different texts of one user in the same microsecond would
// have to agree in all 63 bits to be taken for one.
func LogKey[T string | []byte](salt, buffer []byte, channel string, content T) (uint64, []byte) {
	buffer = append(buffer[:0], salt...)
	buffer = kv.U32(buffer, uint32(len(channel)))
	buffer = append(buffer, channel...)
	buffer = append(buffer, content...)
	sum := sha256.Sum256(buffer)
	return binary.BigEndian.Uint64(sum[:]) | LogMark, buffer
}

// DeletedUser is the id that Discord shows for every account that was deleted. Messages
// of it count for their guild and channel, and belong to nobody: it has no profile and
// no name, is on no leaderboard and not among the users of any number.
const DeletedUser snowflake.ID = 456226577798135808
