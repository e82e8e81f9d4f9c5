package tracker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/rules"
	"rollcall/store"
)

// Bounds of what is held of channels that Discord has not described yet.
const (
	// holdFor is how long a message is held at most. It must stay well below listenMargin:
	// while a message is held, its guild's heardKey may move past it.
	holdFor = 20 * time.Second
	// maxHeld bounds the messages that are held, and maxHeldChannels the channels that have
	// some. Of what is beyond that only the span is known, which the ledger then gets.
	maxHeld         = 1000
	maxHeldChannels = 256
	// askLimit bounds the wait for what Discord says of a channel or a guild.
	askLimit = 10 * time.Second
	// What was asked in vain is asked again after so long: when Discord has refused, and when
	// it has not answered.
	askAgainRefused = 10 * time.Minute
	askAgainFailed  = 5 * time.Second
	// maxAsked bounds what is remembered as asked, and what waits to be.
	maxAsked = 10_000
	maxAsks  = 1024
)

// reasonUndescribed is the reason of a gap of which we know nothing but that it is
// there: messages of a channel of which Discord has not said whose it is.
const reasonUndescribed = "Discord has not described the channel"

// hold keeps messages of channels that nobody has described, while Discord is asked
// about them: a thread's first messages may come before its THREAD_CREATE, and it
// follows its parent's rules. No cursor of the channel moves meanwhile, so a kill
// loses nothing; and what cannot be decided in time is put into the ledger. It also
// asks for the names of channels and guilds that are to be stored all the same.
//
// Messages of a channel stay in their order: as long as some of it are held, those
// that come after them are, too. All methods may be called from any goroutine; those of
// the receivers do not wait.
type hold struct {
	backfill *backfill
	writer   *writer
	names    *names
	rules    *rules.Rules
	log      *slog.Logger

	active atomic.Int64  // len(channels): most messages need not look further
	asks   chan question // what Discord is to be asked

	mu       sync.Mutex
	channels map[store.ID]*heldChannel
	held     int // messages in channels
	asked    map[question]askedBefore
	unnamed  map[store.ID]bool // channels that are stored without their name
	told     logLimiter
}

// heldChannel is a channel of which messages are held.
type heldChannel struct {
	guild       store.ID
	since       time.Time
	events      []heldEvent
	first, last store.ID // of the messages, held or not; 0: there are only edits
	kept        store.ID // the last of those that are held
	over        bool     // some messages behind kept are not held
	releasing   bool     // a goroutine is handing events on
}

// heldEvent is a message, or an edit of one, on its way to the receiver that it came to.
type heldEvent struct {
	message message
	edit    bool
	to      *receiver
}

// question is something to ask Discord about: a channel, or (channel 0) a guild's name.
type question struct{ guild, channel store.ID }

type askedBefore struct {
	again time.Time // not before
	open  bool      // it waits to be asked, or is being asked
}

func newHold(b *backfill, w *writer, n *names, r *rules.Rules, log *slog.Logger) *hold {
	return &hold{
		backfill: b, writer: w, names: n, rules: r, log: log,
		asks: make(chan question, maxAsks), channels: make(map[store.ID]*heldChannel), asked: make(map[question]askedBefore),
		unnamed: make(map[store.ID]bool),
	}
}

// behind holds an event if others of its channel are held, and reports whether it does.
func (h *hold) behind(e heldEvent) bool {
	if h.active.Load() == 0 {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.channels[e.message.ChannelID]
	if c == nil {
		return false
	}
	h.append(c, e)
	return true
}

// add holds an event of a channel that nobody has described, and asks for the channel.
// Where there is no room for that the ledger gets the event's message at once. ctx bounds
// the wait for the writer if the channel has been described meanwhile.
func (h *hold) add(ctx context.Context, e heldEvent) {
	m := &e.message
	h.mu.Lock()
	c := h.channels[m.ChannelID]
	switch {
	case c != nil:
		h.append(c, e)
	case len(h.channels) < maxHeldChannels:
		c = &heldChannel{guild: m.GuildID, since: time.Now()}
		h.channels[m.ChannelID] = c
		h.active.Add(1)
		h.append(c, e)
	case !e.edit:
		h.post(m.ChannelID, m.GuildID, m.ID, m.ID)
	}
	h.mu.Unlock()
	if _, known := h.names.channel(m.ChannelID); known {
		h.release(ctx, m.ChannelID)
	}
}

// append needs h.mu.
func (h *hold) append(c *heldChannel, e heldEvent) {
	m := &e.message
	full := h.held >= maxHeld || c.over
	if !e.edit {
		if c.first == 0 {
			c.first = m.ID
		}
		c.first, c.last = min(c.first, m.ID), max(c.last, m.ID)
		if c.over = c.over || full; !full {
			c.kept = max(c.kept, m.ID)
		}
	}
	if !full {
		c.events = append(c.events, e)
		h.held++
	}
	h.ask(question{m.GuildID, m.ChannelID})
}

// nameless is told of a channel whose messages are stored though its name is not known,
// before they are, and asks for the name.
func (h *hold) nameless(guild, channel store.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.unnamed) >= maxAsked {
		clear(h.unnamed) // the next GUILD_CREATE names them
	}
	h.unnamed[channel] = true
	h.ask(question{guild, channel})
}

// namelessGuild asks for a guild's name.
func (h *hold) namelessGuild(guild store.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ask(question{guild, 0})
}

// described is told of each channel that has been described, after its name is known:
// what is held of it is handed on, and what was stored without its name gets it.
func (h *hold) described(ctx context.Context, guild, channel store.ID, name string) {
	h.mu.Lock()
	unnamed := name != "" && h.unnamed[channel]
	if unnamed {
		delete(h.unnamed, channel)
	}
	h.mu.Unlock()
	if unnamed {
		h.writer.queue.post(channelNamed{store.LearnedName{Guild: guild, Channel: channel, Name: name}})
	}
	if h.active.Load() > 0 {
		h.release(ctx, channel)
	}
}

// ask needs h.mu.
func (h *hold) ask(q question) {
	before := h.asked[q]
	if before.open || time.Now().Before(before.again) {
		return
	}
	select {
	case h.asks <- q:
		if len(h.asked) >= maxAsked {
			clear(h.asked)
		}
		h.asked[q] = askedBefore{open: true}
	default: // the next message asks again
	}
}

// run asks Discord, and gives up what has been held for too long, until ctx is done.
// Then all that is held goes into the ledger. handing bounds the wait for the writer,
// age the time for which something is held.
func (h *hold) run(ctx, handing context.Context, age time.Duration) error {
	var asking sync.WaitGroup
	asking.Go(func() { h.answer(ctx, handing) })
	tick := time.NewTicker(max(age/20, time.Millisecond))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-tick.C:
			h.expire(now.Add(-age))
		}
	}
	asking.Wait()
	h.expire(time.Now())
	return nil
}

// answer asks one question after another.
func (h *hold) answer(ctx, handing context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-h.asks:
			info, err := h.put(ctx, q)
			if ctx.Err() != nil {
				return
			}
			h.answered(q, err)
			if err == nil && q.channel != 0 {
				h.described(handing, q.guild, q.channel, info.name)
			}
		}
	}
}

// put asks Discord a question and takes in the answer.
func (h *hold) put(ctx context.Context, q question) (channelInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if q.channel == 0 {
		return channelInfo{}, h.askGuild(ctx, q.guild)
	}
	return h.backfill.channel(ctx, q.guild, q.channel)
}

// askGuild asks for a guild's name.
func (h *hold) askGuild(ctx context.Context, id store.ID) error {
	if h.names.guild(id) != "" {
		return nil
	}
	body, err := h.backfill.rest.get(ctx, "guild/"+id.String(), "/guilds/"+id.String(), nil)
	if err != nil {
		return err
	}
	g, err := decodeGuild(body)
	if err != nil {
		return unanswered(err)
	}
	h.names.setGuild(guild{ID: id, Name: g.Name})
	h.namedGuild(id)
	return nil
}

// answered notes when something may be asked again.
func (h *hold) answered(q question, err error) {
	wait := askAgainRefused // also of what was answered: a name that was not told will not be
	if err != nil && statusOf(err) == 0 {
		wait = askAgainFailed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[q] = askedBefore{again: time.Now().Add(wait)}
}

// namedGuild stores a guild's name.
func (h *hold) namedGuild(id store.ID) {
	if name := h.names.guild(id); name != "" {
		h.writer.queue.post(guildNamed{store.Name{Guild: id, Name: name}})
	}
}

// release hands on what is held of a channel that has been described, in its order. What
// comes meanwhile is held, too, and handed on after it.
func (h *hold) release(ctx context.Context, channel store.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.channels[channel]
	if c == nil || c.releasing {
		return
	}
	c.releasing = true
	for len(c.events) > 0 {
		events := c.events
		c.events = nil
		h.held -= len(events)
		h.mu.Unlock()
		for _, e := range events {
			// An error says that the end has come: the next start finds what was not taken.
			_ = e.to.takeHeld(ctx, e)
		}
		h.mu.Lock()
	}
	if c.over {
		h.post(channel, c.guild, c.kept+1, c.last)
	}
	h.drop(channel)
}

// expire gives up the channels of which something has been held since before a moment, and
// has Discord asked again about the others.
func (h *hold) expire(before time.Time) {
	if h.active.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, c := range h.channels {
		switch {
		case c.releasing:
		case c.since.After(before):
			h.ask(question{c.guild, id})
		default:
			h.held -= len(c.events)
			if c.first != 0 {
				h.post(id, c.guild, c.first, c.last)
			}
			h.drop(id)
		}
	}
}

// post puts a span of a channel into the ledger.
func (h *hold) post(channel, guild, first, last store.ID) {
	h.writer.queue.post(unheard{guild: guild, channel: channel, first: first, last: last})
	if n, ok := h.told.due(time.Now()); ok {
		h.log.Warn("Discord does not say what channel messages are of: they are in the ledger, and fetched once it does",
			"channels", n, "guild", guild, "channel", channel)
	}
}

// drop needs h.mu.
func (h *hold) drop(channel store.ID) {
	delete(h.channels, channel)
	h.active.Add(-1)
}
