package tracker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"rollcall/store"
)

// What we need of Discord's payloads, decoded from the raw JSON. discordgo's own
// types refuse a whole message for one field or component that they do not know.
// Here a field that only adds something (a name, a reply's author, the
// attachments) is taken as absent when its type is not the expected one; one that
// decides what is stored (ids, type, content) makes the payload an error.

// Message types that people write; every other type is the system's own.
const (
	typeDefault = 0
	typeReply   = 19
)

// maxName bounds a guild's, channel's or person's name in bytes. Discord allows
// 100 characters; a compatible server may not know that.
const maxName = 512

// discordEpoch is 2015-01-01T00:00:00Z in unix milliseconds, where snowflakes begin.
const discordEpoch = 1420070400000

// message is a message of the gateway or of a history page. A history page
// carries no guild id: who fetched it sets GuildID. Timestamps fall back on the
// id, which holds the same instant in milliseconds.
type message struct {
	ID        store.ID // at most 2^63-1
	ChannelID store.ID
	GuildID   store.ID // 0 in a direct message
	Author    author
	Nick      string // the author's name in the guild, if any
	WebhookID store.ID
	Type      int
	Content   string // valid UTF-8
	Timestamp store.Micros
	// Attachments counts the files.
	Attachments int
	// ReplyTo and ReplyToUser name the answered message and its author, 0 if there
	// is none or it is not known. A forwarded message is no answer.
	ReplyTo     store.ID
	ReplyToUser store.ID
}

type author struct {
	ID         store.ID
	Username   string
	GlobalName string
	Bot        bool
}

// channel is a guild's channel or thread, as an event or a REST answer describes it.
type channel struct {
	ID       store.ID
	GuildID  store.ID // absent inside a guild's lists
	Parent   store.ID // a thread's channel, else 0: a category has no say in anything
	Type     int
	Name     string
	Last     store.ID // last_message_id, 0 if nothing was ever said
	Archived bool     // threads only
}

// guild is the payload of GUILD_CREATE, GUILD_UPDATE or GUILD_DELETE; the lists
// are in the first alone. Channels and threads that cannot be read are left out.
type guild struct {
	ID          store.ID
	Name        string
	Unavailable bool
	Channels    []channel
	Threads     []channel
}

// threadList is the payload of THREAD_LIST_SYNC, and of a REST answer that lists threads.
type threadList struct {
	GuildID store.ID
	Threads []channel
	HasMore bool // REST: another page follows
}

var errNoID = errors.New("no id")

// decodeMessage reads a message of the gateway or of a history page.
func decodeMessage(raw json.RawMessage) (message, error) {
	var w struct {
		ID        store.ID `json:"id"`
		ChannelID store.ID `json:"channel_id"`
		GuildID   store.ID `json:"guild_id"`
		Author    struct {
			ID         store.ID `json:"id"`
			Username   text     `json:"username"`
			GlobalName text     `json:"global_name"`
			Bot        bool     `json:"bot"`
		} `json:"author"`
		Member      loose[struct{ Nick text }] `json:"member"`
		WebhookID   store.ID                   `json:"webhook_id"`
		Type        int                        `json:"type"`
		Content     string                     `json:"content"`
		Timestamp   text                       `json:"timestamp"`
		Attachments elements                   `json:"attachments"`
		Reference   loose[struct {
			MessageID store.ID `json:"message_id"`
		}] `json:"message_reference"`
		Referenced loose[struct {
			Author struct{ ID store.ID }
		}] `json:"referenced_message"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return message{}, fmt.Errorf("decode message: %w", err)
	}
	switch {
	case w.ID == 0 || w.ChannelID == 0:
		return message{}, fmt.Errorf("decode message: %w", errNoID)
	case w.ID > math.MaxInt64:
		return message{}, fmt.Errorf("decode message: id %s is above 2^63-1", w.ID)
	}
	m := message{
		ID:          w.ID,
		ChannelID:   w.ChannelID,
		GuildID:     w.GuildID,
		Author:      author{ID: w.Author.ID, Username: string(w.Author.Username), GlobalName: string(w.Author.GlobalName), Bot: w.Author.Bot},
		Nick:        string(w.Member.value.Nick),
		WebhookID:   w.WebhookID,
		Type:        w.Type,
		Content:     w.Content,
		Attachments: int(w.Attachments),
	}
	var err error
	if m.Timestamp, err = store.ParseMicros(string(w.Timestamp)); err != nil {
		m.Timestamp = snowflakeTime(m.ID)
	}
	if m.Type == typeReply {
		m.ReplyTo, m.ReplyToUser = w.Reference.value.MessageID, w.Referenced.value.Author.ID
	}
	return m, nil
}

// counts says whether m is a message as the product counts them, whatever the
// allow and deny lists say of its channel: written by a person in a guild.
func (m message) counts() bool {
	return (m.Type == typeDefault || m.Type == typeReply) &&
		m.GuildID != 0 && m.Author.ID != 0 && !m.Author.Bot && m.WebhookID == 0
}

// displayName is the author's name as the guild sees it, "" if unknown.
func (m message) displayName() string {
	switch {
	case m.Nick != "":
		return m.Nick
	case m.Author.GlobalName != "":
		return m.Author.GlobalName
	}
	return m.Author.Username
}

// record is what is stored of a message that counts. name is its channel's.
func (m message) record(name string, source store.Source) *store.Record {
	return &store.Record{
		Guild:       m.GuildID,
		User:        m.Author.ID,
		Time:        m.Timestamp,
		Message:     m.ID,
		Channel:     store.Channel{ID: m.ChannelID, Name: name},
		Content:     m.Content,
		Source:      source,
		ReplyTo:     m.ReplyTo,
		ReplyToUser: m.ReplyToUser,
		Attachments: m.Attachments,
	}
}

// decodeChannel reads a channel or a thread.
func decodeChannel(raw json.RawMessage) (channel, error) {
	var w struct {
		ID       store.ID `json:"id"`
		GuildID  store.ID `json:"guild_id"`
		Parent   store.ID `json:"parent_id"`
		Type     int      `json:"type"`
		Name     text     `json:"name"`
		Last     looseID  `json:"last_message_id"`
		Metadata loose[struct {
			Archived bool `json:"archived"`
		}] `json:"thread_metadata"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return channel{}, fmt.Errorf("decode channel: %w", err)
	}
	if w.ID == 0 {
		return channel{}, fmt.Errorf("decode channel: %w", errNoID)
	}
	c := channel{
		ID: w.ID, GuildID: w.GuildID, Type: w.Type, Name: string(w.Name),
		Last: store.ID(w.Last), Archived: w.Metadata.value.Archived,
	}
	switch c.Type {
	case channelNewsThread, channelPublicThread, channelPrivateThread:
		c.Parent = w.Parent
	}
	return c, nil
}

// decodeChannels reads a list of channels; those that cannot be read are left out.
func decodeChannels(list []json.RawMessage) []channel {
	channels := make([]channel, 0, len(list))
	for _, raw := range list {
		if c, err := decodeChannel(raw); err == nil {
			channels = append(channels, c)
		}
	}
	return channels
}

// decodeGuild reads GUILD_CREATE, GUILD_UPDATE and GUILD_DELETE.
func decodeGuild(raw json.RawMessage) (guild, error) {
	var w struct {
		ID          store.ID                 `json:"id"`
		Name        text                     `json:"name"`
		Unavailable bool                     `json:"unavailable"`
		Channels    loose[[]json.RawMessage] `json:"channels"`
		Threads     loose[[]json.RawMessage] `json:"threads"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return guild{}, fmt.Errorf("decode guild: %w", err)
	}
	if w.ID == 0 {
		return guild{}, fmt.Errorf("decode guild: %w", errNoID)
	}
	return guild{
		ID: w.ID, Name: string(w.Name), Unavailable: w.Unavailable,
		Channels: decodeChannels(w.Channels.value), Threads: decodeChannels(w.Threads.value),
	}, nil
}

// decodeThreadList reads THREAD_LIST_SYNC and REST's lists of threads.
func decodeThreadList(raw json.RawMessage) (threadList, error) {
	var w struct {
		GuildID store.ID                 `json:"guild_id"`
		Threads loose[[]json.RawMessage] `json:"threads"`
		HasMore bool                     `json:"has_more"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return threadList{}, fmt.Errorf("decode threads: %w", err)
	}
	return threadList{GuildID: w.GuildID, Threads: decodeChannels(w.Threads.value), HasMore: w.HasMore}, nil
}

// snowflakeTime is the instant at which Discord made an id, to the millisecond.
func snowflakeTime(id store.ID) store.Micros {
	return store.Micros((int64(id>>22) + discordEpoch) * 1000)
}

// text is a string of at most maxName bytes; anything else is absent.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	if len(s) > maxName {
		cut := maxName
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	*t = text(s)
	return nil
}

// looseID is an id; anything else is absent.
type looseID store.ID

func (id *looseID) UnmarshalJSON(b []byte) error {
	var v store.ID
	if json.Unmarshal(b, &v) == nil {
		*id = looseID(v)
	}
	return nil
}

// loose is a value that is absent when it is not of the expected type.
type loose[T any] struct{ value T }

func (l *loose[T]) UnmarshalJSON(b []byte) error {
	var v T
	if json.Unmarshal(b, &v) == nil {
		l.value = v
	}
	return nil
}

// elements is the length of a list; anything else has none.
type elements int

func (n *elements) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("[")) {
		var list []json.RawMessage
		if json.Unmarshal(b, &list) == nil {
			*n = elements(len(list))
		}
	}
	return nil
}
