package tracker

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall/store"
)

// maxNamed bounds the channels that are remembered as named in the log.
const maxNamed = 10_000

// fill fetches the next page of a gap.
func (b *backfill) fill(ctx context.Context, j *job) (done bool, err error) {
	g := &j.gap
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
	p, err := b.history(ctx, g.Channel, g.After)
	if statusOf(err) != 0 {
		return true, b.skip(ctx, j, err)
	}
	if err != nil {
		return false, err
	}
	switch {
	case p.empty() && !j.moved:
		// Discord gives an empty page to whom it does not let read the history.
		if err := b.mayRead(ctx, g.Channel, g.Until); statusOf(err) == http.StatusForbidden {
			return true, b.skip(ctx, j, err)
		} else if err != nil && statusOf(err) == 0 {
			return false, err
		}
	case !p.empty() && p.last <= g.After:
		return true, b.closeGap(ctx, j, store.GapSkipped, "a page of the history cannot be read")
	}
	return b.takePage(ctx, j, p, info)
}

// takePage stores what a page holds of the gap, together with the gap's new bounds.
func (b *backfill) takePage(ctx context.Context, j *job, p page, info channelInfo) (done bool, err error) {
	g := j.gap
	var batch store.Batch
	filtered := 0
	for _, m := range p.messages {
		if m.ID <= g.After || m.ID > g.Until {
			continue
		}
		m.GuildID, m.ChannelID = g.Guild, g.Channel
		if !m.counts() {
			filtered++
			continue
		}
		rec := m.kept(b.rules, info.name, store.SourceBackfill)
		if rec == nil {
			continue
		}
		batch.Records = append(batch.Records, *rec)
		n := store.Name{Guild: g.Guild, User: m.Author.ID, Name: m.displayName()}
		if n.Name != "" && b.writer.names.unknown(n) {
			batch.Names = append(batch.Names, n)
		}
	}
	g.Found += int64(len(batch.Records))
	g.After = min(p.last, g.Until)
	if done = p.empty() || p.last >= g.Until; done {
		g.After, g.State = g.Until, store.GapFilled
	}
	batch.Gaps = []store.Gap{g}
	start := time.Now()
	stored, err := b.writer.commit(ctx, batch)
	if err != nil {
		return false, err
	}
	if again := b.writer.recent.of(g.Channel, batch.Records); len(again.Changes)+len(again.Deleted) > 0 {
		if _, err := b.writer.commit(ctx, again); err != nil {
			return false, err
		}
	}
	took := min(time.Since(start), fillWorth)
	j.gap, j.moved = g, true
	b.mu.Lock()
	b.status.Found += int64(len(batch.Records))
	b.status.Filtered += int64(filtered)
	if j.isHistory() {
		b.status.HistoryFound += int64(len(batch.Records))
	}
	b.status.Stored += int64(stored)
	b.status.Unreadable += int64(p.unreadable)
	b.mu.Unlock()
	pause(ctx, fillYield*took)
	return done, nil
}

// history fetches the page of a channel's history after a message.
func (b *backfill) history(ctx context.Context, channel, after store.ID) (page, error) {
	body, err := b.rest.get(ctx, "messages/"+channel.String(), "/channels/"+channel.String()+"/messages",
		url.Values{"limit": {strconv.Itoa(pageLen)}, "after": {after.String()}})
	if err != nil {
		return page{}, err
	}
	p, err := decodePage(body)
	if err != nil {
		return page{}, unanswered(err)
	}
	return p, nil
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

// skip closes a gap that Discord refuses, and names its channel once.
func (b *backfill) skip(ctx context.Context, j *job, refusal error) error {
	note := refusal.Error()
	switch statusOf(refusal) {
	case http.StatusForbidden:
		note = "no permission: the bot needs View Channel and Read Message History"
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
	g.State, g.Note = state, note
	if _, err := b.writer.commit(ctx, store.Batch{Gaps: []store.Gap{g}}); err != nil {
		return err
	}
	j.gap = g
	return nil
}
