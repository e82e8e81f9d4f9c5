package tracker

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// What REST answers instead of a page must cost no message.
func TestGapInSpiteOfFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer simulator.Answer
	}{
		{"429 of the bucket", simulator.RateLimited(300*time.Millisecond, false)},
		{"429 of everything", simulator.RateLimited(300*time.Millisecond, true)},
		{"server error", simulator.Status(502)},
		{"not JSON", simulator.Body("<html>oops</html>")},
		{"null", simulator.Body("null")},
		{"another answer", simulator.Body(`{"message":"hello"}`)},
		{"slow", simulator.Slow(200 * time.Millisecond)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			for n := range pageLen + 10 {
				w.say(w.ada, fmt.Sprint("missed ", n), w.general, w.other)
			}
			for range 2 {
				w.sim.NextREST(simulator.RouteMessages, test.answer)
			}
			w.again(w.options())
			w.complete(w.since)
			for _, list := range w.filled() {
				if len(list) != 1 || list[0].State != store.GapFilled || list[0].Found != pageLen+10 {
					t.Errorf("the gaps of a channel are %+v", list)
				}
			}
			if s := w.tracker.Status().Backfill; s.Failing {
				t.Errorf("the status is %+v", s)
			}
		})
	}
}

// With a real bucket's few requests a second, none is sent in vain.
func TestGapKeepsToTheRateLimit(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{RateLimit: 3}, nil)
	for n := range 7 * pageLen {
		w.say(w.ada, fmt.Sprint("missed ", n), w.general)
	}
	w.again(w.options())
	w.complete(w.since)
	w.filled()
	if n := w.sim.Stats().Refused; n > 2 { // the private threads of two channels
		t.Errorf("%d requests were refused", n)
	}
}

func TestUnreadableMessageInAPage(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.say(w.ada, "missed", w.general)
	bad := w.post(w.general, simulator.Draft{Author: w.ada, Content: "strange", Fields: map[string]any{"content": 7}})
	w.say(w.ada, "missed too", w.general)
	w.again(w.options())
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.ID != bad.ID })
	if g := w.one(w.filled(), w.general); g.Found != 2 {
		t.Errorf("the gap is %+v", g)
	}
	if s := w.tracker.Status().Backfill; s.Unreadable != 1 {
		t.Errorf("the status is %+v", s)
	}
}

// Pages that never reach further must not be asked for for ever.
func TestPageThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.say(w.ada, "missed", w.general)
	stop := w.sim.EveryREST(simulator.RouteMessages, simulator.Body(`[{"id":"5"},7]`))
	defer stop()
	w.again(w.options())
	if g := w.one(w.filled(), w.general); g.State != store.GapSkipped || g.Note == "" {
		t.Errorf("the gap is %+v", g)
	}
}

func TestNoBackfill(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	missed := w.post(w.general, simulator.Draft{Author: w.ada, Content: "missed"})
	before := w.sim.Stats().REST
	o := w.options()
	o.Backfill = backfillNone
	w.again(o)
	w.say(w.ada, "live", w.general)
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.ID != missed.ID })
	if g := w.one(w.filled(), w.general); g.State != store.GapSkipped || g.Until != store.ID(missed.ID) {
		t.Errorf("the gap is %+v", g)
	}
	for _, route := range []string{simulator.RouteMessages, simulator.RouteArchivedPublicThreads} {
		if now := w.sim.Stats().REST[route]; now != before[route] {
			t.Errorf("%s was asked for %d times", route, now-before[route])
		}
	}
}

// A gap that an earlier process has left open is nobody's business any more where
// the operator has changed their mind.
func TestOpenGapAfterAnotherConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*town, *Options)
		state  string
	}{
		{"denied", func(w *town, o *Options) {
			o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.general.ID)}})
		}, store.GapSkipped},
		{"no backfill", func(w *town, o *Options) { o.Backfill = backfillNone }, store.GapOpen},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			w.say(w.ada, "missed", w.general)
			stop := w.sim.EveryREST(simulator.RouteMessages, simulator.Hang)
			w.again(w.options())
			w.until("the gap is in the ledger", func() bool { return len(w.ledger()[store.ID(w.general.ID)]) == 1 })
			o := w.options()
			test.change(w, &o)
			w.crash(o)
			stop()
			for n := range int64(20) { // long enough for a page to be fetched
				w.say(w.ada, "live", w.other)
				w.until("the live message is stored", func() bool { return w.tracker.Status().Writer.Handled == n+1 })
			}
			w.until("the gap is "+test.state, func() bool { return w.one(w.ledger(), w.general).State == test.state })
			w.stopped()
			if n := len(w.stored()); n != 20 || w.one(w.ledger(), w.general).State != test.state {
				t.Errorf("%d messages are stored, the ledger is %+v", n, w.ledger())
			}
		})
	}
}

// A crawl goes on only where the operator still wants it, and from where it was.
func TestCrawlWaitsForItsMode(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	o, all := w.options(), w.options()
	all.Backfill = backfillAll
	stop := w.sim.EveryREST(simulator.RouteMessages, simulator.Hang)
	w.again(all)
	w.until("the crawl is in the ledger", func() bool { return len(w.ledger()[store.ID(w.general.ID)]) == 1 })
	w.crash(o)
	stop()
	w.say(w.ada, "live", w.general)
	w.complete(w.since)
	w.until("the scans are done", func() bool {
		open, err := w.db.Gaps(w.ctx, true)
		return err == nil && len(open) == 2 && w.tracker.Status().Backfill.Open == 0
	})
	if g := w.one(w.ledger(), w.general); g.State != store.GapOpen || g.Found != 0 {
		t.Errorf("the crawl is %+v", g)
	}
	w.stopped()
	w.again(all)
	w.complete(everywhere)
	w.filled()
}

// Mode all fetches what was before the first start, archived threads included.
func TestCrawlToTheBeginning(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, func(w *town) {
		for n := range pageLen + 30 {
			w.post(w.general, simulator.Draft{Author: w.ada, Content: fmt.Sprint("years ago ", n), At: time.Now().Add(time.Duration(n-9000) * time.Hour)})
		}
		for n := range pageLen + 5 {
			old := w.general.StartThread(simulator.ThreadSpec{Name: fmt.Sprint("old ", n), Owner: w.ada})
			w.say(w.ada, "long ago", old)
			old.Archive()
		}
	})
	w.say(w.ada, "missed", w.general)
	o := w.options()
	o.Backfill = backfillAll
	w.again(o)
	w.complete(everywhere)
	gaps := w.filled()[store.ID(w.general.ID)]
	if len(gaps) != 2 || gaps[0].Kind != store.GapHistory || gaps[0].Found != pageLen+31 || gaps[1].Found != 1 {
		t.Errorf("the gaps are %+v", gaps)
	}
	w.stopped()
	before := w.sim.Stats().REST[simulator.RouteMessages]
	w.again(o)
	w.filled()
	if n := w.sim.Stats().REST[simulator.RouteMessages]; n != before {
		t.Errorf("%d pages were asked for again", n-before)
	}
}
