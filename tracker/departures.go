package tracker

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"rollcall/store"
)

// The store remembers since when the bot is not in a guild any more, so that the
// sweeper can remove what is known of the guild after ROLLCALL_GUILD_GRACE. It is told
// by GUILD_DELETE, or, of what happened while we did not listen, by a READY that does
// not list the guild; a GUILD_CREATE, or a READY that lists it, takes it back.

// guildDeparted is a GUILD_DELETE that is no outage.
type guildDeparted struct {
	guild store.ID
	at    time.Time
}

func (e guildDeparted) apply(_ context.Context, _ *planner, b *transaction) error {
	b.depart(e.guild, e.at)
	return nil
}

// guildRejoined says that the bot is in a guild, as a guildSeen does.
type guildRejoined struct{ guild store.ID }

func (e guildRejoined) apply(_ context.Context, _ *planner, b *transaction) error {
	b.rejoin(e.guild)
	return nil
}

// guildsListed is what a READY says of its shard's guilds.
type guildsListed struct {
	mine   func(store.ID) bool // whether a guild is of the shard
	guilds []store.ID
	at     time.Time
}

// apply takes those guilds for left that the bot has listened to and that are not
// listed any more. Guilds that only logs have told of are nobody's to leave.
func (e guildsListed) apply(ctx context.Context, p *planner, b *transaction) error {
	known, err := p.db.GuildsListened(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	for _, guild := range known {
		switch {
		case !e.mine(guild):
		case slices.Contains(e.guilds, guild):
			b.rejoin(guild)
		default:
			b.depart(guild, e.at)
		}
	}
	return nil
}

// depart and rejoin keep what is so in the end: a transaction may hold both.
func (b *transaction) depart(guild store.ID, at time.Time) {
	b.rejoined = slices.DeleteFunc(b.rejoined, func(id store.ID) bool { return id == guild })
	b.departed = append(b.departed, store.DepartedGuild{Guild: guild, At: store.MicrosOf(at)})
}

func (b *transaction) rejoin(guild store.ID) {
	b.departed = slices.DeleteFunc(b.departed, func(l store.DepartedGuild) bool { return l.Guild == guild })
	b.rejoined = append(b.rejoined, guild)
}

// ready takes in which guilds the bot is in.
func (r *receiver) ready(_ context.Context, data json.RawMessage) error {
	for _, span := range r.content.ready(r.shard, data) {
		r.writer.queue.post(span)
	}
	r.access.setBot(decodeBot(data))
	guilds, ok := decodeReady(data)
	if !ok {
		r.log.Debug("READY lists no guilds")
		return nil
	}
	r.writer.queue.post(guildsListed{mine: r.mine, guilds: guilds, at: time.Now()})
	return nil
}
