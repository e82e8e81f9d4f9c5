package tracker

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// left waits until just these guilds are known to be left.
func (r *rig) left(what string, want ...store.ID) (list []store.DepartedGuild) {
	r.Helper()
	r.until(what, func() bool {
		var err error
		if list, err = r.db.DepartedGuilds(r.ctx); err != nil {
			r.Fatal(err)
		}
		return slices.EqualFunc(list, want, func(l store.DepartedGuild, id store.ID) bool { return l.Guild == id })
	})
	return list
}

// It is remembered since when the bot is not in a guild any more, whether it was told
// so or finds the guild missing, until it is back.
func TestGuildsThatAreLeft(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	// The logs know a guild in which this bot has never been.
	line := store.Record{Guild: 77, User: 1, Time: 1, Channel: store.Channel{Name: "general"}, Content: "hi", Source: store.SourceLog}
	if _, err := storetest.Import(w.ctx, w.db, store.LogBatch{Records: []store.Record{line}}); err != nil {
		t.Fatal(err)
	}
	begin := store.MicrosOf(time.Now())
	w.again(w.options())
	town := store.ID(w.guild.ID)
	w.left("at first none is")
	stored := func(n int) {
		t.Helper()
		w.until("what she says is stored", func() bool { return len(w.stored()) == 1+n })
	}
	w.say(w.ada, "hello", w.general)
	stored(1)

	w.guild.SetUnavailable(true)
	w.guild.SetUnavailable(false)
	w.guild.Remove()
	first := w.left("it is told", town)
	if first[0].At < begin || first[0].At > store.MicrosOf(time.Now()) {
		t.Errorf("left at %v", first[0].At)
	}
	w.guild.Return()
	w.left("it is back")
	w.say(w.ada, "hello again", w.general)
	stored(2)
	w.stopped()

	w.guild.Remove()
	w.again(w.options())
	again := w.left("it is missing at READY", town)
	w.stopped()
	w.again(w.options())
	w.ready(1)
	if since := w.left("it still is", town); !reflect.DeepEqual(since, again) {
		t.Errorf("left at %v, before that at %v", since, again)
	}
	w.stopped()
	w.guild.Return()
	o := w.options()
	o.Rules = w.rules(rules.Options{GuildsDeny: []store.ID{town}})
	w.again(o)
	w.left("it is back, though denied")
	w.guild.Remove()
	w.left("it is left again", town)
	for _, c := range w.sim.Conns() {
		c.Close(4000, "")
	}
	w.stats("the session is resumed", func(s simulator.Stats) bool { return s.Resumed > 0 })
	w.guild.Return()
	w.left("it is back for good")
}

func TestDecodeReady(t *testing.T) {
	for raw, want := range map[string]string{
		`{"session_id":"x","guilds":[{"id":"1","unavailable":true},{"id":"2"}]}`: "[1 2] true",
		`{"guilds":[]}`:                    "[] true",
		`{"session_id":"x"}`:               "[] false",
		`{"guilds":null}`:                  "[] false",
		`{"guilds":{}}`:                    "[] false",
		`{"guilds":[{"id":"1"},{"id":2}]}`: "[] false",
		`{"guilds":[{"id":"1"},{}]}`:       "[] false",
		`{"guilds":[null]}`:                "[] false",
		`null`:                             "[] false",
		``:                                 "[] false",
	} {
		guilds, ok := decodeReady(json.RawMessage(raw))
		if have := fmt.Sprint(guilds, ok); have != want {
			t.Errorf("%s: %s, want %s", raw, have, want)
		}
	}
}
