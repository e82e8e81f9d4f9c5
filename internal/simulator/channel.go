package simulator

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Kind is the type of a channel, as Discord numbers it.
type Kind int

// The kinds of channels that the simulator knows.
const (
	Text          Kind = 0
	Direct        Kind = 1 // a conversation with the bot, outside of all guilds
	Voice         Kind = 2 // with the text chat that belongs to it
	Category      Kind = 4 // holds no messages
	Announcement  Kind = 5
	PublicThread  Kind = 11
	PrivateThread Kind = 12
	Stage         Kind = 13 // as Voice
	Forum         Kind = 15 // holds threads, no messages
)

// Access is what the bot may do in a channel. A thread has the access of its parent.
type Access int

// The levels of access.
const (
	Full      Access = iota
	NoHistory        // without READ_MESSAGE_HISTORY: the gateway sends its messages, history pages are empty
	NoAccess         // without VIEW_CHANNEL: no messages at all, REST answers 403
)

// ChannelSpec describes a channel.
type ChannelSpec struct {
	ID     ID // 0: a new one
	Name   string
	Kind   Kind     // default: Text
	Parent *Channel // a Category, or nil
	// Overwrites are its own: as Discord does it, a category's are not inherited.
	Overwrites []Overwrite
}

// Channel is a channel, a thread or a direct conversation.
type Channel struct {
	ID   ID
	Kind Kind
	s    *Server

	guild    *Guild // nil for Direct
	parent   *Channel
	user     *User // the other one of Direct, the owner of a thread
	name     string
	access   Access // a thread's own, beside its parent's
	deleted  bool
	messages []*message // by id
	webhooks map[string]ID
	lastTold ID // see SetLastMessage

	overwrites []Overwrite
	lastShown  ID // lastMessage when the bot could view the channel last, see HideKeepLast

	// Threads only.
	joined     bool // the bot is a member of this private thread
	archived   bool
	archivedAt time.Time
}

// AddChannel makes a channel; sessions get CHANNEL_CREATE. It panics if the id is taken.
func (g *Guild) AddChannel(spec ChannelSpec) *Channel {
	s := g.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if spec.ID == 0 {
		spec.ID = s.mint()
	}
	c := &Channel{
		ID: spec.ID, Kind: spec.Kind, s: s, guild: g, parent: spec.Parent, name: spec.Name,
		overwrites: slices.Clone(spec.Overwrites),
	}
	g.insert(c)
	g.publish("CHANNEL_CREATE", c.render(), IntentGuilds)
	return c
}

// insert takes a channel into the guild and the server's table. s.mu is held.
func (g *Guild) insert(c *Channel) {
	if g.s.channels[c.ID] != nil {
		panic(fmt.Sprintf("simulator: channel %v exists", c.ID))
	}
	g.s.channels[c.ID] = c
	g.s.everyChannel = append(g.s.everyChannel, c)
	at, _ := slices.BinarySearchFunc(g.channels, c.ID, func(c *Channel, id ID) int { return cmp.Compare(c.ID, id) })
	g.channels = slices.Insert(g.channels, at, c)
}

// DirectWith returns the direct conversation of u and the bot. Its messages are sent to shard 0
// whether it asked for them or not, so that a tracker must leave them alone itself.
func (s *Server) DirectWith(u *User) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.dms[u.ID]
	if c == nil {
		c = &Channel{ID: s.mint(), Kind: Direct, s: s, user: u}
		s.dms[u.ID] = c
		s.channels[c.ID] = c
		s.everyChannel = append(s.everyChannel, c)
	}
	return c
}

// Name returns the channel's name, "" for Direct.
func (c *Channel) Name() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.name
}

// Guild returns the channel's guild, nil for Direct.
func (c *Channel) Guild() *Guild { return c.guild }

// Parent returns the channel that a thread, or the category that a channel, is in.
func (c *Channel) Parent() *Channel { return c.parent }

// Rename gives the channel another name; sessions get CHANNEL_UPDATE or THREAD_UPDATE.
func (c *Channel) Rename(name string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.name = name
	c.publishUpdate()
}

// SetLastMessage makes last_message_id tell id although the history has newer messages, until
// something is posted again; 0: the newest message's. Nothing tells of it before the next payload
// of the channel, such as GUILD_CREATE.
func (c *Channel) SetLastMessage(id ID) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.lastTold = id
}

// Delete removes the channel and its threads; sessions get CHANNEL_DELETE or THREAD_DELETE.
func (c *Channel) Delete() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.remove()
}

func (c *Channel) remove() {
	if c.deleted || c.guild == nil {
		return
	}
	c.deleted = true
	delete(c.s.channels, c.ID)
	c.guild.channels = slices.DeleteFunc(c.guild.channels, func(o *Channel) bool { return o == c })
	if c.isThread() {
		if c.visible() {
			c.guild.publish("THREAD_DELETE", renderThreadDelete(c), IntentGuilds)
		}
		return
	}
	// Discord announces the parent alone; its threads vanish with it.
	for _, t := range slices.Clone(c.guild.channels) {
		if t.parent == c && t.isThread() {
			t.deleted = true
			delete(c.s.channels, t.ID)
			c.guild.channels = slices.DeleteFunc(c.guild.channels, func(o *Channel) bool { return o == t })
		}
	}
	c.guild.publish("CHANNEL_DELETE", c.render(), IntentGuilds)
}

// SetAccess changes what the bot may do in the channel and its threads, by SetOverwrites with one
// of @everyone. Of a thread it is the thread's own, and nothing tells of it but THREAD_UPDATE.
func (c *Channel) SetAccess(a Access) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.isThread() {
		c.access = a
		c.publishUpdate()
		return
	}
	everyone := Overwrite{Role: c.guild.roles[0]}
	switch a {
	case NoHistory:
		everyone.Deny = ReadMessageHistory
	case NoAccess:
		everyone.Deny = ViewChannel
	default:
		c.overwrite(nil)
		return
	}
	c.overwrite([]Overwrite{everyone})
}

func (c *Channel) publishUpdate() {
	switch {
	case c.guild == nil || c.deleted:
	case !c.isThread():
		c.guild.publish("CHANNEL_UPDATE", c.render(), IntentGuilds)
	case c.visible():
		c.guild.publish("THREAD_UPDATE", c.render(), IntentGuilds)
	}
}

func (c *Channel) isThread() bool { return c.Kind == PublicThread || c.Kind == PrivateThread }

// holdsMessages reports whether anything can be posted in channels of this kind.
func (c *Channel) holdsMessages() bool { return c.Kind != Category && c.Kind != Forum }

// rights returns what the bot may do here.
func (c *Channel) rights() Access {
	switch {
	case c.guild == nil:
		return Full
	case c.isThread():
		return max(c.access, c.parent.rights())
	case !c.viewable():
		return NoAccess
	case c.permissions()&ReadMessageHistory == 0:
		return NoHistory
	}
	return Full
}

// visible reports whether the gateway tells the bot of what happens here.
func (c *Channel) visible() bool {
	return c.rights() != NoAccess && (c.Kind != PrivateThread || c.joined || c.parent.managesThreads())
}

// connectable reports whether REST answers for the channel's history: in voice and stage channels
// that takes CONNECT.
func (c *Channel) connectable() bool {
	return c.Kind != Voice && c.Kind != Stage || c.permissions()&Connect != 0
}
