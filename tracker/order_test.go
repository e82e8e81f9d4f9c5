package tracker

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// creations returns a match for Postpone: the creations of messages that hold a text.
func creations(text string) func(string, []byte) bool {
	return func(name string, data []byte) bool {
		return name == "MESSAGE_CREATE" && bytes.Contains(data, []byte(text))
	}
}

// What happens to messages before they come, in a commit of its own and across a kill,
// is done when they come: heard or fetched.
func TestChangesBeforeTheirMessage(t *testing.T) {
	t.Parallel()
	together(t, map[string]bool{"heard": false, "fetched after a kill": true}, func(t *testing.T, fetched bool) {
		w := newTown(t, simulator.Options{}, nil)
		o := w.options()
		w.again(o)
		release := w.sim.Postpone(creations("late"))
		ids := map[string]simulator.ID{}
		for _, text := range []string{"late untouched", "late edited", "late edited twice", "late deleted", "late edited and deleted"} {
			ids[text] = w.post(w.general, simulator.Draft{Author: w.ada, Content: text}).ID
		}
		w.general.Edit(ids["late edited"], "now edited")
		w.general.Edit(ids["late edited twice"], "now edited once")
		w.general.Edit(ids["late edited twice"], "now edited twice")
		w.general.Edit(ids["late edited and deleted"], "now to be deleted")
		w.general.DeleteMessages(ids["late deleted"], ids["late edited and deleted"])
		w.say(w.ada, "marker", w.other)
		w.until("the changes are committed", func() bool { return w.text(w.other, "marker") })
		if fetched {
			w.stopped()
			w.again(o)
			w.filled()
		} else {
			release()
		}
		texts := w.texts("last")
		want := "late untouched,now edited,now edited twice,-,-,marker"
		if fetched { // what is deleted is not in the history
			want = "late untouched,now edited,now edited twice,marker"
		}
		if have := strings.Join(texts, ","); have != want {
			t.Errorf("stored: %q, want %q", have, want)
		}
	})
}

// text reports whether a message of a channel with a text is stored.
func (r *rig) text(c *simulator.Channel, text string) bool {
	for _, rec := range r.stored() {
		if rec.Channel.ID == store.ID(c.ID) && rec.Content == text {
			return true
		}
	}
	return false
}

// An update without its author is stored only if the message is of somebody who may be stored.
func TestUpdateWithoutAuthor(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	bob := w.sim.AddUser(simulator.UserSpec{Name: "Bob"})
	w.again(w.options())
	first := w.post(w.general, simulator.Draft{Author: w.ada, Content: "Ada before"})
	second := w.post(w.general, simulator.Draft{Author: bob, Content: "Bob before"})
	w.until("both are stored", func() bool { return w.text(w.general, "Bob before") })
	w.stopped()
	o := w.options()
	o.Rules = w.rules(rules.Options{OptOut: []store.ID{store.ID(w.ada.ID)}})
	w.again(o)
	unheard := w.post(w.general, simulator.Draft{Author: w.ada, Content: "never stored"})
	for i, m := range []simulator.Message{first, unheard, second} {
		w.conn().Dispatch("MESSAGE_UPDATE", fmt.Sprintf(`{"id":"%v","channel_id":"%v","guild_id":"%v","content":"secret %d","edited_timestamp":"2035-01-01T00:00:00.123Z"}`,
			m.ID, w.general.ID, w.guild.ID, i))
	}
	w.until("Bob's edit is stored", func() bool { return w.text(w.general, "secret 2") })
	for _, r := range w.stored() {
		if strings.HasPrefix(r.Content, "secret") && r.User != store.ID(bob.ID) || r.Content == "never stored" {
			t.Errorf("stored: %+v", r)
		}
	}
}

// conn returns the one connection.
func (r *rig) conn() *simulator.Conn {
	r.Helper()
	r.stats("there is one session", func(s simulator.Stats) bool { return s.Ready == 1 && s.Open == 1 })
	return r.sim.Conns()[0]
}
