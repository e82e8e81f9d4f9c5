package simulator

import (
	"context"
	"fmt"
	"time"
)

// ThreadSpec describes a thread.
type ThreadSpec struct {
	Name    string
	Owner   *User // nil: the bot
	Private bool
	Joined  bool // the bot is a member of the private thread; of public ones it hears anyway
}

// StartThread starts a thread in the channel. As on Discord, one that is public and of no message
// is announced by a system message (type 18) in the channel.
func (c *Channel) StartThread(spec ThreadSpec) *Channel {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t := c.newThread(c.s.mint(), spec)
	if !spec.Private && c.holdsMessages() {
		c.post(Draft{Author: t.user, Type: TypeThreadCreated, Content: spec.Name})
	}
	return t
}

// StartThreadFrom starts a thread of one of the channel's messages. As on Discord the thread has
// the message's id, and begins with a system message (type 21) that refers to it. It panics if the
// message has a thread already.
func (c *Channel) StartThreadFrom(start Message, spec ThreadSpec) *Channel {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t := c.newThread(start.ID, spec)
	if m := c.find(start.ID); m != nil {
		m.extras().flags |= flagHasThread
		c.publishMessage("MESSAGE_UPDATE", m)
	}
	t.post(Draft{Author: t.user, Type: TypeThreadStarter, ReplyTo: start})
	return t
}

// StartPost starts a thread in a Forum: the draft is its first message and, as on Discord, has the
// thread's id.
func (c *Channel) StartPost(ctx context.Context, title string, first Draft) (*Channel, Message, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if err := c.awaitRoom(ctx); err != nil {
		return nil, Message{}, err
	}
	if c.deleted {
		return nil, Message{}, fmt.Errorf("post in forum %v: %w", c.ID, errNoMessages)
	}
	id := c.s.mint()
	t := c.newThread(id, ThreadSpec{Name: title, Owner: first.Author})
	m := t.record(id, first)
	t.announce(m)
	return t, m.facts(), nil
}

// newThread makes a thread; sessions get THREAD_CREATE. s.mu is held.
func (c *Channel) newThread(id ID, spec ThreadSpec) *Channel {
	t := &Channel{
		ID: id, Kind: PublicThread, s: c.s, guild: c.guild, parent: c, user: spec.Owner,
		name: spec.Name, joined: spec.Joined,
	}
	if spec.Private {
		t.Kind = PrivateThread
	}
	if t.user == nil {
		t.user = c.s.bot
	}
	c.guild.insert(t)
	if t.visible() {
		p := t.payload()
		p.NewlyCreated = true
		c.guild.publish("THREAD_CREATE", mustJSON(p), IntentGuilds)
	}
	return t
}

// AddBot adds the bot to a thread that it was not a member of; if it may see the thread, sessions get
// THREAD_CREATE, with the thread's last message and without newly_created.
func (c *Channel) AddBot() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.joined || c.deleted || !c.isThread() {
		return
	}
	if c.joined = true; c.visible() {
		c.guild.publish("THREAD_CREATE", mustJSON(c.payload()), IntentGuilds)
	}
}

// Archive archives the thread; sessions get THREAD_UPDATE. A message posted there later takes it
// out of the archive again.
func (c *Channel) Archive() { c.setArchived(true) }

// Unarchive takes the thread out of the archive; sessions get THREAD_UPDATE.
func (c *Channel) Unarchive() { c.setArchived(false) }

func (c *Channel) setArchived(archived bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.moveToArchive(archived)
}

// moveToArchive is Archive and Unarchive. s.mu is held.
func (c *Channel) moveToArchive(archived bool) {
	if !c.isThread() || c.archived == archived {
		return
	}
	c.archived = archived
	// Instants are paging positions, so no two threads may have the same.
	c.archivedAt = time.Now().Truncate(time.Microsecond)
	if earliest := c.s.lastArchived.Add(time.Microsecond); c.archivedAt.Before(earliest) {
		c.archivedAt = earliest
	}
	c.s.lastArchived = c.archivedAt
	c.publishUpdate()
}
