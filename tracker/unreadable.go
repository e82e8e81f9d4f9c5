package tracker

import (
	"context"
	"slices"
	"time"

	"rollcall/store"
)

// Channels that the bot may not read, as the planner sees them.
//
//	cannot be heard any more   gap (cursor, …) from now on, which goes on in the ledger; the
//	                           cursor stands still, whatever comes
//	can be heard again         the gap ends and is to be filled, as one of a GUILD_CREATE; the
//	                           threads below that were archived meanwhile are to be looked for
//	never heard before         no gap: its first visible sight is its first sight
//
// What could not be heard is in the store (store.Unreadable), so that neither a kill nor
// a restart forgets since when.

// What people are told of gaps that wait.
const (
	notePermission = "no permission: the bot needs View Channel and Read Message History, and in voice and stage channels Connect"
	noteHidden     = "Discord hides the channel from the bot: it needs View Channel"
	noteGone       = "the channel is gone, or not recorded any more"
	noteTakenOver  = noteScan + ": a later entry stands for it"
)

// noteOf is the note of a gap whose channel cannot be read.
func noteOf(reason string) string {
	if reason == store.ReasonHidden {
		return noteHidden
	}
	return notePermission
}

// mark is what the planner knows of a channel that cannot be read.
type mark struct {
	store.Unreadable
	span bool // a gap began with it
}

// accessChanged says that the bot may read channels otherwise than before.
type accessChanged struct {
	guild    store.ID
	at       time.Time
	channels []channelSnapshot // LastMessage is 0 where it was not told
}

func (e accessChanged) apply(ctx context.Context, p *planner, b *transaction) error {
	g := p.guilds[e.guild]
	if g == nil || !g.live {
		return nil // the GUILD_CREATE that is to come tells of all channels
	}
	known, err := p.cursors(ctx, e.guild, b)
	if err != nil {
		return err
	}
	at := store.MicrosOf(e.at)
	for _, c := range e.channels {
		p.setReading(b, e.guild, g, c, known, at, at)
	}
	p.notify(b, e.guild)
	return nil
}

// channelGone is a CHANNEL_DELETE.
type channelGone struct{ guild, channel store.ID }

func (e channelGone) apply(ctx context.Context, p *planner, b *transaction) error {
	if _, ok := p.marks[e.channel]; !ok {
		return nil
	}
	known, err := p.cursors(ctx, e.guild, b)
	if err != nil {
		return err
	}
	p.lose(b, e.channel, known, store.MicrosOf(time.Now()))
	return nil
}

// deaf reports whether nothing is heard of a channel, or of a thread's channel.
func (p *planner) deaf(channel, parent store.ID) bool {
	if len(p.marks) == 0 {
		return false
	}
	return isDeaf(p.marks[channel].Reason) || parent != 0 && isDeaf(p.marks[parent].Reason)
}

// below returns what a guild has missed in the threads below a channel: more than
// elsewhere if it could not be read for longer, less if it was shown for the first time
// later, and nothing if that was just now, since then what was before is history.
func (p *planner) below(g *listening, parent store.ID, known *cursors) *listening {
	missed := *g
	if s := p.searches[parent]; s != nil {
		missed.known = true
		missed.since, missed.from, missed.to = min(g.since, s.since), s.since, max(g.to, s.to)
		missed.kind, missed.reason = s.kind, s.reason
	} else if m, ok := p.marks[parent]; ok && isDeaf(m.Reason) {
		missed.known = m.span
		missed.since, missed.from = min(g.since, m.Since-listenMargin), m.Since
		missed.kind, missed.reason = store.GapUnreadable, m.Reason
	} else if g.shown[parent].first {
		missed.known = false
	} else if known.floors[parent] == 0 {
		return g
	}
	if floor := known.floors[parent]; floor != 0 {
		missed.since = max(missed.since, snowflakeTime(floor))
	}
	// What was before the guild's first sight is history, however soon afterwards the channel was lost.
	missed.since = max(missed.since, snowflakeTime(known.guild.Seen))
	return &missed
}

// sighting is how a channel was shown in a session.
type sighting struct {
	at    store.Micros
	first bool // it was never heard before
}

func (g *listening) show(channel store.ID, first bool, at store.Micros) {
	if g.shown == nil {
		g.shown = make(map[store.ID]sighting)
	}
	g.shown[channel] = sighting{at, first}
}

// meet notes that a thread has been taken in.
func (p *planner) meet(g *listening, c channelSnapshot) {
	if g.met != nil {
		g.met[c.ID] = true
	}
	if s := p.searches[c.Parent]; s != nil {
		s.met[c.ID] = true
	}
}

// setReading takes in what the bot may read in a channel that is no thread. lost is when
// it can have been heard last, if it cannot be now.
func (p *planner) setReading(b *transaction, guild store.ID, g *listening, c channelSnapshot, known *cursors, lost, at store.Micros) {
	reason := reasonOf(c.Reading)
	before, marked := p.marks[c.ID]
	if marked && before.Reason == reason || !marked && reason == "" {
		return
	}
	change := store.AccessChange{Guild: guild, Channel: c.ID, Since: at, Reason: reason}
	now := mark{Unreadable: store.Unreadable{Guild: guild, Channel: c.ID, Since: at, Reason: reason}}
	if wasDeaf := isDeaf(before.Reason); isDeaf(reason) && wasDeaf {
		now.Since, now.span = before.Since, before.span
	} else if isDeaf(reason) {
		now.Since, change.Since = lost, lost
		_, now.span = p.heardUntil(g, c, known)
	} else if wasDeaf {
		change.Span = p.regain(b, guild, g, c, before, known, at)
	} else if marked { // its past may be fetched again
		p.recheckShown(b, guild, c.ID, before.Since, at)
	}
	if isDeaf(reason) && now.span {
		after, _ := p.heardUntil(g, c, known)
		span := p.spanOf(store.Gap{Guild: guild, Channel: c.ID, After: after, From: now.Since, Kind: store.GapUnreadable, Reason: reason}, reason)
		change.Span = &span
	}
	p.marks[c.ID] = now
	if reason == "" {
		delete(p.marks, c.ID)
	}
	b.access = append(b.access, change)
}

// spanOf is a gap of a channel that can be read again, or can still not for a reason.
func (p *planner) spanOf(g store.Gap, reason string) store.Gap {
	switch g.State = store.GapOpen; {
	case p.mode == backfillNone:
		g.State, g.Note = store.GapSkipped, noteOff
	case reason != "":
		g.Waits, g.Note = store.WaitPermission, noteOf(reason)
	}
	return g
}

// heardUntil returns what a channel's gap begins after; ok is false if nothing of the
// channel was ever heard, so that nothing is missed.
func (p *planner) heardUntil(g *listening, c channelSnapshot, known *cursors) (after store.ID, ok bool) {
	cursor, seen := known.channels[c.ID]
	if !c.holdsMessages() { // a forum: its threads are what is missed
		return c.ID, seen || g.known && snowflakeTime(c.ID) <= g.since // an older build gave it none
	}
	if !seen {
		return 0, false
	}
	// An older build gave a hidden channel its own id for a cursor. What was before the
	// guild's first sight is history.
	if sight := known.guild.Seen; cursor == c.ID && sight > cursor {
		cursor = sight
	}
	return cursor, true
}

// regain takes in a channel that can be heard again, whose mark was m, and returns its
// gap, nil if it has none.
func (p *planner) regain(b *transaction, guild store.ID, g *listening, c channelSnapshot, m mark, known *cursors, at store.Micros) *store.Gap {
	after, heard := p.heardUntil(g, c, known)
	first := !m.span || c.holdsMessages() && !heard
	g.show(c.ID, first, at)
	if first {
		sight := *g
		sight.known, sight.to = false, at
		p.begin(b, guild, &sight, c, known)
		if c.holdsThreads() && p.mode == backfillAll {
			p.look(b, guild, c, store.Gap{From: at, To: at, Kind: store.GapHistory, Reason: reasonHistory})
		}
		return nil
	}
	p.recheckShown(b, guild, c.ID, m.Since, at)
	if c.holdsThreads() && p.mode != backfillNone {
		p.look(b, guild, c, store.Gap{From: m.Since - listenMargin, To: at, Kind: store.GapUnreadable, Reason: m.Reason})
	}
	// The end is told by the clock: Discord need not tell a channel's last message then, and
	// what it tells may be stale.
	span := p.spanOf(store.Gap{
		Guild: guild, Channel: c.ID, After: after, Until: max(c.LastMessage, snowflakeAt(at), after), From: m.Since, To: at,
		Kind: store.GapUnreadable, Reason: m.Reason,
	}, reasonOf(c.Reading))
	if c.holdsMessages() {
		b.move(store.ChannelCursor{Guild: guild, Channel: c.ID, Last: max(c.LastMessage, c.ID)})
	} else if span.State == store.GapOpen {
		span.After, span.State, span.Waits, span.Note = span.Until, store.GapFilled, "", ""
	}
	return &span
}

// begin takes in a channel or thread whose first visible sight this is. What was before
// is history, whatever is read on behind its cursor.
func (p *planner) begin(b *transaction, guild store.ID, sight *listening, c channelSnapshot, known *cursors) {
	if c.holdsMessages() {
		p.takeIn(b, guild, sight, c, known)
	} else {
		b.move(store.ChannelCursor{Guild: guild, Channel: c.ID, Last: c.ID})
	}
	if _, seen := known.channels[c.ID]; !seen {
		b.floor(store.ChannelCursor{Guild: guild, Channel: c.ID, Last: max(c.LastMessage, c.ID, snowflakeAt(sight.to))})
	}
}

// lose closes what was to be filled of a channel that does not exist any more.
func (p *planner) lose(b *transaction, channel store.ID, known *cursors, at store.Micros) {
	m := p.marks[channel]
	delete(p.marks, channel)
	change := store.AccessChange{Guild: m.Guild, Channel: channel}
	if m.span {
		after := max(known.channels[channel], channel)
		change.Span = &store.Gap{
			Guild: m.Guild, Channel: channel, After: after, Until: max(snowflakeAt(at), after), From: m.Since, To: at,
			Kind: store.GapUnreadable, Reason: m.Reason, State: store.GapSkipped, Note: noteGone,
		}
	}
	b.access = append(b.access, change)
}

// marked returns the channels of a guild that cannot be read, in order.
func (p *planner) marked(guild store.ID) (channels []store.ID) {
	for id, m := range p.marks {
		if m.Guild == guild {
			channels = append(channels, id)
		}
	}
	slices.Sort(channels)
	return channels
}

// readAnew takes in what a GUILD_CREATE says of what the bot may read. Of channels that
// cannot be heard any more, what was missed begins when the guild was heard last, or
// where an unfinished search for archived threads had still to look.
func (p *planner) readAnew(b *transaction, g *listening, snapshot guildSnapshot, known *cursors) {
	gone := p.marked(snapshot.Guild)
	for _, c := range snapshot.Channels {
		if !c.isThread() && (c.holdsMessages() || c.holdsThreads()) {
			p.setReading(b, snapshot.Guild, g, c, known, min(g.from, g.since+listenMargin), g.to)
			gone = slices.DeleteFunc(gone, func(id store.ID) bool { return id == c.ID })
		}
	}
	for _, id := range gone {
		p.lose(b, id, known, g.to)
	}
}
