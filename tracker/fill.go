package tracker

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rollcall/store"
)

// maxNamed bounds the channels that are remembered as named in the log.
const maxNamed = 10_000

// fillWork is how far the filling of a gap has come. It is not kept: one that is
// interrupted begins at the gap's After again, which counts nothing twice.
//
// A gap's Until is what a snapshot told, which may be too low. So the end of a gap is not
// there, but where a page shows that the history has nothing more. What is posted while
// the session begins is in the history before it is in the session; hence a page shows
// that only if it was asked for some time after the session had been told of the guild
// (subscribeTime), and the pages that do begin once more before what was read last
// (orderMargin).
type fillWork struct {
	begun bool
	at    store.ID      // where the next page begins
	limit int           // see backfill.history
	seen  bool          // a page of it had a message
	final bool          // what is read now shows the end
	doubt bool          // the page said nothing, and is asked for once more
	wait  time.Duration // before the next page
}

// fill fetches the next page of a gap.
func (b *backfill) fill(ctx context.Context, j *job) (done bool, err error) {
	g := &j.gap
	if note := b.closed(*g); note != "" {
		b.refusals.say(g.Guild, g.Channel, askedHistory, note)
		return true, b.wait(ctx, j, note)
	}
	info, err := b.channel(ctx, g.Guild, g.Channel)
	if statusOf(err) != 0 {
		return true, b.skip(ctx, j, err)
	}
	if err != nil {
		return false, err
	}
	if !b.rules.Allowed(g.Guild, g.Channel, info.parent) {
		return true, b.closeGap(ctx, j, store.GapSkipped, "the channel is not allowed any more")
	}
	work := &j.fill
	if !work.begun && g.Kind == store.GapWithheld {
		g.To = store.MicrosOf(time.Now()) // it goes on until what was written comes again
	}
	if !work.begun {
		if work.at = g.After; !j.isHistory() {
			if work.at, err = overlapping(ctx, b.db, g.Guild, g.Channel, g.After); err != nil {
				return false, err
			}
		}
		work.begun, work.final = true, j.isHistory() || b.untilFinal(*g) <= 0
	}
	work.wait = 0
	p, err := b.history(ctx, g.Channel, work.at, &work.limit)
	if statusOf(err) != 0 {
		return true, b.skip(ctx, j, err)
	}
	if err != nil {
		return false, err
	}
	switch {
	case p.empty() && !work.seen:
		// Discord gives an empty page to whom it does not let read the history.
		if err := b.mayRead(ctx, g.Channel, g.Until); statusOf(err) == http.StatusForbidden {
			return true, b.skip(ctx, j, err)
		} else if err != nil && statusOf(err) == 0 {
			return false, err
		}
	case !p.empty() && p.last <= work.at:
		return true, b.closeGap(ctx, j, store.GapSkipped, "a page of the history cannot be read")
	}
	switch b.content.read(g.Guild, p.messages, work.doubt) {
	case pageWithheld:
		work.begun = work.begun && g.Kind != store.GapWithheld // and ends later than it seemed
		return false, errWithheld
	case pageDoubtful:
		if !work.doubt { // until then others may have shown what it is
			work.doubt, work.wait = true, b.content.retry
			return false, nil
		}
	}
	work.doubt = false
	return b.takePage(ctx, j, p, info)
}

// untilFinal returns how long it takes until a page can show a gap's end.
func (b *backfill) untilFinal(g store.Gap) time.Duration {
	since := time.Duration(store.MicrosOf(time.Now())-g.To) * time.Microsecond
	return min(b.limits.subscribe-since, b.limits.subscribe) // the clock may have gone back
}

// ends reports whether a page is the last one of a gap, as far as can be seen now.
func (b *backfill) ends(j *job, p page) bool {
	g := j.gap
	switch {
	case p.empty():
		return true
	case j.isHistory():
		return p.last >= g.Until
	case !j.fill.final && p.short():
		return true
	}
	return p.last >= idAfter(max(g.Until, idAfter(snowflakeAt(g.To), b.rest.ahead())), b.limits.subscribe)
}

// takePage stores a page together with the gap's new bounds. What it holds above the
// gap's end is stored, too: it may be in no event.
func (b *backfill) takePage(ctx context.Context, j *job, p page, info channelInfo) (done bool, err error) {
	g, work := j.gap, j.fill
	unreadable := p.unreadableAfter(g.After)
	batch := store.Batch{CountFound: true}
	filtered := 0
	for _, m := range p.messages {
		if m.ID <= work.at {
			continue
		}
		m.GuildID, m.ChannelID = g.Guild, g.Channel
		if counts := b.addTo(&batch, m, info); !counts && m.ID > g.After { // or it was read before
			filtered++
		}
	}
	work.at, work.seen = max(work.at, p.last), work.seen || !p.empty()
	g.After = max(g.After, p.last)
	if g.Waits != "" { // no more
		g.Waits, g.Note = "", ""
	}
	if p.oversized > 0 {
		g.Note = fmt.Sprintf("message %s is left out: it is larger than %d MiB", p.last, b.rest.most>>20)
	}
	switch ends := b.ends(j, p); {
	case ends && work.final && g.Kind == store.GapWithheld && !b.content.close(g.Channel, max(work.at, snowflakeAt(g.To))):
		work.begun, work.wait = false, b.content.retry
		g.Until = max(g.Until, g.After)
	case ends && work.final:
		done = true
		if !j.isHistory() {
			batch.Cursors = []store.ChannelCursor{{Guild: g.Guild, Channel: g.Channel, Last: g.After}}
			g.Until = max(g.Until, g.After)
		}
		g.After, g.State = g.Until, store.GapFilled
	case ends:
		work.final, work.wait = true, max(b.untilFinal(g), time.Millisecond)
		if work.at, err = overlapping(ctx, b.db, g.Guild, g.Channel, work.at); err != nil {
			return false, err
		}
	}
	batch.Gaps = []store.Gap{g}
	start := time.Now()
	stored, err := b.writer.commit(ctx, batch)
	if err != nil {
		return false, err
	}
	if again := b.writer.recent.of(g.Channel); len(again) > 0 {
		if _, err := b.writer.commit(ctx, store.Batch{Deleted: again}); err != nil {
			return false, err
		}
	}
	took := min(time.Since(start), fillWorth)
	g.Found += int64(stored)
	j.gap, j.fill = g, work
	b.mu.Lock()
	b.status.Found += int64(stored)
	b.status.Filtered += int64(filtered)
	if j.isHistory() {
		b.status.HistoryFound += int64(stored)
	}
	b.status.Stored += int64(stored)
	b.status.Unreadable += int64(unreadable)
	b.mu.Unlock()
	pause(ctx, fillYield*took)
	return done, nil
}

// addTo adds to a batch what is to be stored of a message of the history, and reports
// whether it counts.
func (b *backfill) addTo(batch *store.Batch, m message, info channelInfo) (counts bool) {
	if !m.counts() {
		if rec := m.uncounted(b.rules, info.name, store.SourceBackfill); rec != nil {
			batch.Uncounted = append(batch.Uncounted, *rec)
		}
		if id := m.account(); id != 0 && !slices.Contains(batch.Accounts, id) {
			batch.Accounts = append(batch.Accounts, id)
		}
		if p, ok := m.passed(); ok {
			batch.Passed = append(batch.Passed, p)
		}
		return false
	}
	rec := m.kept(b.rules, info.name, store.SourceBackfill)
	if rec == nil {
		return true
	}
	batch.Records = append(batch.Records, *rec)
	n := store.Name{Guild: m.GuildID, User: m.Author.ID, Name: m.displayName()}
	if n.Name != "" && b.writer.names.unknown(n) {
		batch.Names = append(batch.Names, n)
	}
	return true
}

// mayRead asks for one message of the history: a *refused of status 403 says that the
// bot must not read it, one of 404 that it has been deleted.
func (b *backfill) mayRead(ctx context.Context, channel, message store.ID) error {
	_, err := b.rest.get(ctx, "message/"+channel.String(), "/channels/"+channel.String()+"/messages/"+message.String(), nil)
	return err
}

// channel returns what is known of a channel. The gateway does not tell of archived threads.
func (b *backfill) channel(ctx context.Context, guild, id store.ID) (channelInfo, error) {
	if info, ok := b.names.channel(id); ok {
		return info, nil
	}
	body, err := b.rest.get(ctx, "channel/"+id.String(), "/channels/"+id.String(), nil)
	if err != nil {
		return channelInfo{}, err
	}
	c, err := decodeChannel(body)
	if err != nil {
		return channelInfo{}, unanswered(err)
	}
	c.ID, c.GuildID = id, guild
	b.names.setChannel(c)
	info, _ := b.names.channel(id)
	return info, nil
}

// skip closes a gap that Discord refuses, and names its channel once; one for which the
// permission is missing waits for it.
func (b *backfill) skip(ctx context.Context, j *job, refusal error) error {
	note := refusal.Error()
	switch statusOf(refusal) {
	case http.StatusForbidden:
		b.refusals.note(j.gap.Guild, j.gap.Channel, askedHistory, notePermission)
		return b.wait(ctx, j, notePermission)
	case http.StatusNotFound:
		note = "the channel is gone"
	}
	b.nameRefused(j.gap.Guild, j.gap.Channel, note)
	return b.closeGap(ctx, j, store.GapSkipped, note)
}

// nameRefused logs that a channel cannot be read, once.
func (b *backfill) nameRefused(guild, channel store.ID, note string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.named[channel] {
		return
	}
	if len(b.named) >= maxNamed {
		clear(b.named)
	}
	b.named[channel] = true
	info, _ := b.names.channel(channel)
	b.log.Warn("a channel's history cannot be fetched, it is skipped",
		"guild", guild, "channel", channel, "name", info.name, "reason", note)
}

// closeGap writes a gap's end into the ledger.
func (b *backfill) closeGap(ctx context.Context, j *job, state, note string) error {
	g := j.gap
	g.State, g.Note, g.Waits = state, note, ""
	if _, err := b.writer.commit(ctx, store.Batch{Gaps: []store.Gap{g}}); err != nil {
		return err
	}
	j.gap = g
	if g.Kind == store.GapWithheld {
		b.content.forget(g.Channel)
	}
	return nil
}
