package permissions

import (
	"slices"

	"rollcall/store"
)

// Reading is what somebody may read in a channel or thread. The zero value is the
// closed one.
type Reading int

// The kinds of Reading, from nothing to all.
const (
	Unknown   Reading = iota // not enough is known of the guild or the channel
	Hidden                   // the channel is hidden from the bot, so its rules are not known
	Unseen                   // the channel may not be viewed, or not be connected to
	NoHistory                // it may be viewed, but its history not be read
	Full                     // its history may be read
)

// String returns a word for people.
func (r Reading) String() string {
	switch r {
	case Hidden:
		return "hidden"
	case Unseen:
		return "unseen"
	case NoHistory:
		return "no history"
	case Full:
		return "full"
	}
	return "unknown"
}

// Base returns what a member may do in the guild wherever a channel says nothing else:
// everything for the owner and with ADMINISTRATOR, and nothing while the guild is not
// complete.
func (g *Guild) Base(m Member) Set {
	switch {
	case !g.Complete():
		return 0
	case m.User == g.owner: // which is not 0
		return everything
	}
	set := g.roles[g.id]
	for _, role := range m.Roles {
		set |= g.roles[role]
	}
	if set.Has(Administrator) {
		return everything
	}
	return set
}

// Permissions returns what a member may do in a channel, or in a thread's parent. ok is
// false, and the set empty, if that is not known: the guild is not complete, or the channel
// is unknown or hidden and the member neither the owner nor an administrator.
//
// Discord takes more away from whom it does not let view a channel; the set does not
// reflect that.
func (g *Guild) Permissions(m Member, channel store.ID) (set Set, ok bool) {
	base := g.Base(m)
	if base.Has(Administrator) {
		return everything, true
	}
	c, known := g.place(channel)
	if !g.Complete() || !known || c.Hidden {
		return 0, false
	}
	return g.overwrite(base, m, c.Overwrites), true
}

// place returns the channel whose rules apply: of a thread its parent.
func (g *Guild) place(channel store.ID) (Channel, bool) {
	c, known := g.channels[channel]
	if known && c.Kind.IsThread() {
		c, known = g.channels[c.Parent]
		known = known && !c.Kind.IsThread()
	}
	return c, known
}

// overwrite applies a channel's overwrites.
func (g *Guild) overwrite(set Set, m Member, list []Overwrite) Set {
	var everyone, roles, own Overwrite
	for _, o := range list {
		switch {
		case o.Member:
			if o.ID == m.User && m.User != 0 {
				own = o
			}
		case o.ID == g.id:
			everyone = o
		case slices.Contains(m.Roles, o.ID):
			roles.Allow |= o.Allow
			roles.Deny |= o.Deny
		}
	}
	for _, o := range []Overwrite{everyone, roles, own} {
		set = set&^o.Deny | o.Allow
	}
	return set
}

// Reading returns what a member may read in a channel or thread.
func (g *Guild) Reading(m Member, channel store.ID) Reading {
	set, ok := g.Permissions(m, channel)
	if !ok {
		if c, known := g.place(channel); g.Complete() && known && c.Hidden {
			return Hidden
		}
		return Unknown
	}
	c, _ := g.place(channel)
	thread := g.channels[channel]
	need := ViewChannel
	if c.Kind == Voice || c.Kind == Stage {
		need |= Connect
	}
	switch {
	case !set.Has(need):
		return Unseen
	case thread.Kind == PrivateThread && m.Inside != channel && !set.Has(ManageThreads):
		return Unseen
	case !set.Has(ReadMessageHistory):
		return NoHistory
	}
	return Full
}
