package simulator

import "slices"

// Permissions that decide what is read, as Discord's bits.
const (
	Administrator      uint64 = 1 << 3
	ViewChannel        uint64 = 1 << 10
	ReadMessageHistory uint64 = 1 << 16
	Connect            uint64 = 1 << 20
	ManageThreads      uint64 = 1 << 34

	// everyoneMay is what @everyone has in a new guild; all of the above but for
	// Administrator and ManageThreads is in it.
	everyoneMay uint64 = 2248473465835073
)

// Hiding is how channels that the bot may not view are told of.
type Hiding int

// The ways to tell of them.
const (
	// HideNull: as since 2026-11-16, with the flag 1<<17 and no last_message_id. REST
	// leaves them out of lists.
	HideNull Hiding = iota
	// HideKeepLast is the same, but for a last_message_id that is still told, as it was
	// when the channel was hidden.
	HideKeepLast
	// HideNothing: as before, in full. When a role changes what the bot may view, no
	// CHANNEL_UPDATE tells of it.
	HideNothing
)

const (
	flagHidden = 1 << 17
	hiddenName = "___hidden___"
)

// SetHiding changes Options.Hiding: of what the bot may not view, payloads tell in this way from
// now on.
func (s *Server) SetHiding(h Hiding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Hiding = h
}

// RoleSpec describes a role.
type RoleSpec struct {
	ID          ID // 0: a new one
	Name        string
	Permissions uint64
}

// Role is a role of a guild. That of @everyone has the guild's id.
type Role struct {
	ID          ID
	g           *Guild
	name        string
	permissions uint64
}

// Overwrite changes what a role, or a user, may do in a channel.
type Overwrite struct {
	Role        *Role // nil: it is User's
	User        *User
	Allow, Deny uint64
}

// Everyone returns the role of @everyone.
func (g *Guild) Everyone() *Role {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	return g.roles[0]
}

// AddRole makes a role; sessions get GUILD_ROLE_CREATE.
func (g *Guild) AddRole(spec RoleSpec) *Role {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if spec.ID == 0 {
		spec.ID = g.s.mint()
	}
	r := &Role{ID: spec.ID, g: g, name: spec.Name, permissions: spec.Permissions}
	g.changePermissions("GUILD_ROLE_CREATE", IntentGuilds, func() any {
		g.roles = append(g.roles, r)
		return r.payload()
	})
	return r
}

// SetPermissions changes what the role allows; sessions get GUILD_ROLE_UPDATE and what
// follows of it (see Hiding).
func (r *Role) SetPermissions(permissions uint64) {
	r.g.s.mu.Lock()
	defer r.g.s.mu.Unlock()
	r.g.changePermissions("GUILD_ROLE_UPDATE", IntentGuilds, func() any {
		r.permissions = permissions
		return r.payload()
	})
}

// Rename gives the role another name; sessions get GUILD_ROLE_UPDATE.
func (r *Role) Rename(name string) {
	r.g.s.mu.Lock()
	defer r.g.s.mu.Unlock()
	r.g.changePermissions("GUILD_ROLE_UPDATE", IntentGuilds, func() any {
		r.name = name
		return r.payload()
	})
}

// Delete removes the role, also from those who have it and from the channels' overwrites;
// sessions get GUILD_ROLE_DELETE and what follows of it. That of @everyone stays.
func (r *Role) Delete() {
	g := r.g
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if r == g.roles[0] {
		return
	}
	g.changePermissions("GUILD_ROLE_DELETE", IntentGuilds, func() any {
		g.roles = slices.DeleteFunc(g.roles, func(o *Role) bool { return o == r })
		for _, m := range g.members {
			m.roles = slices.DeleteFunc(m.roles, func(o *Role) bool { return o == r })
		}
		for _, c := range g.channels {
			c.overwrites = slices.DeleteFunc(c.overwrites, func(o Overwrite) bool { return o.Role == r })
		}
		return struct {
			GuildID ID `json:"guild_id"`
			RoleID  ID `json:"role_id"`
		}{g.ID, r.ID}
	})
}

// SetRoles gives a member these roles and no others; sessions with the members intent,
// and for the bot itself every session, get GUILD_MEMBER_UPDATE and what follows of it.
func (g *Guild) SetRoles(u *User, roles ...*Role) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	needs := IntentGuildMembers
	if u == g.s.bot {
		needs = 0
	}
	g.changePermissions("GUILD_MEMBER_UPDATE", needs, func() any {
		m := g.member(u)
		m.roles = slices.Clone(roles)
		m.json = renderMember(g, u, m)
		return memberUpdate(g, u, m)
	})
}

// SetOwner makes a user the owner; sessions get GUILD_UPDATE and what follows of it.
func (g *Guild) SetOwner(u *User) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.changePermissions("GUILD_UPDATE", IntentGuilds, func() any {
		g.owner = u.ID
		return guildPayload(g)
	})
}

// SetOverwrites replaces a channel's overwrites; sessions get CHANNEL_UPDATE, and where
// the bot may view the channel from now on, THREAD_LIST_SYNC.
func (c *Channel) SetOverwrites(list ...Overwrite) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.overwrite(list)
}

// overwrite is SetOverwrites. s.mu is held.
func (c *Channel) overwrite(list []Overwrite) {
	seen := c.guild.viewed()
	c.overwrites = slices.Clone(list)
	c.publishUpdate()
	c.guild.tellViewed(seen, c)
}

func (r *Role) payload() any {
	return struct {
		GuildID ID          `json:"guild_id"`
		Role    rolePayload `json:"role"`
	}{r.g.ID, r.render()}
}

// changePermissions tells of a change of permissions, with what it returns as the event's
// payload, and then of the channels that the bot may view, or not, from now on. s.mu is held.
func (g *Guild) changePermissions(event string, needs Intents, change func() any) {
	seen := g.viewed()
	payload := change()
	g.publish(event, mustJSON(payload), needs)
	g.tellViewed(seen, nil)
}

// viewed returns the channels that the bot may view, without threads, and notes what their last
// message is, in case that they are hidden now. s.mu is held.
func (g *Guild) viewed() map[*Channel]bool {
	seen := make(map[*Channel]bool)
	for _, c := range g.channels {
		if !c.isThread() && c.viewable() {
			seen[c] = true
			c.lastShown = c.lastMessage()
		}
	}
	return seen
}

// tellViewed tells of the channels that the bot may view, or not, otherwise than before;
// of one of them it has been told already. s.mu is held.
func (g *Guild) tellViewed(before map[*Channel]bool, told *Channel) {
	for _, c := range g.channels {
		if c.isThread() || c.viewable() == before[c] {
			continue
		}
		if c != told && g.s.o.Hiding != HideNothing {
			c.publishUpdate()
		}
		if !before[c] {
			g.publish("THREAD_LIST_SYNC", renderThreadListSync(c), IntentGuilds)
		}
	}
}

// permissions returns what the bot may do in a channel that is no thread, as Discord's
// documentation computes it. s.mu is held.
func (c *Channel) permissions() uint64 {
	g, bot := c.guild, c.s.bot
	mine := g.member(bot).roles
	if g.owner == bot.ID {
		return 1<<64 - 1
	}
	p := g.roles[0].permissions
	for _, r := range mine {
		p |= r.permissions
	}
	if p&Administrator != 0 {
		return 1<<64 - 1
	}
	var allow, deny [3]uint64 // of @everyone, of the roles, of the bot
	for _, o := range c.overwrites {
		at := -1
		switch {
		case o.Role == g.roles[0]:
			at = 0
		case o.Role != nil && slices.Contains(mine, o.Role):
			at = 1
		case o.Role == nil && o.User == bot:
			at = 2
		}
		if at >= 0 {
			allow[at] |= o.Allow
			deny[at] |= o.Deny
		}
	}
	for i := range allow {
		p = p&^deny[i] | allow[i]
	}
	return p
}

// viewable reports whether the bot may view a channel that is no thread: a category also
// if it may view one of its channels. s.mu is held.
func (c *Channel) viewable() bool {
	if c.guild == nil || c.permissions()&ViewChannel != 0 {
		return true
	}
	if c.Kind == Category {
		for _, o := range c.guild.channels {
			if o.parent == c && o.viewable() {
				return true
			}
		}
	}
	return false
}

// managesThreads reports whether the bot may see the private threads below a channel that
// it has not joined. s.mu is held.
func (c *Channel) managesThreads() bool {
	return c.permissions()&ManageThreads != 0
}

// hiddenPayload is all that Discord shows of a channel that the bot may not view.
type hiddenPayload struct {
	ID            ID          `json:"id"`
	GuildID       ID          `json:"guild_id"`
	Type          Kind        `json:"type"`
	Position      int         `json:"position"`
	ParentID      *ID         `json:"parent_id"`
	Name          string      `json:"name"`
	Topic         *string     `json:"topic"`
	LastMessageID *ID         `json:"last_message_id"`
	Flags         int         `json:"flags"`
	Overwrites    []overwrite `json:"permission_overwrites"`
}

// hidden returns the payload of a hidden channel; ok is false if it is not hidden. s.mu is held.
func (c *Channel) hidden() (p hiddenPayload, ok bool) {
	if c.guild == nil || c.isThread() || c.s.o.Hiding == HideNothing || c.viewable() {
		return p, false
	}
	full := c.payload()
	p = hiddenPayload{
		ID: c.ID, GuildID: c.guild.ID, Type: c.Kind, Position: *full.Position, ParentID: full.ParentID, Name: hiddenName,
		Flags: flagHidden, Overwrites: []overwrite{{ID: c.guild.ID, Allow: "0", Deny: "1024"}},
	}
	if c.s.o.Hiding == HideKeepLast && c.lastShown != 0 {
		p.LastMessageID = &c.lastShown
	}
	return p, true
}

// shown returns the channel's payload as the bot is shown it. s.mu is held.
func (c *Channel) shown() any {
	if p, ok := c.hidden(); ok {
		return p
	}
	return c.payload()
}
