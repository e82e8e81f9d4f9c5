package tracker

import (
	"rollcall/internal/permissions"
	"rollcall/store"
)

// guildSnapshot is what a GUILD_CREATE says about the messages of a guild at the
// moment of it: the allowed channels and active threads, each with its last
// message. Channels that the rules do not allow are left out.
type guildSnapshot struct {
	Guild    store.ID
	Channels []channelSnapshot // any order, threads among them
}

// channelSnapshot is one channel or thread of a guildSnapshot.
type channelSnapshot struct {
	ID          store.ID
	Parent      store.ID // a thread's channel, a channel's category; 0: none
	Type        int      // Discord's number for the kind of channel
	Name        string
	LastMessage store.ID // 0: none was ever sent, or none is known
	// Reading is what the bot may read in the channel; of a thread its channel's counts.
	Reading permissions.Reading
}

// Kinds of channels that are not like the others here.
const (
	channelText          = 0
	channelCategory      = 4
	channelAnnouncement  = 5
	channelNewsThread    = 10
	channelPublicThread  = 11
	channelPrivateThread = 12
	channelDirectory     = 14
	channelForum         = 15
	channelMedia         = 16
)

// holdsMessages reports whether messages are posted in the channel itself. A forum's
// last_message_id is the id of its newest thread.
func (c channelSnapshot) holdsMessages() bool {
	switch c.Type {
	case channelCategory, channelDirectory, channelForum, channelMedia:
		return false
	}
	return true
}

// holdsThreads reports whether the channel can have threads.
func (c channelSnapshot) holdsThreads() bool {
	switch c.Type {
	case channelText, channelAnnouncement, channelForum, channelMedia:
		return true
	}
	return false
}

// thread returns a thread's channel, 0 if it is not known or the channel is no thread.
func (c channelSnapshot) thread() store.ID {
	if c.isThread() {
		return c.Parent
	}
	return 0
}

// isThread reports whether the channel is a thread.
func (c channelSnapshot) isThread() bool {
	switch c.Type {
	case channelNewsThread, channelPublicThread, channelPrivateThread:
		return true
	}
	return false
}
