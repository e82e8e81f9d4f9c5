package endtoend_test

import (
	"net/http"
	"strings"
	"syscall"
	"time"

	"rollcall/internal/simulator"
)

// fault is something that goes wrong; undo, if it is not nil, is called a while later.
// None of them loses what Discord still has or makes Discord refuse the bot for good.
type fault struct {
	name string
	do   func(s *soaking) (undo func())
}

// faults are all of them. Those that are named more than once happen more often.
func faults() []fault {
	list := []fault{
		{"kill", (*soaking).killed}, {"kill", (*soaking).killed}, {"stop", (*soaking).stopped},
		{"freeze", (*soaking).frozen}, {"disk full", (*soaking).full},
		{"outage of a guild", (*soaking).outage}, {"nobody there", (*soaking).unreachable},
		{"gateway answers 503", (*soaking).noGateway}, {"sessions forgotten", (*soaking).forgotten},
		{"slow gateway", onConn(func(c *simulator.Conn) { c.Throttle(3 * time.Millisecond) })},
		{"op 7", onConn((*simulator.Conn).Reconnect)},
		{"op 9, resumable", onConn(func(c *simulator.Conn) { c.Invalidate(true) })},
		{"op 9", onConn(func(c *simulator.Conn) { c.Invalidate(false) })},
		{"zombie", onConn((*simulator.Conn).StopACKs)},
		{"silence", onConn((*simulator.Conn).Silence)},
		{"reset", onConn((*simulator.Conn).Cut)},
		{"unknown event", onConn(func(c *simulator.Conn) { c.Dispatch("NEWS_OF_2031", `{"id":[{}]}`) })},
		{"broken events", onConn(func(c *simulator.Conn) {
			for _, name := range []string{"MESSAGE_CREATE", "GUILD_CREATE", "CHANNEL_CREATE", "THREAD_LIST_SYNC", "GUILD_DELETE"} {
				for _, data := range []string{`null`, `7`, `[]`, `{}`, `{"id":{},"guild_id":[]}`} {
					c.Dispatch(name, data)
				}
			}
		})},
	}
	for _, payload := range []string{"", "null", "{", `{"op":"x"}`, `{"op":0,"t":"MESSAGE_CREATE","s":-1,"d":{}}`, `{"op":10,"d":null}`, strings.Repeat("[", 1<<20)} {
		list = append(list, fault{"garbage", onConn(func(c *simulator.Conn) { c.Send(payload) })})
	}
	for _, code := range []int{1000, 1001, 1011, 3000, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009, 4999} {
		list = append(list, fault{"close", onConn(func(c *simulator.Conn) { c.Close(code, "for a test") })})
	}
	for _, f := range []struct {
		name   string
		phase  simulator.Phase
		action simulator.Action
	}{
		{"no HELLO", simulator.AtHello, simulator.Withhold},
		{"op 7 instead of READY", simulator.AtReady, simulator.AskReconnect},
		{"no READY", simulator.AtReady, simulator.Withhold},
		{"op 9 to IDENTIFY", simulator.AtIdentify, simulator.Refuse(false)},
		{"no answer to RESUME", simulator.AtResume, simulator.Withhold},
		{"op 9 to RESUME", simulator.AtResume, simulator.Refuse(false)},
		{"4007 to RESUME", simulator.AtResume, simulator.CloseWith(4007)},
		{"reset before the guilds", simulator.AtGuilds, simulator.CutOff},
	} {
		list = append(list, fault{f.name, func(s *soaking) func() {
			undo := s.w.sim.Every(f.phase, f.action)
			s.closeAll(4000)
			return undo
		}})
	}
	for _, f := range []struct {
		name   string
		answer simulator.Answer
	}{
		{"REST: 500", simulator.Status(http.StatusInternalServerError)},
		{"REST: 502", simulator.Status(http.StatusBadGateway)},
		{"REST: 429", simulator.RateLimited(time.Second, false)},
		{"REST: global 429", simulator.RateLimited(time.Second, true)},
		{"REST: a page of a proxy", simulator.Body("<html>come back later</html>")},
		{"REST: slow", simulator.Slow(time.Second)},
		{"REST: no answer", simulator.Hang},
	} {
		list = append(list, fault{f.name, func(s *soaking) func() {
			var undo []func()
			for _, route := range []string{
				simulator.RouteMessages, simulator.RouteChannel, simulator.RouteGatewayBot, simulator.RouteGateway,
				simulator.RouteArchivedPublicThreads, simulator.RouteArchivedPrivateThreads, simulator.RouteJoinedPrivateThreads,
			} {
				undo = append(undo, s.w.sim.EveryREST(route, f.answer))
			}
			s.closeAll(4009) // so that there is something to ask for
			return func() {
				for _, f := range undo {
					f()
				}
			}
		}})
	}
	return list
}

// onConn is a fault of one of the connections, if there is any.
func onConn(do func(*simulator.Conn)) func(*soaking) func() {
	return func(s *soaking) func() {
		if conns := s.w.sim.Conns(); len(conns) > 0 {
			do(conns[s.random.IntN(len(conns))])
		}
		return nil
	}
}

func (s *soaking) closeAll(code int) {
	for _, c := range s.w.sim.Conns() {
		c.Close(code, "for a test")
	}
}

func (s *soaking) killed() func() {
	s.d.kill()
	return s.restart()
}

func (s *soaking) stopped() func() {
	s.d.stop()
	return s.restart()
}

// restart starts the daemon at once, or when the fault is undone.
func (s *soaking) restart() func() {
	start := func() { s.d = s.h.start() }
	if s.random.IntN(2) == 0 {
		start()
		return nil
	}
	return start
}

func (s *soaking) frozen() func() {
	s.d.signal(syscall.SIGSTOP)
	return func() { s.d.signal(syscall.SIGCONT) }
}

func (s *soaking) full() func() {
	s.disk.fill(0)
	return s.disk.empty
}

func (s *soaking) outage() func() {
	g := s.w.guilds[s.random.IntN(len(s.w.guilds))]
	g.SetUnavailable(true)
	return func() { g.SetUnavailable(false) }
}

func (s *soaking) unreachable() func() {
	s.w.sim.RefuseConnections(true)
	for _, c := range s.w.sim.Conns() {
		c.Cut()
	}
	return func() { s.w.sim.RefuseConnections(false) }
}

func (s *soaking) noGateway() func() {
	s.w.sim.RefuseGateway(http.StatusServiceUnavailable)
	s.closeAll(4000)
	return func() { s.w.sim.RefuseGateway(0) }
}

func (s *soaking) forgotten() func() {
	s.w.sim.ForgetSessions()
	s.closeAll(4000)
	return nil
}
