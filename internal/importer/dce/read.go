package dce

import (
	"context"
	"errors"
	"strings"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/window"
	"rollcall/internal/jsonscan"
	"rollcall/store"
)

// What is wrong with a malformed message. They are constants, so that nothing of what
// people wrote gets into a list of them.
const (
	badShape  = "a message is no JSON object"
	badID     = "a message's id is missing or no id"
	badAuthor = "a message's author is missing or has no id"
	badTime   = "a line of logs has no time"
)

// Marker is the member of a message in which our own exports have what DiscordChatExporter has
// no place for. Other tools pass it by.
const Marker = "rollcall"

// Read hands out the messages, in the order of the file.
func (e *Export) Read(ctx context.Context, sink archive.Sink) (archive.Result, error) {
	if e.torn {
		return archive.Result{Incomplete: true}, nil
	}
	err := e.readMessages(ctx, sink)
	if errors.Is(err, window.ErrTorn) {
		return archive.Result{Incomplete: true}, nil
	}
	return archive.Result{}, err
}

func (e *Export) readMessages(ctx context.Context, sink archive.Sink) error {
	w := e.w
	var m message
	authors := newRecent()
	read := func() {
		if m.more = w.Element(']'); m.more {
			m.read(&w.Cursor)
		}
	}
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			sink.At(w.Offset(), e.size)
		}
		if err := w.Piece(read); err != nil {
			return err
		}
		if !m.more {
			break
		}
		why := m.finish(&e.Head, authors)
		var err error
		if why != "" {
			err = sink.Malformed(why)
		} else {
			err = sink.Message(&m.Message)
		}
		if err != nil {
			return err
		}
	}
	// What follows says that the file is whole. How many messages there were it may say
	// as it likes: it counts those, too, that do not count here.
	var key string
	for more := true; more; {
		if err := w.Piece(func() {
			if more = w.Member(&key); more {
				w.Skip()
			}
		}); err != nil {
			return err
		}
	}
	sink.At(w.Offset(), e.size)
	return nil
}

// message is a message that is being read.
type message struct {
	archive.Message
	more, isObject bool

	kind, reference, referenceKind string
	id, author, nick, name         jsonscan.Value
	bot                            bool
	sent, edited, content          jsonscan.Value
	mentions, customEmoji          int

	channelID   store.ID // of a marker
	channelName string
}

// read reads the message at c.
func (m *message) read(c *jsonscan.Cursor) {
	*m = message{more: true}
	if c.Peek() != '{' {
		c.Skip()
		return
	}
	m.isObject = true
	var key string
	for c.Open('{'); c.Member(&key); {
		switch key {
		case "id":
			m.id = c.Value()
		case "type":
			m.kind = idText(c.Value())
		case "timestamp":
			m.sent = c.Value()
		case "timestampEdited":
			m.edited = c.Value()
		case "content":
			m.content = c.Value()
		case "author":
			m.readAuthor(c)
		case "attachments":
			m.Attachments = c.Count()
		case "stickers":
			m.Stickers = names(c)
		case "mentions":
			m.mentions = c.Count()
		case "reference":
			m.readReference(c)
		case "forwardedMessage":
			m.Forwarded = forwarded(c)
		case "inlineEmojis":
			m.customEmoji = customEmoji(c)
		case Marker:
			m.readMarker(c)
		default:
			c.Skip()
		}
	}
}

func (m *message) readAuthor(c *jsonscan.Cursor) {
	c.Members(func(key string) {
		switch key {
		case "id":
			m.author = c.Value()
		case "name":
			m.name = c.Value()
		case "nickname":
			m.nick = c.Value()
		case "isBot":
			m.bot = c.True()
		default:
			c.Skip()
		}
	})
}

// readMarker reads what our own exports say beside what DiscordChatExporter does.
func (m *message) readMarker(c *jsonscan.Cursor) {
	c.Members(func(key string) {
		switch key {
		case "source":
			m.Line = c.Value().Text() == store.SourceLog.String()
		case "channelId":
			m.channelID = archive.ID(idText(c.Value()))
		case "channelName":
			m.channelName = c.Value().Text()
		case "replyToUserId":
			m.ReplyToUser = archive.ID(idText(c.Value()))
		case "redacted":
			m.Redacted = c.True()
		case "poll":
			m.Poll = poll(c)
		default:
			c.Skip()
		}
	})
}

func poll(c *jsonscan.Cursor) *archive.Poll {
	if c.Peek() != '{' {
		c.Skip()
		return nil
	}
	p := &archive.Poll{Answers: []string{}}
	c.Members(func(key string) {
		switch key {
		case "question":
			p.Question = c.Value().Text()
		case "answers":
			c.Elements(func() { p.Answers = append(p.Answers, c.Value().Text()) })
		default:
			c.Skip()
		}
	})
	return p
}

func (m *message) readReference(c *jsonscan.Cursor) {
	c.Members(func(key string) {
		switch key {
		case "type":
			m.referenceKind = idText(c.Value())
		case "messageId":
			m.reference = idText(c.Value())
		default:
			c.Skip()
		}
	})
}

// forwarded reads what a message passes on. Its timestamps mean nothing: they may be of
// the year 1.
func forwarded(c *jsonscan.Cursor) *archive.Forward {
	if c.Peek() != '{' {
		c.Skip()
		return nil
	}
	f := new(archive.Forward)
	c.Members(func(key string) {
		switch key {
		case "content":
			f.Content = c.Value().Text()
		case "attachments":
			f.Attachments = c.Count()
		default:
			c.Skip()
		}
	})
	return f
}

// names reads the names in an array of objects.
func names(c *jsonscan.Cursor) (list []string) {
	eachElement(c, func(key string) {
		if key != "name" {
			c.Skip()
		} else if name := c.Value().Text(); name != "" {
			list = append(list, name)
		}
	})
	return list
}

// customEmoji counts the emoji that have an id. Others are what they are in the text, too.
func customEmoji(c *jsonscan.Cursor) (n int) {
	eachElement(c, func(key string) {
		if key != "id" {
			c.Skip()
		} else if archive.ID(idText(c.Value())) != 0 {
			n++
		}
	})
	return n
}

// eachElement calls read as Members does, for each object of the array that comes next.
func eachElement(c *jsonscan.Cursor, read func(key string)) {
	c.Elements(func() { c.Members(read) })
}

// finish makes an archive.Message of what was read, or returns why it is malformed.
func (m *message) finish(h *Head, authors *recent) string {
	if !m.isObject {
		return badShape
	}
	if m.ID = archive.MessageID(idText(m.id)); m.ID == 0 {
		return badID
	}
	m.Guild, m.GuildName, m.Channel = h.Guild, h.GuildName, h.Channel
	if m.channelName != "" {
		m.Channel.Name = m.channelName
	}
	m.User = archive.ID(idText(m.author))
	m.Time = archive.TimeOf(m.ID)
	if stated, err := store.ParseMicros(m.sent.Text()); err == nil {
		m.Time = archive.When(m.ID, stated)
	}
	if m.Skip = m.skip(h); m.Skip != "" {
		return ""
	}
	if m.User == 0 {
		return badAuthor
	}
	if m.UserName = m.nick.Text(); m.UserName == "" {
		m.UserName = m.name.Text()
	}
	if m.UserName == idText(m.author) { // our own exports have the id where no name is known
		m.UserName = ""
	}
	m.Edited, _ = store.ParseMicros(m.edited.Text())
	m.Content = m.content.Text()
	m.Formatted = m.mentions > 0 && !strings.Contains(m.Content, "<@") ||
		m.customEmoji > 0 && !strings.Contains(m.Content, "<:") && !strings.Contains(m.Content, "<a:")
	if m.isReply() && m.referenceKind != "Forward" && m.referenceKind != "1" {
		m.ReplyTo = archive.MessageID(m.reference)
		if m.ReplyToUser == 0 {
			m.ReplyToUser = authors.of(m.ReplyTo)
		}
	}
	if m.Line {
		return m.finishLine()
	}
	authors.note(m.ID, m.User)
	return ""
}

// finishLine makes a line of logs of the message: its id was made up, its time was not.
func (m *message) finishLine() string {
	stated, err := store.ParseMicros(m.sent.Text())
	if err != nil {
		return badTime
	}
	m.ID, m.Time, m.Formatted, m.Channel.ID = 0, stated, false, m.channelID
	return ""
}

func (m *message) isReply() bool { return m.kind == "Reply" || m.kind == "19" }

// skip returns why the message does not count. A type that is missing is what people
// write: only files that somebody has worked on have none.
func (m *message) skip(h *Head) archive.Reason {
	switch {
	case m.bot:
		return archive.Bot
	case !m.isReply() && m.kind != "Default" && m.kind != "0" && m.kind != "":
		return archive.System
	case h.Direct:
		return archive.DirectMessage
	case h.Guild == 0:
		return archive.NoGuild
	}
	return ""
}

// recentMost is how many messages behind an answer its author is remembered.
const recentMost = 1 << 14

// recent knows who wrote the messages that were read last: an export tells which message
// is answered, and not whose.
type recent struct {
	authors map[store.ID]store.ID
	ring    []store.ID
	at      int
}

func newRecent() *recent { return &recent{authors: make(map[store.ID]store.ID)} }

func (r *recent) of(message store.ID) store.ID { return r.authors[message] }

func (r *recent) note(message, author store.ID) {
	if len(r.ring) < recentMost {
		r.ring = append(r.ring, message)
	} else {
		delete(r.authors, r.ring[r.at])
		r.ring[r.at] = message
		r.at = (r.at + 1) % recentMost
	}
	r.authors[message] = author
}
