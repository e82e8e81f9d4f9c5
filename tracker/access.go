package tracker

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// access knows what the bot itself may read in the guilds that it is in, from what the
// gateway tells of roles, overwrites and hidden channels. Threads are not in it: they
// are as their channels are.
//
// It does not guess: where something is missing of what decides (a GUILD_CREATE need
// not tell which roles the bot has), a channel counts as readable until Discord
// answers 403. Any goroutine may use it.
type access struct {
	names *names
	log   *slog.Logger

	mu     sync.RWMutex
	bot    store.ID // 0 until READY
	guilds map[store.ID]*guildAccess
}

// guildAccess is what is known of a guild. Who changes it holds access.mu.
type guildAccess struct {
	model   *permissions.Guild
	roles   []store.ID // of the bot
	member  bool       // roles are known
	vague   map[store.ID]bool
	reading map[store.ID]permissions.Reading // of each channel, as it was worked out last
	counts  unreadableCounts
	told    unreadableCounts // what the log was told last
	toldAt  time.Time
	stale   bool // changes may have been missed since GUILD_CREATE; only Reader looks at it
}

// unreadableCounts counts a guild's channels that would be recorded if they could be read.
type unreadableCounts struct{ hidden, unreadable, noHistory int }

func (c *unreadableCounts) add(o unreadableCounts) {
	c.hidden += o.hidden
	c.unreadable += o.unreadable
	c.noHistory += o.noHistory
}

func newAccess(n *names, log *slog.Logger) *access {
	return &access{names: n, log: log, guilds: make(map[store.ID]*guildAccess)}
}

// reasonOf returns why the bot may not read, "" if it may or if that is not known.
func reasonOf(r permissions.Reading) string {
	switch r {
	case permissions.Hidden:
		return store.ReasonHidden
	case permissions.Unseen:
		return store.ReasonUnreadable
	case permissions.NoHistory:
		return store.ReasonNoHistory
	}
	return ""
}

// isDeaf reports whether no new messages are heard, for a reason of reasonOf.
func isDeaf(reason string) bool { return reason != "" && reason != store.ReasonNoHistory }

func (a *access) setBot(id store.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id != 0 {
		a.bot = id
	}
}

// setGuild takes in a GUILD_CREATE. allowed reports whether a channel is recorded.
func (a *access) setGuild(g guild, allowed func(store.ID) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := &guildAccess{model: permissions.NewGuild(g.ID), vague: make(map[store.ID]bool)}
	if before := a.guilds[g.ID]; before != nil {
		known.roles, known.member, known.told, known.toldAt = before.roles, before.member, before.told, before.toldAt
	}
	known.setGuild(g)
	for _, m := range g.Members {
		if m.User == a.bot {
			known.roles, known.member = m.Roles, true
		}
	}
	for _, c := range g.Channels {
		known.setChannel(c)
	}
	a.guilds[g.ID] = known
	known.work(a.bot, allowed)
}

// update changes what is known of a guild, and returns the channels that the bot may read
// otherwise than before; change reports whether it has changed anything. It does nothing
// if nothing is known of the guild.
func (a *access) update(guild store.ID, allowed func(store.ID) bool, change func(g *guildAccess, bot store.ID) bool) (changed []channelSnapshot, any bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guilds[guild]
	if g == nil || !change(g, a.bot) {
		return nil, false
	}
	before := g.reading
	g.work(a.bot, allowed)
	for id, now := range g.reading {
		if reasonOf(before[id]) != reasonOf(now) {
			c, _ := g.model.Channel(id)
			changed = append(changed, channelSnapshot{ID: id, Type: int(c.Kind), Reading: now})
		}
	}
	slices.SortFunc(changed, func(a, b channelSnapshot) int { return cmp.Compare(a.ID, b.ID) })
	return changed, true
}

// work works out anew what the bot may read.
func (g *guildAccess) work(bot store.ID, allowed func(store.ID) bool) {
	g.counts = unreadableCounts{}
	channels := g.model.Channels()
	g.reading = make(map[store.ID]permissions.Reading, len(channels))
	for _, id := range channels {
		r := g.read(bot, id)
		g.reading[id] = r
		c, _ := g.model.Channel(id)
		if s := (channelSnapshot{Type: int(c.Kind)}); reasonOf(r) == "" || !s.holdsMessages() && !s.holdsThreads() || !allowed(id) {
			continue
		}
		switch r {
		case permissions.Hidden:
			g.counts.hidden++
		case permissions.Unseen:
			g.counts.unreadable++
		case permissions.NoHistory:
			g.counts.noHistory++
		}
	}
}

// read works out what the bot may read in a channel. What Discord hides from it, it may
// not view, whatever its roles seem to say.
func (g *guildAccess) read(bot, channel store.ID) permissions.Reading {
	me := permissions.Member{User: bot, Roles: g.roles}
	c, known := g.model.Channel(channel)
	switch {
	case !known || bot == 0:
		return permissions.Unknown
	case c.Hidden:
		return permissions.Hidden
	case (g.vague[channel] || !g.member) && !g.model.Base(me).Has(permissions.Administrator):
		return permissions.Unknown
	}
	return g.model.Reading(me, channel)
}

// setGuild takes in the owner and the roles of a GUILD_UPDATE, and reports whether they
// have changed. A role that is gone has its own event.
func (g *guildAccess) setGuild(from guild) bool {
	complete := g.model.Complete()
	changed := g.model.SetOwner(from.Owner)
	if !complete {
		return g.model.SetRoles(from.Roles) || changed
	}
	for _, r := range from.Roles {
		changed = g.model.SetRole(r) || changed
	}
	return changed
}

// setChannel takes in a channel, and reports whether its permissions have changed.
func (g *guildAccess) setChannel(c channel) bool {
	if (channelSnapshot{Type: c.Type}).isThread() {
		return false
	}
	vague := c.Overwrites == nil && !c.Hidden
	changed := vague != g.vague[c.ID]
	if vague {
		g.vague[c.ID] = true
	} else {
		delete(g.vague, c.ID)
	}
	return g.model.SetChannel(permissions.Channel{
		ID: c.ID, Kind: permissions.Kind(c.Type), Hidden: c.Hidden, Overwrites: c.Overwrites,
	}) || changed
}

func (g *guildAccess) dropChannel(id store.ID) bool {
	_, known := g.model.Channel(id)
	g.model.DropChannel(id)
	delete(g.vague, id)
	return known
}

func (g *guildAccess) setRole(c roleChange) bool {
	if c.Deleted {
		return g.model.DropRole(c.Role.ID)
	}
	return g.model.SetRole(c.Role)
}

func (g *guildAccess) setMember(m guildMember, bot store.ID) bool {
	if m.User != bot || g.member && slices.Equal(g.roles, m.Roles) {
		return false
	}
	g.roles, g.member = m.Roles, true
	return true
}

// distrust marks the guilds for which of returns true, until their next GUILD_CREATE: what
// changes in them we may not have been told.
func (a *access) distrust(of func(guild store.ID) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, g := range a.guilds {
		if of(id) {
			g.stale = true
		}
	}
}

func (a *access) dropGuild(id store.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.guilds, id)
}

// reading returns what the bot may read in a channel. Of a thread it has to be asked for
// its channel.
func (a *access) reading(guild, channel store.ID) permissions.Reading {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if g := a.guilds[guild]; g != nil {
		return g.reading[channel]
	}
	return permissions.Unknown
}

// everyoneReads reports whether a member without any role may read a channel's history. It
// is false where that is not known for certain. Of a thread it has to be asked for its channel.
func (a *access) everyoneReads(guild, channel store.ID) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	g := a.guilds[guild]
	return g != nil && !g.vague[channel] && g.model.Reading(permissions.Everyone, channel) == permissions.Full
}

// managesThreads reports whether the bot may list private threads that it is not in below
// a channel; it may unless it is known that it may not.
func (a *access) managesThreads(guild, channel store.ID) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	g := a.guilds[guild]
	if g == nil || !g.member || g.vague[channel] {
		return true
	}
	set, ok := g.model.Permissions(permissions.Member{User: a.bot, Roles: g.roles}, channel)
	return !ok || set.Has(permissions.ManageThreads)
}

// hidesThreads reports whether a guild may have threads that the bot cannot see because it
// may not read their channels.
func (a *access) hidesThreads(guild store.ID) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	g := a.guilds[guild]
	if g == nil {
		return true
	}
	for id, r := range g.reading {
		if c, _ := g.model.Channel(id); reasonOf(r) != "" && (channelSnapshot{Type: int(c.Kind)}).holdsThreads() {
			return true
		}
	}
	return false
}

// kind returns a channel's kind; ok is false if there is none, as far as is known.
func (a *access) kind(guild, channel store.ID) (kind int, ok bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if g := a.guilds[guild]; g != nil {
		c, known := g.model.Channel(channel)
		return int(c.Kind), known
	}
	return 0, false
}

// count counts the channels of all guilds that cannot be read.
func (a *access) count() (all unreadableCounts) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, g := range a.guilds {
		all.add(g.counts)
	}
	return all
}

// tell logs how many channels of a guild cannot be read, if that has changed. A role can
// change it for all of them, which takes an event for each: a line a minute is enough.
// What it holds back, tellRest tells.
func (a *access) tell(guild store.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g := a.guilds[guild]; g != nil && time.Since(g.toldAt) >= tellEvery {
		a.tellOf(guild, g)
	}
}

// tellEvery is how often the log is told at most of a guild.
const tellEvery = time.Minute

// tellRest logs what was held back of all guilds.
func (a *access) tellRest() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, g := range a.guilds {
		a.tellOf(id, g)
	}
}

// tellOf needs a.mu.
func (a *access) tellOf(guild store.ID, g *guildAccess) {
	n := g.counts
	if n == g.told {
		return
	}
	g.told, g.toldAt = n, time.Now()
	if n == (unreadableCounts{}) {
		a.log.Info("every channel of a guild can be read again", "guild", guild, "name", a.names.guild(guild))
		return
	}
	a.log.Info("channels of a guild cannot be read: nothing is recorded of those that are hidden or unreadable, and what was missed waits",
		"guild", guild, "name", a.names.guild(guild), "hidden", n.hidden, "unreadable", n.unreadable, "no_history", n.noHistory)
}
