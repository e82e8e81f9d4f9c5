package tracker

import (
	"encoding/json"
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// A thread follows its parent, also in what was missed of it: of an allowed channel's
// thread it is fetched, of a denied one's it is not.
func TestGapOfAThreadFollowsItsParent(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(*town) rules.Options{
		"general is allowed": func(w *town) rules.Options { return rules.Options{ChannelsAllow: []store.ID{store.ID(w.general.ID)}} },
		"other is denied":    func(w *town) rules.Options { return rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var inside, outside *simulator.Channel
			w := newTown(t, simulator.Options{}, func(w *town) {
				inside = w.general.StartThread(simulator.ThreadSpec{Name: "inside", Owner: w.ada})
				outside = w.other.StartThread(simulator.ThreadSpec{Name: "outside", Owner: w.ada})
				w.say(w.ada, "before", inside, outside)
			})
			w.say(w.ada, "missed", inside, outside)
			o := w.options()
			o.Rules = w.rules(of(w))
			w.again(o)
			gaps := w.filled()
			if g := w.one(gaps, inside); g.State != store.GapFilled || g.Found != 1 || !w.text(inside, "missed") {
				t.Errorf("the gap of the thread in the allowed channel is %+v", g)
			}
			if w.text(outside, "missed") {
				t.Error("a message of the thread in the denied channel is stored")
			}
		})
	}
}

// An edit is judged as its message is: in a thread by the thread's parent.
func TestEditInAThreadFollowsItsParent(t *testing.T) {
	t.Parallel()
	described := `{"id":"` + guild0 + `","name":"Lounge","channels":[{"id":"10","name":"general"}],"threads":[{"id":"11","type":11,"parent_id":"10","name":"thread"}]}`
	edit := `{"id":"100","channel_id":"11","guild_id":"` + guild0 + `","author":{"id":"7"},"timestamp":"2026-05-11T06:30:00.123Z","content":"new","edited_timestamp":"2026-05-11T06:30:00.123Z"}`
	for name, test := range map[string]struct {
		rules rules.Options
		taken bool
	}{
		"its parent is allowed":      {rules.Options{ChannelsAllow: []store.ID{10}}, true},
		"another channel is allowed": {rules.Options{ChannelsAllow: []store.ID{12}}, false},
		"its parent is denied":       {rules.Options{ChannelsDeny: []store.ID{10}}, false},
		"it is allowed itself":       {rules.Options{ChannelsAllow: []store.ID{11}, ChannelsDeny: []store.ID{10}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newReceiver(t, test.rules)
			r.policy = policy{store.Redact, store.Edit}
			for _, e := range []struct{ name, data string }{{"GUILD_CREATE", described}, {"MESSAGE_UPDATE", edit}} {
				if err := r.receive(t.Context(), e.name, json.RawMessage(e.data)); err != nil {
					t.Fatal(err)
				}
			}
			taken := false
			for _, e := range r.writer.queue.take(nil, false) {
				taken = taken || len(e.item.changes) > 0
			}
			if taken != test.taken {
				t.Errorf("the edit is taken: %v, want %v", taken, test.taken)
			}
		})
	}
}
