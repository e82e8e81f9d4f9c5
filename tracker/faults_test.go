package tracker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// faultRig is a rig with one channel, in which somebody has spoken and been heard.
type faultRig struct {
	*rig
	ada     *simulator.User
	channel *simulator.Channel
}

func newFaultRig(t *testing.T, o simulator.Options) *faultRig {
	r := &faultRig{rig: newRig(t, o)}
	r.channel = r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	r.ada = r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	return r
}

// hears posts a message and waits until it is stored, live.
func (r *faultRig) hears(text string) {
	r.Helper()
	m := r.post(r.channel, simulator.Draft{Author: r.ada, Content: text})
	r.until(text+" is stored", func() bool { _, ok := r.stored()[store.ID(m.ID)]; return ok })
}

// A connection that is lost after READY: what is posted meanwhile is stored, by a
// RESUME where Discord allows it, else by a new session and the history.
func TestRunComesBackAfter(t *testing.T) {
	const beat = 50 * time.Millisecond
	hurry := quick()
	hurry.silence, hurry.ackSlack = 2*time.Second, 500*time.Millisecond
	type test struct {
		limits  limits
		fault   func(r *faultRig)
		resumes bool
	}
	tests := map[string]test{
		"op 7":                    {quick(), func(r *faultRig) { r.conn().Reconnect() }, true},
		"op 9, resumable":         {quick(), func(r *faultRig) { r.conn().Invalidate(true) }, true},
		"op 9, not resumable":     {quick(), func(r *faultRig) { r.conn().Invalidate(false) }, false},
		"a connection cut":        {quick(), func(r *faultRig) { r.conn().Cut() }, true},
		"heartbeats without ACKs": {hurry, func(r *faultRig) { r.conn().StopACKs() }, true},
		"a half-open connection":  {hurry, func(r *faultRig) { r.conn().Silence() }, true},
		"READY with no session_id": {quick(), func(r *faultRig) {
			r.conn().Send(`{"op":0,"t":"READY","s":9,"d":{"session_id":7}}`)
		}, true},
		"a RESUME that is refused": {quick(), func(r *faultRig) {
			r.sim.Next(simulator.AtResume, simulator.Refuse(false))
			r.conn().Cut()
		}, false},
		"a RESUME that is to be tried again": {quick(), func(r *faultRig) {
			r.sim.Next(simulator.AtResume, simulator.Refuse(true))
			r.conn().Cut()
		}, true},
		"a RESUME that is asked to reconnect": {quick(), func(r *faultRig) {
			r.sim.Next(simulator.AtResume, simulator.AskReconnect)
			r.conn().Cut()
		}, true},
		"a RESUME that always fails": {quick(), func(r *faultRig) {
			r.sim.Every(simulator.AtResume, simulator.CutOff)
			r.conn().Cut()
		}, false},
		"a gateway that is away for a while": {quick(), func(r *faultRig) {
			r.sim.RefuseGateway(503)
			r.conn().Cut()
			r.until("it was tried five times", func() bool { return r.log.count("not reached") >= 5 })
			r.sim.RefuseGateway(0)
		}, true},
		"a network that is away for a while": {quick(), func(r *faultRig) {
			r.sim.RefuseConnections(true)
			r.conn().Cut()
			r.until("it was tried five times", func() bool { return r.log.count("not reached") >= 5 })
			r.sim.RefuseConnections(false)
		}, true},
	}
	for _, code := range []int{1000, 1001, 1011, 4000, 4001, 4002, 4003, 4005, 4006, 4007, 4008, 4009, 4999} {
		tests[fmt.Sprint("close code ", code)] = test{quick(), func(r *faultRig) { r.conn().Close(code, "because") }, !simulator.SessionEnds(code)}
	}
	together(t, tests, func(t *testing.T, test test) {
		r := newFaultRig(t, simulator.Options{HeartbeatInterval: beat})
		r.run(r.options(), test.limits)
		r.ready(1)
		r.hears("before")
		test.fault(r)
		r.post(r.channel, simulator.Draft{Author: r.ada, Content: "meanwhile"})
		r.stats("it is back", func(s simulator.Stats) bool { return s.Resumed+s.Readies == 2 && s.Ready == 1 })
		r.hears("after")
		r.complete(everywhere)
		s := r.sim.Stats()
		if resumed := s.Resumed == 1; resumed != test.resumes {
			t.Errorf("resumed %v, want %v: %+v", resumed, test.resumes, s)
		}
		r.gaps(test.resumes)
		r.stopped()
	})
}

// gaps checks that the ledger tells of a session that was replaced, and why.
func (r *faultRig) gaps(resumed bool) {
	r.Helper()
	gaps, err := r.db.Gaps(r.ctx, false)
	if err != nil {
		r.Fatal(err)
	}
	reason := r.tracker.Status().Shards[0].Reason
	n := 0
	for _, g := range gaps {
		if g.Channel == store.ID(r.channel.ID) {
			n++
			if r.log.count("gateway disconnected", g.Reason) == 0 {
				r.Errorf("the gap's reason is %q, which is none of a lost connection; the last was %q", g.Reason, reason)
			}
		}
	}
	if want := map[bool]int{true: 0, false: 1}[resumed]; n != want {
		r.Errorf("%d gaps of the channel are in the ledger, want %d: %+v", n, want, gaps)
	}
}

// A connection that does not get to READY is tried again.
func TestRunTriesAgainWithoutReady(t *testing.T) {
	hurry := quick()
	hurry.open, hurry.closing = 300*time.Millisecond, 50*time.Millisecond
	tests := map[string]func(s *simulator.Server){
		"no HELLO":                    func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.Withhold) },
		"no READY":                    func(s *simulator.Server) { s.Next(simulator.AtReady, simulator.Withhold) },
		"silence before HELLO":        func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.GoSilent) },
		"silence before READY":        func(s *simulator.Server) { s.Next(simulator.AtReady, simulator.GoSilent) },
		"cut before HELLO":            func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.CutOff) },
		"cut before READY":            func(s *simulator.Server) { s.Next(simulator.AtReady, simulator.CutOff) },
		"op 7 instead of HELLO":       func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.AskReconnect) },
		"op 7 instead of READY":       func(s *simulator.Server) { s.Next(simulator.AtReady, simulator.AskReconnect) },
		"op 9 to the IDENTIFY":        func(s *simulator.Server) { s.Next(simulator.AtIdentify, simulator.Refuse(false)) },
		"op 9 resumable, IDENTIFY":    func(s *simulator.Server) { s.Next(simulator.AtIdentify, simulator.Refuse(true)) },
		"code 4000 to the IDENTIFY":   func(s *simulator.Server) { s.Next(simulator.AtIdentify, simulator.CloseWith(4000)) },
		"code 4009 to the IDENTIFY":   func(s *simulator.Server) { s.Next(simulator.AtIdentify, simulator.CloseWith(4009)) },
		"HELLO without an interval":   func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.SendFirst(`{"op":10,"d":{}}`)) },
		"HELLO with an interval of 0": func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.SendFirst(hello("0"))) },
		"HELLO with a negative one":   func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.SendFirst(hello("-1"))) },
		"HELLO with one of ages":      func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.SendFirst(hello("1e300"))) },
		"HELLO with a text":           func(s *simulator.Server) { s.Next(simulator.AtHello, simulator.SendFirst(hello(`"x"`))) },
		"an event instead of HELLO": func(s *simulator.Server) {
			s.Next(simulator.AtHello, simulator.SendFirst(`{"op":0,"t":"X","s":1,"d":1}`))
		},
		"/gateway/bot hangs": func(s *simulator.Server) { s.NextREST(simulator.RouteGatewayBot, simulator.Hang) },
		"/gateway/bot fails": func(s *simulator.Server) { s.NextREST(simulator.RouteGatewayBot, simulator.Status(502)) },
		"/gateway/bot is limited": func(s *simulator.Server) {
			s.NextREST(simulator.RouteGatewayBot, simulator.RateLimited(time.Millisecond, true))
		},
		"/gateway/bot is no JSON":      func(s *simulator.Server) { s.NextREST(simulator.RouteGatewayBot, simulator.Body("<html>")) },
		"/gateway/bot knows no shards": func(s *simulator.Server) { s.NextREST(simulator.RouteGatewayBot, simulator.Body(`{"shards":0}`)) },
		"/gateway hangs":               func(s *simulator.Server) { s.NextREST(simulator.RouteGateway, simulator.Hang) },
		"/gateway fails":               func(s *simulator.Server) { s.NextREST(simulator.RouteGateway, simulator.Status(500)) },
		"/gateway names no address":    func(s *simulator.Server) { s.NextREST(simulator.RouteGateway, simulator.Body(`{"url":""}`)) },
		"/gateway names a dead one": func(s *simulator.Server) {
			s.NextREST(simulator.RouteGateway, simulator.Body(`{"url":"ws://127.0.0.1:1"}`))
		},
	}
	together(t, tests, func(t *testing.T, fault func(*simulator.Server)) {
		r := newFaultRig(t, simulator.Options{})
		fault(r.sim)
		r.run(r.options(), hurry)
		r.ready(1)
		r.hears("hello")
		if r.sim.Stats().Open != 1 && !strings.Contains(t.Name(), "silence") { // of which the simulator hears nothing
			r.stats("what was given up is closed", func(s simulator.Stats) bool { return s.Open == 1 })
		}
		if n := r.log.count("not reached"); n != 1 {
			t.Errorf("%d failed attempts were told of, want 1", n)
		}
		r.stopped()
	})
}

func hello(interval string) string {
	return `{"op":10,"d":{"heartbeat_interval":` + interval + `}}`
}

// With the limits of a real Discord the first attempt comes within two seconds.
func TestRunIsBackWithinTwoSeconds(t *testing.T) {
	r := newFaultRig(t, simulator.Options{})
	r.run(r.options(), gatewayLimits())
	r.ready(1)
	r.conn().Close(4000, "")
	r.stats("it is back", func(s simulator.Stats) bool { return s.Resumes == 1 })
	if waits := r.waits(); len(waits) != 1 || waits[0] > 2*time.Second { // TestLogTellsTheWait: this is what happens
		t.Errorf("it waits %v before the first attempt", waits)
	}
	r.stopped()
}

// Attempts in vain come ever more slowly; sessions that can be resumed do not.
func TestRunIsNoHotLoop(t *testing.T) {
	t.Parallel()
	l := quick()
	l.firstRetry, l.lastRetry, l.soon = time.Millisecond, time.Minute, 2*time.Minute
	r := newFaultRig(t, simulator.Options{})
	r.run(r.options(), l)
	const times = 6
	for resumed := range times {
		r.stats("it is back", func(s simulator.Stats) bool { return s.Ready == 1 && s.Resumed == resumed })
		r.conn().Cut()
	}
	r.stats("it is back", func(s simulator.Stats) bool { return s.Ready == 1 && s.Resumed == times })
	before := r.log.count("next_attempt_in")
	r.sim.RefuseConnections(true)
	cutAll(r.sim)
	r.until("the connection is lost", func() bool { return r.log.count("next_attempt_in") > before })
	r.until("it was tried some times", func() bool { return r.log.count("next_attempt_in") >= before+9 })
	// The resumed sessions count for two attempts in vain. The log rounds to a millisecond.
	for i, wait := range r.waits()[before : before+9] {
		if most := l.firstRetry << (2 + i); wait < most/2 || wait > most+time.Millisecond {
			t.Errorf("before attempt %d it waits %v, want between %v and %v", i, wait, most/2, most)
		}
	}
	r.stopped()
}

// Half of the wait is certain, the other half chance.
func TestBackoff(t *testing.T) {
	l := gatewayLimits()
	for attempt := range 100 {
		for range 20 {
			most := l.lastRetry
			if attempt < 7 { // 0.5 s · 2^7 is above a minute
				most = l.firstRetry << attempt
			}
			if got := backoff(l, attempt); got < most/2 || got > most+1 {
				t.Fatalf("attempt %d waits %v, want between %v and %v", attempt, got, most/2, most)
			}
		}
	}
}

func TestRunStopsAsSoonAsAsked(t *testing.T) {
	phases := map[string]func(s *simulator.Server){
		"while it asks for the gateway": func(s *simulator.Server) { s.EveryREST(simulator.RouteGatewayBot, simulator.Hang) },
		"while it waits for HELLO":      func(s *simulator.Server) { s.Every(simulator.AtHello, simulator.Withhold) },
		"while it waits for READY":      func(s *simulator.Server) { s.Every(simulator.AtReady, simulator.Withhold) },
		"while it waits for a budget":   func(s *simulator.Server) { s.SetSessionStarts(0, time.Hour) },
		"while nobody is there":         func(s *simulator.Server) { s.RefuseConnections(true) },
	}
	together(t, phases, func(t *testing.T, fault func(*simulator.Server)) {
		r := newFaultRig(t, simulator.Options{})
		fault(r.sim)
		l := gatewayLimits()
		l.silence, l.open, l.firstRetry, l.lastRetry, l.unreached, l.identify = time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour
		r.run(r.options(), l)
		r.until("it is under way", func() bool {
			s := r.sim.Stats()
			return s.Open > 0 || s.REST[simulator.RouteGatewayBot] > 0 || r.log.count("not reached") > 0
		})
		r.stopped() // all that it could wait for takes an hour
		r.stats("nothing is left open", func(s simulator.Stats) bool { return s.Open == 0 })
	})
}
