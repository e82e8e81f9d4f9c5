package tracker

import (
	"slices"
	"sync"

	"rollcall/store"
)

// maxChannels bounds the names that are kept, at about 150 bytes each. It is
// twice what a bot in 2,500 guilds of 100 channels sees; beyond it, whatever
// channels come to hand are forgotten, and their messages are stored under store.UnknownChannel.
const maxChannels = 500_000

// names knows the guilds and the channels that the bot can see, from what the
// gateway tells. Its methods may be called from any goroutine.
type names struct {
	mu       sync.RWMutex
	guilds   map[store.ID]string
	channels map[store.ID]channelInfo
	most     int // maxChannels
}

// channelInfo is what is known of a channel or thread.
type channelInfo struct {
	guild  store.ID
	parent store.ID // a thread's channel, else 0
	name   string
	open   bool // a thread that whoever may read its channel may read, too
}

func newNames() *names {
	return &names{guilds: make(map[store.ID]string), channels: make(map[store.ID]channelInfo), most: maxChannels}
}

// channel returns what is known of a channel or thread.
func (n *names) channel(id store.ID) (channelInfo, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	c, ok := n.channels[id]
	return c, ok
}

// guild returns a guild's name, "" if it is not known.
func (n *names) guild(id store.ID) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.guilds[id]
}

// count returns how many guilds and channels are known.
func (n *names) count() (guilds, channels int) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.guilds), len(n.channels)
}

// setGuild takes in what GUILD_CREATE and GUILD_UPDATE say. What an update leaves
// out stays.
func (n *names) setGuild(g guild) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if g.Name != "" {
		n.guilds[g.ID] = g.Name
	}
	for _, list := range [][]channel{g.Channels, g.Threads} {
		for _, c := range list {
			c.GuildID = g.ID
			n.set(c)
		}
	}
}

// dropGuild forgets a guild that the bot has left.
func (n *names) dropGuild(id store.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.guilds, id)
	for key, c := range n.channels {
		if c.guild == id {
			delete(n.channels, key)
		}
	}
}

// setChannel takes in a channel or thread, new or changed.
func (n *names) setChannel(c channel) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set(c)
}

// dropChannel forgets a channel or thread that was deleted.
func (n *names) dropChannel(id store.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.channels, id)
}

// threadsOf returns the threads of a channel that are known.
func (n *names) threadsOf(channel store.ID) (threads []store.ID) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for id, c := range n.channels {
		if c.parent == channel {
			threads = append(threads, id)
		}
	}
	slices.Sort(threads)
	return threads
}

// set needs n.mu. An update without a name or parent does not take away the known one.
func (n *names) set(c channel) {
	info, known := n.channels[c.ID]
	if !known && len(n.channels) >= n.most {
		for key := range n.channels {
			delete(n.channels, key)
			break
		}
	}
	if c.GuildID != 0 {
		info.guild = c.GuildID
	}
	if c.Parent != 0 {
		info.parent = c.Parent
	}
	if c.Name != "" {
		info.name = c.Name
	}
	info.open = c.Type == channelNewsThread || c.Type == channelPublicThread
	n.channels[c.ID] = info
}
