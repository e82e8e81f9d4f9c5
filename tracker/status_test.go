package tracker

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// What becomes of each message that the gateway sends is told by the status, and how
// often the connection ended and why.
func TestStatusOfTheGateway(t *testing.T) {
	r := newFaultRig(t, simulator.Options{})
	denied := r.sim.Guilds()[0].AddChannel(simulator.ChannelSpec{Name: "denied"})
	o := r.options()
	o.Rules = r.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(denied.ID)}})
	r.run(o, quick())
	r.ready(1)
	for _, end := range []func(*simulator.Conn){
		(*simulator.Conn).Reconnect,
		func(c *simulator.Conn) { c.Close(4000, "because") },
		func(c *simulator.Conn) { c.Close(4999, "because") },
		func(c *simulator.Conn) { c.Close(4007, "because") },
	} {
		before := r.sim.Stats()
		end(r.conn())
		r.stats("it is back", func(s simulator.Stats) bool {
			return s.Resumed+s.Readies == before.Resumed+before.Readies+1 && s.Ready == 1
		})
	}
	robot := r.sim.AddUser(simulator.UserSpec{Name: "Robot", Bot: true})
	r.hears("one")
	r.say(robot, "a bot", r.channel)
	r.say(r.ada, "in a denied channel", denied)
	r.post(r.channel, simulator.Draft{Author: r.ada, Fields: map[string]any{"content": 7}})
	r.conn().Send(`{"op":0,"t":"GUILD_CREATE","s":9000,"d":{"id":0}}`)
	r.hears("two")
	r.until("the commit is counted", func() bool { return r.tracker.Status().Writer.Wait.Count() == 2 })

	s := r.tracker.Status()
	if s.Messages != 2 || s.Filtered != 2 || s.Malformed != 1 || s.Rejected != 2 || s.Guilds != 1 || s.Channels != 2 {
		t.Errorf("the status is %+v", s)
	}
	if s.Writer.Wait.Sum <= 0 || s.Writer.QueueMax != queueLen {
		t.Errorf("the writer's status is %+v", s.Writer)
	}
	shard := s.Shards[0]
	want := map[string]int64{"reconnect": 1, "4000": 1, "other": 1, "4007": 1}
	if !maps.Equal(shard.Ended, want) || shard.Identifies != 2 || shard.Sessions != 2 || shard.Resumes != 3 {
		t.Errorf("the shard's status is %+v, want it to have ended by %v", shard, want)
	}
	r.stopped()
}

func TestCauseName(t *testing.T) {
	for want, causes := range map[string][]error{
		"1000":            {&closeError{code: 1000}},
		"4014":            {fmt.Errorf("wrapped: %w", &closeError{code: 4014})},
		"other":           {&closeError{code: 999}, &closeError{code: 1016}, &closeError{code: 3999}, &closeError{code: 4015}},
		"reconnect":       {errReconnect},
		"invalid_session": {&invalidSession{}},
		"no_ack":          {errZombie},
		"stuck":           {errStuck, errPanic},
		"rate_limit":      {fmt.Errorf("/gateway/bot: %w", &tooManyRequests{time.Second})},
		"network":         {errBrokenOff, errors.New("refused")},
	} {
		for _, cause := range causes {
			if got := causeName(cause); got != want {
				t.Errorf("%v: got %s, want %s", cause, got, want)
			}
		}
	}
}

// What the history holds that does not count, how the requests were answered, and how
// long a gap has been open, are told by the status.
func TestStatusOfTheHistory(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.say(w.ada, "missed", w.general)
	w.post(w.general, simulator.Draft{Webhook: "hook", Content: "does not count"})
	begin := store.MicrosOf(time.Now().Add(-time.Second))
	stop := w.sim.EveryREST(simulator.RouteMessages, simulator.RateLimited(time.Second, false))
	w.again(w.options())
	w.until("a request is refused", func() bool { return w.tracker.Status().REST["429"] > 0 })
	if s := w.tracker.Status().Backfill; s.OldestOpen < begin || s.OldestOpen > store.MicrosOf(time.Now()) || s.Open == 0 {
		t.Errorf("while a gap is open: %+v", s)
	}
	stop()
	w.complete(w.since)
	w.filled()
	s := w.tracker.Status()
	if b := s.Backfill; b.Filtered != 1 || b.Found != 1 || b.Filled != 2 || b.Skipped != 0 || b.HistoryDone != 0 || b.OldestOpen != 0 {
		t.Errorf("when all are filled: %+v", b)
	}
	if s.REST["2xx"] == 0 || s.REST["5xx"] != 0 || s.REST["none"] != 0 {
		t.Errorf("requests: %v", s.REST)
	}
	w.sim.RefuseConnections(true)
	for _, c := range w.sim.Conns() {
		c.Cut()
	}
	w.until("it is noticed", func() bool { return w.tracker.Status().Shards[0].Ended["network"] >= 2 })
}

// How far mode all has come is known again after a restart.
func TestStatusOfTheCrawl(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, func(w *town) {
		for n := range 40 {
			w.post(w.general, simulator.Draft{Author: w.ada, Content: fmt.Sprint("years ago ", n), At: time.Now().Add(time.Duration(n-9000) * time.Hour)})
		}
	})
	o := w.options()
	o.Backfill = backfillAll
	w.again(o)
	w.complete(everywhere)
	w.filled()
	first := w.tracker.Status().Backfill
	// Two channels, and the guild's archived threads.
	if first.HistoryDone != 3 || first.HistoryFound != 42 || first.History != 0 || first.Filled != 0 {
		t.Errorf("at the end: %+v", first)
	}
	w.stopped()
	w.again(o)
	w.filled()
	if s := w.tracker.Status().Backfill; s.HistoryDone != 3 || s.HistoryFound != 42 || s.Found != 0 {
		t.Errorf("after a restart: %+v", s)
	}
}

// While the gateway cannot be found, the status says why in a line; once it is, no more.
func TestStatusOfAnUnreachableGateway(t *testing.T) {
	r := newFaultRig(t, simulator.Options{})
	stop := r.sim.EveryREST(simulator.RouteGatewayBot, simulator.Status(502))
	l := quick()
	l.unreached = l.firstRetry
	r.run(r.options(), l)
	r.until("the status says why", func() bool { return r.tracker.Status().Unreached != "" })
	if s := r.tracker.Status(); !strings.Contains(s.Unreached, "502 Bad Gateway") || strings.Contains(s.Unreached, "\n") || len(s.Shards) > 0 {
		t.Errorf("the status is %+v", s)
	}
	stop()
	r.ready(1)
	if s := r.tracker.Status(); s.Unreached != "" || len(s.Shards) != 1 {
		t.Errorf("the status is %+v", s)
	}
	r.stopped()
}
