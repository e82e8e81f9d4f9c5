package tracker

import "rollcall/store"

// noteScan tells people what the entry of a guild's archived threads is.
const noteScan = "threads archived meanwhile"

// noteOff is why a gap is skipped where the operator wants no backfill.
const noteOff = "backfill is off"

// isScan reports whether an entry of the ledger stands for a guild as a whole: its
// threads that were archived since From are to be looked through (mode all: all of
// them). It has the guild's id for channel and for Until, which no other gap can
// have, since every message of a channel is younger than the channel.
func isScan(g store.Gap) bool { return g.Channel == g.Guild && g.Until == g.Guild }

// crawled reports whether an entry of the ledger is a crawl that has come to its end.
func crawled(g store.Gap) bool {
	return g.Kind == store.GapHistory && (g.State == store.GapFilled || g.State == store.GapSkipped && !isScan(g))
}

// historyOf is the key of planner.crawled: the channel, or the guild for its archived threads.
func historyOf(g store.Gap) store.ID { return g.Channel }

// listen works out what a guild has missed before a GUILD_CREATE, and notes the
// first one.
func (p *planner) listen(b *transaction, guild store.ID, e guildSeen, known *cursors) *listening {
	g := &listening{shard: e.shard, live: true, to: store.MicrosOf(e.at)}
	sight := known.guild.Seen
	if sight == 0 {
		g.since, g.from = g.to, g.to
		b.moveGuild(guild, store.GuildCursors{Seen: snowflakeAt(g.to)})
		return g
	}
	g.known = true
	last := known.guild.Heard
	if last == 0 { // kept since format 2 of the file
		for _, id := range known.channels {
			last = max(last, id)
		}
	}
	last = max(last, sight)
	g.since = max(snowflakeTime(sight), snowflakeTime(last)-listenMargin)
	g.from, g.reason = snowflakeTime(last), reasonStopped
	if before := p.guilds[guild]; before != nil {
		if before.live { // the same session tells of it again
			g.reason = reasonUnavailable
		} else {
			g.from, g.kind, g.reason = before.from, before.kind, before.reason
		}
		if before.met != nil { // what an unfinished scan was to find is still to be found
			g.since = min(g.since, before.since)
		}
	}
	if from, ok := p.leftover[guild]; ok {
		g.since = min(g.since, from)
	}
	g.from = min(g.from, g.to)
	return g
}

// takeIn puts what was missed of a channel into the ledger and moves its cursor
// to its last message. A channel without a message gets its own id for a cursor:
// everything that will be posted in it is younger.
func (p *planner) takeIn(b *transaction, guild store.ID, g *listening, c channelSnapshot, known *cursors) {
	cursor, seen := known.channels[c.ID]
	after := cursor
	p.told(b, guild, g, c, seen)
	switch {
	case seen:
	case !g.known: // first sight of the guild: what was before is history
		after = c.LastMessage
	case snowflakeTime(c.ID) > g.since: // created while we were not listening
		after = 0
	case c.isThread(): // archived when we last saw the guild, or started since from an older message
		after = snowflakeAt(g.since)
	default: // a channel that was not allowed before
		after = c.LastMessage
	}
	// A channel's messages are younger than itself, but a forum's post has its thread's id.
	if p.mode == backfillAll && !p.crawled[c.ID] && (after > c.ID || after == c.ID && c.isThread()) {
		p.crawled[c.ID] = true
		b.gaps = append(b.gaps, store.Gap{
			Guild: guild, Channel: c.ID, Parent: c.thread(), Until: after, Kind: store.GapHistory, Reason: reasonHistory, State: store.GapOpen,
			From: min(snowflakeTime(c.ID), snowflakeTime(after)), To: snowflakeTime(after),
		})
	}
	if after < c.LastMessage {
		b.gaps = append(b.gaps, p.gap(store.Gap{
			Guild: guild, Channel: c.ID, Parent: c.thread(), After: after, Until: c.LastMessage,
			From: g.from, To: g.to, Kind: g.kind, Reason: g.reason,
		}))
	}
	if !seen && g.known && after >= c.LastMessage && after > c.ID { // see overlapping
		b.floor(store.ChannelCursor{Guild: guild, Channel: c.ID, Last: after})
	}
	if last := max(c.LastMessage, c.ID); !seen || last > cursor {
		b.move(store.ChannelCursor{Guild: guild, Channel: c.ID, Last: last})
	}
}

// gap opens a gap, or skips it where the operator wants no backfill. One that an earlier
// process has left open goes on, if we listened for less than orderMargin since: each
// gap begins so long before its cursor, so a process that is killed again and again would read the
// same again and again.
func (p *planner) gap(g store.Gap) store.Gap {
	if old, ok := p.open[g.Channel]; ok && p.mode != backfillNone {
		delete(p.open, g.Channel)
		if idAfter(old.Until, orderMargin) >= g.After {
			old.Until, old.To = max(old.Until, g.Until), g.To
			return old
		}
	}
	g.State = store.GapOpen
	if p.mode == backfillNone {
		g.State, g.Note = store.GapSkipped, noteOff
	}
	return g
}

// scan is the entry that stands for the guild's archived threads, if they may
// hold anything that is to be fetched.
func (p *planner) scan(guild store.ID, g *listening) (store.Gap, bool) {
	scan := store.Gap{
		Guild: guild, Channel: guild, Until: guild, From: g.since, To: g.to,
		Kind: g.kind, Reason: g.reason, State: store.GapOpen, Note: noteScan,
	}
	switch {
	case p.mode == backfillNone:
		return store.Gap{}, false
	case p.mode == backfillAll && !p.crawled[guild]:
		scan.Kind, scan.Reason = store.GapHistory, reasonHistory
		return scan, true
	}
	return scan, g.known
}

// snowflakeAt is the smallest id that Discord can have made at an instant.
func snowflakeAt(m store.Micros) store.ID {
	return store.ID(max(int64(m)/1000-discordEpoch, 0)) << 22
}
