package tracker

import (
	"sync"
	"time"

	"rollcall/internal/lately"
	"rollcall/store"
)

// told notes a channel of a guild, as its GUILD_CREATE or a list of threads shows it, and
// since when nothing of it is missed without being in the ledger: from now on, or, of one that
// has come while we did not listen, from where its gap begins.
func (p *planner) told(b *transaction, guild store.ID, g *listening, c channelSnapshot, seen bool) {
	since, after := g.to, c.LastMessage
	switch {
	case !g.known:
	case seen:
		after = 0
	case snowflakeTime(c.ID) > g.since:
		since, after = snowflakeTime(c.ID), 0
	case c.isThread():
		since, after = g.since, 0
	}
	s := store.ChannelSeen{Guild: guild, Channel: c.ID, Name: c.Name, At: g.to, Since: since, After: after}
	if c.isThread() {
		s.Parent = c.Parent
	}
	p.begun[c.ID] = true
	b.channels = append(b.channels, s)
}

// heard notes that a channel is listened to from a message of it on, unless it is known that
// it was before: threads that the bot is added to begin so.
func (p *planner) heard(b *transaction, c store.ChannelCursor) {
	if p.begun[c.Channel] {
		return
	}
	if len(p.begun) >= maxChannels { // they are told once more, which changes nothing
		clear(p.begun)
	}
	p.begun[c.Channel] = true
	b.channels = append(b.channels, store.ChannelSeen{Guild: c.Guild, Channel: c.Channel, Since: snowflakeTime(c.Last), After: c.Last - 1})
}

// joined notes that a thread begins for us where the bot was added to it.
func (p *planner) joined(b *transaction, e threadJoined) {
	c := e.thread
	p.begun[c.ID] = true
	b.channels = append(b.channels, store.ChannelSeen{Guild: e.guild, Channel: c.ID, Parent: c.Parent, Name: c.Name, At: e.at, Since: e.at, After: c.LastMessage})
}

// aside is what the next commit takes along, which has no place among the messages: what
// events tell of channels, and of messages that do not count. Any goroutine may use it.
type aside struct {
	mu       sync.Mutex
	channels []store.ChannelSeen
	passed   []store.Passed
}

// asideMost bounds what waits while nothing is committed. What is too much is not told.
const asideMost = 10_000

func (a *aside) tell(c store.ChannelSeen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.channels) < asideMost {
		a.channels = append(a.channels, c)
	}
}

func (a *aside) pass(p store.Passed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.passed) < asideMost {
		a.passed = append(a.passed, p)
	}
}

func (a *aside) take() (channels []store.ChannelSeen, passed []store.Passed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	channels, passed = a.channels, a.passed
	a.channels, a.passed = nil, nil
	return channels, passed
}

func (a *aside) empty() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.channels)+len(a.passed) == 0
}

// tellName hands the name of a channel on if it has changed. It must be called before the
// name is set.
func (r *receiver) tellName(c channel) {
	before, _ := r.names.channel(c.ID)
	if c.Name != "" && c.Name != before.name && r.rules.Allowed(c.GuildID, c.ID, c.Parent) {
		r.writer.aside.tell(store.ChannelSeen{Guild: c.GuildID, Channel: c.ID, Parent: c.Parent, Name: c.Name, At: store.MicrosOf(time.Now())})
	}
}

// passedMost bounds how many messages are remembered that were passed by, some 4 MB.
const passedMost = 1 << 16

// PassedBy is why a message was passed by that arrived while this process ran.
type PassedBy string

// What becomes of messages that no rule lets in. None of it is in the file: whoever does not
// want a channel to be recorded does not want its messages to be listed either.
const (
	PassedDirect        PassedBy = "direct_message"
	PassedGuildDenied   PassedBy = "guild_denied"
	PassedChannelDenied PassedBy = "channel_denied"
	PassedOptedOut      PassedBy = "opted_out"
)

// passedMessages remembers messages that were passed by.
type passedMessages struct{ lately.Map[PassedBy] }

func newPassed() *passedMessages {
	p := new(passedMessages)
	p.Most = passedMost
	return p
}

// note remembers a message; without a place for it, it does nothing.
func (p *passedMessages) note(message store.ID, why PassedBy) {
	if p != nil {
		p.Add(message, why)
	}
}

// WhyPassed tells why a message was passed by, if that was not long ago and in this process.
func (t *Tracker) WhyPassed(message store.ID) (why PassedBy, ok bool) { return t.passed.Get(message) }

// passed is what is told of a message that no person wrote. Those of people that do not count
// are told with their author (uncounted), so that they go with them.
func (m message) passed() (p store.Passed, ok bool) {
	if m.ofPerson() {
		return p, false
	}
	why := store.UncountedSystem
	switch {
	case m.WebhookID != 0:
		why = store.UncountedWebhook
	case m.Author.Bot:
		why = store.UncountedBot
	}
	return store.Passed{Guild: m.GuildID, Channel: m.ChannelID, Message: m.ID, Why: why}, true
}

// EveryoneReads reports whether a member without any role may read a channel or thread. It is
// false where that is not known: before a guild's roles and channels have been told, and of
// threads that nobody has told of since the daemon began. It may be called from any goroutine.
func (t *Tracker) EveryoneReads(guild, channel store.ID) bool {
	if c, known := t.names.channel(channel); known && c.parent != 0 {
		if !c.open {
			return false
		}
		channel = c.parent
	}
	return t.access.everyoneReads(guild, channel)
}
