package tracker

import (
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

func TestMissingPermission(t *testing.T) {
	tests := []struct {
		name   string
		access simulator.Access
	}{
		{"not to be seen", simulator.NoAccess},
		{"history not to be read", simulator.NoHistory},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{Hiding: simulator.HideNothing}, nil)
			w.other.SetAccess(test.access)
			w.say(w.ada, "missed", w.general, w.other)
			w.again(w.options())
			w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != w.other.ID })
			if g := w.one(w.filled(), w.other); g.State != store.GapSkipped || g.Note == "" || g.Found != 0 {
				t.Errorf("the gap is %+v", g)
			}
			w.stopped()
			w.say(w.ada, "missed again", w.other)
			w.log.text.Reset()
			w.again(w.options())
			w.filled()
			if n := w.log.count("cannot be fetched", "channel="+w.other.ID.String(), "name=other"); n != 1 {
				t.Errorf("the channel is named %d times", n)
			}
			if n := w.sim.Stats().Refused; n > 8 {
				t.Errorf("%d requests were refused", n)
			}
		})
	}
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
