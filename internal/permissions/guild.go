package permissions

import (
	"maps"
	"slices"

	"rollcall/store"
)

// Role is a role of a guild. That of @everyone has the guild's id.
type Role struct {
	ID    store.ID
	Allow Set
}

// Overwrite changes, in a channel, what a role or a member may do. That of @everyone has
// the guild's id and is one of a role.
type Overwrite struct {
	ID          store.ID
	Member      bool // it is a member's, else a role's
	Allow, Deny Set
}

// Kind is the kind of a channel, as Discord numbers it.
type Kind int

// The kinds that have rules of their own.
const (
	Voice         Kind = 2
	NewsThread    Kind = 10
	PublicThread  Kind = 11
	PrivateThread Kind = 12
	Stage         Kind = 13
)

// IsThread reports whether channels of the kind are threads.
func (k Kind) IsThread() bool { return k == NewsThread || k == PublicThread || k == PrivateThread }

// Channel is a channel or thread of a guild.
type Channel struct {
	ID     store.ID
	Parent store.ID // a thread's channel; of anything else it is of no interest
	Kind   Kind
	// Hidden: Discord hides the channel from the bot, and so its overwrites.
	Hidden bool
	// Overwrites of a thread, or of a hidden channel, are of no interest.
	Overwrites []Overwrite
}

// Equal reports whether two descriptions of a channel are the same, whatever the order
// of their overwrites.
func (c Channel) Equal(o Channel) bool {
	if c.ID != o.ID || c.Parent != o.Parent || c.Kind != o.Kind || c.Hidden != o.Hidden || len(c.Overwrites) != len(o.Overwrites) {
		return false
	}
	for _, w := range c.Overwrites {
		if !slices.Contains(o.Overwrites, w) {
			return false
		}
	}
	return true
}

// Member is somebody in a guild.
type Member struct {
	User  store.ID
	Roles []store.ID // without @everyone; those that the guild does not have allow nothing
	// Inside is the private thread that the member is known to be in, 0 if none: the one
	// that an interaction comes from.
	Inside store.ID
}

// Everyone stands for anybody: a member without a role.
var Everyone = Member{}

// Guild is what is known of a guild's roles and channels. It must not be changed while
// another goroutine uses it.
type Guild struct {
	id       store.ID
	owner    store.ID
	roles    map[store.ID]Set // nil until they are known
	channels map[store.ID]Channel
}

// NewGuild returns a guild of which nothing is known.
func NewGuild(id store.ID) *Guild { return &Guild{id: id, channels: make(map[store.ID]Channel)} }

// ID returns the guild's id.
func (g *Guild) ID() store.ID { return g.id }

// SetOwner sets who owns the guild, and reports whether that is somebody else than before.
// 0, for a payload that does not tell, changes nothing.
func (g *Guild) SetOwner(owner store.ID) bool {
	if owner == 0 || owner == g.owner {
		return false
	}
	g.owner = owner
	return true
}

// SetRoles replaces all roles, and reports whether it did: a list without @everyone is not
// the whole list, and is not taken in.
func (g *Guild) SetRoles(roles []Role) bool {
	if !slices.ContainsFunc(roles, func(r Role) bool { return r.ID == g.id }) {
		return false
	}
	g.roles = make(map[store.ID]Set, len(roles))
	for _, r := range roles {
		g.roles[r.ID] = r.Allow
	}
	return true
}

// SetRole adds a role or changes it, and reports whether that changes what it allows.
// It does nothing while the roles are not known.
func (g *Guild) SetRole(r Role) bool {
	before, known := g.roles[r.ID]
	if g.roles == nil || known && before == r.Allow {
		return false
	}
	g.roles[r.ID] = r.Allow
	return true
}

// DropRole removes a role, and reports whether there was one. That of @everyone stays.
func (g *Guild) DropRole(id store.ID) bool {
	_, known := g.roles[id]
	if !known || id == g.id {
		return false
	}
	delete(g.roles, id)
	return true
}

// SetChannel adds a channel or thread or replaces it, and reports whether that changes
// anything. It keeps c.Overwrites.
func (g *Guild) SetChannel(c Channel) bool {
	if before, known := g.channels[c.ID]; known && before.Equal(c) {
		return false
	}
	g.channels[c.ID] = c
	return true
}

// DropChannel removes a channel or thread.
func (g *Guild) DropChannel(id store.ID) { delete(g.channels, id) }

// Channel returns what is known of a channel or thread.
func (g *Guild) Channel(id store.ID) (Channel, bool) {
	c, ok := g.channels[id]
	return c, ok
}

// Channels returns the ids of all channels and threads that are known, in order.
func (g *Guild) Channels() []store.ID { return slices.Sorted(maps.Keys(g.channels)) }

// Complete reports whether the owner and the roles are known. Until they are, nobody may
// read anything.
func (g *Guild) Complete() bool { return g.owner != 0 && g.roles != nil }
