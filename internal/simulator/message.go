package simulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Types of messages that the simulator makes by itself, or that callers often want. A Draft may
// have any type.
const (
	TypeDefault       = 0
	TypePin           = 6 // a system message, as the next two
	TypeJoin          = 7
	TypeBoost         = 8
	TypeThreadCreated = 18
	TypeReply         = 19
	TypeCommand       = 20 // a bot's answer to a slash command
	TypeThreadStarter = 21
	TypePollEnd       = 46 // of the poll that ReplyTo names, by its author
)

const flagHasThread = 1 << 5

// Draft is a message to be posted.
type Draft struct {
	Author  *User // nil: the bot, unless Webhook is set
	Content string
	Type    int // default: TypeDefault, or TypeReply if ReplyTo is set
	// ReplyTo is the message answered (its id is enough). Of one that has been deleted, or that
	// another channel has, the payload tells the id alone.
	ReplyTo Message
	// Webhook is the name under which a webhook posts; such a message has no member.
	Webhook     string
	Mentions    []*User
	Attachments int // how many of them
	Embeds      int
	Stickers    []string // their names
	// Forward is a message that is passed on, as it is given: wherever it is, and even if it is
	// there no more. A forward has no content of its own.
	Forward *Message
	Poll    *Poll
	// Voice makes a voice message of it: its only attachment is what was spoken.
	Voice      bool
	Components json.RawMessage // an array, see UnknownComponents
	// Fields are put over the payload as they are: to add fields, or to give one a type that no
	// client expects. What Post returns does not reflect them.
	Fields map[string]any
	// At is the time of a message of the past: it is taken into the history and sent to nobody.
	// Zero: now.
	At time.Time
	// Late is for how long Discord has been busy with the message: it is sent and in the history
	// from now on, with an id (and a timestamp) of that long ago. So ids are out of order within a
	// channel, as they are where two servers handle two posts at once.
	Late time.Duration
	// Bulk is how many bytes the message has in the history that no client asks for. The gateway
	// leaves them out.
	Bulk int
}

// Message says what has been posted, and what a tracker should make of it.
type Message struct {
	ID          ID
	Guild       ID // 0 for a direct message
	Channel     ID
	ChannelName string // when it was posted
	Author      ID     // the webhook's id if it was one
	Time        time.Time
	Type        int
	Content     string // as it is now
	ReplyTo     ID     // the message answered or referred to, 0 if none
	ReplyToUser ID     // its author, 0 if unknown
	Attachments int
	Extra       *Extra // nil: nothing but its content
	Edited      bool
	Deleted     bool
	// Counts reports whether this is a message of a person in a guild: of type default or reply, by
	// neither a bot nor a webhook. It says nothing about what the bot may see.
	Counts bool
}

// message is what the history keeps of a message.
type message struct {
	id          ID
	channel     *Channel
	author      *User // nil: a webhook's
	content     string
	channelName string
	editedAt    time.Time
	kind        int
	deleted     bool
	more        *extras // nil for plain text, which most messages are
}

// extras is what few messages have.
type extras struct {
	reply       *message // nil although replyID is set: deleted, or another channel's
	replyID     ID
	webhook     ID
	webhookName string
	mentions    []*User
	attachments int
	embeds      int
	extra       *Extra   // what is told of forward, poll and stickers
	forward     *Message // what is passed on
	voice       bool
	flags       int
	components  json.RawMessage
	fields      map[string]json.RawMessage
	bulk        int
}

func (m *message) extras() *extras {
	if m.more == nil {
		m.more = &extras{}
	}
	return m.more
}

// Post posts a message: it is in the channel's history and on its way to every session that may see
// it. While such a session has Options.Queue events to be sent, Post waits; nothing is ever lost
// for want of room. The error is ctx's, ErrClosed, or says that nothing can be posted here.
func (c *Channel) Post(ctx context.Context, d Draft) (Message, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if d.At.IsZero() { // the past is sent to nobody
		if err := c.awaitRoom(ctx); err != nil {
			return Message{}, err
		}
	}
	if c.deleted || !c.holdsMessages() {
		return Message{}, fmt.Errorf("post in channel %v: %w", c.ID, errNoMessages)
	}
	return c.post(d).facts(), nil
}

// Say posts plain text.
func (c *Channel) Say(ctx context.Context, author *User, content string) (Message, error) {
	return c.Post(ctx, Draft{Author: author, Content: content})
}

var errNoMessages = errors.New("it is deleted, a category or a forum")

// post is Post without waiting. s.mu is held.
func (c *Channel) post(d Draft) *message {
	if !d.At.IsZero() {
		return c.record(c.s.mintAt(d.At), d)
	}
	c.moveToArchive(false)
	id := c.s.mint()
	if d.Late > 0 {
		id = c.s.mintLate(d.Late)
	}
	m := c.record(id, d)
	if c.guild != nil && m.author != nil { // whoever writes is a member
		c.guild.member(m.author)
	}
	c.lastTold = 0
	c.announce(m)
	return m
}

// record takes a message into the history. s.mu is held.
func (c *Channel) record(id ID, d Draft) *message {
	m := &message{id: id, channel: c, author: d.Author, content: d.Content, channelName: c.name, kind: d.Type}
	if m.author == nil && d.Webhook == "" {
		m.author = c.s.bot
	}
	if d.hasExtras() {
		m.more = c.extrasOf(d)
	}
	if d.ReplyTo.ID != 0 && d.Type == TypeDefault {
		m.kind = TypeReply
	}
	if n := len(c.messages); n > 0 && c.messages[n-1].id > id {
		at, _ := c.search(id)
		c.messages = slices.Insert(c.messages, at, m)
	} else {
		c.messages = append(c.messages, m)
	}
	if len(c.messages) > c.s.o.History {
		c.messages[0] = nil
		c.messages = c.messages[1:]
	}
	c.s.stats.Posted++
	if m.counts() {
		c.s.stats.Counting++
	}
	return m
}

func (d *Draft) hasExtras() bool {
	return d.ReplyTo.ID != 0 || d.Webhook != "" || d.Mentions != nil || d.Attachments+d.Embeds > 0 || d.extra() != nil || d.Voice ||
		d.Components != nil || d.Fields != nil || d.Bulk > 0
}

func (c *Channel) extrasOf(d Draft) *extras {
	x := &extras{
		replyID: d.ReplyTo.ID, reply: c.find(d.ReplyTo.ID), mentions: d.Mentions, attachments: d.Attachments,
		embeds: d.Embeds, extra: d.extra(), forward: d.Forward, voice: d.Voice, components: d.Components, bulk: d.Bulk,
	}
	if d.Forward != nil {
		x.flags |= flagSnapshot
	}
	if d.Voice {
		x.flags, x.attachments = x.flags|flagVoice, 1
	}
	if d.Webhook != "" {
		x.webhook, x.webhookName = c.webhook(d.Webhook), d.Webhook
	}
	if x.reply == nil && c.isThread() {
		x.reply = c.parent.find(d.ReplyTo.ID) // what the thread was started from
	}
	if x.reply != nil && x.reply.author != nil && !slices.Contains(x.mentions, x.reply.author) {
		x.mentions = append(slices.Clip(x.mentions), x.reply.author) // a reply pings whom it answers
	}
	for name, value := range d.Fields {
		if x.fields == nil {
			x.fields = map[string]json.RawMessage{}
		}
		x.fields[name] = mustJSON(value)
	}
	return x
}

// webhook returns the id of the channel's webhook with this name.
func (c *Channel) webhook(name string) ID {
	if c.webhooks == nil {
		c.webhooks = map[string]ID{}
	}
	if c.webhooks[name] == 0 {
		c.webhooks[name] = c.s.mint()
	}
	return c.webhooks[name]
}

// announce sends a message that was just recorded. s.mu is held.
func (c *Channel) announce(m *message) { c.publishMessage("MESSAGE_CREATE", m) }

// search returns where the message with this id is, or would be.
func (c *Channel) search(id ID) (at int, ok bool) {
	return slices.BinarySearchFunc(c.messages, id, func(m *message, id ID) int { return cmp.Compare(m.id, id) })
}

// find returns the message with this id, nil if there is none or it was deleted.
func (c *Channel) find(id ID) *message {
	if at, ok := c.search(id); ok && !c.messages[at].deleted {
		return c.messages[at]
	}
	return nil
}

// Edit changes a message's text; sessions get MESSAGE_UPDATE. Of a message that is not there it
// does nothing; nor does DeleteMessages.
func (c *Channel) Edit(id ID, content string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if m := c.find(id); m != nil {
		m.content, m.editedAt = content, time.Now()
		if c.s.o.EditsMoveLast {
			c.lastTold = id
		}
		c.publishMessage("MESSAGE_UPDATE", m)
	}
}

// KeepAttachments edits a message so that it has at most so many attachments left; sessions get
// MESSAGE_UPDATE.
func (c *Channel) KeepAttachments(id ID, most int) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if m := c.find(id); m != nil {
		x := m.extras()
		x.attachments, m.editedAt = min(x.attachments, most), time.Now()
		c.publishMessage("MESSAGE_UPDATE", m)
	}
}

// DeleteMessages deletes messages; sessions get MESSAGE_DELETE for one, MESSAGE_DELETE_BULK for
// several.
func (c *Channel) DeleteMessages(ids ...ID) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var gone []ID
	for _, id := range ids {
		if m := c.find(id); m != nil {
			m.deleted = true
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		c.publishDeleted(gone)
	}
}

// Messages returns all messages that the history keeps, deleted ones and those of deleted channels
// included, channel by channel in the order of their ids. It takes a copy of a channel at a time,
// so the world may change meanwhile.
func (s *Server) Messages() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		s.mu.Lock()
		channels := slices.Clone(s.everyChannel)
		s.mu.Unlock()
		for _, c := range channels {
			for _, m := range c.Messages() {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// Messages returns the messages that the channel's history keeps, deleted ones included, oldest
// first.
func (c *Channel) Messages() []Message {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	all := make([]Message, len(c.messages))
	for i, m := range c.messages {
		all[i] = m.facts()
	}
	return all
}

// facts returns what callers are told of a message. s.mu is held.
func (m *message) facts() Message {
	f := Message{
		ID: m.id, Channel: m.channel.ID, ChannelName: m.channelName, Time: m.id.Time(), Type: m.kind,
		Author: m.authorID(), Content: m.content, Edited: !m.editedAt.IsZero(), Deleted: m.deleted, Counts: m.counts(),
	}
	if g := m.channel.guild; g != nil {
		f.Guild = g.ID
	}
	if x := m.more; x != nil {
		f.ReplyTo, f.Attachments, f.Extra = x.replyID, x.attachments, x.extra
		if x.reply != nil {
			f.ReplyToUser = x.reply.authorID()
		}
	}
	return f
}

// authorID returns the id that the payload's author has.
func (m *message) authorID() ID {
	if m.author == nil {
		return m.more.webhook
	}
	return m.author.ID
}

func (m *message) counts() bool {
	return m.channel.guild != nil && (m.kind == TypeDefault || m.kind == TypeReply) && m.author != nil && !m.author.Bot
}
