package archive

import (
	"context"
	"math"

	"rollcall/store"
)

// Reason is why a message is not stored.
type Reason string

// The reasons that an archive itself gives. Which of several is told is the first of
// this list.
const (
	Bot           Reason = "bot"            // of a bot or a webhook, or nobody knows whether
	System        Reason = "system"         // a type that people do not write
	DirectMessage Reason = "direct_message" // never stored
	Deleted       Reason = "deleted"        // the archive knows that it was deleted in Discord
	NoGuild       Reason = "no_guild"       // the archive does not tell the guild
	ThreadStarter Reason = "thread_starter" // a thread's copy of the message that began it
)

// Channel is a channel or thread as the archive knows it.
type Channel struct {
	ID   store.ID `json:"id,omitzero"`
	Name string   `json:"name,omitempty"` // "" if unknown
	// Thread: it is one, so its parent has a say in whether it is recorded. Parent is 0
	// if it is unknown.
	Thread bool     `json:"thread,omitempty"`
	Parent store.ID `json:"parent,omitzero"`
}

// Message is one message of an archive.
type Message struct {
	ID        store.ID     `json:"id,omitzero"` // 1 to 2^63-1
	Guild     store.ID     `json:"guild,omitzero"`
	GuildName string       `json:"guild_name,omitempty"`
	Channel   Channel      `json:"channel,omitzero"`
	User      store.ID     `json:"user,omitzero"`
	UserName  string       `json:"user_name,omitempty"` // as the guild sees it, "" if unknown
	Time      store.Micros `json:"time,omitempty"`      // see When
	Edited    store.Micros `json:"edited,omitempty"`    // 0 if never, or unknown
	Content   string       `json:"content,omitempty"`   // valid UTF-8
	// Formatted: the text is not what was written but what a reader would have seen, with
	// names in the place of marks such as <@1>.
	Formatted   bool     `json:"formatted,omitempty"`
	Attachments int      `json:"attachments,omitempty"`
	ReplyTo     store.ID `json:"reply_to,omitzero"` // 0 if it is no reply, or not known to be one
	ReplyToUser store.ID `json:"reply_to_user,omitzero"`
	Forwarded   *Forward `json:"forwarded,omitempty"`
	Poll        *Poll    `json:"poll,omitempty"`
	Stickers    []string `json:"stickers,omitempty"`
	Redacted    bool     `json:"redacted,omitempty"` // there was a text that was not kept
	// Line: it is a line of logs, whose ID is 0, in an export of our own.
	Line bool `json:"line,omitempty"`
	// Skip is "" for a message that counts. Of others no more need be known.
	Skip Reason `json:"skip,omitempty"`
}

// Forward is what a message passes on, which somebody else wrote.
type Forward struct {
	Content     string `json:"content"`
	Attachments int    `json:"attachments"`
}

// Poll is a question with its answers.
type Poll struct {
	Question string   `json:"question"`
	Answers  []string `json:"answers"`
}

// Name is a display name that is known apart from any message. User is 0 for the
// guild's own.
type Name struct {
	Guild, User store.ID
	Name        string
}

// Total is how many messages of a guild an archive has counted, which it does not hold.
type Total struct {
	Guild    store.ID
	Messages int64
}

// Sink takes what an archive holds. A reader calls it from one goroutine and stops
// with the first error that it returns.
type Sink interface {
	// Message takes a message, which is good until Message returns. Its strings may
	// share the memory of a block of input.
	Message(*Message) error
	Name(Name) error
	// Malformed counts a record that cannot be read.
	Malformed(why string) error
	// At tells which part of the archive has been read.
	At(done, of int64)
}

// Result is what a reader knows at the end.
type Result struct {
	// Incomplete: the archive is torn or damaged; what could be read was handed out.
	Incomplete bool
	Note       string // one line about the archive for its owner, "" if there is nothing to say
	Totals     []Total
}

// Source is an archive that was recognised.
type Source interface {
	// Read hands out all messages. An error is that of the sink or of ctx, or says that
	// nothing could be read at all.
	Read(ctx context.Context, sink Sink) (Result, error)
}

// MaxMessageID is the highest id that a message can have.
const MaxMessageID = math.MaxInt64

// discordEpoch is 2015-01-01T00:00:00Z in unix milliseconds, where snowflakes begin.
const discordEpoch = 1420070400000

// TimeOf returns the instant at which Discord made an id, to the millisecond.
func TimeOf(id store.ID) store.Micros {
	return store.Micros((int64(id>>22) + discordEpoch) * 1000)
}

// When returns the time of a message for which an archive states another one: the id is
// right where the two are more than a second apart.
func When(id store.ID, stated store.Micros) store.Micros {
	of := TimeOf(id)
	if d := stated - of; d > 1e6 || d < -1e6 {
		return of
	}
	return stated
}

// MessageID reads a message's id. It returns 0 for what is none.
func MessageID(s string) store.ID {
	id, err := store.ParseID(s)
	if err != nil || id > MaxMessageID {
		return 0
	}
	return id
}

// ID reads another id. It returns 0 for what is none.
func ID(s string) store.ID {
	id, err := store.ParseID(s)
	if err != nil {
		return 0
	}
	return id
}
