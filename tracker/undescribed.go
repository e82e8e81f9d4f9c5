package tracker

import (
	"context"

	"rollcall/store"
)

// unheard is a span of a channel's messages that came and could not be taken in, because
// nobody knows what channel it is. first and last are their lowest and highest id.
type unheard struct {
	guild, channel, first, last store.ID
}

// apply puts the span into the ledger, and only then moves the cursor past it.
func (e unheard) apply(ctx context.Context, p *planner, b *transaction) error {
	cursor := store.ChannelCursor{Guild: e.guild, Channel: e.channel, Last: e.first}
	if err := p.live(ctx, item{cursor: cursor}, b); err != nil {
		return err
	}
	b.gaps = append(b.gaps, p.gap(store.Gap{
		Guild: e.guild, Channel: e.channel, After: e.first - 1, Until: e.last,
		From: snowflakeTime(e.first), To: snowflakeTime(e.last), Reason: reasonUndescribed,
	}))
	if g := p.guilds[e.guild]; g != nil && g.live {
		cursor.Last = e.last
		b.move(cursor)
		p.notify(b, e.guild)
	}
	return nil
}

// channelNamed is a channel's name, learnt after messages of it may have been stored.
type channelNamed struct{ store.LearnedName }

func (e channelNamed) apply(_ context.Context, _ *planner, b *transaction) error {
	b.learned = append(b.learned, e.LearnedName)
	return nil
}

// guildNamed is a guild's name, learnt after the guild was joined.
type guildNamed struct{ store.Name }

func (e guildNamed) apply(_ context.Context, _ *planner, b *transaction) error {
	b.names = append(b.names, e.Name)
	return nil
}

// reasonAdded and noteAdded tell that a thread's past is not ours: the bot was added to
// it, and mode gap fetches what was missed, not what was before.
const (
	reasonAdded = "the bot was added to the thread"
	noteAdded   = "what was written before that is not fetched; ROLLCALL_BACKFILL=all fetches it"
	// reasonAway is the reason of a gap in a thread that the bot was in before.
	reasonAway = "the bot was not in the thread"
)

// threadJoined is a thread that has messages and that the bot was added to. It begins
// there, unless the bot was in it before.
type threadJoined struct {
	thread channelSnapshot
	guild  store.ID
	at     store.Micros
}

func (e threadJoined) apply(ctx context.Context, p *planner, b *transaction) error {
	g := p.guilds[e.guild]
	if g == nil || !g.live {
		return nil // GUILD_CREATE tells of it
	}
	known, err := p.cursors(ctx, e.guild, b)
	if err != nil {
		return err
	}
	c := e.thread
	if p.searches[c.Parent] != nil || p.deaf(c.ID, c.Parent) { // it may have been there before we could see it
		p.takeIn(b, e.guild, p.below(g, c.Parent, known), c, known)
		p.meet(g, c)
		p.notify(b, e.guild)
		return nil
	}
	cursor, seen := known.channels[c.ID]
	gap := store.Gap{Guild: e.guild, Channel: c.ID, After: cursor, Until: c.LastMessage, From: snowflakeTime(max(cursor, c.ID)), To: e.at}
	switch {
	case seen && cursor >= c.LastMessage:
		return nil
	case seen:
		gap.Reason = reasonAway
		gap = p.gap(gap)
	case p.mode == backfillAll:
		p.crawled[c.ID] = true
		gap.Kind, gap.Reason, gap.State = store.GapHistory, reasonHistory, store.GapOpen
	default:
		gap.Kind, gap.Reason, gap.State, gap.Note = store.GapBeginning, reasonAdded, store.GapSkipped, noteAdded
		p.joined(b, e)
	}
	b.gaps = append(b.gaps, gap)
	p.meet(g, c)
	b.move(store.ChannelCursor{Guild: e.guild, Channel: c.ID, Last: c.LastMessage})
	p.notify(b, e.guild)
	return nil
}
