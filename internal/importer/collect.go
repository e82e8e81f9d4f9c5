package importer

import (
	"context"
	"strings"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/intake"
	"rollcall/store"
)

// work is a batch on its way.
type work struct {
	intake.Batch
	bytes int
	done  int64 // progress once it is stored
}

// collector makes batches of what is read of one archive.
type collector struct {
	*run
	ctx       context.Context
	file      *File
	batches   chan *work
	next      *work
	malformed int64
	guild     single
	channel   single
	names     map[string]string // of people, which come again and again
	base, at  int64             // progress before this archive, and in it
}

// namesMost bounds the names that are kept.
const namesMost = 10_000

// single is a text while it is the only one.
type single struct {
	text    string
	several bool
}

func (s *single) note(text string) {
	switch {
	case s.several || text == s.text || text == "":
	case s.text == "":
		s.text = strings.Clone(text)
	default:
		s.text, s.several = "", true
	}
}

func (c *collector) At(done, of int64) {
	if of > 0 {
		c.at = int64(float64(c.file.size) * min(1, float64(done)/float64(of)))
	}
}

func (c *collector) Malformed(string) error {
	c.malformed++
	return nil
}

func (c *collector) Message(m *archive.Message) error {
	b := c.room()
	b.Messages = append(b.Messages, *m)
	m = &b.Messages[len(b.Messages)-1]
	m.Guild = c.mapped(m.Guild)
	if m.Skip != "" {
		// What is counted and no more need not be carried.
		*m = archive.Message{ID: m.ID, Guild: m.Guild, User: m.User, Time: m.Time, Skip: m.Skip, Channel: m.Channel}
	}
	if m.Guild != 0 {
		c.guild.note(m.Guild.String())
	}
	if m.Skip != archive.DirectMessage {
		c.channel.note(m.Channel.Name)
	}
	m.Content = strings.Clone(m.Content) // it may be a part of a whole block
	m.UserName = c.name(m.UserName)
	for i, s := range m.Stickers {
		m.Stickers[i] = strings.Clone(s)
	}
	if m.Forwarded != nil {
		m.Forwarded.Content = strings.Clone(m.Forwarded.Content)
		b.bytes += len(m.Forwarded.Content)
	}
	if b.bytes += len(m.Content); len(b.Messages) < batchMessages && b.bytes < batchBytes {
		return nil
	}
	return c.hand()
}

func (c *collector) Name(n archive.Name) error {
	b := c.room()
	n.Guild = c.mapped(n.Guild)
	if n.Guild != 0 {
		c.guild.note(n.Guild.String())
	}
	if b.Names = append(b.Names, n); len(b.Names) < batchMessages {
		return nil
	}
	return c.hand()
}

// name returns a copy of a name that its other copies share.
func (c *collector) name(s string) string {
	if s == "" {
		return ""
	}
	if known, ok := c.names[s]; ok {
		return known
	}
	if c.names == nil || len(c.names) >= namesMost {
		c.names = map[string]string{}
	}
	s = strings.Clone(s)
	c.names[s] = s
	return s
}

func (c *collector) mapped(guild store.ID) store.ID {
	if to, ok := c.Guilds[guild]; ok {
		return to
	}
	return guild
}

// room returns the batch that is being filled.
func (c *collector) room() *work {
	if c.next == nil {
		c.next = new(work)
		// What the old bot's database says of people is of no known moment.
		if c.file.Format != PigPig {
			c.next.Made = c.file.Made()
		}
	}
	return c.next
}

// hand hands on what has gathered.
func (c *collector) hand() error {
	if c.next == nil {
		return c.ctx.Err()
	}
	c.next.done = c.base + c.at
	select {
	case c.batches <- c.next:
		c.next = nil
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}
