package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"rollcall/store"
)

// What becomes of messages that are deleted or edited in Discord, see Options.
const (
	onDeleteKeep   = "keep"
	onDeleteRedact = "redact"
	onDeleteRemove = "remove"
	onEditUpdate   = "update"
	onEditKeep     = "keep"
)

// policy is what becomes of messages that are deleted or edited in Discord.
type policy struct {
	deleted store.Action // Keep, Redact or Remove
	edited  store.Action // Keep or Edit
}

func newPolicy(o Options) (policy, error) {
	p := policy{store.Redact, store.Edit}
	switch o.OnDelete {
	case "", onDeleteRedact:
	case onDeleteKeep:
		p.deleted = store.Keep
	case onDeleteRemove:
		p.deleted = store.Remove
	default:
		return p, fmt.Errorf("what becomes of deleted messages is %q: want keep, redact or remove", o.OnDelete)
	}
	switch o.OnEdit {
	case "", onEditUpdate:
	case onEditKeep:
		p.edited = store.Keep
	default:
		return p, fmt.Errorf("what becomes of edited messages is %q: want keep or update", o.OnEdit)
	}
	return p, nil
}

// messageUpdate takes in an edit. Most updates are none: Discord adds an embed, or
// somebody pins the message.
func (r *receiver) messageUpdate(ctx context.Context, data json.RawMessage) error {
	if r.policy.edited == store.Keep {
		return nil
	}
	m, err := decodeMessage(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if m.Edited == 0 || !hasContent(data) || m.GuildID == 0 || !r.mine(m.GuildID) || m.Author.Bot || m.Author.System || m.WebhookID != 0 {
		return nil
	}
	e := heldEvent{message: m, edit: true, to: r}
	if r.hold.behind(e) {
		return nil
	}
	info, known := r.names.channel(m.ChannelID)
	if !known && !m.NoThread && !r.rules.Decided(m.GuildID, m.ChannelID) {
		r.hold.add(ctx, e)
		return nil
	}
	return r.takeEdit(ctx, m, info)
}

// takeEdit takes in an edit in a channel of which enough is known.
func (r *receiver) takeEdit(ctx context.Context, m message, info channelInfo) error {
	if !r.rules.Allowed(m.GuildID, m.ChannelID, info.parent) || r.content.withholds(r.shard, &m) {
		return nil
	}
	if m.Author.ID != 0 { // else the store's gate asks for the author of what is stored
		if rec := m.kept(r.rules, info.name, store.SourceLive); rec == nil || rec.Redacted {
			return nil
		}
	}
	return r.enqueue(ctx, item{changes: []store.Change{m.edit()}})
}

// messageDelete takes in one deletion or many. What was stored goes even if the
// rules would not have it stored today.
func (r *receiver) messageDelete(ctx context.Context, data json.RawMessage) error {
	if r.policy.deleted == store.Keep {
		return nil
	}
	d, err := decodeDeletion(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if d.GuildID == 0 || !r.mine(d.GuildID) {
		return nil
	}
	it := item{changes: make([]store.Change, 0, len(d.Messages))}
	for _, id := range d.Messages {
		it.changes = append(it.changes, store.Change{Guild: d.GuildID, Message: id, Time: snowflakeTime(id), Action: r.policy.deleted})
	}
	return r.enqueue(ctx, it)
}

// channelDelete forgets a channel's name, and takes in that its messages are deleted,
// and those of its threads, of which Discord says nothing.
func (r *receiver) channelDelete(ctx context.Context, data json.RawMessage) error {
	c, ok := r.channelOf(data)
	if !ok {
		return nil
	}
	gone := append(r.names.threadsOf(c.ID), c.ID)
	for _, id := range gone {
		r.names.dropChannel(id)
		r.writer.aside.tell(store.ChannelSeen{Guild: c.GuildID, Channel: id, Gone: true})
	}
	if err := r.dropAccess(ctx, c); err != nil {
		return err
	}
	if r.policy.deleted == store.Keep {
		return nil
	}
	var it item
	for _, id := range gone {
		it.deleted = append(it.deleted, store.DeletedChannel{Guild: c.GuildID, Channel: id, Action: r.policy.deleted})
	}
	return r.enqueue(ctx, it)
}

// enqueue hands changes to the writer, in their place among the messages.
func (r *receiver) enqueue(ctx context.Context, it item) error {
	it.received = time.Now()
	err := r.writer.add(ctx, it)
	if err != nil {
		r.log.Warn("an edit or a deletion could not be taken in before the end, and Discord does not tell of it again", "error", err)
	}
	return err
}

// recentLen bounds the channels that are remembered: many times what happens in a guild
// while a page of history is under way.
const recentLen = 2048

// recentDeletions are the channels that were deleted last. A page of a channel's history
// may have been fetched before its deletion and be committed after it: whoever commits a
// page has the channel's messages deleted once more. (What happens to single messages
// waits for them in the store.) Any goroutine may use it.
type recentDeletions struct {
	mu       sync.Mutex
	channels []store.DeletedChannel // in their order
}

// add must be called before the deletions are committed.
func (c *recentDeletions) add(channels []store.DeletedChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels = last(append(c.channels, channels...), recentLen)
}

// last returns the last n elements, in an array that does not hold the others for long.
func last[T any](list []T, n int) []T {
	if len(list) < 2*n {
		return list
	}
	return append(make([]T, 0, 2*n), list[len(list)-n:]...)
}

// of returns the deletions of a channel lately.
func (c *recentDeletions) of(channel store.ID) (again []store.DeletedChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.channels {
		if d.Channel == channel {
			again = append(again, d)
		}
	}
	return again
}
