package store

import (
	"errors"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/boltfile"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

// Channel names a channel or thread as it was at a moment. ID is 0 where it is
// not known (most logs); Name is "unknown" until it is learnt.
type Channel struct {
	ID   ID
	Name string
}

// Record is one stored message.
type Record struct {
	Guild ID
	User  ID
	// Time is the message's own time, or for a log record the time at which the
	// other bot handled it.
	Time Micros
	// Message is the message's id, at most 2^63-1. It is 0 for a record of SourceLog.
	Message     ID
	Channel     Channel
	Content     string // valid UTF-8, may be empty; "" if Redacted
	Source      Source
	ReplyTo     ID  // the message that this one answers, 0 if none or unknown
	ReplyToUser ID  // its author, 0 if none or unknown
	Attachments int // the author's own
	// Extra is what the message says beside its content; nil for most. It must not be
	// changed once the record is put. A record that is read has one of its own.
	Extra *Extra
	// InLogs says that the logs had this message too (set by the store).
	InLogs bool
	// Redacted says that the text is not kept. A record that is put so has its Content
	// all the same, because the matching with the logs needs it; only a hash is stored.
	Redacted bool
	Edited   Micros // when the message was edited last, 0 if never
	// Formatted: the Content of a record that is put is not what was written, but what a
	// reader saw, with names in the place of marks, or nothing where Discord withheld it.
	// It is not stored.
	Formatted bool
}

// Name is a display name as last seen. User is 0 for the guild's own name.
type Name struct {
	Guild ID
	User  ID
	Name  string
}

// Action is what becomes of a stored message.
type Action uint8

const (
	Keep   Action = iota // nothing
	Edit                 // its text is changed
	Redact               // its text goes, and it still counts
	Remove               // it counts no more
)

// Change is something that happened to a message, which need not be stored. None of
// them is undone by the same message, or its log line, coming again.
type Change struct {
	Guild   ID
	Message ID
	Time    Micros // the message's own time, to the second
	User    ID     // its author; 0 if not known, which makes it harder to find
	Action  Action
	Content string // Edit: the text now
	Edited  Micros // Edit: when; one that is older than the text that is stored changes nothing
	// Attachments is, of an Edit, how many there are now; nil if it does not tell.
	Attachments *int
	// Extra is, of an Edit, what the message says now beside its content. nil takes
	// nothing away: Discord may withhold it, and only a message's content is edited.
	Extra *Extra
}

// DeletedChannel is a channel whose messages have been deleted with it.
type DeletedChannel struct {
	Guild   ID
	Channel ID
	Action  Action // Redact or Remove
}

// Batch is what the tracker stores in one transaction.
type Batch struct {
	Records []Record
	// Uncounted are messages of people that do not count, as joins do not. They become no
	// records; of each a deletion marker is kept that takes its log line, so that it is none either.
	Uncounted []Record
	// Accounts are the ids of bots, webhooks and Discord itself. Log lines of theirs are no
	// records.
	Accounts []ID
	Changes  []Change // in their order, after Records
	Deleted  []DeletedChannel
	Departed []DepartedGuild // new ones; one that is known to be left keeps its moment
	Rejoined []ID            // guilds that the bot is in
	Names    []Name
	Learned  []LearnedName // names of channels, after Records
	Cursors  []ChannelCursor
	Floors   []ChannelCursor // of channels that were met after their guild, see DB.Floor
	// GuildCursors are those of guilds as a whole.
	GuildCursors []GuildCursor
	Gaps         []Gap // new ones (Gap.Seq 0) and changed ones
	// CountFound adds to the Found of the first of Gaps how many of Records were new, so that a
	// page that is read twice is counted once.
	CountFound bool
	Access     []AccessChange
	// Channels is what Discord tells of channels, Passed what is known of messages that are
	// not stored.
	Channels []ChannelSeen
	Passed   []Passed
}

// Counts are the outcomes of log lines; Lines is the sum of the others.
type Counts struct {
	Lines      int64 `json:"lines"`
	Messages   int64 `json:"messages"`
	Skipped    int64 `json:"skipped"`
	Duplicates int64 `json:"duplicates"`
	Malformed  int64 `json:"malformed"`
}

// Add adds o to c.
func (c *Counts) Add(o Counts) {
	c.Lines += o.Lines
	c.Messages += o.Messages
	c.Skipped += o.Skipped
	c.Duplicates += o.Duplicates
	c.Malformed += o.Malformed
}

// LogFile is the cursor of one log file: how far it has been taken in.
type LogFile struct {
	// Key is the path below the root of the logs, with slashes and without .gz or
	// .zst, so that a file keeps its cursor when the operator compresses it.
	Key string `json:"key"`
	// Path is the file that was read last under this key, below the root, with slashes.
	Path string `json:"path"`
	// Offset is the number of (decompressed) bytes taken in. Tail of them, at the
	// end, were a last line without a newline: if the file grows, that line is read again.
	Offset int64 `json:"offset"`
	Tail   int64 `json:"tail,omitempty"`
	// Size (bytes on disk) and Modified (unix nanoseconds) are the file's, as
	// last seen; a complete file that still has both need not be opened.
	Size     int64 `json:"size"`
	Modified int64 `json:"modified"`
	// Start is the SHA-256 of the first StartLen (decompressed) bytes, at most 4 KiB:
	// a file whose start has changed was replaced.
	Start    []byte `json:"start,omitempty"`
	StartLen int64  `json:"start_len,omitempty"`
	// Last is the SHA-256 of the text of the last line taken in, which is LastLen
	// bytes long with its end: a file that has something else there was rewritten.
	Last    []byte `json:"last,omitempty"`
	LastLen int64  `json:"last_len,omitempty"`
	// Complete: the file is of an earlier day and was read to its end.
	Complete bool   `json:"complete"`
	Counts   Counts `json:"counts"` // since the file was first read from its start
	// Edition is that of the rules by which the migration counted the lines, 0 for those
	// of before there were editions. While it is behind, Again is how many bytes have been
	// looked at again by newer rules.
	Edition int   `json:"edition,omitempty"`
	Again   int64 `json:"again,omitempty"`
}

// GuildDay names a day (YYYYMMDD, UTC) of a guild.
type GuildDay struct {
	Guild ID
	Date  string
}

// Quarantined is a malformed line: where it starts and what is wrong with it.
type Quarantined struct {
	File   string `json:"file"` // below the root of the logs, with slashes
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
}

// LogSpan is a part of a log file, from one offset to before another.
type LogSpan struct {
	File     string // as in Quarantined
	From, To int64
}

// LogBatch is what the migration stores in one transaction.
type LogBatch struct {
	Records []Record // SourceLog, any order, of any guilds
	// File is the file's cursor after these records. Its Counts hold what was
	// counted up to here, except that the messages of Records are in Lines alone:
	// Import adds each to Messages, Duplicates or Skipped.
	File       LogFile
	Done       []GuildDay // days now read to their end; a guild's last date only moves forward
	Quarantine []Quarantined
	// Reread are read anew: what the quarantine has of them goes before Quarantine comes.
	Reread []LogSpan
}

// Imported is what Import did.
type Imported struct {
	Messages   int64   // stored, or found to be a message that is already known by its id
	Duplicates int64   // already stored from logs
	Skipped    int64   // of people who are forgotten
	File       LogFile // as committed
}

// Guild is what is known about a guild without reading its records.
type Guild struct {
	ID       ID     `json:"guild_id"`
	Name     string `json:"guild_name"`
	Messages int64  `json:"total_messages"`
	Users    int64  `json:"users"`
	First    Micros `json:"first_message_at"`
	Last     Micros `json:"last_message_at"`
}

// Position is a place in the order of records: after (or, newest first, before)
// the record with this time, user and key.
type Position struct {
	Guild ID
	Time  Micros
	User  ID
	Key   uint64
}

// Query selects records.
type Query struct {
	Guild ID // 0: every guild (Records only)
	User  ID // 0: every user
	When  Range
	// Channel, Text and Match, if set, are called in the transaction for what is in the
	// range, each for what the one before it selected, and must not keep or change
	// what they are given. Channel and Text come before a Record is made, which
	// costs more than to pass one by. Text is called with each of a record's texts by
	// itself, the content first, until one is selected. The content of a redacted record
	// is empty, and it has no other text.
	Channel func(Channel) bool
	Text    func([]byte) bool
	Match   func(*Record) bool
}

// Errors that callers tell apart.
var (
	ErrLocked = atomicfile.ErrLocked
	// ErrFull: the disk, or the file's allowed size, is exhausted. Nothing was
	// written; the same call succeeds once there is room.
	ErrFull = boltfile.ErrFull
	// ErrBusy: another call is doing just that.
	ErrBusy = boltfile.ErrBusy
	// ErrKeyMissing, ErrKeyWrong: the database is encrypted, and not with the key
	// that was given. ErrNotEncrypted: it is not, and a key was given.
	ErrKeyMissing   = crypt.ErrKeyMissing
	ErrKeyWrong     = crypt.ErrKeyWrong
	ErrNotEncrypted = crypt.ErrNotEncrypted
	// ErrRekeying: a change of the key has begun and must be finished first.
	ErrRekeying = crypt.ErrRekeying
	// ErrDamaged: the file is not, or no longer, a rollcall database.
	ErrDamaged = kv.ErrDamaged
	// ErrLeftOut: all else was read.
	ErrLeftOut = errors.New("records are left out")
)

// UnknownChannel is a channel's name until it is learnt.
const UnknownChannel = "unknown"

// LearnedName is the name of a channel that may have been stored as UnknownChannel.
type LearnedName struct {
	Guild   ID
	Channel ID
	Name    string
}

// ChannelSeen is what Discord tells of a channel at a moment.
type ChannelSeen struct {
	Guild, Channel ID
	Parent         ID     // a thread's channel, else 0
	Name           string // "" or UnknownChannel: not told
	At             Micros
	Gone           bool // it was deleted
	// Since, unless it is 0, is the instant from which on all that is said in the channel
	// reaches us or is in the ledger, and After the last message that was said before. The
	// first ones that are told stay.
	Since Micros
	After ID // 0: not known
}

// Passed is a message that does not count, with which nothing is stored but that. Nothing
// is told so of people who are forgotten or want to be left out: that they wrote at all is
// theirs.
type Passed struct {
	Guild, Channel ID
	Message        ID
	Why            Uncounted
}

// Uncounted is why a message was passed by although it was seen where messages count.
type Uncounted uint8

// DepartedGuild is a guild that the bot is not in any more.
type DepartedGuild struct {
	Guild ID
	At    Micros // since when, as far as we know
}
