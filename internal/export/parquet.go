package export

import (
	"errors"
	"fmt"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"rollcall/store"
)

const (
	// groupRows is how many rows a row group has at most, and groupBytes how much text is in
	// one before it ends: all of a row group is in memory until it is written.
	groupRows  = 64 << 10
	groupBytes = 32 << 20
	// fileRows is how many rows a file of messages has at most.
	fileRows = 16 << 20
	// writeRows are given to the writer at a time.
	writeRows = 512
)

// Parquet is a folder of files in the making. It is an Output.
//
//	guilds.parquet channels.parquet users.parquet activity.parquet
//	messages/guild=<guild id>/00001.parquet …
//
// Rows of messages are sorted by user, time and message, the others by guild and what follows it.
type Parquet struct {
	folder   *folder
	settings Settings
	tally
	began bool // a guild

	guilds   *table[guildRow]
	channels *table[channelRow]
	users    *table[userRow]
	activity *table[activityRow]
	messages *table[messageRow] // of the present guild, nil before its first record
	file     int                // its number
	small    []int32            // numbers from 0 on, for rows to point to
}

// The rows. Ids are signed: readers take unsigned ones for negative or for floats. Of a column
// that is optional and no pointer, the zero value is null.
type (
	guildRow struct {
		Guild    int64  `parquet:"guild_id"`
		Name     string `parquet:"guild_name,optional"`
		Messages int64  `parquet:"messages"`
		First    int64  `parquet:"first_message_at,optional,timestamp(microsecond)"`
		Last     int64  `parquet:"last_message_at,optional,timestamp(microsecond)"`
	}
	channelRow struct {
		Guild   int64  `parquet:"guild_id"`
		Channel int64  `parquet:"channel_id,optional"`
		Name    string `parquet:"channel_name,optional"`
		Parent  int64  `parquet:"parent_id,optional"`
	}
	userRow struct {
		Guild    int64  `parquet:"guild_id"`
		User     int64  `parquet:"user_id"`
		Name     string `parquet:"user_name,optional"`
		Messages int64  `parquet:"messages"`
		First    int64  `parquet:"first_message_at,timestamp(microsecond)"`
		Last     int64  `parquet:"last_message_at,timestamp(microsecond)"`
	}
	activityRow struct {
		Guild    int64 `parquet:"guild_id"`
		User     int64 `parquet:"user_id,optional"`
		Date     int32 `parquet:"date,date"`
		Messages int64 `parquet:"messages"`
	}
	messageRow struct {
		Guild       int64    `parquet:"guild_id"`
		User        int64    `parquet:"user_id,dict"`
		Channel     int64    `parquet:"channel_id,optional,dict"`
		ChannelName string   `parquet:"channel_name,dict"`
		Message     int64    `parquet:"message_id,optional"`
		Time        int64    `parquet:"timestamp,timestamp(microsecond)"`
		Content     string   `parquet:"message_content"`
		Source      string   `parquet:"source,dict"`
		ReplyTo     int64    `parquet:"reply_to_message_id,optional"`
		ReplyToUser int64    `parquet:"reply_to_user_id,optional"`
		Attachments *int32   `parquet:"attachments,optional"`
		Edited      int64    `parquet:"edited_at,optional,timestamp(microsecond)"`
		Redacted    bool     `parquet:"redacted"`
		Forwarded   *string  `parquet:"forwarded_content,optional"`
		ForwardedN  *int32   `parquet:"forwarded_attachments,optional"`
		Question    *string  `parquet:"poll_question,optional"`
		Answers     []string `parquet:"poll_answers,list"`
		Stickers    []string `parquet:"stickers,list"`
	}
)

// NewParquet begins a folder that is to be called path; there must be nothing yet, or an
// empty folder.
func NewParquet(path string, o Settings) (_ *Parquet, err error) {
	f, err := newFolder(path)
	if err != nil {
		return nil, err
	}
	p := &Parquet{folder: f, settings: o, tally: newTally(o.Zone), small: make([]int32, 64)}
	for i := range p.small {
		p.small[i] = int32(i)
	}
	if p.guilds, err = newTable[guildRow](f, o, []string{"guild_id"}, "guilds.parquet"); err == nil {
		p.channels, err = newTable[channelRow](f, o, []string{"guild_id", "channel_id"}, "channels.parquet")
	}
	if err == nil {
		p.users, err = newTable[userRow](f, o, []string{"guild_id", "user_id"}, "users.parquet")
	}
	if err == nil {
		p.activity, err = newTable[activityRow](f, o, nil, "activity.parquet")
	}
	if err != nil {
		p.Discard()
		return nil, err
	}
	return p, nil
}

// Guild begins a guild.
func (p *Parquet) Guild(g Guild) error {
	if err := p.endGuild(); err != nil {
		return err
	}
	p.guild, p.all, p.began, p.file = g, total{}, true, 0
	return nil
}

// Channel adds a channel.
func (p *Parquet) Channel(c Channel) error {
	return p.channels.add(channelRow{int64(p.guild.ID), int64(c.ID), c.Name, int64(c.Parent)}, len(c.Name))
}

// User begins a user.
func (p *Parquet) User(u User) error {
	if err := p.endUser(); err != nil {
		return err
	}
	p.user, p.of = u, total{}
	return nil
}

// Record adds a message.
func (p *Parquet) Record(r *store.Record) error {
	if err := p.tally.add(r.Time, p.putDay); err != nil {
		return err
	}
	if p.messages != nil && p.messages.written >= fileRows {
		if err := p.endMessages(); err != nil {
			return err
		}
	}
	if p.messages == nil {
		p.file++
		var err error
		if p.messages, err = newTable[messageRow](p.folder, p.settings, []string{"user_id", "timestamp"},
			"messages", "guild="+p.guild.ID.String(), fmt.Sprintf("%05d.parquet", p.file)); err != nil {
			return err
		}
	}
	row := messageRow{
		Guild: int64(r.Guild), User: int64(r.User), Channel: int64(r.Channel.ID), ChannelName: r.Channel.Name, Message: int64(r.Message),
		Time: int64(r.Time), Content: r.Content, Source: r.Source.String(), ReplyTo: int64(r.ReplyTo), ReplyToUser: int64(r.ReplyToUser),
		Edited: int64(r.Edited), Redacted: r.Redacted,
	}
	if r.Message != 0 {
		row.Attachments = p.number(r.Attachments)
	}
	size := len(r.Content)
	if x := r.Extra; x != nil {
		if f := x.Forwarded; f != nil {
			row.Forwarded, row.ForwardedN = &f.Content, p.number(f.Attachments)
			size += len(f.Content)
		}
		if q := x.Poll; q != nil {
			row.Question, row.Answers = &q.Question, q.Answers
			size += len(q.Question)
		}
		row.Stickers = x.Stickers
	}
	return p.messages.add(row, size)
}

func (p *Parquet) number(n int) *int32 {
	if n < len(p.small) {
		return &p.small[n]
	}
	v := int32(min(n, 1<<31-1))
	return &v
}

func (p *Parquet) putDay(d dayRow) error {
	return p.activity.add(activityRow{int64(d.guild), int64(d.user), d.day, d.messages}, 0)
}

func (p *Parquet) endUser() error {
	if err := p.endDay(p.putDay); err != nil || p.of.messages == 0 {
		return err
	}
	u, of := p.user, p.of
	p.of = total{}
	if u.ID == store.DeletedUser {
		return nil
	}
	return p.users.add(userRow{int64(p.guild.ID), int64(u.ID), u.Name, of.messages, int64(of.first), int64(of.last)}, len(u.Name))
}

func (p *Parquet) endGuild() error {
	if err := p.endUser(); err != nil || !p.began {
		return err
	}
	if err := p.endMessages(); err != nil {
		return err
	}
	return p.guilds.add(guildRow{int64(p.guild.ID), p.guild.Name, p.all.messages, int64(p.all.first), int64(p.all.last)}, len(p.guild.Name))
}

func (p *Parquet) endMessages() error {
	t := p.messages
	p.messages = nil
	return t.end()
}

// Commit gives the folder its name.
func (p *Parquet) Commit() error {
	if err := p.endGuild(); err != nil {
		return err
	}
	if err := errors.Join(p.guilds.end(), p.channels.end(), p.users.end(), p.activity.end()); err != nil {
		return err
	}
	return p.folder.commit()
}

// Discard removes what there is of a folder that was not committed.
func (p *Parquet) Discard() {
	p.messages.discard()
	p.guilds.discard()
	p.channels.discard()
	p.users.discard()
	p.activity.discard()
	p.folder.discard()
}

// table is a file in the making, of rows that come in its order.
type table[T any] struct {
	file    *os.File
	w       *parquet.GenericWriter[T]
	rows    []T
	written int64
	inGroup int64
	size    int // of the texts in the row group
}

func newTable[T any](f *folder, o Settings, sorted []string, parts ...string) (*table[T], error) {
	file, err := f.create(parts...)
	if err != nil {
		return nil, err
	}
	options := []parquet.WriterOption{
		parquet.Compression(&zstd.Codec{Level: zstd.DefaultLevel, Concurrency: 1}), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.CreatedBy("rollcall", fmt.Sprint(FormatVersion), ""),
		parquet.KeyValueMetadata("rollcall.format", fmt.Sprint(FormatVersion)),
		parquet.KeyValueMetadata("rollcall.made_at", store.MicrosOf(o.Made).String()),
		parquet.KeyValueMetadata("rollcall.zone", o.Zone.String()),
	}
	if len(sorted) > 0 {
		columns := make([]parquet.SortingColumn, len(sorted))
		for i, name := range sorted {
			columns[i] = parquet.Ascending(name)
		}
		options = append(options, parquet.SortingWriterConfig(parquet.SortingColumns(columns...)))
	}
	return &table[T]{file: file, w: parquet.NewGenericWriter[T](file, options...), rows: make([]T, 0, writeRows)}, nil
}

// add adds a row with so many bytes of text.
func (t *table[T]) add(row T, size int) error {
	t.rows = append(t.rows, row)
	t.size += size
	if len(t.rows) < writeRows && t.size < groupBytes {
		return nil
	}
	return t.write()
}

func (t *table[T]) write() error {
	n, err := t.w.Write(t.rows)
	if err != nil {
		return err
	}
	t.written += int64(n)
	t.inGroup += int64(n)
	clear(t.rows) // what they point to
	t.rows = t.rows[:0]
	if t.inGroup >= groupRows || t.size >= groupBytes {
		t.inGroup, t.size = 0, 0
		return t.w.Flush()
	}
	return nil
}

// end finishes the file. Of nil it does nothing.
func (t *table[T]) end() error {
	if t == nil {
		return nil
	}
	if err := t.write(); err != nil {
		return err
	}
	if err := t.w.Close(); err != nil {
		return err
	}
	return finish(t.file)
}

func (t *table[T]) discard() {
	if t != nil {
		t.file.Close()
	}
}
