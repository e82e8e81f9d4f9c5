package tracker

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"time"

	"rollcall/store"
)

const (
	// maxStored bounds the stored messages of a guild that are compared at a time. Of more,
	// the newest have their turn first, and each channel is asked for once more.
	maxStored = 50_000
	// rereadTries is how often a request is sent that gets no answer, before what is read is
	// left to the next start.
	rereadTries = 10
)

// storedMessage is what the comparison needs of a message that is stored.
type storedMessage struct {
	id, user     store.ID
	time, edited store.Micros
	text         uint64 // a hash
	attachments  int
}

// channels reads the channels of a guild; whole is false if some of them did not answer. The
// error is errWithheld or one of the store.
func (r *recheck) channels(ctx context.Context, p recheckPlan) (learned lessons, whole bool, err error) {
	whole = true
	var behind *store.Position
	for first := true; first || behind != nil; first = false {
		var stored map[store.ID][]storedMessage
		if stored, behind, err = r.stored(ctx, p, behind); err != nil || ctx.Err() != nil {
			return learned, false, err
		}
		ids := slices.Collect(maps.Keys(stored))
		if first {
			for _, id := range p.probe {
				if _, too := stored[id]; !too {
					ids = append(ids, id)
				}
			}
		}
		slices.SortFunc(ids, func(a, b store.ID) int { return cmp.Compare(newest(stored[b]), newest(stored[a])) })
		for _, id := range ids {
			_, probe := slices.BinarySearch(p.probe, id)
			c := reread{recheck: r, plan: p, channel: id, stored: stored[id], probe: first && probe}
			err := c.run(ctx)
			learned.add(c.learned)
			switch {
			case ctx.Err() != nil:
				return learned, false, nil
			case errors.Is(err, errWithheld): // the operator is told
				return learned, false, err
			case errors.Is(err, errUnreachable):
				whole = false
				r.b.log.Warn("a channel's history cannot be compared now, the next start does", "guild", p.guild, "channel", id, "error", err)
			case err != nil:
				return learned, false, err
			}
		}
	}
	return learned, whole, nil
}

func newest(stored []storedMessage) store.ID {
	if len(stored) == 0 {
		return 0
	}
	return stored[len(stored)-1].id
}

// stored returns messages of the guild that are stored and may have changed, by channel
// and oldest first, and where the rest begins.
func (r *recheck) stored(ctx context.Context, p recheckPlan, behind *store.Position) (map[store.ID][]storedMessage, *store.Position, error) {
	channels := make(map[store.ID][]storedMessage)
	if r.window == 0 || r.policy.deleted == store.Keep && r.policy.edited == store.Keep {
		return channels, nil, nil
	}
	n := 0
	q := store.Query{
		Guild: p.guild,
		When:  store.Range{From: snowflakeTime(p.from) - store.Micros(r.window.Microseconds()), To: store.MicrosOf(p.at)},
		Match: func(rec *store.Record) bool {
			// A text that is gone can only go with its message.
			if rec.Message == 0 || rec.Channel.ID == 0 || rec.Redacted && r.policy.deleted != store.Remove {
				return false
			}
			// Of a thread in the archive it may not be known yet whose it is.
			if info, known := r.b.names.channel(rec.Channel.ID); known && !p.holds(rec.Channel.ID, info.parent) {
				return false
			}
			n++
			channels[rec.Channel.ID] = append(channels[rec.Channel.ID], storedMessage{
				rec.Message, rec.User, rec.Time, rec.Edited, maphash.String(r.seed, rec.Content), rec.Attachments,
			})
			return false
		},
	}
	for {
		_, next, err := r.b.db.Newest(ctx, q, behind, maxStored)
		if err != nil {
			return nil, nil, err
		}
		if behind = next; behind == nil || n >= maxStored {
			break
		}
	}
	for _, list := range channels {
		slices.SortFunc(list, func(a, b storedMessage) int { return cmp.Compare(a.id, b.id) })
	}
	return channels, behind, nil
}

// reread is the reading of one channel.
type reread struct {
	*recheck
	plan    recheckPlan
	channel store.ID
	stored  []storedMessage // oldest first
	probe   bool            // to the end of the history, for what no gap told of

	info  channelInfo
	limit int      // see backfill.history
	at    store.ID // where the next page begins
	last  store.ID // the last message that a page has shown, 0 if none has
	// Of a probe: messages above fresh may be missing; those above heard come by the gateway.
	fresh, heard store.ID

	learned lessons
}

// run reads the channel. The error is errUnreachable, errWithheld, or one of the store.
func (c *reread) run(ctx context.Context) error {
	if err := c.read(ctx); !errors.Is(err, errUnreadable) {
		return err
	}
	return nil
}

func (c *reread) read(ctx context.Context) error {
	if c.closed() {
		return nil
	}
	err := c.try(ctx, func() (err error) {
		c.info, err = c.b.channel(ctx, c.plan.guild, c.channel)
		return err
	})
	if statusOf(err) != 0 {
		return c.refused(ctx, err)
	}
	if err != nil || c.closed() || !c.b.rules.Allowed(c.plan.guild, c.channel, c.info.parent) || !c.plan.holds(c.channel, c.info.parent) {
		return err
	}
	if c.probe {
		if c.fresh, err = overlapping(ctx, c.b.db, c.plan.guild, c.channel, c.plan.from); err != nil {
			return err
		}
		c.at = c.fresh
		begun := idAfter(snowflakeAt(store.MicrosOf(c.plan.at)), c.b.rest.ahead())
		c.heard = idAfter(begun, c.b.limits.subscribe)
	}
	if len(c.stored) > 0 {
		c.at = c.stored[0].id - 1
	}
	for more := true; more && err == nil; {
		more, err = c.step(ctx)
	}
	if statusOf(err) != 0 {
		return c.refused(ctx, err)
	}
	return err
}

// trusted is backfill.trusted of the channel.
func (c *reread) trusted() bool {
	return c.last != 0 || c.b.readable(store.Gap{Guild: c.plan.guild, Channel: c.channel})
}

// closed reports whether the channel cannot be read, so that nothing is to be asked of it.
func (c *reread) closed() bool {
	return c.b.closed(store.Gap{Guild: c.plan.guild, Channel: c.channel, Until: c.channel}) != ""
}

// errUnreadable says that the bot may not read the channel any more.
var errUnreadable = errors.New("the channel cannot be read")

// unreadable reports whether it is known that the bot may not read the channel's history.
// Nothing is asked about it then.
func (c *reread) unreadable() bool {
	channel := c.channel
	if info, _ := c.b.names.channel(channel); info.parent != 0 {
		channel = info.parent
	}
	return reasonOf(c.b.access.reading(c.plan.guild, channel)) != ""
}

// step reads one page and does what it shows. The messages that are stored were so before
// it was asked for, so the page lacks those alone that have been deleted.
func (c *reread) step(ctx context.Context) (more bool, err error) {
	p, err := c.page(ctx)
	if err != nil {
		return false, err
	}
	if c.b.content.read(c.plan.guild, p.messages, false) == pageWithheld {
		return false, errWithheld
	}
	begin, shown := c.at, p.last // the page shows all between these two
	end := false
	switch {
	case p.nameless > 0 || !p.empty() && p.last <= begin:
		return false, nil // it shows nothing for certain
	case p.empty():
		end, shown = true, math.MaxInt64
	case p.last == c.last: // what was there before, and nothing behind it
		end, shown = true, math.MaxInt64
	}
	gone := c.missing(p, begin, shown)
	if len(gone) > 0 {
		sure, err := c.sure(ctx, gone, p.empty())
		if err != nil {
			return false, err
		}
		if !sure {
			return false, nil
		}
	}
	if err := c.commit(ctx, p, gone); err != nil {
		return false, err
	}
	if end {
		return false, nil
	}
	c.last, c.at = p.last, p.last
	rest := newest(c.stored) > p.last
	if p.short() {
		// The last message once more: if nothing is behind it, what is stored there is gone.
		c.at = p.last - 1
	}
	return rest || c.probe && !p.short() && p.last < c.heard, nil
}

// page asks for the next page.
func (c *reread) page(ctx context.Context) (p page, err error) {
	err = c.try(ctx, func() (err error) {
		p, err = c.b.history(ctx, c.channel, c.at, &c.limit)
		return err
	})
	return p, err
}

// try asks Discord something, politely, until there is an answer or it was asked often enough.
func (c *reread) try(ctx context.Context, ask func() error) (err error) {
	for tries := 0; tries < rereadTries; tries++ {
		if c.b.refusals.slow(c.plan.guild, c.trusted()) {
			pause(ctx, c.b.slowSpacing)
		}
		for begin := time.Now(); time.Since(begin) < recheckYield; {
			if pause(ctx, c.pause); ctx.Err() != nil {
				return ctx.Err()
			}
			if open, _ := c.b.jobs.len(); open == 0 {
				break
			}
		}
		if c.unreadable() {
			return errUnreadable
		}
		if err = ask(); !errors.Is(err, errUnreachable) {
			return err
		}
		pause(ctx, backoff(c.b.limits, tries))
	}
	return err
}
