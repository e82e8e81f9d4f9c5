package tracker

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// What we need of Discord's payloads, decoded from the raw JSON. discordgo's own
// types refuse a whole message for one field or component that they do not know.
// Here a field that only adds something (a name, a reply's author, the
// attachments) is taken as absent when its type is not the expected one; one that
// decides what is stored (ids, type, content) makes the payload an error.

// maxName bounds a guild's, channel's or person's name in bytes. Discord allows
// 100 characters; a compatible server may not know that.
const maxName = 512

// channel is a guild's channel or thread, as an event or a REST answer describes it.
type channel struct {
	ID       store.ID
	GuildID  store.ID // absent inside a guild's lists
	Parent   store.ID // a thread's channel, else 0: a category has no say in anything
	Type     int
	Name     string
	Last     store.ID // last_message_id, 0 if nothing was ever said
	Archived bool     // threads only
	New      bool     // THREAD_CREATE: it was created just now
	// Hidden: the bot may not view the channel. Its name, its last message and its
	// overwrites are made up, and not taken over.
	Hidden bool
	// Overwrites are nil where they are not told, or cannot be read.
	Overwrites []permissions.Overwrite
}

// guild is the payload of GUILD_CREATE, GUILD_UPDATE or GUILD_DELETE; the lists
// are in the first alone. Channels and threads that cannot be read are left out.
type guild struct {
	ID          store.ID
	Name        string
	Unavailable bool
	Channels    []channel
	Threads     []channel
	Owner       store.ID           // 0: not told
	Roles       []permissions.Role // nil: not told, or one cannot be read
	Members     []guildMember      // GUILD_CREATE alone; those that can be read
}

// threadList is the payload of THREAD_LIST_SYNC, and of a REST answer that lists threads.
type threadList struct {
	GuildID store.ID
	Parents []store.ID // THREAD_LIST_SYNC: the channels whose threads are listed; none: all of the guild's
	Threads []channel
	HasMore bool // REST: another page follows
}

// decodeReady reads the guilds that READY lists: those that the bot is in, of the
// session's shard. ok is false if it does not list them, or one cannot be read.
func decodeReady(raw json.RawMessage) (guilds []store.ID, ok bool) {
	var w struct {
		Guilds []struct {
			ID store.ID `json:"id"`
		} `json:"guilds"`
	}
	if err := json.Unmarshal(raw, &w); err != nil || w.Guilds == nil {
		return nil, false
	}
	for _, g := range w.Guilds {
		if g.ID == 0 {
			return nil, false
		}
		guilds = append(guilds, g.ID)
	}
	return guilds, true
}

// deletion is the payload of MESSAGE_DELETE or MESSAGE_DELETE_BULK.
type deletion struct {
	GuildID   store.ID // 0 in direct messages
	ChannelID store.ID
	Messages  []store.ID
}

// decodeDeletion reads MESSAGE_DELETE and MESSAGE_DELETE_BULK. Ids that cannot be read
// are left out.
func decodeDeletion(raw json.RawMessage) (deletion, error) {
	var w struct {
		ID        looseID          `json:"id"`
		IDs       loose[[]looseID] `json:"ids"`
		ChannelID looseID          `json:"channel_id"`
		GuildID   store.ID         `json:"guild_id"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return deletion{}, fmt.Errorf("decode deletion: %w", err)
	}
	d := deletion{GuildID: w.GuildID, ChannelID: store.ID(w.ChannelID)}
	for _, id := range append(w.IDs.value, w.ID) {
		if id != 0 && id <= math.MaxInt64 {
			d.Messages = append(d.Messages, store.ID(id))
		}
	}
	if len(d.Messages) == 0 {
		return deletion{}, fmt.Errorf("decode deletion: %w", errNoID)
	}
	return d, nil
}

var errNoID = errors.New("no id")

// decodeChannel reads a channel or a thread.
func decodeChannel(raw json.RawMessage) (channel, error) {
	var w struct {
		ID       store.ID     `json:"id"`
		GuildID  store.ID     `json:"guild_id"`
		Parent   store.ID     `json:"parent_id"`
		Type     int          `json:"type"`
		Name     text         `json:"name"`
		Last     looseID      `json:"last_message_id"`
		Flags    loose[int64] `json:"flags"`
		New      loose[bool]  `json:"newly_created"`
		Metadata loose[struct {
			Archived bool `json:"archived"`
		}] `json:"thread_metadata"`
		Overwrites loose[[]wireOverwrite] `json:"permission_overwrites"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return channel{}, fmt.Errorf("decode channel: %w", err)
	}
	if w.ID == 0 {
		return channel{}, fmt.Errorf("decode channel: %w", errNoID)
	}
	c := channel{
		ID: w.ID, GuildID: w.GuildID, Type: w.Type, Name: string(w.Name),
		Last: store.ID(w.Last), Archived: w.Metadata.value.Archived, New: w.New.value,
	}
	switch c.Type {
	case channelNewsThread, channelPublicThread, channelPrivateThread:
		c.Parent = w.Parent
		return c, nil
	}
	if c.Hidden = w.Flags.value&flagHidden != 0; c.Hidden {
		c.Name, c.Last = "", 0
	} else {
		c.Overwrites = overwritesOf(w.Overwrites.value)
	}
	return c, nil
}

// decodeChannels reads a list of channels; those that cannot be read are left out.
func decodeChannels(list []json.RawMessage) []channel {
	channels := make([]channel, 0, len(list))
	for _, raw := range list {
		if c, err := decodeChannel(raw); err == nil {
			channels = append(channels, c)
		}
	}
	return channels
}

// decodeGuild reads GUILD_CREATE, GUILD_UPDATE and GUILD_DELETE.
func decodeGuild(raw json.RawMessage) (guild, error) {
	var w struct {
		ID         store.ID       `json:"id"`
		Name       text           `json:"name"`
		Properties loose[struct { // where compatible servers have it
			Name text `json:"name"`
		}] `json:"properties"`
		Unavailable bool                     `json:"unavailable"`
		Channels    loose[[]json.RawMessage] `json:"channels"`
		Threads     loose[[]json.RawMessage] `json:"threads"`
		Owner       looseID                  `json:"owner_id"`
		Roles       loose[[]json.RawMessage] `json:"roles"`
		Members     loose[[]json.RawMessage] `json:"members"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return guild{}, fmt.Errorf("decode guild: %w", err)
	}
	if w.ID == 0 {
		return guild{}, fmt.Errorf("decode guild: %w", errNoID)
	}
	return guild{
		ID: w.ID, Name: string(cmp.Or(w.Name, w.Properties.value.Name)), Unavailable: w.Unavailable,
		Channels: decodeChannels(w.Channels.value), Threads: decodeChannels(w.Threads.value),
		Owner: store.ID(w.Owner), Roles: decodeRoles(w.Roles.value), Members: decodeMembers(w.Members.value),
	}, nil
}

// decodeThreadList reads THREAD_LIST_SYNC and REST's lists of threads.
func decodeThreadList(raw json.RawMessage) (threadList, error) {
	var w struct {
		GuildID store.ID                 `json:"guild_id"`
		Parents loose[[]looseID]         `json:"channel_ids"`
		Threads loose[[]json.RawMessage] `json:"threads"`
		HasMore bool                     `json:"has_more"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return threadList{}, fmt.Errorf("decode threads: %w", err)
	}
	l := threadList{GuildID: w.GuildID, Threads: decodeChannels(w.Threads.value), HasMore: w.HasMore}
	for _, id := range w.Parents.value {
		if id != 0 {
			l.Parents = append(l.Parents, store.ID(id))
		}
	}
	return l, nil
}

// text is a string of at most maxName bytes; anything else is absent.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(clip(s))
	}
	return nil
}

// clip cuts a name to maxName bytes.
func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	cut := maxName
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// looseID is an id; anything else is absent.
type looseID store.ID

func (id *looseID) UnmarshalJSON(b []byte) error {
	var v store.ID
	if json.Unmarshal(b, &v) == nil {
		*id = looseID(v)
	}
	return nil
}

// loose is a value that is absent when it is not of the expected type.
type loose[T any] struct{ value T }

func (l *loose[T]) UnmarshalJSON(b []byte) error {
	var v T
	if json.Unmarshal(b, &v) == nil {
		l.value = v
	}
	return nil
}
