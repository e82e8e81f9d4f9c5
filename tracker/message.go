package tracker

import (
	"encoding/json"
	"fmt"
	"math"

	"rollcall/internal/rules"
	"rollcall/internal/snowflake"
	"rollcall/store"
)

// Message types that people write; every other type is the system's own.
const (
	typeDefault = 0
	typeReply   = 19
)

// discordEpoch is where snowflakes begin, in unix milliseconds.
const discordEpoch = snowflake.Epoch

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
	// NoThread: its channel is told to be no thread, and so follows no other one's rules.
	NoThread  bool
	Type      int
	Content   string // valid UTF-8
	Timestamp store.Micros
	Edited    store.Micros // 0 if never
	// Attachments counts the author's own files. HasAttachments is false where nothing
	// is said of them, as an update may.
	Attachments    int
	HasAttachments bool
	// Blank: it says nothing at all, which no person's message does unless that is withheld.
	Blank bool
	// Mute: it says nothing of what Discord may withhold. Of Blank messages none does, others may
	// show a sticker.
	Mute bool
	// Extra is what the message says beside its content; nil for most.
	Extra *store.Extra
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
	System     bool // Discord itself
}

// decodeMessage reads a message of the gateway or of a history page.
func decodeMessage(raw json.RawMessage) (message, error) {
	var m message
	var timed bool
	var reply, replied store.ID
	var parts extraParts
	shows, plays := false, false // something that is not stored
	err := walk(raw, func(key, value []byte) error {
		switch string(key) {
		case "id":
			return readID(value, &m.ID)
		case "channel_id":
			return readID(value, &m.ChannelID)
		case "guild_id":
			return readID(value, &m.GuildID)
		case "author":
			return m.Author.read(value)
		case "channel_type":
			kind := channelPublicThread
			m.NoThread = readInt(value, &kind) == nil && !(channelSnapshot{Type: kind}).isThread()
		case "webhook_id":
			return readID(value, &m.WebhookID)
		case "type":
			return readInt(value, &m.Type)
		case "content":
			return readString(value, &m.Content)
		case "timestamp":
			m.Timestamp, timed = readTime(value)
		case "edited_timestamp":
			m.Edited, _ = readTime(value)
		case "attachments":
			m.Attachments, m.HasAttachments = countElements(value), value[0] == '['
		case "member":
			m.Nick = nick(value)
		case "message_reference":
			reply, parts.forward = idIn(value, "message_id"), isForward(value)
		case "referenced_message":
			replied = authorIn(value)
		case "message_snapshots":
			parts.snapshots = value
		case "embeds", "components":
			shows = shows || countElements(value) > 0
		case "activity", "shared_client_theme":
			plays = value[0] == '{'
		case "poll":
			parts.poll = value
		case "sticker_items":
			parts.stickers = value
		}
		return nil
	})
	switch {
	case err != nil:
		return message{}, fmt.Errorf("decode message: %w", err)
	case m.ID == 0 || m.ChannelID == 0:
		return message{}, fmt.Errorf("decode message: %w", errNoID)
	case m.ID > math.MaxInt64:
		return message{}, fmt.Errorf("decode message: id %s is above 2^63-1", m.ID)
	}
	if !timed {
		m.Timestamp = snowflakeTime(m.ID)
	}
	m.Extra = parts.extra()
	m.Mute = m.Content == "" && m.Attachments == 0 && !shows && isMute(m.Extra)
	m.Blank = m.Mute && m.Extra == nil && !plays
	if m.Type == typeReply && !parts.forward {
		m.ReplyTo, m.ReplyToUser = reply, replied
	}
	return m, nil
}

// hasContent reports whether a message's update tells its text: it may be of something else.
func hasContent(raw []byte) (has bool) {
	_ = walk(raw, func(key, value []byte) error {
		has = has || string(key) == "content" && string(value) != "null"
		return nil
	})
	return has
}

// read reads a message's author; null leaves it.
func (a *author) read(value []byte) error {
	if string(value) == "null" {
		return nil
	}
	return walk(value, func(key, value []byte) error {
		switch string(key) {
		case "id":
			return readID(value, &a.ID)
		case "username":
			a.Username = readName(value)
		case "global_name":
			a.GlobalName = readName(value)
		case "bot":
			return json.Unmarshal(value, &a.Bot)
		case "system":
			return json.Unmarshal(value, &a.System)
		}
		return nil
	})
}

// nick is the name of a message's member, "" if there is none.
func nick(member []byte) (name string) {
	_ = walk(member, func(key, value []byte) error {
		if string(key) == "nick" {
			name = readName(value)
		}
		return nil
	})
	return name
}

// authorIn is the id of a message's author, 0 if there is none.
func authorIn(message []byte) (id store.ID) {
	_ = walk(message, func(key, value []byte) error {
		if string(key) == "author" {
			id = idIn(value, "id")
		}
		return nil
	})
	return id
}

// idIn is the id under a key of an object, 0 if there is none.
func idIn(object []byte, name string) (id store.ID) {
	_ = walk(object, func(key, value []byte) error {
		if string(key) == name {
			_ = readID(value, &id)
		}
		return nil
	})
	return id
}

// counts reports whether m is a message as the product counts them, whatever the
// allow and deny lists say of its channel: written by a person in a guild.
func (m message) counts() bool {
	return (m.Type == typeDefault || m.Type == typeReply) && m.ofPerson()
}

// ofPerson reports whether a person wrote m in a guild, or did what it tells of.
func (m message) ofPerson() bool {
	return m.GuildID != 0 && m.Author.ID != 0 && !m.Author.Bot && !m.Author.System && m.WebhookID == 0
}

// account is the author if that is a bot, a webhook or Discord itself; else 0.
func (m message) account() store.ID {
	if m.GuildID != 0 && (m.Author.Bot || m.Author.System || m.Author.ID == m.WebhookID) {
		return m.Author.ID
	}
	return 0
}

// uncounted is what the store is told of a message that does not count, though it has a
// person for its author: a join, a boost, a new thread. Other bots log these as they log
// what people write. It is nil for any other message, and where nothing is stored.
func (m message) uncounted(r *rules.Rules, name string, source store.Source) *store.Record {
	if m.counts() || !m.ofPerson() || m.Author.ID == store.DeletedUser {
		return nil
	}
	m.Edited, m.Extra = 0, nil
	return m.kept(r, name, source)
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
		Extra:       m.Extra,
		Edited:      m.Edited,
	}
}

// kept is what is stored of a message that counts, nil if nothing is. name is its
// channel's, "" if that is not known.
func (m message) kept(r *rules.Rules, name string, source store.Source) *store.Record {
	if name == "" {
		name = store.UnknownChannel
	}
	rec := m.record(name, source)
	rec.Formatted = m.Blank                             // what was written is not known
	if keep, err := r.Apply(rec); err != nil || !keep { // a guild whose rules are not known is not allowed
		return nil
	}
	return rec
}

// edit is the change that a message's update tells of. Whether it is one, and is to
// be stored, is asked before.
func (m message) edit() store.Change {
	c := store.Change{
		Guild: m.GuildID, Message: m.ID, Time: m.Timestamp, User: m.Author.ID,
		Action: store.Edit, Content: m.Content, Edited: m.Edited, Extra: m.Extra,
	}
	if m.HasAttachments {
		c.Attachments = &m.Attachments
	}
	return c
}

// snowflakeTime is the instant at which Discord made an id, to the millisecond.
func snowflakeTime(id store.ID) store.Micros {
	return store.Micros(id.Millis() * 1000)
}
