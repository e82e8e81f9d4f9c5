package permissions_test

import (
	"math/rand/v2"
	"testing"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// world is a guild as plain lists, from which the oracle reads.
type world struct {
	owner    store.ID
	roles    []permissions.Role // nil: not known
	channels []permissions.Channel
}

// numbers makes choices: of a random source, or of a fuzzer's bytes.
type numbers func(n int) int

func (n numbers) set() permissions.Set {
	var s permissions.Set
	for _, p := range []permissions.Set{view, history, connect, permissions.ManageThreads} {
		if n(2) == 0 {
			s |= p
		}
	}
	if n(12) == 0 {
		s |= permissions.Administrator
	}
	return s | permissions.Set(n(8))<<40 // what has nothing to do with reading
}

// Ids are few, so that they meet: users 1 to 4, roles 100 (@everyone) to 104, channels
// 1000 to 1005, threads 2000 to 2003.
func (n numbers) world() world {
	w := world{owner: store.ID(n(5))} // 0: not known
	if n(8) > 0 {
		w.roles = []permissions.Role{{guildID, n.set()}}
		for id := guildID + 1; id < guildID+5; id++ {
			if n(4) > 0 {
				w.roles = append(w.roles, permissions.Role{ID: id, Allow: n.set()})
			}
		}
	}
	kinds := []permissions.Kind{0, permissions.Voice, 5, permissions.Stage, 15}
	for id := store.ID(1000); id < 1006; id++ {
		if n(6) == 0 {
			continue
		}
		c := permissions.Channel{ID: id, Kind: kinds[n(len(kinds))], Hidden: n(5) == 0}
		for range n(4) {
			o := permissions.Overwrite{ID: guildID + store.ID(n(5)), Allow: n.set(), Deny: n.set()}
			if n(3) == 0 {
				o.ID, o.Member = store.ID(n(5)), true
			}
			twice := false // Discord has one of each at most
			for _, other := range c.Overwrites {
				twice = twice || other.ID == o.ID && other.Member == o.Member
			}
			if !twice {
				c.Overwrites = append(c.Overwrites, o)
			}
		}
		w.channels = append(w.channels, c)
	}
	for id := store.ID(2000); id < 2004; id++ {
		w.channels = append(w.channels, permissions.Channel{
			ID: id, Parent: 1000 + store.ID(n(7)), Kind: permissions.NewsThread + permissions.Kind(n(3)),
			Overwrites: []permissions.Overwrite{{ID: guildID, Allow: n.set(), Deny: n.set()}},
		})
	}
	return w
}

func (n numbers) member() permissions.Member {
	m := permissions.Member{User: store.ID(n(5))}
	for id := guildID + 1; id < guildID+6; id++ {
		if n(3) == 0 {
			m.Roles = append(m.Roles, id)
		}
	}
	if n(3) == 0 {
		m.Inside = 2000 + store.ID(n(4))
	}
	return m
}

func (w world) guild() *permissions.Guild {
	g := permissions.NewGuild(guildID)
	g.SetOwner(w.owner)
	if w.roles != nil {
		g.SetRoles(w.roles)
	}
	for _, c := range w.channels {
		g.SetChannel(c)
	}
	return g
}

func (w world) find(id store.ID) *permissions.Channel {
	for i := range w.channels {
		if w.channels[i].ID == id {
			return &w.channels[i]
		}
	}
	return nil
}

// may is Discord's documentation, read for one permission: whether a member has it.
func (w world) may(m permissions.Member, p permissions.Set, overwrites []permissions.Overwrite) bool {
	mine := func(role store.ID) bool {
		if role == guildID {
			return true
		}
		for _, r := range m.Roles {
			if r == role {
				return true
			}
		}
		return false
	}
	has := m.User == w.owner
	for _, r := range w.roles {
		if mine(r.ID) && (r.Allow&p != 0 || r.Allow&permissions.Administrator != 0) {
			has = true
		}
	}
	for _, r := range w.roles {
		if mine(r.ID) && r.Allow&permissions.Administrator != 0 {
			return true
		}
	}
	if m.User == w.owner {
		return true
	}
	steps := []func(o permissions.Overwrite) bool{
		func(o permissions.Overwrite) bool { return !o.Member && o.ID == guildID },
		func(o permissions.Overwrite) bool { return !o.Member && o.ID != guildID && mine(o.ID) },
		func(o permissions.Overwrite) bool { return o.Member && o.ID == m.User && m.User != 0 },
	}
	for _, applies := range steps {
		for _, o := range overwrites {
			if applies(o) && o.Deny&p != 0 {
				has = false
			}
		}
		for _, o := range overwrites {
			if applies(o) && o.Allow&p != 0 {
				has = true
			}
		}
	}
	return has
}

func (w world) reading(m permissions.Member, channel store.ID) permissions.Reading {
	if w.owner == 0 || w.roles == nil {
		return permissions.Unknown
	}
	if w.may(m, permissions.Administrator, nil) {
		return permissions.Full
	}
	asked := w.find(channel)
	place := asked
	if asked != nil && asked.Parent != 0 {
		place = w.find(asked.Parent)
	}
	switch {
	case place == nil:
		return permissions.Unknown
	case place.Hidden:
		return permissions.Hidden
	case !w.may(m, view, place.Overwrites),
		(place.Kind == permissions.Voice || place.Kind == permissions.Stage) && !w.may(m, connect, place.Overwrites),
		asked.Kind == permissions.PrivateThread && m.Inside != asked.ID && !w.may(m, permissions.ManageThreads, place.Overwrites):
		return permissions.Unseen
	case !w.may(m, history, place.Overwrites):
		return permissions.NoHistory
	}
	return permissions.Full
}

// compare asks the package and the oracle about every channel.
func compare(t *testing.T, w world, m permissions.Member) (counts map[permissions.Reading]int) {
	t.Helper()
	counts = map[permissions.Reading]int{}
	g := w.guild()
	for _, channel := range []store.ID{999, 1000, 1001, 1002, 1003, 1004, 1005, 2000, 2001, 2002, 2003} {
		got, want := g.Reading(m, channel), w.reading(m, channel)
		if got != want {
			t.Fatalf("%+v may read %v in %v of %+v, want %v", m, got, channel, w, want)
		}
		counts[got]++
	}
	return counts
}

func TestOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := numbers(r.IntN)
	all := map[permissions.Reading]int{}
	for range 20_000 {
		w := n.world()
		for range 3 {
			for reading, count := range compare(t, w, n.member()) {
				all[reading] += count
			}
		}
	}
	for reading := permissions.Unknown; reading <= permissions.Full; reading++ {
		if all[reading] < 10_000 {
			t.Errorf("%v was met %d times only", reading, all[reading])
		}
	}
}

// What anybody may read, every member may read who has no role and no overwrite: nobody
// is shown more as everyone than as oneself.
func TestEveryoneIsTheLeast(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := numbers(r.IntN)
	for range 5_000 {
		w := n.world()
		g := w.guild()
		for _, channel := range g.Channels() {
			stranger := permissions.Member{User: 99}
			if everyone, one := g.Reading(permissions.Everyone, channel), g.Reading(stranger, channel); everyone != one {
				t.Fatalf("everyone may read %v in %v, a stranger %v", everyone, channel, one)
			}
		}
	}
}

func FuzzReading(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("any bytes make a guild, a member and a question"))
	f.Add([]byte{1, 7, 0, 0, 1, 1, 1, 3, 3, 2, 9, 9, 4, 1, 0, 2, 1, 250, 17})
	f.Fuzz(func(t *testing.T, data []byte) {
		n := numbers(func(n int) int {
			if len(data) == 0 {
				return 0
			}
			v := int(data[0]) % n
			data = data[1:]
			return v
		})
		compare(t, n.world(), n.member())
	})
}
