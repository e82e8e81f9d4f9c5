package tracker

import (
	"context"
	"maps"
	"slices"
	"time"

	"rollcall/store"
)

// Searches for archived threads below some of a guild's channels: those that were shown
// again, or of which Discord says which of their threads are active.

// search is a channel whose archived threads are still to be looked through, as far back
// as since: until then a thread below it that nobody has told of moves no cursor unless
// its gap is written first.
type search struct {
	since, to store.Micros
	kind      store.GapKind
	reason    string
	met       map[store.ID]bool // threads that may move their cursors
}

// threadsShown is a THREAD_LIST_SYNC: the active threads of channels that the bot may
// view from now on.
type threadsShown struct {
	guild   store.ID
	at      time.Time
	parents []channelSnapshot
	threads []channelSnapshot
}

func (e threadsShown) apply(ctx context.Context, p *planner, b *transaction) error {
	g := p.guilds[e.guild]
	if g == nil || !g.live {
		return nil
	}
	known, err := p.cursors(ctx, e.guild, b)
	if err != nil {
		return err
	}
	at := store.MicrosOf(e.at)
	for _, c := range e.parents {
		// Discord says that it was not viewable, of which we have not heard: then what its
		// cursor has not seen may be missing.
		cursor := known.channels[c.ID]
		if cursor == 0 || p.deaf(c.ID, 0) || p.mode == backfillNone || g.shown[c.ID].at > at-listenMargin {
			continue
		}
		lost := mark{Unreadable: store.Unreadable{Since: snowflakeTime(cursor), Reason: store.ReasonUnreadable}, span: true}
		if span := p.regain(b, e.guild, g, c, lost, known, at); span != nil {
			b.gaps = append(b.gaps, *span)
		}
	}
	for _, c := range e.threads {
		below := p.below(g, c.Parent, known)
		if _, ok := known.channels[c.ID]; !ok && p.searches[c.Parent] == nil && !p.deaf(c.Parent, 0) { // it was added to us, or is new
			first := *g
			first.known = false
			below = &first
		}
		if below.to < at {
			spanned := *below
			spanned.to = at
			below = &spanned
		}
		if below.known {
			p.takeIn(b, e.guild, below, c, known)
		} else {
			p.begin(b, e.guild, below, c, known)
		}
		known.channels[c.ID] = max(known.channels[c.ID], c.LastMessage, c.ID)
		p.meet(g, c)
	}
	p.notify(b, e.guild)
	return nil
}

// look opens a search for the threads below one channel.
func (p *planner) look(b *transaction, guild store.ID, c channelSnapshot, scan store.Gap) {
	scan.Guild, scan.Channel, scan.Until = guild, guild, guild
	scan.State, scan.Note, scan.Parents = store.GapOpen, noteScan, []store.ID{c.ID}
	b.gaps = append(b.gaps, scan)
	if scan.Kind != store.GapHistory {
		p.searchBelow(scan, nil)
	}
}

// searchBelow notes that threads below the parents of a scan are still to be found. met,
// if not nil, are those that need not be.
func (p *planner) searchBelow(scan store.Gap, met map[store.ID]bool) {
	for _, parent := range scan.Parents {
		s := p.searches[parent]
		if s == nil {
			s = &search{since: scan.From, to: scan.To, kind: scan.Kind, reason: scan.Reason, met: make(map[store.ID]bool)}
			p.searches[parent] = s
		}
		s.since, s.to = min(s.since, scan.From), max(s.to, scan.To)
		maps.Copy(s.met, met)
	}
}

// searchedBelow notes that a search has come to its end below channels.
func (p *planner) searchedBelow(scan store.Gap, parents []store.ID) {
	for _, parent := range parents {
		if s := p.searches[parent]; s != nil && s.since >= scan.From {
			delete(p.searches, parent)
		}
	}
}

// leaveDeaf leaves, of a search that takes over an unfinished one, what it cannot do now: to
// look below channels that cannot be heard, which the unfinished one had still to do.
func (p *planner) leaveDeaf(b *transaction, scan store.Gap, channels []channelSnapshot) {
	for _, c := range channels {
		if m := p.marks[c.ID]; c.holdsThreads() && isDeaf(m.Reason) && m.span && m.Since-listenMargin > scan.From {
			scan.Parents = append(scan.Parents, c.ID)
		}
	}
	if len(scan.Parents) > 0 {
		scan.Waits, scan.Note = store.WaitPermission, noteScan+": "+notePermission
		b.gaps = append(b.gaps, scan)
		p.goOn(scan)
	}
}

// goOn takes up a scan below some channels that an earlier process has left open.
func (p *planner) goOn(scan store.Gap) {
	if scan.Kind != store.GapHistory {
		p.searchBelow(scan, nil)
	}
	if scan.Waits != "" && scan.Seq != 0 {
		p.waiting[scan.Guild] = append(p.waiting[scan.Guild], scan)
	}
}

// applyPartial takes in a page of a scan below some channels only.
func (e threadsListed) applyPartial(ctx context.Context, p *planner, b *transaction, g *listening) error {
	if g == nil {
		return nil // the guild was left
	}
	known, err := p.cursors(ctx, e.scan.Guild, b)
	if err != nil {
		return err
	}
	for _, c := range e.threads {
		s := p.searches[c.Parent]
		if e.scan.Kind == store.GapHistory || s != nil && !s.met[c.ID] {
			below := p.below(g, c.Parent, known)
			p.meet(g, c)
			p.takeIn(b, e.scan.Guild, below, c, known)
		}
	}
	p.searchedBelow(e.scan, e.done)
	p.waiting[e.scan.Guild] = slices.DeleteFunc(p.waiting[e.scan.Guild], func(old store.Gap) bool {
		return old.Seq == e.scan.Seq && e.scan.State != store.GapOpen
	})
	p.takeOver(b, e.scan, nil)
	p.notify(b, e.scan.Guild)
	return nil
}

// takeOver keeps, of a scan that was refused below some channels, what is left of it: one
// entry a guild, which takes over what earlier ones have left.
func (p *planner) takeOver(b *transaction, scan store.Gap, met map[store.ID]bool) {
	if scan.Waits == "" {
		return
	}
	if scan.Kind != store.GapHistory {
		p.searchBelow(scan, met)
	}
	kept := p.waiting[scan.Guild][:0]
	for _, old := range p.waiting[scan.Guild] {
		if old.Seq == scan.Seq {
			continue
		}
		if (old.Kind == store.GapHistory) != (scan.Kind == store.GapHistory) {
			kept = append(kept, old)
			continue
		}
		scan.From = min(scan.From, old.From)
		for _, parent := range old.Parents {
			if !slices.Contains(scan.Parents, parent) {
				scan.Parents = append(slices.Clip(scan.Parents), parent)
			}
		}
		old.State, old.Waits, old.Note, old.Parents = store.GapSkipped, "", noteTakenOver, nil
		b.gaps = append(b.gaps, old)
	}
	p.waiting[scan.Guild] = append(kept, scan)
	b.gaps = append(b.gaps, scan)
}
