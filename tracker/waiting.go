package tracker

import (
	"context"
	"slices"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// Gaps that the bot may not read wait, open, in the ledger. Nothing is asked for of what
// is known to be unreadable; what Discord has refused although it seemed readable is
// tried again as refusals allows.

// accessTouched says that something has changed which may let Discord answer where it
// has refused: of a channel, or with 0 of all in the guild. It never waits.
func (b *backfill) accessTouched(guild, channel store.ID) {
	b.refusals.forget(guild, channel)
	give(b.wake)
}

// sort makes jobs of the open gaps that may be filled, notes in the ledger which of the
// others wait, and counts them. seen are seenGuilds of before the gaps were read.
func (b *backfill) sort(ctx context.Context, gaps []store.Gap, seen map[store.ID]bool) error {
	var noted []store.Gap
	waiting := 0
	searched := make(map[store.ID]bool) // guilds that are looked through as a whole
	for _, g := range gaps {
		searched[g.Guild] = searched[g.Guild] || isScan(g) && len(g.Parents) == 0 && b.mayFill(g, seen)
	}
	for _, g := range gaps {
		note := ""
		switch {
		case g.Until == 0:
			waiting++
			continue
		case g.Waits != "" && isScan(g) && searched[g.Guild]:
			waiting++ // the search will tell whether the lists are still refused
			continue
		case !b.mayFill(g, seen):
			if g.Waits != "" && (g.Kind != store.GapHistory || b.mode == backfillAll) {
				waiting++
			}
			continue
		}
		if note = b.closed(g); note == "" {
			b.jobs.add(&job{gap: g})
			continue
		}
		if b.jobs.has(g.Seq) {
			continue // it will find out by itself
		}
		waiting++
		if !isScan(g) {
			b.refusals.say(g.Guild, g.Channel, askedHistory, note)
		}
		if g.Waits == "" {
			g.Waits, g.Note = store.WaitPermission, note
			noted = append(noted, g)
		}
	}
	b.mu.Lock()
	b.status.Waiting = waiting
	b.mu.Unlock()
	b.refusals.tell(func(guild store.ID) bool { return b.jobs.of(guild) == 0 })
	for part := range slices.Chunk(noted, batchLen) {
		if _, err := b.writer.commit(ctx, store.Batch{Gaps: part}); err != nil {
			return err
		}
	}
	return nil
}

// closed says why nothing is to be asked for of an open gap now, "" if it may be.
func (b *backfill) closed(g store.Gap) string {
	if isScan(g) {
		return b.closedScan(g)
	}
	channel := g.Channel
	if parent := b.parentOf(g); parent != 0 {
		channel = parent
	}
	if reason := reasonOf(b.access.reading(g.Guild, channel)); reason != "" {
		return noteOf(reason)
	}
	note, _ := b.refusals.of(g.Channel, askedHistory)
	return note
}

// closedScan is closed of a scan: one that is to look below a few channels only, and
// below none of them may.
func (b *backfill) closedScan(g store.Gap) (note string) {
	for _, parent := range g.Parents {
		if note = b.closedLists(g.Guild, parent); note == "" {
			return ""
		}
	}
	if note != "" {
		note = noteScan + ": " + note
	}
	return note
}

// closedLists says why the lists of a channel's archived threads are not to be asked for
// now, "" if they may be.
func (b *backfill) closedLists(guild, parent store.ID) string {
	if reason := reasonOf(b.access.reading(guild, parent)); reason != "" {
		return noteOf(reason)
	}
	note, _ := b.refusals.of(parent, askedThreads)
	return note
}

// parentOf returns the channel of a gap in a thread, 0 if it is no thread or not known.
func (b *backfill) parentOf(g store.Gap) store.ID {
	if info, ok := b.names.channel(g.Channel); ok && info.parent != 0 {
		return info.parent
	}
	return g.Parent
}

// trusted reports whether Discord should not refuse what is asked for a gap: because the bot
// may read the channel, or, where that is not known, because Discord has given a page of it.
func (b *backfill) trusted(j *job) bool {
	return !isScan(j.gap) && (j.fill.seen || b.readable(j.gap))
}

// readable reports whether it is known that the bot may read the channel of a gap.
func (b *backfill) readable(g store.Gap) bool {
	channel := g.Channel
	if parent := b.parentOf(g); parent != 0 {
		channel = parent
	}
	return b.access.reading(g.Guild, channel) == permissions.Full
}

// wait leaves a gap open until the bot may read it.
func (b *backfill) wait(ctx context.Context, j *job, note string) error {
	g := j.gap
	g.Waits, g.Note = store.WaitPermission, note
	if _, err := b.writer.commit(ctx, store.Batch{Gaps: []store.Gap{g}}); err != nil {
		return err
	}
	j.gap = g
	return nil
}
