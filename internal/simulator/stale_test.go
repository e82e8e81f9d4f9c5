package simulator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// lastTold connects a new session and returns the last_message_id of general in its GUILD_CREATE.
func (w *world) lastTold() string {
	w.t.Helper()
	c := dial(w.t, w.s)
	c.hello()
	c.identify("")
	c.ready()
	var g struct {
		Channels []struct {
			ID   string
			Last string `json:"last_message_id"`
		}
	}
	if err := json.Unmarshal(c.expect("GUILD_CREATE").D, &g); err != nil {
		w.t.Fatal(err)
	}
	for _, channel := range g.Channels {
		if channel.ID == w.general.ID.String() {
			return channel.Last
		}
	}
	w.t.Fatal("GUILD_CREATE does not tell of the channel")
	return ""
}

func TestStaleLastMessage(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	old, newest := w.say("old"), w.say("newest")
	for _, tt := range []struct {
		name string
		do   func()
		want simulator.ID
	}{
		{"true", func() {}, newest.ID},
		{"edits do not move it", func() { w.general.Edit(old.ID, "edited") }, newest.ID},
		{"stale", func() { w.general.SetLastMessage(old.ID) }, old.ID},
		{"true again", func() { w.general.SetLastMessage(0) }, newest.ID},
		{"until something is posted", func() { w.general.SetLastMessage(old.ID); newest = w.say("more") }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.do()
			want := tt.want
			if want == 0 {
				want = newest.ID
			}
			if got := w.lastTold(); got != want.String() {
				t.Errorf("last_message_id is %s, want %v", got, want)
			}
		})
	}
}

func TestEditsMoveLast(t *testing.T) {
	w := newWorld(t, simulator.Options{EditsMoveLast: true})
	old := w.say("old")
	w.say("newest")
	w.general.Edit(old.ID, "edited")
	if got := w.lastTold(); got != old.ID.String() {
		t.Errorf("last_message_id is %s, want the edited message's, %v", got, old.ID)
	}
	newest := w.say("newer")
	if got := w.lastTold(); got != newest.ID.String() {
		t.Errorf("last_message_id is %s, want %v", got, newest.ID)
	}
}

// A late message comes after others with higher ids, and stands before them in the history.
func TestLateIDs(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	first := w.say("first")
	late, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: "late", Late: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	later, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: "later", Late: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if late.ID >= first.ID || first.Time.Sub(late.Time) < 9*time.Second {
		t.Errorf("the late message has the id %v, of %v; the one before it %v, of %v", late.ID, late.Time, first.ID, first.Time)
	}
	for _, m := range []simulator.Message{first, late, later} {
		if f := c.expect("MESSAGE_CREATE"); !strings.Contains(string(f.D), `"id":"`+m.ID.String()+`"`) {
			t.Errorf("want message %v, got %s", m.ID, f.D)
		}
	}
	want := []simulator.ID{first.ID, later.ID, late.ID}
	if late.ID == later.ID {
		t.Error("two late messages have the same id")
	}
	if late.ID > later.ID {
		want[1], want[2] = late.ID, later.ID
	}
	if got := ids(t, w.s, w.general, ""); !slices.Equal(got, want) {
		t.Errorf("the history has %v, want %v", got, want)
	}
}

// What is said between a session's snapshot and its subscription is in the history alone.
func TestSubscribeAfter(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	w.s.SubscribeAfter(time.Hour)
	c := connect(t, w.s)
	m := w.say("who hears this?")
	w.guild.Rename("Salon") // guilds are told of all the same
	if f := c.read(); f.T != "GUILD_UPDATE" {
		t.Errorf("want GUILD_UPDATE, got %+v", f)
	}
	if got := ids(t, w.s, w.general, ""); !slices.Equal(got, []simulator.ID{m.ID}) {
		t.Errorf("the history has %v", got)
	}
}

func TestBulk(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	const bulk = 1 << 20
	m, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: "heavy", Bulk: bulk})
	if err != nil {
		t.Fatal(err)
	}
	if f := c.expect("MESSAGE_CREATE"); len(f.D) > 10_000 {
		t.Errorf("the gateway sends %d bytes", len(f.D))
	}
	status, body, _ := get(t, w.s, fmt.Sprintf("/channels/%v/messages", w.general.ID))
	var page []struct{ ID simulator.ID }
	if err := json.Unmarshal(body, &page); status != 200 || err != nil || len(page) != 1 || page[0].ID != m.ID || len(body) < bulk {
		t.Errorf("the page: %d, %d bytes, %v, %v", status, len(body), page, err)
	}
}
