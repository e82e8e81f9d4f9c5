package tracker

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/rules"
	"rollcall/store"
)

// receiver takes in the events of one shard, in their order and one at a time. It
// decodes them, learns names from them and hands messages to the writer; it waits
// for nothing but room in the writer's queue.
type receiver struct {
	shard, shards int
	writer        *writer
	backfill      *backfill
	hold          *hold
	content       *contentWatch
	names         *names
	access        *access
	members       *roster
	rules         *rules.Rules
	policy        policy
	passed        *passedMessages
	log           *slog.Logger

	events   atomic.Int64 // taken in, of any kind
	messages atomic.Int64 // handed to the writer, of those that count
	// Messages among the events, too: those that do not count or are in a guild or
	// channel that does not, and those that could not be read.
	filtered  atomic.Int64
	malformed atomic.Int64
	rejected  atomic.Int64 // gateway payloads and events that could not be read
	rejects   logLimiter
}

// handlerOf returns what takes in the events of a name, nil if they are of no interest.
func handlerOf(name string) func(*receiver, context.Context, json.RawMessage) error {
	switch name {
	case "READY":
		return (*receiver).ready
	case "MESSAGE_CREATE":
		return (*receiver).message
	case "MESSAGE_UPDATE":
		return (*receiver).messageUpdate
	case "MESSAGE_DELETE", "MESSAGE_DELETE_BULK":
		return (*receiver).messageDelete
	case "GUILD_CREATE":
		return (*receiver).guildCreate
	case "GUILD_UPDATE":
		return (*receiver).guildUpdate
	case "GUILD_DELETE":
		return (*receiver).guildDelete
	case "CHANNEL_CREATE", "THREAD_CREATE":
		return (*receiver).channelCreate
	case "CHANNEL_UPDATE", "THREAD_UPDATE":
		return (*receiver).channelUpdate
	case "CHANNEL_DELETE", "THREAD_DELETE":
		return (*receiver).channelDelete
	case "THREAD_LIST_SYNC":
		return (*receiver).threadListSync
	case "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE":
		return (*receiver).roleChange
	case "GUILD_MEMBER_UPDATE":
		return (*receiver).memberUpdate
	}
	return nil
}

// handles reports whether events of a name are of interest.
func handles(name string) bool { return handlerOf(name) != nil }

// receive takes in one event. ctx bounds the wait for the writer; the error says
// that the event was not taken in.
func (r *receiver) receive(ctx context.Context, name string, data json.RawMessage) error {
	handler := handlerOf(name)
	if handler == nil {
		return nil
	}
	r.events.Add(1)
	return handler(r, ctx, data)
}

// reject notes a payload that cannot be read. One line a minute tells of them.
func (r *receiver) reject(err error) {
	r.rejected.Add(1)
	if n, ok := r.rejects.due(time.Now()); ok {
		r.log.Warn("what Discord sent cannot be read and was left out", "count", n, "error", oneLine(err.Error()))
	}
}

// mine reports whether a guild belongs to this shard, by Discord's formula.
func (r *receiver) mine(guild store.ID) bool {
	return int(uint64(guild)>>22%uint64(r.shards)) == r.shard
}

func (r *receiver) message(ctx context.Context, data json.RawMessage) error {
	m, err := decodeMessage(data)
	if err != nil {
		r.malformed.Add(1)
		r.reject(err)
		return nil
	}
	if m.GuildID == 0 || !r.mine(m.GuildID) {
		r.filtered.Add(1)
		if m.GuildID == 0 {
			r.passed.note(m.ID, PassedDirect)
		}
		return nil
	}
	e := heldEvent{message: m, to: r}
	if r.hold.behind(e) {
		return nil
	}
	info, decided := r.infoOf(m)
	if !decided {
		r.hold.add(ctx, e)
		return nil
	}
	return r.take(ctx, m, info)
}

// infoOf returns what is known of a message's channel. decided is false if that does not
// tell whether messages of it are recorded: it may be a thread of a denied channel.
func (r *receiver) infoOf(m message) (info channelInfo, decided bool) {
	info, known := r.names.channel(m.ChannelID)
	switch {
	case known && info.name != "":
		return info, true
	case !known && !m.NoThread && !r.rules.Decided(m.GuildID, m.ChannelID):
		return info, false
	}
	if r.rules.Allowed(m.GuildID, m.ChannelID, info.parent) && !isDeaf(reasonOf(r.access.reading(m.GuildID, m.ChannelID))) {
		r.hold.nameless(m.GuildID, m.ChannelID)
		info, _ = r.names.channel(m.ChannelID) // it may have been learnt just now
	}
	return info, true
}

// takeHeld takes in an event that was held until its channel was described.
func (r *receiver) takeHeld(ctx context.Context, e heldEvent) error {
	info, _ := r.names.channel(e.message.ChannelID)
	if e.edit {
		return r.takeEdit(ctx, e.message, info)
	}
	return r.take(ctx, e.message, info)
}

// take takes in a message of a channel of which enough is known.
func (r *receiver) take(ctx context.Context, m message, info channelInfo) error {
	if !r.rules.Allowed(m.GuildID, m.ChannelID, info.parent) {
		r.filtered.Add(1)
		why := PassedChannelDenied
		if !r.rules.GuildAllowed(m.GuildID) {
			why = PassedGuildDenied
		}
		r.passed.note(m.ID, why)
		return nil
	}
	it := item{
		cursor:   store.ChannelCursor{Guild: m.GuildID, Channel: m.ChannelID, Last: m.ID},
		parent:   info.parent,
		received: time.Now(),
	}
	if m.counts() {
		if it.record = m.kept(r.rules, info.name, store.SourceLive); it.record != nil {
			it.names = r.namesOf(m)
		} else {
			r.passed.note(m.ID, PassedOptedOut)
		}
	} else if p, ok := m.passed(); ok {
		r.writer.aside.pass(p)
	}
	if it.record == nil {
		it.uncounted, it.account = m.uncounted(r.rules, info.name, store.SourceLive), m.account()
		r.filtered.Add(1)
	}
	if err := r.writer.add(ctx, it); err != nil {
		r.log.Warn("a message could not be taken in before the end; the next start fetches it from the history", "guild", m.GuildID, "error", err)
		return err
	}
	if it.record != nil {
		r.messages.Add(1)
		for _, span := range r.content.heard(r.shard, &m) {
			r.writer.queue.post(span)
		}
	}
	return nil
}

// namesOf returns the names that a message shows: its author's and its guild's.
func (r *receiver) namesOf(m message) []store.Name {
	list := make([]store.Name, 0, 2)
	if name := m.displayName(); name != "" {
		list = append(list, store.Name{Guild: m.GuildID, User: m.Author.ID, Name: name})
	}
	if name := r.names.guild(m.GuildID); name != "" {
		list = append(list, store.Name{Guild: m.GuildID, Name: name})
	} else {
		r.hold.namelessGuild(m.GuildID)
	}
	return list
}

func (r *receiver) guildCreate(ctx context.Context, data json.RawMessage) error {
	g, err := decodeGuild(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if !r.mine(g.ID) {
		return nil
	}
	if g.Unavailable {
		r.access.distrust(func(id store.ID) bool { return id == g.ID })
		return nil
	}
	r.names.setGuild(g)
	allowed := r.rules.GuildAllowed(g.ID)
	r.log.Info("guild seen", "guild", g.ID, "name", g.Name, "channels", len(g.Channels), "threads", len(g.Threads), "allowed", allowed)
	if !allowed {
		r.writer.queue.post(guildRejoined{g.ID})
		return nil
	}
	r.access.setGuild(g, r.allowedIn(g.ID))
	snapshot := guildSnapshot{Guild: g.ID, Channels: make([]channelSnapshot, 0, len(g.Channels)+len(g.Threads))}
	for _, list := range [][]channel{g.Channels, g.Threads} {
		for _, c := range list {
			if r.rules.Allowed(g.ID, c.ID, c.Parent) {
				s := snapshotOf(c)
				s.Reading = r.access.reading(g.ID, c.ID)
				snapshot.Channels = append(snapshot.Channels, s)
			}
		}
	}
	if r.names.guild(g.ID) == "" {
		r.hold.namelessGuild(g.ID)
	}
	r.access.tell(g.ID)
	r.backfill.guildAvailable(r.shard, snapshot)
	for _, list := range [][]channel{g.Channels, g.Threads} {
		for _, c := range list {
			r.hold.described(ctx, g.ID, c.ID, c.Name)
		}
	}
	return nil
}

func (r *receiver) guildUpdate(ctx context.Context, data json.RawMessage) error {
	g, err := decodeGuild(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	known := r.names.guild(g.ID) != ""
	r.names.setGuild(g)
	if !known && r.mine(g.ID) && r.rules.GuildAllowed(g.ID) {
		r.hold.namedGuild(g.ID)
	}
	if !r.mine(g.ID) {
		return nil
	}
	return r.changeAccess(ctx, g.ID, channel{}, func(known *guildAccess, _ store.ID) bool { return known.setGuild(g) })
}

func (r *receiver) guildDelete(_ context.Context, data json.RawMessage) error {
	g, err := decodeGuild(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if g.Unavailable {
		r.access.distrust(func(id store.ID) bool { return id == g.ID && r.mine(id) })
		r.log.Warn("guild unavailable: Discord has an outage", "guild", g.ID)
		return nil
	}
	if !r.mine(g.ID) {
		return nil
	}
	r.log.Info("guild left", "guild", g.ID)
	r.names.dropGuild(g.ID)
	r.access.dropGuild(g.ID)
	r.writer.names.dropGuild(g.ID)
	r.writer.queue.post(guildDeparted{g.ID, time.Now()})
	return nil
}

// channelCreate also tells the writer that the channel begins now: nothing of it
// was missed. A thread that the bot was added to is not new, and has messages.
func (r *receiver) channelCreate(ctx context.Context, data json.RawMessage) error {
	c, ok := r.channelOf(data)
	if !ok {
		return nil
	}
	r.tellName(c)
	r.names.setChannel(c)
	defer r.hold.described(ctx, c.GuildID, c.ID, c.Name)
	if err := r.channelAccess(ctx, c); err != nil {
		return err
	}
	if isDeaf(reasonOf(r.access.reading(c.GuildID, c.ID))) || !r.rules.Allowed(c.GuildID, c.ID, c.Parent) {
		return nil // a channel that is hidden begins when it is shown
	}
	// A forum's post has its thread's id.
	if isNew := c.New || c.Last == 0 || c.Last == c.ID; !isNew {
		r.writer.queue.post(threadJoined{
			guild: c.GuildID, at: store.MicrosOf(time.Now()),
			thread: channelSnapshot{ID: c.ID, Parent: c.Parent, Type: c.Type, Name: c.Name, LastMessage: c.Last},
		})
		return nil
	}
	return r.writer.add(ctx, item{
		cursor:   store.ChannelCursor{Guild: c.GuildID, Channel: c.ID, Last: c.ID},
		parent:   c.Parent,
		received: time.Now(),
	})
}

func (r *receiver) channelUpdate(ctx context.Context, data json.RawMessage) error {
	c, ok := r.channelOf(data)
	if !ok {
		return nil
	}
	r.tellName(c)
	r.names.setChannel(c)
	err := r.channelAccess(ctx, c)
	r.hold.described(ctx, c.GuildID, c.ID, c.Name)
	return err
}

// channelOf decodes an event's channel; ok is false if it is of no interest.
func (r *receiver) channelOf(data json.RawMessage) (c channel, ok bool) {
	c, err := decodeChannel(data)
	if err != nil {
		r.reject(err)
		return c, false
	}
	return c, c.GuildID != 0 && r.mine(c.GuildID)
}

// logLimiter lets one line a minute through and counts what it holds back.
type logLimiter struct {
	mu   sync.Mutex
	next time.Time
	held int64
}

// due reports whether to write the line now, and for how many events it stands.
func (s *logLimiter) due(now time.Time) (n int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held++
	if now.Before(s.next) {
		return 0, false
	}
	n, s.held, s.next = s.held, 0, now.Add(time.Minute)
	return n, true
}
