package tracker

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// What happened to messages while their channel could not be read is learned once it can be,
// in it and in its threads, in whichever way it was lost; and nothing is without a window.
func TestLearnsWhatHappenedWhileHidden(t *testing.T) {
	together(t, veils(), func(t *testing.T, v veil) {
		for name, window := range map[string]time.Duration{"a day": 24 * time.Hour, "none": 0} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, v.options, nil)
				thread := w.other.StartThread(simulator.ThreadSpec{Name: "thread", Owner: w.ada})
				asleep := w.other.StartThread(simulator.ThreadSpec{Name: "asleep", Owner: w.ada})
				o := w.options()
				o.Recheck = window
				w.again(o)
				w.rechecked()
				w.say(w.ada, "kept", w.general, w.other, thread, asleep)
				w.say(w.ada, "gone", w.general, w.other, thread, asleep)
				w.complete(w.since)
				asleep.Archive()
				v.hide(w)
				w.until("the span is in the ledger", func() bool {
					return slices.ContainsFunc(w.ledger()[store.ID(w.other.ID)], func(g store.Gap) bool { return g.Reason == v.reason })
				})
				done := w.tracker.Status().Recheck.Done
				for _, c := range []*simulator.Channel{w.other, thread, asleep} {
					said := c.Messages()
					c.Edit(said[len(said)-2].ID, "edited")
					c.DeleteMessages(said[len(said)-1].ID)
				}
				v.show(w)
				w.until("it has been read again", func() bool {
					s := w.tracker.Status().Recheck
					return s.Done > done && s.Guilds == 0
				})
				w.filled()
				want := []string{"edited", "-"}
				if window == 0 {
					want = []string{"kept", "gone"}
				}
				for _, c := range []*simulator.Channel{w.other, thread, asleep} {
					w.shows(c, want...)
				}
				if s := w.tracker.Status().Recheck; window > 0 && (s.Edits != 3 || s.Deletions != 3) {
					t.Errorf("the status is %+v", s)
				}
			})
		}
	})
}

// A channel that is shown again while nobody listens is read, too, as far back as before it
// was hidden.
func TestLearnsWhatHappenedWhileHiddenAndStopped(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	o := w.options()
	o.Recheck = 500 * time.Millisecond
	w.again(o)
	w.rechecked()
	said := w.post(w.other, simulator.Draft{Author: w.ada, Content: "kept"})
	w.complete(w.since)
	w.other.SetAccess(simulator.NoAccess)
	w.until("the span is in the ledger", func() bool { return len(w.ledger()[store.ID(w.other.ID)]) > 0 })
	w.other.Edit(said.ID, "edited")
	for range 4 { // more than the window passes, in which others talk
		pause(w.ctx, 250*time.Millisecond)
		w.say(w.ada, "talk", w.general)
	}
	last := w.general.Messages()
	w.until("they are heard", func() bool { _, ok := w.stored()[store.ID(last[len(last)-1].ID)]; return ok })
	w.stopped()
	w.other.SetAccess(simulator.Full)
	w.again(o)
	w.rechecked()
	w.shows(w.other, "edited")
}

// Plans of one guild that wait become one, which asks for all that each of them does.
func TestRecheckPlansAreJoined(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	whole := func(from store.ID, n int) recheckPlan {
		return recheckPlan{guild: 1, from: from, absence: from, at: at(n), listed: []store.ID{5, 6}, probe: []store.ID{6}}
	}
	some := func(from store.ID, n int, only ...store.ID) recheckPlan {
		return recheckPlan{guild: 1, from: from, at: at(n), only: only, listed: only}
	}
	for name, test := range map[string]struct{ a, b, want recheckPlan }{
		"two absences":              {whole(10, 1), whole(20, 2), recheckPlan{guild: 1, from: 10, absence: 20, at: at(2), listed: []store.ID{5, 6}, probe: []store.ID{6}}},
		"a channel after a guild":   {whole(10, 1), some(4, 2, 5), recheckPlan{guild: 1, from: 4, absence: 10, at: at(2), listed: []store.ID{5, 6}, probe: []store.ID{6}}},
		"a guild after a channel":   {some(4, 1, 5), whole(10, 2), recheckPlan{guild: 1, from: 4, absence: 10, at: at(2), listed: []store.ID{5, 6}, probe: []store.ID{6}}},
		"a channel after a channel": {some(4, 1, 7), some(3, 2, 5), some(3, 2, 5, 7)},
		"the same channel":          {some(4, 1, 7), some(5, 2, 7), some(4, 2, 7)},
	} {
		if have := test.a.with(test.b); !reflect.DeepEqual(have, test.want) {
			t.Errorf("%s: have %+v, want %+v", name, have, test.want)
		}
	}
}
