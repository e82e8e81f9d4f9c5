package tracker

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall/internal/permissions"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// What a member may read is what Discord's documentation says, whatever roles and overwrites
// there are, in channels and in their threads.
func TestMemberReads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sets := func() (s permissions.Set) {
		for _, p := range []permissions.Set{view, history, permissions.Connect, permissions.ManageThreads} {
			if r.IntN(2) == 0 {
				s |= p
			}
		}
		if r.IntN(15) == 0 {
			s |= permissions.Administrator
		}
		return s
	}
	var log lines
	log.t = t
	may, mayNot := 0, 0
	for range 3000 {
		n := newNames()
		tr := &Tracker{names: n, access: newAccess(n, log.logger())}
		g := guild{ID: 10, Name: "x", Owner: store.ID(1 + r.IntN(9)), Roles: []permissions.Role{{ID: 10, Allow: sets()}}}
		for id := store.ID(11); id < 15; id++ {
			g.Roles = append(g.Roles, permissions.Role{ID: id, Allow: sets()})
		}
		for id := store.ID(20); id < 25; id++ {
			c := channel{ID: id, Name: "c", Type: []int{channelText, int(permissions.Voice), channelForum}[r.IntN(3)], Hidden: r.IntN(6) == 0}
			if r.IntN(8) > 0 { // else they cannot be understood
				c.Overwrites = []permissions.Overwrite{}
				for _, who := range r.Perm(8)[:r.IntN(4)] { // @everyone, roles, and users 1 to 3
					o := permissions.Overwrite{ID: 10 + store.ID(who), Allow: sets(), Deny: sets()}
					if who >= 5 {
						o.ID, o.Member = store.ID(who-4), true
					}
					c.Overwrites = append(c.Overwrites, o)
				}
			}
			g.Channels = append(g.Channels, c)
			for kind := channelNewsThread; kind <= channelPrivateThread; kind++ {
				g.Threads = append(g.Threads, channel{ID: id*10 + store.ID(kind), Parent: id, Type: kind, Name: "t"})
			}
		}
		n.setGuild(g)
		tr.access.setGuild(g, func(store.ID) bool { return true })
		m := permissions.Member{User: store.ID(1 + r.IntN(5)), Roles: []store.ID{11, 12, 13, 14, 99}[:r.IntN(6)]}
		reads := tr.readsOf(10, m)
		for _, c := range append(append(slices.Clone(g.Channels), g.Threads...), channel{ID: 999}) {
			want := oracle(g, m, c)
			if want {
				may++
			} else {
				mayNot++
			}
			if got := reads(c.ID); got != want {
				t.Fatalf("%+v reads %+v: %v, want %v\n%+v", m, c, got, want, g)
			}
		}
	}
	if may < 5000 || mayNot < 5000 {
		t.Errorf("%d may be read, %d not: that shows little", may, mayNot)
	}
}

// oracle is Discord's documentation, read permission by permission.
func oracle(g guild, m permissions.Member, c channel) bool {
	place := c
	for _, parent := range g.Channels {
		if parent.ID == c.Parent {
			place = parent
		}
	}
	all := m.User == g.Owner
	for _, role := range g.Roles {
		all = all || role.Allow&permissions.Administrator != 0 && (role.ID == g.ID || slices.Contains(m.Roles, role.ID))
	}
	if all {
		return true
	}
	if place.Hidden || place.Overwrites == nil || place.ID == 999 {
		return false
	}
	has := func(p permissions.Set) (yes bool) {
		for _, role := range g.Roles {
			yes = yes || role.Allow&p != 0 && (role.ID == g.ID || slices.Contains(m.Roles, role.ID))
		}
		for _, step := range []func(o permissions.Overwrite) bool{
			func(o permissions.Overwrite) bool { return !o.Member && o.ID == g.ID },
			func(o permissions.Overwrite) bool { return !o.Member && o.ID != g.ID && slices.Contains(m.Roles, o.ID) },
			func(o permissions.Overwrite) bool { return o.Member && o.ID == m.User },
		} {
			deny, allow := false, false
			for _, o := range place.Overwrites {
				deny, allow = deny || step(o) && o.Deny&p != 0, allow || step(o) && o.Allow&p != 0
			}
			yes = yes && !deny || allow
		}
		return yes
	}
	return has(view) && has(history) && (place.Type != int(permissions.Voice) || has(permissions.Connect)) &&
		(c.Type != channelPrivateThread || has(permissions.ManageThreads))
}

// The roles of a member are asked for once in a while, what changes counts, and what is not known
// is refused.
func TestReader(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	guild, general, other := store.ID(w.guild.ID), store.ID(w.general.ID), store.ID(w.other.ID)
	role := w.guild.AddRole(simulator.RoleSpec{Name: "friends"})
	hide := simulator.Overwrite{Role: w.guild.Everyone(), Deny: simulator.ViewChannel}
	show := simulator.Overwrite{Role: role, Allow: simulator.ViewChannel}
	me := simulator.Overwrite{User: w.sim.Bot(), Allow: simulator.ViewChannel}
	w.other.SetOverwrites(hide, show, me)
	thread := w.other.StartThread(simulator.ThreadSpec{Name: "open"})
	private := w.general.StartThread(simulator.ThreadSpec{Name: "private", Private: true, Joined: true})
	read := func(user *simulator.User) func(store.ID) bool {
		t.Helper()
		reads, err := w.tracker.Reader(w.ctx, guild, store.ID(user.ID))
		if err != nil {
			t.Fatal(err)
		}
		return reads
	}
	tr, err := New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Reader(w.ctx, guild, store.ID(w.ada.ID)); !errors.Is(err, ErrNotToldYet) {
		t.Errorf("before anybody is connected: %v", err)
	}
	w.start(tr, quick())
	w.ready(1)
	w.until("the guild is told", func() bool { _, err := w.tracker.Reader(w.ctx, guild, store.ID(w.ada.ID)); return err == nil })
	for range 10 {
		if reads := read(w.ada); !reads(general) || reads(other) || reads(store.ID(thread.ID)) || reads(store.ID(private.ID)) || reads(1) {
			t.Fatal("a member without a role reads something else than what everybody may")
		}
	}
	if n := w.sim.Stats().REST[simulator.RouteMember]; n != 1 {
		t.Errorf("Discord was asked %d times for a member", n)
	}

	// An overwrite counts as soon as Discord tells of it, a role of the member's when it is asked for again.
	w.other.SetOverwrites(hide, show, me, simulator.Overwrite{User: w.ada, Allow: simulator.ViewChannel})
	w.until("the overwrite counts", func() bool { return read(w.ada)(store.ID(thread.ID)) })
	w.other.SetOverwrites(hide, show, me)
	w.until("and is gone", func() bool { return !read(w.ada)(store.ID(thread.ID)) })
	w.guild.SetRoles(w.ada, role)
	w.tracker.members.forget(guild, store.ID(w.ada.ID))
	if reads := read(w.ada); !reads(other) || !reads(store.ID(thread.ID)) {
		t.Error("a new role does not count")
	}
	role.SetPermissions(simulator.ManageThreads)
	w.until("private threads are read by who manages threads", func() bool { return read(w.ada)(store.ID(private.ID)) })

	w.guild.RemoveMember(w.ada)
	w.tracker.members.forget(guild, store.ID(w.ada.ID))
	if _, err := w.tracker.Reader(w.ctx, guild, store.ID(w.ada.ID)); !errors.Is(err, ErrNoMember) {
		t.Errorf("who has left: %v", err)
	}
	w.guild.SetRoles(w.ada)
	w.tracker.members.forget(guild, store.ID(w.ada.ID))

	stranger := w.sim.AddUser(simulator.UserSpec{Name: "Stranger"})
	for _, id := range []store.ID{store.ID(stranger.ID), 5} {
		if _, err := w.tracker.Reader(w.ctx, guild, id); !errors.Is(err, ErrNoMember) {
			t.Errorf("user %d: %v", id, err)
		}
	}
	if _, err := w.tracker.Reader(w.ctx, 99, store.ID(w.ada.ID)); !errors.Is(err, ErrNotToldYet) {
		t.Errorf("another guild: %v", err)
	}
	ended, stop := context.WithCancel(w.ctx)
	stop()
	w.tracker.members.forget(guild, store.ID(w.ada.ID))
	if _, err := w.tracker.Reader(ended, guild, store.ID(w.ada.ID)); err == nil {
		t.Error("a caller who is gone gets an answer")
	}
	w.stopped()
	if _, err := w.tracker.Reader(w.ctx, guild, store.ID(w.ada.ID)); !errors.Is(err, ErrNotToldYet) {
		t.Errorf("after the end: %v", err)
	}
}

// What was told before an outage, or in a session before this one, is not answered from: a channel
// may have been closed meanwhile. The recording goes on with it.
func TestReaderOfStaleGuild(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	guild, general, other, ada := store.ID(w.guild.ID), store.ID(w.general.ID), store.ID(w.other.ID), store.ID(w.ada.ID)
	me := simulator.Overwrite{User: w.sim.Bot(), Allow: simulator.ViewChannel}
	closed := []simulator.Overwrite{{Role: w.guild.Everyone(), Deny: simulator.ViewChannel}, me}
	w.other.SetOverwrites(me)
	w.run(w.options(), quick())
	w.ready(1)
	told := func() func(store.ID) bool {
		t.Helper()
		var reads func(store.ID) bool
		w.until("the guild is told", func() (ok bool) {
			var err error
			reads, err = w.tracker.Reader(w.ctx, guild, ada)
			return err == nil
		})
		return reads
	}
	refused := func(when string, before func(store.ID) bool) {
		t.Helper()
		if _, err := w.tracker.Reader(w.ctx, guild, ada); !errors.Is(err, ErrNotToldYet) {
			t.Errorf("%s: %v", when, err)
		}
		if before(other) || before(general) {
			t.Errorf("%s a question that began before reads what may have been closed", when)
		}
		if r := w.tracker.access.reading(guild, other); r != permissions.Full {
			t.Errorf("%s the recording takes the channel for one that the bot reads as %v", when, r)
		}
	}

	reads := told()
	if !reads(other) {
		t.Fatal("an open channel cannot be read")
	}
	w.guild.SetUnavailable(true)
	w.until("the outage is told", func() bool { return w.log.count("guild unavailable") == 1 })
	refused("in an outage", reads)
	w.guild.SetUnavailable(false)
	reads = told()
	if !reads(other) || !reads(general) {
		t.Fatal("after the outage an open channel cannot be read")
	}

	w.sim.RefuseGateway(503)
	w.sim.Next(simulator.AtResume, simulator.Refuse(false))
	w.sim.Next(simulator.AtGuilds, simulator.Withhold)
	w.sim.Conns()[0].Cut()
	w.until("the connection is lost", func() bool { return w.tracker.Status().Shards[0].State == ShardWaiting })
	w.other.SetOverwrites(closed...)
	w.sim.RefuseGateway(0)
	w.until("a new session begins", func() bool {
		s := w.tracker.Status().Shards[0]
		return s.Sessions == 2 && s.State == ShardConnected
	})
	refused("before GUILD_CREATE", reads)
	w.guild.SetUnavailable(true)
	w.guild.SetUnavailable(false)
	if reads = told(); reads(other) || !reads(general) {
		t.Errorf("after GUILD_CREATE the closed channel is read: %v, the open one: %v", reads(other), reads(general))
	}

	conn := w.sim.Conns()[0]
	conn.Dispatch("GUILD_CREATE", `{"id":"`+guild.String()+`","unavailable":true}`)
	w.until("a guild that is told as unavailable is not known", func() bool {
		_, err := w.tracker.Reader(w.ctx, guild, ada)
		return errors.Is(err, ErrNotToldYet)
	})
}

// What is kept of members is bounded, in number and in time.
func TestRosterIsBounded(t *testing.T) {
	m := newRoster(nil)
	for id := range store.ID(3 * maxMembers) {
		m.put(memberKey{1, id}, knownMember{until: time.Now().Add(time.Hour)})
		if len(m.known) > maxMembers {
			t.Fatalf("%d members are kept", len(m.known))
		}
	}
	m.put(memberKey{1, 2}, knownMember{until: time.Now().Add(-time.Second)})
	if _, ok := m.get(memberKey{1, 2}); ok {
		t.Error("what was told too long ago counts")
	}
}
