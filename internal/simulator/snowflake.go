package simulator

import (
	"strconv"
	"time"
)

// ID is a Discord snowflake: milliseconds since 2015-01-01T00:00:00Z in the upper 42 bits, a
// counter in the lower 22. In JSON it is a decimal string; 0 means none.
type ID uint64

const (
	discordEpoch = 1420070400000 // 2015-01-01T00:00:00Z in unix milliseconds
	counterBits  = 22
	counterMask  = 1<<counterBits - 1
)

// Snowflake returns the smallest id of the millisecond in which t lies. A message that was posted
// at t or later has this id or a higher one.
func Snowflake(t time.Time) ID { return ID(t.UnixMilli()-discordEpoch) << counterBits }

// Time returns the instant that the id tells, in UTC, to the millisecond.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(id>>counterBits) + discordEpoch).UTC()
}

// String returns the id in decimal.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// MarshalText makes an id a string in JSON.
func (id ID) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(id), 10), nil }

// UnmarshalText reads a decimal id.
func (id *ID) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return err
	}
	*id = ID(n)
	return nil
}

// mint returns a new id for something that is created now. Ids only grow, even when the clock steps
// back. s.mu is held.
func (s *Server) mint() ID {
	id := Snowflake(time.Now())
	if id <= s.lastID {
		id = s.lastID + 1
	}
	s.lastID = id
	return id
}

// mintGuild is mint for a guild. Every guild gets a millisecond of its own, because its shard is
// computed from the milliseconds alone; so that thousands of guilds do not carry the clock of
// everything else away, they are taken from a year ago. s.mu is held.
func (s *Server) mintGuild() ID {
	s.guildIDs++
	return Snowflake(s.started.AddDate(-1, 0, 0)) + s.guildIDs<<counterBits
}

// mintAt returns an id for a message of the past. Messages of one millisecond get growing ids in
// the order of the calls. s.mu is held.
func (s *Server) mintAt(t time.Time) ID {
	s.pastIDs = (s.pastIDs + 1) & counterMask
	return Snowflake(t) | s.pastIDs
}

// lateMark is set in the counters of late ids, so that they meet none of those that mint makes.
const lateMark = 1 << (counterBits - 1)

// mintLate returns an id as Discord would have made it some time ago. s.mu is held.
func (s *Server) mintLate(ago time.Duration) ID {
	s.lateIDs = (s.lateIDs + 1) & (lateMark - 1)
	return Snowflake(time.Now().Add(-ago)) | lateMark | s.lateIDs
}

// appendTime appends t as Discord writes instants: with a fraction of six digits, or with none if
// the second is full, and a numeric offset.
func appendTime(b []byte, t time.Time) []byte {
	if t.Nanosecond() == 0 {
		return t.UTC().AppendFormat(b, "2006-01-02T15:04:05+00:00")
	}
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000+00:00")
}

// stamp is an instant that JSON shows as appendTime does.
type stamp time.Time

// MarshalText writes the instant as Discord does.
func (t stamp) MarshalText() ([]byte, error) { return appendTime(nil, time.Time(t)), nil }
