package tracker

import (
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// A gap whose permission is missing stays open, nothing is asked of Discord that is known
// to be refused, and it is filled once it may be, also by a later start.
func TestMissingPermission(t *testing.T) {
	type access = simulator.Access
	tests := map[string]struct {
		options simulator.Options
		access  access
		reason  string // of the gap
		refused int    // requests, at most, of each start: messages, threads, and the private ones of the other channel
		line    string
	}{
		"hidden":              {simulator.Options{}, simulator.NoAccess, store.ReasonHidden, 0, "hidden=1"},
		"hidden, last kept":   {simulator.Options{Hiding: simulator.HideKeepLast}, simulator.NoAccess, store.ReasonHidden, 0, "hidden=1"},
		"not to be viewed":    {simulator.Options{Hiding: simulator.HideNothing}, simulator.NoAccess, store.ReasonUnreadable, 0, "unreadable=1"},
		"history not to read": {simulator.Options{}, simulator.NoHistory, reasonStopped, 0, "history cannot be fetched"},
		"the bot's roles are not known": {
			simulator.Options{Hiding: simulator.HideNothing, OmitMembers: true}, simulator.NoAccess, reasonStopped, 3, "history cannot be fetched",
		},
		"nor which history it may read": {
			simulator.Options{Hiding: simulator.HideNothing, OmitMembers: true}, simulator.NoHistory, reasonStopped, 3, "history cannot be fetched",
		},
	}
	together(t, tests, func(t *testing.T, test struct {
		options simulator.Options
		access  access
		reason  string
		refused int
		line    string
	}) {
		w := newTown(t, test.options, nil)
		w.other.SetAccess(test.access)
		w.say(w.ada, "missed", w.general, w.other)
		for start := range 2 {
			refused := w.sim.Stats().Refused
			w.log.reset()
			w.again(w.options())
			w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != w.other.ID })
			g := w.one(w.filled(), w.other)
			if g.State != store.GapOpen || g.Waits != store.WaitPermission || g.Note == "" || g.Found != 0 || g.Reason != test.reason {
				t.Errorf("start %d: the gap is %+v", start, g)
			}
			w.until("the gap is told to wait", func() bool { return w.tracker.Status().Backfill.Waiting > 0 })
			if n := w.sim.Stats().Refused - refused; n > test.refused {
				t.Errorf("start %d: %d requests were refused, want %d", start, n, test.refused)
			}
			w.until("the line is written", func() bool { return w.log.count(test.line) > 0 })
			if n := w.log.count(test.line); n != 1 {
				t.Errorf("start %d: %d lines say %q", start, n, test.line)
			}
			if start == 0 {
				w.stopped()
			}
		}
		w.other.SetAccess(simulator.Full)
		w.complete(w.since)
		w.until("no gap waits", func() bool {
			open, err := w.db.Gaps(w.ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			return len(open) == 0 && w.tracker.Status().Backfill.Waiting == 0
		})
		for _, g := range w.ledger()[store.ID(w.other.ID)] { // one more where it was not known that it could not be read
			if g.State != store.GapFilled || g.Waits != "" || g.Note != "" {
				t.Errorf("once it may be read the gap is %+v", g)
			}
		}
	})
}

func TestDeletedMessagesAreNoMissingPermission(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	m := w.post(w.general, simulator.Draft{Author: w.ada, Content: "missed"})
	w.general.DeleteMessages(m.ID)
	w.again(w.options())
	if g := w.one(w.filled(), w.general); g.State != store.GapFilled || g.Found != 0 || g.Note != "" {
		t.Errorf("the gap is %+v", g)
	}
}

func TestDeniedChannelIsNotFetched(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.say(w.ada, "missed", w.general, w.other)
	o := w.options()
	o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}})
	w.again(o)
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != w.other.ID })
	if gaps := w.filled(); len(gaps[store.ID(w.other.ID)]) != 0 {
		t.Errorf("the ledger is %+v", gaps)
	}
}

func TestNamesFromHistory(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	ben := w.sim.AddUser(simulator.UserSpec{Name: "Ben"})
	w.say(ben, "missed", w.general)
	w.again(w.options())
	w.complete(w.since)
	w.filled()
	names, err := w.db.Names(w.ctx, store.ID(w.guild.ID))
	if err != nil || names[store.ID(ben.ID)] != "Ben" {
		t.Errorf("the names are %v, %v", names, err)
	}
}
