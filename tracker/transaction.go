package tracker

import (
	"maps"
	"sync"

	"rollcall/store"
)

// transaction is the transaction that the writer puts together.
type transaction struct {
	records   []store.Record
	uncounted []store.Record // see store.Batch
	accounts  []store.ID     // the same, each once
	changes   []store.Change
	deleted   []store.DeletedChannel
	departed  []store.DepartedGuild
	rejoined  []store.ID
	names     []store.Name
	learned   []store.LearnedName
	cursors   map[cursorKey]store.ID // the furthest one of each channel
	floors    map[cursorKey]store.ID
	guilds    map[store.ID]store.GuildCursors
	gaps      []store.Gap
	access    []store.AccessChange
	channels  []store.ChannelSeen
	passed    []store.Passed
	committed []func() // called in order once the transaction stands; must not block
}

type cursorKey struct{ guild, channel store.ID }

func newTransaction(size int) *transaction {
	return &transaction{
		records: make([]store.Record, 0, size),
		cursors: make(map[cursorKey]store.ID), floors: make(map[cursorKey]store.ID), guilds: make(map[store.ID]store.GuildCursors),
	}
}

// move moves a channel's cursor up; it never goes back.
func (b *transaction) move(c store.ChannelCursor) {
	key := cursorKey{c.Guild, c.Channel}
	b.cursors[key] = max(b.cursors[key], c.Last)
}

// floor notes what was said last in a channel when it was met.
func (b *transaction) floor(c store.ChannelCursor) {
	key := cursorKey{c.Guild, c.Channel}
	b.floors[key] = max(b.floors[key], c.Last)
}

// moveGuild moves cursors of a guild up.
func (b *transaction) moveGuild(guild store.ID, c store.GuildCursors) {
	b.guilds[guild] = b.guilds[guild].Max(c)
}

func (b *transaction) empty() bool {
	return len(b.records) == 0 && len(b.uncounted) == 0 && len(b.accounts) == 0 && len(b.changes) == 0 &&
		len(b.deleted) == 0 && len(b.departed) == 0 && len(b.rejoined) == 0 && len(b.names) == 0 && len(b.learned) == 0 &&
		len(b.cursors) == 0 && len(b.floors) == 0 && len(b.guilds) == 0 && len(b.gaps) == 0 && len(b.access) == 0 &&
		len(b.channels) == 0 && len(b.passed) == 0
}

func (b *transaction) batch() store.Batch {
	list := func(of map[cursorKey]store.ID) []store.ChannelCursor {
		cursors := make([]store.ChannelCursor, 0, len(of))
		for key, last := range of {
			cursors = append(cursors, store.ChannelCursor{Guild: key.guild, Channel: key.channel, Last: last})
		}
		return cursors
	}
	guilds := make([]store.GuildCursor, 0, len(b.guilds))
	for guild, c := range b.guilds {
		guilds = append(guilds, store.GuildCursor{Guild: guild, GuildCursors: c})
	}
	return store.Batch{
		Records: b.records, Uncounted: b.uncounted, Accounts: b.accounts, Changes: b.changes, Deleted: b.deleted, Departed: b.departed, Rejoined: b.rejoined,
		Names: b.names, Learned: b.learned, Cursors: list(b.cursors), Floors: list(b.floors), GuildCursors: guilds, Gaps: b.gaps, Access: b.access,
		Channels: b.channels, Passed: b.passed,
	}
}

// nameCacheLen is how many names each of the cache's two generations holds. A
// name that has fallen out is stored once more, which changes nothing.
const nameCacheLen = 1 << 16

// nameCache remembers which names were handed to the store last, so that a person
// who writes a thousand messages costs one name. It forgets the older half when it
// is full. Any goroutine may use it.
type nameCache struct {
	mu         sync.Mutex
	young, old map[nameKey]string
}

type nameKey struct{ guild, user store.ID }

// changed reports whether n is not what the cache remembers, and remembers it.
func (c *nameCache) changed(n store.Name) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := nameKey{n.Guild, n.User}
	name, known := c.get(key)
	if known && name == n.Name {
		return false
	}
	c.put(key, n.Name)
	return true
}

// unknown reports whether the cache remembers no name for this person, and remembers
// n then. History tells a person's name without the one that the guild gave
// them, so it must not replace what the gateway has told.
func (c *nameCache) unknown(n store.Name) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := nameKey{n.Guild, n.User}
	if _, known := c.get(key); known {
		return false
	}
	c.put(key, n.Name)
	return true
}

// dropGuild forgets the names in a guild, which may be removed from the store.
func (c *nameCache) dropGuild(guild store.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, names := range []map[nameKey]string{c.young, c.old} {
		maps.DeleteFunc(names, func(k nameKey, _ string) bool { return k.guild == guild })
	}
}

// get needs c.mu. A name in use moves to the young generation.
func (c *nameCache) get(key nameKey) (string, bool) {
	if name, ok := c.young[key]; ok {
		return name, true
	}
	name, ok := c.old[key]
	if ok {
		c.put(key, name)
	}
	return name, ok
}

// put needs c.mu.
func (c *nameCache) put(key nameKey, name string) {
	if c.young == nil || len(c.young) >= nameCacheLen {
		c.old, c.young = c.young, make(map[nameKey]string)
	}
	c.young[key] = name
}
