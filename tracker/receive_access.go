package tracker

import (
	"context"
	"encoding/json"
	"time"

	"rollcall/store"
)

// allowedIn reports of a guild's channels, not of threads, whether they are recorded.
func (r *receiver) allowedIn(guild store.ID) func(store.ID) bool {
	return func(channel store.ID) bool { return r.rules.Allowed(guild, channel, 0) }
}

// changeAccess changes what is known of the bot's permissions in a guild, and tells the
// writer, in its place among the messages, which channels it may read otherwise than
// before. told is the channel that the event was about, if it was about one.
func (r *receiver) changeAccess(ctx context.Context, guild store.ID, told channel, change func(g *guildAccess, bot store.ID) bool) error {
	allowed := r.allowedIn(guild)
	list, any := r.access.update(guild, allowed, change)
	if !any {
		return nil
	}
	r.backfill.accessTouched(guild, told.ID)
	changed := accessChanged{guild: guild, at: time.Now()}
	for _, c := range list {
		if c.ID == told.ID {
			c.Name, c.LastMessage = told.Name, told.Last
		}
		if allowed(c.ID) {
			changed.channels = append(changed.channels, c)
		}
	}
	if len(changed.channels) == 0 {
		return nil
	}
	r.access.tell(guild)
	return r.writer.queue.insert(ctx, changed)
}

func (r *receiver) roleChange(ctx context.Context, data json.RawMessage) error {
	c, err := decodeRole(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if !r.mine(c.GuildID) {
		return nil
	}
	return r.changeAccess(ctx, c.GuildID, channel{}, func(g *guildAccess, _ store.ID) bool { return g.setRole(c) })
}

// memberUpdate is sent of the bot itself, whatever the intents.
func (r *receiver) memberUpdate(ctx context.Context, data json.RawMessage) error {
	m, err := decodeMember(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if m.GuildID == 0 || !r.mine(m.GuildID) {
		return nil
	}
	r.members.forget(m.GuildID, m.User)
	return r.changeAccess(ctx, m.GuildID, channel{}, func(g *guildAccess, bot store.ID) bool { return g.setMember(m, bot) })
}

// channelAccess takes in what a channel's event says of who may read it.
func (r *receiver) channelAccess(ctx context.Context, c channel) error {
	return r.changeAccess(ctx, c.GuildID, c, func(g *guildAccess, _ store.ID) bool { return g.setChannel(c) })
}

// dropAccess takes in that a channel is deleted.
func (r *receiver) dropAccess(ctx context.Context, c channel) error {
	drop := func(g *guildAccess, _ store.ID) bool { return g.dropChannel(c.ID) }
	if _, known := r.access.update(c.GuildID, r.allowedIn(c.GuildID), drop); !known {
		return nil
	}
	r.access.tell(c.GuildID)
	return r.writer.queue.insert(ctx, channelGone{c.GuildID, c.ID})
}

// threadListSync is sent when the bot gains access to channels: their threads are taken
// in as those of a GUILD_CREATE are.
func (r *receiver) threadListSync(ctx context.Context, data json.RawMessage) error {
	list, err := decodeThreadList(data)
	if err != nil {
		r.reject(err)
		return nil
	}
	if list.GuildID == 0 || !r.mine(list.GuildID) {
		return nil
	}
	shown := threadsShown{guild: list.GuildID, at: time.Now()}
	for _, c := range list.Threads {
		c.GuildID = list.GuildID
		r.tellName(c)
		r.names.setChannel(c)
		if r.rules.Allowed(c.GuildID, c.ID, c.Parent) {
			shown.threads = append(shown.threads, snapshotOf(c))
		}
	}
	for _, id := range list.Parents {
		if r.rules.Allowed(list.GuildID, id, 0) {
			kind, known := r.access.kind(list.GuildID, id)
			if known {
				shown.parents = append(shown.parents, channelSnapshot{ID: id, Type: kind, Reading: r.access.reading(list.GuildID, id)})
			}
		}
		r.backfill.accessTouched(list.GuildID, id)
	}
	if len(shown.threads)+len(shown.parents) > 0 {
		err = r.writer.queue.insert(ctx, shown)
	}
	for _, c := range list.Threads {
		r.hold.described(ctx, list.GuildID, c.ID, c.Name)
	}
	return err
}

// snapshotOf is what the planner is told of a channel or thread.
func snapshotOf(c channel) channelSnapshot {
	return channelSnapshot{ID: c.ID, Parent: c.Parent, Type: c.Type, Name: c.Name, LastMessage: c.Last}
}
