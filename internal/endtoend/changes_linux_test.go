package endtoend_test

import (
	"context"
	"fmt"
	"time"

	"rollcall/internal/simulator"
)

// changes are what Discord does to a bot that is no fault: it hides channels, says things
// late, in another order or not at all. Each may come together with a fault.
func changes() []fault {
	return []fault{
		{"channel hidden", (*soaking).hidden}, {"channel hidden", (*soaking).hidden},
		{"role changed", (*soaking).roleChanged}, {"bot's roles changed", (*soaking).rolesChanged},
		{"history denied", (*soaking).historyDenied}, {"hidden at first sight", (*soaking).hiddenAtFirst},
		{"content withheld", (*soaking).withheld}, {"late THREAD_CREATE", (*soaking).lateThreads},
		{"stale last_message_id", (*soaking).stale}, {"late subscription", (*soaking).lateSubscription},
		{"resume address", (*soaking).resumeAddress},
	}
}

// mayRead is what the bot needs to read everything.
const mayRead = simulator.ViewChannel | simulator.ReadMessageHistory | simulator.Connect

// veil draws in which way hidden channels are told of.
func (s *soaking) veil() {
	s.w.sim.SetHiding([]simulator.Hiding{simulator.HideNull, simulator.HideKeepLast, simulator.HideNothing}[s.random.IntN(3)])
}

// lasting draws a channel that the daemon has known from the beginning: of one that it has
// never seen, what is said while it is hidden is not to be kept.
func (s *soaking) lasting() *simulator.Channel {
	n := s.random.IntN(len(s.w.guilds) * 4)
	if n >= len(s.w.guilds)*3 {
		return s.w.forums[s.w.guilds[n-len(s.w.guilds)*3]]
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.rooms[n]
}

// hidden hides a channel, in which threads begin and end meanwhile.
func (s *soaking) hidden() func() {
	s.veil()
	c := s.lasting()
	c.SetAccess(simulator.NoAccess)
	s.threads(c)
	return func() {
		s.threads(c)
		c.SetAccess(simulator.Full)
	}
}

// threads begins a thread or a forum's post in a channel, in which somebody speaks, and
// archives it, or lets people go on in it.
func (s *soaking) threads(c *simulator.Channel) {
	var thread *simulator.Channel
	switch c.Kind {
	case simulator.Voice:
		return
	case simulator.Forum:
		post, _, err := c.StartPost(context.Background(), s.w.name("question"), simulator.Draft{Author: s.w.people[1], Content: "why?"})
		if err != nil {
			s.t.Error(err)
			return
		}
		thread = post
	default:
		thread = c.StartThread(simulator.ThreadSpec{Name: s.w.name("thread"), Owner: s.w.people[3]})
	}
	s.w.crowd(context.Background(), thread, 8)
	if s.random.IntN(2) == 0 {
		thread.Archive()
	} else {
		s.w.enter(thread)
	}
}

// roleChanged takes everything from @everyone in a guild whose channels are all known.
func (s *soaking) roleChanged() func() {
	g := s.known()
	s.veil()
	g.Everyone().SetPermissions(0)
	s.threads(g.Channels()[0])
	return func() { g.Everyone().SetPermissions(mayRead) }
}

// rolesChanged takes a role from the bot that alone lets it read, and gives it back.
func (s *soaking) rolesChanged() func() {
	g := s.known()
	s.veil()
	reader := g.AddRole(simulator.RoleSpec{Name: "reader", Permissions: mayRead})
	g.SetRoles(s.w.sim.Bot(), reader)
	g.Everyone().SetPermissions(0)
	g.SetRoles(s.w.sim.Bot())
	return func() {
		g.SetRoles(s.w.sim.Bot(), reader)
		s.pause(2 * time.Second)
		g.Everyone().SetPermissions(mayRead)
		reader.Delete()
	}
}

// historyDenied lets the bot hear a channel and not read its past, of which it misses some.
func (s *soaking) historyDenied() func() {
	c := s.lasting()
	c.SetAccess(simulator.NoHistory)
	if s.random.IntN(2) == 0 {
		s.closeAll(4009)
	}
	return func() { c.SetAccess(simulator.Full) }
}

// known draws a guild, and waits until the daemon has stored something of its newest
// channel: then it has seen all of them.
func (s *soaking) known() *simulator.Guild {
	g := s.w.guilds[s.random.IntN(len(s.w.guilds))]
	all := g.Channels()
	for i := len(all) - 1; ; i-- {
		if k := all[i].Kind; k == simulator.Text {
			s.probe(all[i])
			return g
		}
	}
}

// probe says something in a channel and waits until it is stored.
func (s *soaking) probe(c *simulator.Channel) {
	s.t.Helper()
	said, err := c.Say(context.Background(), s.w.prober, "is this on?")
	if err != nil {
		s.t.Fatal(err)
	}
	await(s.t, 2*time.Minute, func() error {
		s.d.running()
		var why struct {
			Stored bool   `json:"stored"`
			Detail string `json:"detail"`
		}
		if err := s.h.read(fmt.Sprintf("/v1/messages/%v/why", said.ID), &why); err != nil || why.Stored {
			return err
		}
		return fmt.Errorf("the probe in channel %v is not stored: %s", c.ID, why.Detail)
	})
}

// hiddenAtFirst makes a channel that is shown only later: it begins then.
func (s *soaking) hiddenAtFirst() func() {
	s.veil()
	g := s.w.guilds[s.random.IntN(len(s.w.guilds))]
	c := g.AddChannel(simulator.ChannelSpec{
		Name: s.w.name("staff"), Overwrites: []simulator.Overwrite{{Role: g.Everyone(), Deny: simulator.ViewChannel}},
	})
	await(s.t, 2*time.Minute, func() error {
		s.d.running()
		if readable := s.readable(); readable[c.ID] == nil || *readable[c.ID] {
			return fmt.Errorf("channel %v is not known to be hidden", c.ID)
		}
		return nil
	})
	s.w.crowd(context.Background(), c, 20)
	for _, m := range c.Messages() {
		s.since[c.ID] = max(s.since[c.ID], m.ID)
	}
	s.w.mu.Lock()
	s.w.shown[c] = time.Now()
	s.w.mu.Unlock()
	c.SetAccess(simulator.Full)
	s.probe(c)
	s.w.enter(c)
	return nil
}

// readable asks the daemon which channels it may read.
func (s *soaking) readable() map[simulator.ID]*bool {
	var list []struct {
		Channel  *simulator.ID `json:"channel_id"`
		Readable *bool         `json:"readable"`
	}
	if err := s.h.read("/v1/coverage", &list); err != nil {
		return nil
	}
	readable := map[simulator.ID]*bool{}
	for _, c := range list {
		if c.Channel != nil {
			readable[*c.Channel] = c.Readable
		}
	}
	return readable
}

func (s *soaking) withheld() func() {
	s.w.sim.WithholdContent(true)
	if s.random.IntN(2) == 0 {
		s.closeAll(4009)
	}
	return func() { s.w.sim.WithholdContent(false) }
}

// lateThreads lets people speak in threads of which nothing is told yet.
func (s *soaking) lateThreads() func() {
	release := s.w.sim.Postpone(func(name string, _ []byte) bool { return name == "THREAD_CREATE" })
	s.w.build(context.Background())
	return release
}

// stale lets snapshots tell, of every room, a last message of before.
func (s *soaking) stale() func() {
	s.w.mu.Lock()
	last := map[*simulator.Channel]simulator.ID{}
	for room, m := range s.w.lately {
		last[room] = m.ID
	}
	s.w.mu.Unlock()
	s.w.sim.RefuseConnections(true)
	s.w.sim.ForgetSessions()
	for _, c := range s.w.sim.Conns() {
		c.Cut()
	}
	return func() {
		for room, id := range last {
			room.SetLastMessage(id)
		}
		s.w.sim.RefuseConnections(false)
	}
}

// lateSubscription lets new sessions hear of nothing at first.
func (s *soaking) lateSubscription() func() {
	s.w.sim.SubscribeAfter(time.Duration(s.random.IntN(400)) * time.Millisecond)
	s.closeAll(4009)
	return func() { s.w.sim.SubscribeAfter(0) }
}

// resumeAddress lets READY name an address for a RESUME that leads nowhere.
func (s *soaking) resumeAddress() func() {
	right := s.w.sim.ResumeURL()
	s.w.sim.SetResumeURL([]string{"", "ws://127.0.0.1:1", "nonsense", "wss://gateway.example"}[s.random.IntN(4)])
	s.closeAll(4009) // a new session, which is told of it
	s.pause(4 * time.Second)
	s.closeAll(4000) // which is resumed
	return func() { s.w.sim.SetResumeURL(right) }
}
