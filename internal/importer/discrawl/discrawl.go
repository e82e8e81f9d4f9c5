package discrawl

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/sqlitefile"
	"rollcall/store"
)

// newestVersion is the highest user_version that was looked at.
const newestVersion = 8

// Is reports whether a database is an archive of this tool.
func Is(db *sqlitefile.DB) bool {
	return db.Has("messages", "id", "guild_id", "channel_id", "author_id", "message_type", "created_at", "content", "raw_json") && db.Has("channels", "id", "guild_id", "name")
}

// Archive is an open archive.
type Archive struct{ db *sqlitefile.DB }

// New reads from a database of which Is is true.
func New(db *sqlitefile.DB) *Archive { return &Archive{db} }

// What is wrong with a malformed message.
const (
	badID     = "a message's id is empty or no id"
	badAuthor = "a message's author is unknown"
)

// reader is one reading of an archive.
type reader struct {
	*Archive
	ctx      context.Context
	guilds   map[store.ID]string
	channels map[store.ID]archive.Channel
	members  map[member]known
	memberOf string // the query for a member, "" without members
	answered string // the query for the author of an answered message
	created  string // the query for the events of a message, "" without events
}

type member struct{ guild, user store.ID }

// known is what the member list has of somebody.
type known struct {
	there, bot bool
	name       string
}

// membersMost bounds the members that are kept, some MiB.
const membersMost = 50_000

// Read hands out all messages, in the order in which the tool stored them.
func (a *Archive) Read(ctx context.Context, sink archive.Sink) (archive.Result, error) {
	r := &reader{Archive: a, ctx: ctx, guilds: map[store.ID]string{}, channels: map[store.ID]archive.Channel{}, members: map[member]known{}}
	var result archive.Result
	if row, err := a.db.One(ctx, `PRAGMA user_version`); err != nil {
		return result, err
	} else if row != nil && sqlitefile.Int(row[0]) > newestVersion {
		result.Note = fmt.Sprintf("it has version %d, which is newer than the newest known one, %d: what it has in common with that was read", sqlitefile.Int(row[0]), newestVersion)
	}
	query, err := r.prepare()
	if err != nil {
		return result, err
	}
	total, n := a.db.Count(ctx, "messages"), int64(0)
	var m archive.Message
	var failed error
	err = a.db.Each(ctx, query, nil, func(v []driver.Value) error {
		if n++; n%1024 == 0 {
			sink.At(n, total)
		}
		m = archive.Message{}
		why, err := r.message(&m, v)
		if err != nil {
			return err
		}
		if why != "" {
			failed = sink.Malformed(why)
		} else {
			failed = sink.Message(&m)
		}
		return failed
	})
	if err != nil && failed == nil && ctx.Err() == nil && n > 0 {
		result.Incomplete, err = true, nil // the file is damaged from here on
	}
	sink.At(total, total)
	return result, err
}

// prepare reads guilds and channels and returns the query for messages.
func (r *reader) prepare() (string, error) {
	db := r.db
	if db.Has("guilds", "id", "name") {
		if err := db.Each(r.ctx, `SELECT id, name FROM guilds`, nil, func(v []driver.Value) error {
			r.guilds[sqlitefile.ID(v[0])] = sqlitefile.Text(v[1])
			return nil
		}); err != nil {
			return "", err
		}
	}
	if err := r.readChannels(); err != nil {
		return "", err
	}
	if db.Has("members", "guild_id", "user_id", "username") {
		r.memberOf = `SELECT ` + db.Column("members", "m", "display_name") + `, ` + db.Column("members", "m", "nick") + `, ` +
			db.Column("members", "m", "global_name") + `, m.username, ` + db.Column("members", "m", "bot") + ` FROM members m WHERE m.guild_id = ? AND m.user_id = ?`
	}
	for table, column := range map[string]string{"members": "user_id", "messages": "id", "message_attachments": "message_id", "message_events": "message_id"} {
		if err := db.Index(r.ctx, table, column); err != nil {
			return "", err
		}
	}
	r.answered = `SELECT m.author_id FROM messages m WHERE m.id = ?`
	if db.Has("message_events", "message_id", "payload_json") {
		r.created = `SELECT e.payload_json FROM message_events e WHERE e.message_id = ? ORDER BY e.rowid LIMIT 100`
	}
	attachments := db.Column("messages", "m", "has_attachments")
	if db.Has("message_attachments", "message_id") {
		attachments = `(SELECT count(*) FROM message_attachments a WHERE a.message_id = m.id)`
	}
	column := func(name string) string { return db.Column("messages", "m", name) }
	return `SELECT ` + strings.Join([]string{
		column("id"), column("guild_id"), column("channel_id"), column("author_id"), column("message_type"), column("created_at"),
		column("edited_at"), column("deleted_at"), column("content"), column("reply_to_message_id"), column("raw_json"), attachments,
	}, ", ") + ` FROM messages m ORDER BY m.rowid`, nil
}

func (r *reader) readChannels() error {
	db := r.db
	query := `SELECT c.id, c.name, ` + db.Column("channels", "c", "kind") + `, ` + db.Column("channels", "c", "thread_parent_id") + `, ` +
		db.Column("channels", "c", "parent_id") + ` FROM channels c`
	return db.Each(r.ctx, query, nil, func(v []driver.Value) error {
		c := archive.Channel{ID: sqlitefile.ID(v[0]), Name: sqlitefile.Text(v[1])}
		// The parent of a channel that is no thread is its category.
		if c.Parent = sqlitefile.ID(v[3]); c.Parent != 0 || strings.HasPrefix(sqlitefile.Text(v[2]), "thread") {
			c.Thread = true
			if c.Parent == 0 {
				c.Parent = sqlitefile.ID(v[4])
			}
		}
		r.channels[c.ID] = c
		return nil
	})
}

// message makes a message of a row, or returns why it is malformed.
func (r *reader) message(m *archive.Message, v []driver.Value) (string, error) {
	if m.ID = sqlitefile.MessageID(v[0]); m.ID == 0 {
		return badID, nil
	}
	guild := sqlitefile.Text(v[1])
	m.Guild, m.User = archive.ID(guild), sqlitefile.ID(v[3])
	m.GuildName = r.guilds[m.Guild]
	id := sqlitefile.ID(v[2])
	m.Channel = r.channels[id]
	m.Channel.ID = id
	m.Time = archive.TimeOf(m.ID)
	if stated, err := store.ParseMicros(sqlitefile.Text(v[5])); err == nil {
		m.Time = archive.When(m.ID, stated)
	}
	kind := sqlitefile.Int(v[4])
	m.Content = sqlitefile.Text(v[8])
	raw := readRaw(sqlitefile.Text(v[10]))
	if m.User == 0 {
		if err := r.complete(m, &raw, &kind); err != nil {
			return "", err
		}
	}
	who, err := r.member(m.Guild, m.User)
	if err != nil {
		return "", err
	}
	bot := raw.bot || raw.webhook
	if !raw.hasAuthor {
		bot = bot || who.bot || !who.there
	}
	switch {
	case bot && (raw.hasAuthor || raw.webhook || m.User != 0):
		m.Skip = archive.Bot
	case kind != 0 && kind != 19:
		m.Skip = archive.System
	case guild == "@me" || guild == "0":
		m.Skip = archive.DirectMessage
	case sqlitefile.Text(v[7]) != "":
		m.Skip = archive.Deleted
	case m.Guild == 0:
		m.Skip = archive.NoGuild
	case m.User == 0:
		return badAuthor, nil
	}
	if m.Skip != "" {
		return "", nil
	}
	if m.UserName = who.name; m.UserName == "" {
		m.UserName = raw.name
	}
	m.Edited, _ = store.ParseMicros(sqlitefile.Text(v[6]))
	m.Forwarded, m.Poll, m.Stickers = raw.forwarded, raw.poll, raw.stickers
	m.Attachments = int(sqlitefile.Int(v[11]))
	if kind == 19 && !raw.isForward {
		return "", r.reply(m, &raw, sqlitefile.MessageID(v[9]))
	}
	return "", nil
}

// reply says which message is answered, and whose it is where that is known.
func (r *reader) reply(m *archive.Message, raw *raw, answered store.ID) error {
	if m.ReplyTo = answered; answered == 0 {
		m.ReplyTo = raw.reference
	}
	m.ReplyToUser = raw.answered
	if m.ReplyTo == 0 || m.ReplyToUser != 0 {
		return nil
	}
	row, err := r.db.One(r.ctx, r.answered, m.ReplyTo.String())
	if row != nil {
		m.ReplyToUser = sqlitefile.ID(row[0])
	}
	return err
}

// complete finds what a row lacks that an old version made of a partial update: who
// wrote, and of which type the message is. The events of the message tell.
func (r *reader) complete(m *archive.Message, of *raw, kind *int64) error {
	if m.User = of.author; m.User != 0 || r.created == "" {
		return nil
	}
	rows, err := r.db.All(r.ctx, r.created, m.ID.String())
	if err != nil {
		return err
	}
	for _, row := range rows {
		event := readRaw(sqlitefile.Text(row[0]))
		if event.author == 0 {
			continue
		}
		content := m.Content
		if content == "" {
			content = event.content
		}
		m.User, m.Content, *kind = event.author, content, event.kind
		*of = event
		return nil
	}
	return nil
}

// member returns what the member list has of a user.
func (r *reader) member(guild, id store.ID) (known, error) {
	if r.memberOf == "" || id == 0 {
		return known{}, nil
	}
	of := member{guild, id}
	if k, ok := r.members[of]; ok {
		return k, nil
	}
	row, err := r.db.One(r.ctx, r.memberOf, guild.String(), id.String())
	if err != nil {
		return known{}, err
	}
	k := known{there: row != nil}
	if row != nil {
		k.bot = sqlitefile.Int(row[4]) != 0
		for _, name := range row[:4] {
			if k.name = sqlitefile.Text(name); k.name != "" {
				break
			}
		}
	}
	if len(r.members) >= membersMost {
		clear(r.members)
	}
	r.members[of] = k
	return k, nil
}
