package tracker

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"rollcall/store"
)

// scanPlan is where the archived threads of a guild are to be looked for.
type scanPlan struct {
	to      store.Micros      // Gap.To of the scan that it belongs to
	parents []channelSnapshot // channels that can have threads
}

// scanWork is how far a scan has come. It is not kept: a scan that is interrupted
// begins again, which finds nothing twice.
type scanWork struct {
	begun   bool
	parents []channelSnapshot
	// refusedBelow are the parents that have refused a list, or that cannot be read, and note says
	// why the last one did.
	refusedBelow []store.ID
	note         string
	parent       int // in scanPlan.parents
	list         threadsOf
	before       string // where the next page begins, "" for the first one
}

// threadsOf are the lists of archived threads that a channel has.
type threadsOf int

const (
	publicThreads threadsOf = iota
	privateThreads
	joinedThreads // those private threads that the bot is in; the list for bots that may not see the others
	noThreads
)

// path is a list's address below its channel's.
func (t threadsOf) path() string {
	switch t {
	case privateThreads:
		return "/threads/archived/private"
	case joinedThreads:
		return "/users/@me/threads/archived/private"
	}
	return "/threads/archived/public"
}

// scan fetches the next page of a guild's archived threads. What was missed in
// them goes into the ledger through the writer's queue, because the threads'
// messages may be on their way through it.
func (b *backfill) scan(ctx context.Context, j *job) (done bool, err error) {
	work := &j.scan
	parents, ok := b.scanParents(j.gap)
	if !ok {
		return true, b.closeGap(ctx, j, store.GapSkipped, noteScan+": a later session looks for them")
	}
	if !work.begun {
		work.begun, work.parents = true, parents
	}
	if work.parent >= len(work.parents) {
		return true, b.endScan(ctx, j)
	}
	parent := work.parents[work.parent]
	if note := b.closedLists(j.gap.Guild, parent.ID); note != "" {
		b.refusals.say(j.gap.Guild, parent.ID, askedThreads, note)
		work.refused(parent, note)
		return false, nil
	}
	if work.list == privateThreads && (!b.access.managesThreads(j.gap.Guild, parent.ID) || !b.privateLists(j.gap.Guild)) {
		work.list = joinedThreads
	}
	p, err := b.archived(ctx, parent.ID, *work)
	if work.list == privateThreads {
		b.notePrivateList(j.gap.Guild, err)
	}
	switch status := statusOf(err); {
	case status == http.StatusForbidden && work.list == privateThreads:
		b.refusals.noteBad(j.gap.Guild)
		work.next(parent, joinedThreads)
		return false, nil
	case status == http.StatusNotFound && codeOf(err) == codeUnknownChannel:
		work.next(parent, noThreads)
		return false, nil
	case status != 0:
		b.refusals.note(j.gap.Guild, parent.ID, askedThreads, err.Error())
		work.refused(parent, err.Error())
		return false, nil
	case err != nil:
		return false, err
	}
	if found := b.allowedThreads(j.gap.Guild, parent.ID, p); len(found) > 0 {
		if err := b.handOver(ctx, j, threadsListed{scan: j.gap, threads: found}); err != nil {
			return false, err
		}
	}
	work.advance(parent, p, j.gap)
	return false, nil
}

// scanParents returns the channels below which a scan has to look; ok is false if it is
// that of an earlier session, whose work the present one's does.
func (b *backfill) scanParents(scan store.Gap) (parents []channelSnapshot, ok bool) {
	if len(scan.Parents) == 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		plan := b.scans[scan.Guild]
		return plan.parents, plan.to <= scan.To
	}
	for _, id := range scan.Parents {
		// One that is gone, or not to be recorded any more, has nothing to be found.
		if kind, known := b.access.kind(scan.Guild, id); known && b.rules.Allowed(scan.Guild, id, 0) {
			parents = append(parents, channelSnapshot{ID: id, Type: kind})
		}
	}
	return parents, true
}

// endScan closes a scan, or leaves it open for the channels that have refused it.
func (b *backfill) endScan(ctx context.Context, j *job) error {
	g, work := j.gap, &j.scan
	g.State, g.Waits, g.Note = store.GapFilled, "", noteScan
	if len(work.refusedBelow) > 0 {
		g.State, g.Waits = store.GapOpen, store.WaitPermission
		g.Note = fmt.Sprintf("%s: refused in %d of %d channels: %s", noteScan, len(work.refusedBelow), len(work.parents), work.note)
	}
	g.Parents = work.refusedBelow
	done := make([]store.ID, 0, len(j.gap.Parents))
	for _, id := range j.gap.Parents {
		if !slices.Contains(work.refusedBelow, id) {
			done = append(done, id)
		}
	}
	if err := b.handOver(ctx, j, threadsListed{scan: g, done: done}); err != nil {
		return err
	}
	j.gap = g
	return nil
}

// enoughRefusals is after how many channels of a guild have refused the list of their
// private threads the others are not asked for it. Most bots lack that permission
// everywhere, and refusals count towards what bans an address.
const enoughRefusals = 2

// privateLists reports whether the guild may give lists of all private threads.
func (b *backfill) privateLists(guild store.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.noLists[guild] < enoughRefusals
}

// notePrivateList takes in how such a list was answered.
func (b *backfill) notePrivateList(guild store.ID, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		delete(b.noLists, guild)
	case statusOf(err) == http.StatusForbidden:
		b.noLists[guild]++
	}
}

// archived fetches a page of a channel's archived threads.
func (b *backfill) archived(ctx context.Context, parent store.ID, work scanWork) (archivedPage, error) {
	query := url.Values{"limit": {strconv.Itoa(pageLen)}}
	if work.before != "" {
		query.Set("before", work.before)
	}
	path := work.list.path()
	body, err := b.rest.get(ctx, path+"/"+parent.String(), "/channels/"+parent.String()+path, query)
	if err != nil {
		return archivedPage{}, err
	}
	p, err := decodeArchived(body)
	if err != nil {
		return archivedPage{}, unanswered(err)
	}
	return p, nil
}

// allowedThreads returns the threads that the rules allow, and makes their names known.
func (b *backfill) allowedThreads(guild, parent store.ID, p archivedPage) []channelSnapshot {
	var found []channelSnapshot
	for _, c := range p.threads {
		c.GuildID, c.Parent = guild, parent
		if !b.rules.Allowed(guild, c.ID, parent) {
			continue
		}
		b.names.setChannel(c)
		found = append(found, channelSnapshot{ID: c.ID, Parent: parent, Type: c.Type, Name: c.Name, LastMessage: c.Last})
	}
	return found
}

// handOver gives a page of a scan to the planner and waits until its transaction stands.
func (b *backfill) handOver(ctx context.Context, j *job, page threadsListed) error {
	taken := make(chan struct{}, 1)
	page.taken, page.partial = taken, len(j.gap.Parents) > 0
	b.writer.queue.post(page)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-taken:
		return nil
	}
}

// advance moves on to the next page, list or channel. Lists by the moment of
// archiving end where the gap began.
func (w *scanWork) advance(parent channelSnapshot, p archivedPage, scan store.Gap) {
	before := ""
	switch {
	case !p.more || len(p.threads) == 0:
	case w.list == joinedThreads:
		before = p.lowest.String()
	case p.oldest != 0 && (p.oldest >= scan.From || scan.Kind == store.GapHistory):
		before = p.oldest.String()
	}
	if before != "" && before != w.before {
		w.before = before
		return
	}
	switch w.list {
	case publicThreads:
		w.next(parent, privateThreads)
	default:
		w.next(parent, noThreads)
	}
}

// refused moves on to the next channel: this one refuses its lists.
func (w *scanWork) refused(parent channelSnapshot, note string) {
	w.refusedBelow, w.note = append(w.refusedBelow, parent.ID), note
	w.next(parent, noThreads)
}

// next moves on to a list of the parent, or to the next parent if it has no such one.
func (w *scanWork) next(parent channelSnapshot, list threadsOf) {
	w.list, w.before = list, ""
	if list == noThreads || parent.Type != channelText {
		w.parent, w.list = w.parent+1, publicThreads
	}
}
