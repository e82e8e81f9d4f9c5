package dht

import (
	"context"
	"database/sql/driver"
	"fmt"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/sqlitefile"
	"rollcall/store"
)

// newestSchema is the newest one that was looked at.
const newestSchema = 11

// Is reports whether a database is an archive of this tool.
func Is(db *sqlitefile.DB) bool {
	return db.Has("messages", "message_id", "sender_id", "channel_id", "text", "timestamp") &&
		db.Has("channels", "id", "server") && db.Has("servers", "id", "type")
}

// Archive is an open archive.
type Archive struct{ db *sqlitefile.DB }

// New reads from a database of which Is is true.
func New(db *sqlitefile.DB) *Archive { return &Archive{db} }

// reader is one reading of an archive.
type reader struct {
	*Archive
	ctx      context.Context
	channels map[store.ID]channel
	users    map[store.ID]user
	tags     bool // somebody has a discriminator
	userSQL  string
}

type channel struct {
	archive.Channel
	guild     store.ID
	guildName string
	direct    bool
}

type user struct {
	name string
	bot  bool
}

// usersMost bounds the users that are kept, some MiB.
const usersMost = 50_000

// Read hands out all messages in the order of their ids.
func (a *Archive) Read(ctx context.Context, sink archive.Sink) (archive.Result, error) {
	r := &reader{Archive: a, ctx: ctx, channels: map[store.ID]channel{}, users: map[store.ID]user{}}
	var result archive.Result
	if a.db.Has("metadata", "key", "value") {
		row, err := a.db.One(ctx, `SELECT value FROM metadata WHERE key = 'version'`)
		if err != nil {
			return result, err
		}
		if row != nil && sqlitefile.Int(row[0]) > newestSchema {
			result.Note = fmt.Sprintf("it has schema %d, which is newer than the newest known one, %d: what it has in common with that was read", sqlitefile.Int(row[0]), newestSchema)
		}
	}
	if err := r.readChannels(); err != nil {
		return result, err
	}
	if err := r.prepareUsers(); err != nil {
		return result, err
	}
	query, err := r.query()
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

// query selects the messages with what other tables, or in older schemas columns, have
// of them.
func (r *reader) query() (string, error) {
	db, join := r.db, ""
	edited, replied := db.Column("messages", "m", "edit_timestamp"), db.Column("messages", "m", "replied_to_id")
	for _, table := range []string{"message_edit_timestamps", "edit_timestamps"} {
		if db.Has(table, "message_id", "edit_timestamp") {
			if err := db.Index(r.ctx, table, "message_id"); err != nil {
				return "", err
			}
			join += ` LEFT JOIN ` + table + ` e ON e.message_id = m.message_id`
			edited = "e.edit_timestamp"
			break
		}
	}
	for _, table := range []string{"message_replied_to", "replied_to"} {
		if db.Has(table, "message_id", "replied_to_id") {
			if err := db.Index(r.ctx, table, "message_id"); err != nil {
				return "", err
			}
			join += ` LEFT JOIN ` + table + ` p ON p.message_id = m.message_id`
			replied = "p.replied_to_id"
			break
		}
	}
	if err := db.Index(r.ctx, "messages", "message_id"); err != nil {
		return "", err
	}
	attachments := "0"
	for _, table := range []string{"message_attachments", "attachments"} {
		if db.Has(table, "message_id") {
			if err := db.Index(r.ctx, table, "message_id"); err != nil {
				return "", err
			}
			attachments = `(SELECT count(*) FROM ` + table + ` a WHERE a.message_id = m.message_id)`
			break
		}
	}
	return `SELECT m.message_id, m.sender_id, m.channel_id, m.text, ` + db.Column("messages", "m", "timestamp") + `, ` +
		edited + `, ` + replied + `, r.channel_id, r.sender_id, ` + attachments + `
		FROM messages m` + join + ` LEFT JOIN messages r ON r.message_id = ` + replied + ` ORDER BY m.message_id`, nil
}

// message makes a message of a row, or returns why it is malformed.
func (r *reader) message(m *archive.Message, v []driver.Value) (string, error) {
	if m.ID = sqlitefile.MessageID(v[0]); m.ID == 0 {
		return "a message's id is no id", nil
	}
	m.User = sqlitefile.ID(v[1])
	id := sqlitefile.ID(v[2])
	m.Time = archive.TimeOf(m.ID)
	if ms := sqlitefile.Int(v[4]); ms > 0 && ms < 1<<45 {
		m.Time = archive.When(m.ID, store.Micros(ms*1000))
	}
	c, known := r.channels[id]
	m.Channel, m.Guild, m.GuildName = c.Channel, c.guild, c.guildName
	m.Channel.ID = id
	u, err := r.user(m.User)
	if err != nil {
		return "", err
	}
	reply := sqlitefile.MessageID(v[6])
	switch {
	case u.bot:
		m.Skip = archive.Bot
	case c.direct:
		m.Skip = archive.DirectMessage
	case !known || c.guild == 0:
		m.Skip = archive.NoGuild
	case reply != 0 && reply == id:
		m.Skip = archive.ThreadStarter
	case m.User == 0:
		return "a message's sender is no id", nil
	}
	if m.Skip != "" {
		return "", nil
	}
	m.UserName = u.name
	m.Content = sqlitefile.Text(v[3])
	if ms := sqlitefile.Int(v[5]); ms > 0 && ms < 1<<45 {
		m.Edited = store.Micros(ms * 1000)
	}
	m.Attachments = int(sqlitefile.Int(v[9]))
	// A message of another channel is passed on, not answered. Of one that is not in the
	// archive the channel is unknown; but what passes on has no text of its own.
	switch answered := sqlitefile.ID(v[7]); {
	case reply == 0:
	case answered == id:
		m.ReplyTo, m.ReplyToUser = reply, sqlitefile.ID(v[8])
	case answered == 0 && (m.Content != "" || m.Attachments > 0):
		m.ReplyTo = reply
	}
	return "", nil
}

func (r *reader) readChannels() error {
	db := r.db
	// In the archives of early versions a group's or person's server has the channel's id.
	query := `SELECT c.id, ` + db.Column("channels", "c", "name") + `, ` + db.Column("channels", "c", "parent_id") + `, s.id, ` +
		db.Column("servers", "s", "name") + `, s.type FROM channels c LEFT JOIN servers s ON s.id = c.server`
	if err := db.Index(r.ctx, "servers", "id"); err != nil {
		return err
	}
	return db.Each(r.ctx, query, nil, func(v []driver.Value) error {
		c := channel{Channel: archive.Channel{ID: sqlitefile.ID(v[0]), Name: sqlitefile.Text(v[1]), Parent: sqlitefile.ID(v[2])}}
		c.Thread = c.Parent != 0
		switch sqlitefile.Text(v[5]) {
		case "DM", "GROUP":
			c.direct = true
		default:
			c.guild, c.guildName = sqlitefile.ID(v[3]), sqlitefile.Text(v[4])
		}
		r.channels[c.ID] = c
		return nil
	})
}

// prepareUsers finds out whether discriminators say anything.
func (r *reader) prepareUsers() error {
	db := r.db
	if !db.Has("users", "id", "name") {
		return nil
	}
	if err := db.Index(r.ctx, "users", "id"); err != nil {
		return err
	}
	r.userSQL = `SELECT u.name, ` + db.Column("users", "u", "display_name") + `, ` + db.Column("users", "u", "discriminator") + ` FROM users u WHERE u.id = ?`
	if !db.Has("users", "discriminator") {
		return nil
	}
	row, err := db.One(r.ctx, `SELECT 1 FROM users WHERE discriminator IS NOT NULL LIMIT 1`)
	r.tags = row != nil
	return err
}

// user returns what is known of a user. One that is missing may be a person: what they
// wrote is kept.
func (r *reader) user(id store.ID) (user, error) {
	if u, ok := r.users[id]; ok || r.userSQL == "" {
		return u, nil
	}
	row, err := r.db.One(r.ctx, r.userSQL, int64(id))
	if err != nil {
		return user{}, err
	}
	var u user
	if row != nil {
		if u.name = sqlitefile.Text(row[1]); u.name == "" {
			u.name = sqlitefile.Text(row[0])
		}
		u.bot = r.tags && row[2] == nil
	}
	if len(r.users) >= usersMost {
		clear(r.users)
	}
	r.users[id] = u
	return u, nil
}
