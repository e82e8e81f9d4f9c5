package snowflake

import (
	"errors"
	"math"
	"strconv"
)

// ID is a Discord snowflake: the id of a guild, a channel, a user or a message.
// It is a decimal string at every edge (JSON, command line, logs) because 64
// bits do not fit a JavaScript number, and never zero where it is known.
type ID uint64

// ErrBadID says that a text is no id.
var ErrBadID = errors.New("not an id: want 1 to 20 decimal digits, not zero, below 2^64")

// ParseID reads an id as Discord writes it: 1 to 20 decimal digits, not zero,
// fitting 64 bits, and nothing around them.
func ParseID(s string) (ID, error) {
	if len(s) == 0 || len(s) > 20 {
		return 0, ErrBadID
	}
	var n, before uint64
	for i := 0; i < len(s); i++ {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, ErrBadID
		}
		before, n = n, n*10+uint64(digit)
	}
	// Only the twentieth digit can be too much, and then n has wrapped around.
	if n == 0 || len(s) == 20 && (before > math.MaxUint64/10 || n < before) {
		return 0, ErrBadID
	}
	return ID(n), nil
}

// Epoch is 2015-01-01T00:00:00Z in unix milliseconds, where Discord's ids begin.
const Epoch = 1420070400000

// Millis is when Discord made the id, in unix milliseconds.
func (id ID) Millis() int64 { return int64(id>>22) + Epoch }

// String returns the id in decimal.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// MarshalText makes an id a string in JSON.
func (id ID) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(id), 10), nil }

// UnmarshalText reads what ParseID reads.
func (id *ID) UnmarshalText(b []byte) error {
	v, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = v
	return nil
}
