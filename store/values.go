package store

import (
	"time"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// The values that every caller of the store deals in.
type (
	// ID is a Discord snowflake.
	ID = snowflake.ID
	// Micros is an instant, in microseconds.
	Micros = civil.Micros
	// Range is a half-open span of time.
	Range = civil.Range
	// Key is what a database is encrypted with.
	Key = crypt.Key
	// Days is a span of whole calendar days in a zone.
	Days = civil.Days
	// Source is where a record came from.
	Source = record.Source
	// Extra is what a message says besides its content, or instead of one.
	Extra = record.Extra
	// Forwarded is a message that somebody else wrote, passed on by a record's author.
	Forwarded = record.Forwarded
	// Day is what was written on a calendar day.
	Day = rollup.Day
	// Poll is a question with the answers to choose from.
	Poll = record.Poll
)

// The sources.
const (
	SourceLive     = record.SourceLive     // the gateway, while we listened
	SourceBackfill = record.SourceBackfill // Discord's REST history, after a gap
	SourceLog      = record.SourceLog      // the logs of the bot before us
	SourceImport   = record.SourceImport   // other tools
)

// DeletedUser is the id that Discord shows for every account that was deleted. Messages
// of it count for their guild and channel, and belong to nobody: it has no profile and
// no name, is on no leaderboard and not among the users of any number.
const DeletedUser = record.DeletedUser

// What ParseID, ParseMicros, ParseZone and ParseKey return for a text that is none.
var (
	ErrBadID   = snowflake.ErrBadID
	ErrBadTime = civil.ErrBadTime
	ErrBadZone = civil.ErrBadZone
	ErrBadKey  = crypt.ErrBadKey
)

// ParseID is snowflake.ParseID.
func ParseID(s string) (ID, error) { return snowflake.ParseID(s) }

// ParseMicros is civil.ParseMicros.
func ParseMicros(s string) (Micros, error) { return civil.ParseMicros(s) }

// MicrosOf is civil.MicrosOf.
func MicrosOf(t time.Time) Micros { return civil.MicrosOf(t) }

// ParseZone is civil.ParseZone.
func ParseZone(name string) (*time.Location, error) { return civil.ParseZone(name) }

// LastDays is civil.LastDays.
func LastDays(now time.Time, n int, zone *time.Location) Days { return civil.LastDays(now, n, zone) }

// DayStart is civil.DayStart.
func DayStart(year int, month time.Month, day int, zone *time.Location) Micros {
	return civil.DayStart(year, month, day, zone)
}

// NewKey is crypt.NewKey.
func NewKey() Key { return crypt.NewKey() }

// ParseKey is crypt.ParseKey.
func ParseKey(text string) (Key, error) { return crypt.ParseKey(text) }
