package export

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"rollcall/internal/atomicfile"
	"rollcall/internal/civil"
	"rollcall/store"
)

// FormatVersion is that of the tables and columns of SQLite and Parquet.
const FormatVersion = 1

// schema is documented in docs/exports.md. Instants are RFC 3339 texts; the column with the
// ending _us is the same in microseconds since 1970. No column is declared as a date: drivers
// rewrite what is in such. Ids are texts: pandas makes floats of whole numbers where one is
// missing, and JavaScript of all that are as large, and both round them.
const schema = `
CREATE TABLE export(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE guilds(
	guild_id TEXT PRIMARY KEY,
	guild_name TEXT,
	messages INTEGER NOT NULL,
	first_message_at TEXT,
	last_message_at TEXT
);
CREATE TABLE channels(
	guild_id TEXT NOT NULL,
	channel_id TEXT,
	channel_name TEXT,
	parent_id TEXT
);
CREATE TABLE users(
	guild_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	user_name TEXT,
	messages INTEGER NOT NULL,
	first_message_at TEXT NOT NULL,
	last_message_at TEXT NOT NULL,
	PRIMARY KEY(guild_id, user_id)
) WITHOUT ROWID;
CREATE TABLE messages(
	id INTEGER PRIMARY KEY,
	guild_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	channel_id TEXT,
	channel_name TEXT NOT NULL,
	message_id TEXT,
	timestamp TEXT NOT NULL,
	timestamp_us INTEGER NOT NULL,
	message_content TEXT NOT NULL,
	source TEXT NOT NULL,
	reply_to_message_id TEXT,
	reply_to_user_id TEXT,
	attachments INTEGER,
	edited_at TEXT,
	redacted INTEGER NOT NULL DEFAULT 0,
	forwarded_content TEXT,
	forwarded_attachments INTEGER,
	poll_question TEXT,
	poll_answers TEXT,
	stickers TEXT
);
CREATE TABLE activity(
	guild_id TEXT NOT NULL,
	user_id TEXT,
	date TEXT NOT NULL,
	messages INTEGER NOT NULL
);
`

// indexes are made when the rows are there, which is several times as fast.
var indexes = []string{
	`CREATE INDEX messages_by_id ON messages(message_id)`,
	`CREATE INDEX messages_by_user ON messages(user_id, timestamp_us)`,
	`CREATE INDEX messages_by_channel ON messages(channel_id, timestamp_us)`,
	`CREATE INDEX messages_by_time ON messages(guild_id, timestamp_us)`,
	`CREATE INDEX channels_by_id ON channels(channel_id)`,
	`CREATE INDEX activity_by_user ON activity(guild_id, user_id, date)`,
}

// ftsSchema is the table for full-text search. What is in it are tokens of internal/search, with
// spaces between them, because no tokenizer of SQLite finds a word in Chinese or Japanese.
const ftsSchema = `CREATE VIRTUAL TABLE messages_fts USING fts5(content, forwarded, content='', tokenize="unicode61 remove_diacritics 2 categories 'L* N* M* Co So'")`

// Settings are what a database or a set of Parquet files says of itself.
type Settings struct {
	Zone     *time.Location // whose days activity has
	Made     time.Time
	FullText bool // SQLite: with the table messages_fts
}

// SQLite is a database in the making. It is an Output.
type SQLite struct {
	ctx      context.Context
	file     *atomicfile.PendingFile
	db       *sql.DB
	conn     *sql.Conn
	tables   []*rows
	settings Settings
	tally
	began bool // a guild

	export, guilds, channels, users, messages, rare, activity, fts *rows

	id int64 // of the last message
	// What comes again and again, as values.
	guildText, userText driver.Value
	channelTexts        map[store.ID]driver.Value
	days                dates
	tokens              tokenJoiner
}

// NewSQLite begins a database that is to be called path; there must be nothing yet.
func NewSQLite(ctx context.Context, path string, o Settings) (_ *SQLite, err error) {
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	s := &SQLite{ctx: ctx, file: file, settings: o, tally: newTally(o.Zone)}
	if err := s.open(); err != nil {
		s.Discard()
		return nil, err
	}
	return s, nil
}

func (s *SQLite) open() (err error) {
	// The file has no name yet that anybody could find it by, and goes if anything fails: so
	// there is no journal, and one sync at the end.
	if s.db, err = sql.Open("sqlite", "file:"+uriPath(s.file.Name())+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=locking_mode(EXCLUSIVE)&_pragma=cache_size(-65536)&_pragma=temp_store(MEMORY)"); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(s.ctx); err != nil {
		return err
	}
	statements := schema
	if s.settings.FullText {
		statements += ftsSchema
	}
	if _, err := s.conn.ExecContext(s.ctx, statements); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(s.ctx, "BEGIN"); err != nil {
		return err
	}
	for _, t := range []struct {
		rows    **rows
		table   string
		columns int
	}{
		{&s.export, "export", 2}, {&s.guilds, "guilds", 5}, {&s.channels, "channels", 4}, {&s.users, "users", 6},
		{&s.messages, "messages(" + commonNames + ")", commonColumns}, {&s.rare, "messages(" + commonNames + ", " + rareNames + ")", commonColumns + rareColumns},
		{&s.activity, "activity", 4}, {&s.fts, "messages_fts(rowid, content, forwarded)", 3},
	} {
		if t.rows == &s.fts && !s.settings.FullText {
			continue
		}
		if *t.rows, err = prepare(s.ctx, s.conn, t.table, t.columns); err != nil {
			return err
		}
		s.tables = append(s.tables, *t.rows)
	}
	zone := s.settings.Zone.String()
	for _, kv := range [][2]string{
		{"format", fmt.Sprint(FormatVersion)}, {"made_at", store.MicrosOf(s.settings.Made).String()}, {"zone", zone},
	} {
		if err := s.export.add(kv[0], kv[1]); err != nil {
			return err
		}
	}
	return nil
}

// uriPath is a path as a part of a URI.
func uriPath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// Guild begins a guild.
func (s *SQLite) Guild(g Guild) error {
	if err := s.endGuild(); err != nil {
		return err
	}
	s.guild, s.all, s.began = g, total{}, true
	s.guildText = g.ID.String()
	return nil
}

// Channel adds a channel.
func (s *SQLite) Channel(c Channel) error {
	return s.channels.add(s.guildText, known(c.ID), text(c.Name), known(c.Parent))
}

// User begins a user.
func (s *SQLite) User(u User) error {
	if err := s.endUser(); err != nil {
		return err
	}
	s.user, s.of = u, total{}
	s.userText = u.ID.String()
	return nil
}

// Record adds a message. Most have nothing in the last columns; it is the values that cost.
func (s *SQLite) Record(r *store.Record) error {
	if err := s.tally.add(r.Time, s.putDay); err != nil {
		return err
	}
	s.id++
	rare := r.Redacted || r.Edited != 0 || r.ReplyTo != 0 || r.ReplyToUser != 0 || r.Extra != nil
	into, other := s.messages, s.rare
	if rare {
		into, other = s.rare, s.messages
	}
	if err := other.flush(); err != nil { // rows are numbered in their order
		return err
	}
	v, err := into.next()
	if err != nil {
		return err
	}
	v[0], v[1], v[2], v[3], v[4] = s.guildText, s.userText, s.channelText(r.Channel.ID), r.Channel.Name, known(r.Message)
	v[5], v[6], v[7], v[8], v[9] = s.days.instant(r.Time), int64(r.Time), r.Content, sourceValue(r.Source), nil
	if r.Message != 0 {
		v[9] = int64(r.Attachments)
	}
	if rare {
		setRare(v[commonColumns:], r)
	}
	if s.fts == nil {
		return nil
	}
	own, forwarded := s.tokens.of(r)
	if own == "" && forwarded == "" {
		return nil
	}
	return s.fts.add(s.id, own, forwarded)
}

func (s *SQLite) channelText(id store.ID) driver.Value {
	v, ok := s.channelTexts[id]
	if !ok {
		if s.channelTexts == nil || len(s.channelTexts) >= maxNames {
			s.channelTexts = make(map[store.ID]driver.Value)
		}
		v = known(id)
		s.channelTexts[id] = v
	}
	return v
}

// The columns of messages that are given: all but id, which SQLite gives in order.
const (
	commonColumns = 10
	commonNames   = "guild_id, user_id, channel_id, channel_name, message_id, timestamp, timestamp_us, message_content, source, attachments"
	rareColumns   = 9
	rareNames     = "reply_to_message_id, reply_to_user_id, edited_at, redacted, forwarded_content, forwarded_attachments, poll_question, poll_answers, stickers"
)

func setRare(v []driver.Value, r *store.Record) {
	clear(v)
	v[0], v[1], v[3] = known(r.ReplyTo), known(r.ReplyToUser), int64(0)
	if r.Edited != 0 {
		v[2] = r.Edited.String()
	}
	if r.Redacted {
		v[3] = int64(1)
	}
	if x := r.Extra; x != nil {
		if f := x.Forwarded; f != nil {
			v[4], v[5] = f.Content, int64(f.Attachments)
		}
		if p := x.Poll; p != nil {
			v[6], v[7] = p.Question, jsonList(p.Answers)
		}
		if len(x.Stickers) > 0 {
			v[8] = jsonList(x.Stickers)
		}
	}
}

func (s *SQLite) putDay(d dayRow) error {
	return s.activity.add(s.guildText, known(d.user), civil.DateOf(d.day), d.messages)
}

func (s *SQLite) endUser() error {
	if err := s.endDay(s.putDay); err != nil || s.of.messages == 0 {
		return err
	}
	u, of := s.user, s.of
	s.of = total{}
	if u.ID == store.DeletedUser {
		return nil
	}
	return s.users.add(s.guildText, u.ID.String(), text(u.Name), of.messages, of.first.String(), of.last.String())
}

func (s *SQLite) endGuild() error {
	if err := s.endUser(); err != nil || !s.began {
		return err
	}
	var first, last driver.Value
	if s.all.messages > 0 {
		first, last = s.all.first.String(), s.all.last.String()
	}
	return s.guilds.add(s.guildText, text(s.guild.Name), s.all.messages, first, last)
}

// Commit makes the indexes and gives the database its name.
func (s *SQLite) Commit() error {
	if err := s.endGuild(); err != nil {
		return err
	}
	for _, t := range s.tables {
		if err := errors.Join(t.flush(), t.close()); err != nil {
			return err
		}
	}
	s.tables = nil
	statements := indexes
	if s.fts != nil {
		statements = append([]string{`INSERT INTO messages_fts(messages_fts) VALUES('optimize')`}, indexes...)
	}
	for _, statement := range append(statements, "COMMIT", "PRAGMA analysis_limit=1000", "ANALYZE") {
		if _, err := s.conn.ExecContext(s.ctx, statement); err != nil {
			return err
		}
	}
	if err := errors.Join(s.conn.Close(), s.db.Close()); err != nil {
		return err
	}
	s.conn, s.db = nil, nil
	return s.file.Commit(false)
}

// Discard removes what there is of a database that was not committed.
func (s *SQLite) Discard() {
	for _, t := range s.tables {
		t.close()
	}
	if s.conn != nil {
		s.conn.Close()
	}
	if s.db != nil {
		s.db.Close()
	}
	os.Remove(s.file.Name() + "-journal")
	s.file.Discard()
}
