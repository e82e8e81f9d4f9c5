package rules

import (
	"log/slog"
	"sync"
	"time"

	"rollcall/store"
)

// Options say in which guilds and channels messages are recorded, and what is kept of
// them. An empty list of what is allowed allows everything; what is denied is never
// recorded.
type Options struct {
	GuildsAllow, GuildsDeny     []store.ID
	ChannelsAllow, ChannelsDeny []store.ID    // a thread follows its parent unless named itself
	OptOut                      []store.ID    // people of whom nothing is recorded
	DropContent                 bool          // messages count, and their texts are not kept
	Retention                   time.Duration // texts that are older are not kept; 0: all are
	// ConfigDir holds the files <guild_id>.json, see guildFileText. A guild without one
	// has no rules of its own. Empty: there are no such files.
	ConfigDir string
	Log       *slog.Logger
}

// Rules decide where messages are recorded, and what is kept of them. Its methods may
// be called from any goroutine.
type Rules struct {
	guildsAllow, guildsDeny     idSet
	channelsAllow, channelsDeny idSet
	optOut                      idSet
	storeContent                bool
	retention                   store.Micros // 0: for ever
	dir                         string
	none                        *guildRules // of a guild that has no file
	log                         *slog.Logger
	now                         func() time.Time

	mu    sync.Mutex // guards the map, never held while a file is read
	files map[store.ID]*guildFile
}

// New returns rules. The error says that the folder of the guilds' files is none.
func New(o Options) (*Rules, error) {
	if o.ConfigDir != "" {
		if err := checkDir(o.ConfigDir); err != nil {
			return nil, err
		}
	}
	return &Rules{
		guildsAllow: setOf(o.GuildsAllow), guildsDeny: setOf(o.GuildsDeny),
		channelsAllow: setOf(o.ChannelsAllow), channelsDeny: setOf(o.ChannelsDeny),
		optOut: setOf(o.OptOut), storeContent: !o.DropContent, retention: store.Micros(o.Retention.Microseconds()),
		dir: o.ConfigDir, none: &guildRules{mode: modeUnrestricted},
		log: o.Log, now: time.Now, files: make(map[store.ID]*guildFile),
	}, nil
}

type idSet map[store.ID]struct{}

func setOf(ids []store.ID) idSet {
	set := make(idSet, len(ids))
	for _, id := range ids {
		set[id] = struct{}{}
	}
	return set
}

func (s idSet) has(id store.ID) bool {
	_, ok := s[id]
	return ok
}

// GuildAllowed reports whether anything of a guild may be recorded.
func (r *Rules) GuildAllowed(guild store.ID) bool {
	if r.guildsDeny.has(guild) || len(r.guildsAllow) > 0 && !r.guildsAllow.has(guild) {
		return false
	}
	return r.file(guild).mode != modeClosed
}

// OptedOut reports whether nothing is recorded of a person in a guild, because they asked for that; in
// guild 0, whether they asked for it everywhere. Where the guild's rules cannot be read, who did is not
// known, and everybody has.
func (r *Rules) OptedOut(guild, user store.ID) bool {
	if r.optOut.has(user) || guild == 0 {
		return r.optOut.has(user)
	}
	file := r.file(guild)
	return file.mode == modeClosed || file.optOut.has(user)
}

// Allowed reports whether messages of a channel are recorded. parent is a thread's
// channel, and 0 for any other channel.
func (r *Rules) Allowed(guild, channel, parent store.ID) bool {
	if !r.GuildAllowed(guild) {
		return false
	}
	switch { // the first that names the channel, then its parent, decides
	case r.channelsDeny.has(channel):
		return false
	case r.channelsAllow.has(channel):
	case r.channelsDeny.has(parent):
		return false
	case len(r.channelsAllow) > 0 && !r.channelsAllow.has(parent):
		return false
	}
	return r.file(guild).allowed(channel, parent)
}

// Decided reports whether the answer of Allowed is the same whatever the channel's
// parent is. Where it is not, a channel of which nothing is known must not be
// recorded: it may be a thread of a denied one.
func (r *Rules) Decided(guild, channel store.ID) bool {
	if !r.GuildAllowed(guild) || r.channelsDeny.has(channel) {
		return true
	}
	if !r.channelsAllow.has(channel) && len(r.channelsAllow)+len(r.channelsDeny) > 0 {
		return false
	}
	file := r.file(guild)
	return file.mode == modeUnrestricted || file.named.has(channel)
}
