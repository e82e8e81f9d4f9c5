package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// UserSpec describes a user.
type UserSpec struct {
	ID   ID     // 0: a new one
	Name string // the display name; the user name is made from it
	Bot  bool
}

// User is an account. It becomes a member of a guild when it first posts there.
type User struct {
	ID   ID
	Name string // the display name (global_name)
	Bot  bool
	json []byte // the user object
}

// AddUser makes an account. It panics if the id is taken.
func (s *Server) AddUser(spec UserSpec) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spec.ID == 0 {
		spec.ID = s.mint()
	}
	if s.users[spec.ID] != nil {
		panic(fmt.Sprintf("simulator: user %v exists", spec.ID))
	}
	u := &User{ID: spec.ID, Name: spec.Name, Bot: spec.Bot}
	u.json = renderUser(u)
	s.users[u.ID] = u
	return u
}

// GuildSpec describes a guild.
type GuildSpec struct {
	ID   ID // 0: a new one
	Name string
	// Nameless guilds do not tell their name in GUILD_CREATE; REST does.
	Nameless bool
}

// Guild is a server that the bot is in.
type Guild struct {
	ID          ID
	s           *Server
	name        string
	unavailable bool
	removed     bool
	nameless    bool
	owner       ID
	roles       []*Role    // that of @everyone first
	channels    []*Channel // threads included, oldest first
	members     map[*User]*member
}

// member is a user in a guild.
type member struct {
	nick  string
	roles []*Role
	json  []byte // the member object, without its user
}

// AddGuild makes a guild with the bot in it; sessions get GUILD_CREATE. It panics if the id is
// taken.
func (s *Server) AddGuild(spec GuildSpec) *Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spec.ID == 0 {
		spec.ID = s.mintGuild()
	}
	at, taken := s.findGuild(spec.ID)
	if taken {
		panic(fmt.Sprintf("simulator: guild %v exists", spec.ID))
	}
	g := &Guild{
		ID: spec.ID, s: s, name: spec.Name, nameless: spec.Nameless, owner: spec.ID + 2, members: map[*User]*member{},
	}
	g.roles = []*Role{
		{ID: g.ID, g: g, name: "@everyone", permissions: everyoneMay},
		{ID: g.ID + 1, g: g, name: "regulars", permissions: everyoneMay},
	}
	g.member(s.bot)
	s.guilds = slices.Insert(s.guilds, at, g)
	g.publish("GUILD_CREATE", renderGuildCreate(g), IntentGuilds)
	return g
}

func (s *Server) findGuild(id ID) (at int, ok bool) {
	return slices.BinarySearchFunc(s.guilds, id, func(g *Guild, id ID) int { return cmp.Compare(g.ID, id) })
}

// Name returns the guild's name.
func (g *Guild) Name() string {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	return g.name
}

// Rename gives the guild another name; sessions get GUILD_UPDATE.
func (g *Guild) Rename(name string) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.name = name
	g.publish("GUILD_UPDATE", mustJSON(guildPayload(g)), IntentGuilds)
}

// Remove takes the bot out of the guild: sessions get GUILD_DELETE, REST knows the guild no more.
func (g *Guild) Remove() {
	s := g.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.removed {
		return
	}
	g.publish("GUILD_DELETE", mustJSON(struct {
		ID ID `json:"id"`
	}{g.ID}), IntentGuilds)
	g.removed = true
	at, _ := s.findGuild(g.ID)
	s.guilds = slices.Delete(s.guilds, at, at+1)
	for _, c := range g.channels {
		delete(s.channels, c.ID)
	}
}

// Return brings the bot back into a guild that it was removed from; sessions get GUILD_CREATE.
func (g *Guild) Return() {
	s := g.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !g.removed {
		return
	}
	g.removed = false
	at, _ := s.findGuild(g.ID)
	s.guilds = slices.Insert(s.guilds, at, g)
	for _, c := range g.channels {
		s.channels[c.ID] = c
	}
	g.publish("GUILD_CREATE", renderGuildCreate(g), IntentGuilds)
}

// SetManagesThreads gives @everyone, and so the bot, ManageThreads, so that it sees private threads
// that it has not joined, or takes it away. It has not got it at first.
func (g *Guild) SetManagesThreads(may bool) {
	everyone := g.Everyone()
	g.s.mu.Lock()
	permissions := everyone.permissions &^ ManageThreads
	if may {
		permissions |= ManageThreads
	}
	g.s.mu.Unlock()
	everyone.SetPermissions(permissions)
}

// SetUnavailable starts or ends an outage of the guild: sessions get GUILD_DELETE with unavailable,
// or GUILD_CREATE. During an outage nothing of the guild is sent.
func (g *Guild) SetUnavailable(unavailable bool) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.unavailable == unavailable {
		return
	}
	if unavailable {
		g.publish("GUILD_DELETE", mustJSON(unavailableGuild{g.ID, true}), IntentGuilds)
	}
	g.unavailable = unavailable
	if !unavailable {
		g.publish("GUILD_CREATE", renderGuildCreate(g), IntentGuilds)
	}
}

// SetNick gives a member another nick, "" for none. It shows in the messages that follow.
func (g *Guild) SetNick(u *User, nick string) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	m := g.member(u)
	m.nick = nick
	m.json = renderMember(g, u, m)
	g.publish("GUILD_MEMBER_UPDATE", mustJSON(memberUpdate(g, u, m)), IntentGuildMembers)
}

// RemoveMember makes a user leave the guild; sessions with the members intent get GUILD_MEMBER_REMOVE.
// Who posts there again is a member again.
func (g *Guild) RemoveMember(u *User) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.members[u] == nil || u == g.s.bot {
		return
	}
	delete(g.members, u)
	g.publish("GUILD_MEMBER_REMOVE", mustJSON(struct {
		GuildID ID              `json:"guild_id"`
		User    json.RawMessage `json:"user"`
	}{g.ID, u.json}), IntentGuildMembers)
}

// member returns the membership of u, who joins if need be. s.mu is held.
func (g *Guild) member(u *User) *member {
	m := g.members[u]
	if m == nil {
		m = &member{}
		if u.ID%5 == 0 && u != g.s.bot {
			m.roles = []*Role{g.roles[1]}
		}
		m.json = renderMember(g, u, m)
		g.members[u] = m
	}
	return m
}

// Channels returns the guild's channels and threads, oldest first.
func (g *Guild) Channels() []*Channel {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	return slices.Clone(g.channels)
}

// Guilds returns the guilds that the bot is in, by id.
func (s *Server) Guilds() []*Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.guilds)
}
