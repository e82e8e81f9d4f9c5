package tracker

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// finish does the tasks that are in the file, as the sweeper does.
func (r *rig) finish() {
	r.Helper()
	tasks, err := r.db.Tasks(r.ctx)
	for _, task := range tasks {
		for done := false; err == nil && !done; {
			_, done, err = r.db.Step(r.ctx, task)
		}
	}
	if err != nil {
		r.Fatal(err)
	}
}

// texts waits until a last message is stored, and returns what is stored of the others
// of a user, in order: "-" for a text that is gone.
func (w *town) texts(last string) (texts []string) {
	w.Helper()
	w.say(w.ada, last, w.general)
	w.until("the last message is stored", func() bool {
		texts = nil
		found := false
		for r, err := range w.db.Records(w.ctx, store.Query{User: store.ID(w.ada.ID)}) {
			switch {
			case err != nil:
				w.Fatal(err)
			case r.Content == last:
				found = true
			case r.Redacted:
				texts = append(texts, "-")
			default:
				texts = append(texts, r.Content)
			}
		}
		return found
	})
	return texts
}

// What happens to messages in Discord happens to what is stored of them, as the
// operator wants it, whether they were heard or fetched.
func TestChangesInDiscord(t *testing.T) {
	t.Parallel()
	type case_ struct {
		onDelete, onEdit string
		want             string
	}
	together(t, map[string]case_{
		"as it comes":        {"", "", "kept - - - - edited twice"},
		"redact and update":  {"redact", "update", "kept - - - - edited twice"},
		"keep":               {"keep", "keep", "kept deleted one-of-many another-of-many in-a-channel once"},
		"remove and keep":    {"remove", "keep", "kept once"},
		"keep and update":    {"keep", "update", "kept deleted one-of-many another-of-many in-a-channel edited twice"},
		"remove, and update": {"remove", "update", "kept edited twice"},
	}, func(t *testing.T, c case_) {
		for source, fetched := range map[string]bool{"live": false, "history": true} {
			t.Run(source, func(t *testing.T) {
				w := newTown(t, simulator.Options{}, nil)
				o := w.options()
				o.OnDelete, o.OnEdit = c.onDelete, c.onEdit
				if !fetched {
					w.again(o)
				}
				ids := map[string]simulator.ID{}
				for _, text := range []string{"kept", "deleted", "one-of-many", "another-of-many"} {
					ids[text] = w.post(w.general, simulator.Draft{Author: w.ada, Content: text}).ID
				}
				w.say(w.ada, "in-a-channel", w.other)
				ids["once"] = w.post(w.general, simulator.Draft{Author: w.ada, Content: "once"}).ID
				beep := w.post(w.general, simulator.Draft{Author: w.sim.AddUser(simulator.UserSpec{Name: "dice", Bot: true}), Content: "beep"})
				if fetched {
					w.again(o)
					w.filled()
				}
				w.general.Edit(ids["once"], "edited once")
				w.general.Edit(ids["once"], "edited twice")
				w.general.Edit(beep.ID, "boop")
				w.general.DeleteMessages(ids["deleted"])
				w.general.DeleteMessages(ids["one-of-many"], ids["another-of-many"], beep.ID)
				w.other.Delete()
				w.texts("last")
				w.finish()
				if have := strings.Join(w.texts("very last"), " "); strings.TrimSuffix(have, " last") != c.want {
					t.Errorf("stored: %q, want %q", have, c.want)
				}
				if n := w.tracker.Status().Rejected; n != 0 {
					t.Errorf("%d events were rejected", n)
				}
			})
		}
	})
}

// With a channel go those of its threads that are known.
func TestThreadsOfADeletedChannel(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.again(w.options())
	thread := w.other.StartThread(simulator.ThreadSpec{Name: "a thread", Owner: w.ada})
	w.say(w.ada, "in the thread", thread)
	alone := w.general.StartThread(simulator.ThreadSpec{Name: "another", Owner: w.ada})
	w.say(w.ada, "in another", alone)
	third := w.general.StartThread(simulator.ThreadSpec{Name: "a third", Owner: w.ada})
	w.say(w.ada, "in a third", third)
	w.other.Delete()
	alone.Delete()
	w.texts("last")
	w.finish()
	if have := w.texts("very last"); !reflect.DeepEqual(have, []string{"-", "-", "in a third", "last"}) {
		t.Errorf("stored: %q", have)
	}
}

// A page of the history that was made before a message was changed, and comes after we
// have heard of that, does not undo it.
func TestChangesWhileAPageIsOnItsWay(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	var missed []simulator.Message
	for i := range 4 {
		missed = append(missed, w.post(w.general, simulator.Draft{Author: w.ada, Content: fmt.Sprint("missed ", i)}))
	}
	w.say(w.ada, "missed elsewhere", w.other)
	general := "/channels/" + w.general.ID.String() + "/"
	changed := false
	meddle := func(_ *simulator.Server, rw http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Test") != "" || changed && strings.Contains(r.URL.Path, general) {
			return true
		}
		page := w.asIs(r)
		if strings.Contains(r.URL.Path, general) {
			changed = true
			w.general.Edit(missed[0].ID, "edited")
			w.general.DeleteMessages(missed[1].ID)
			w.general.DeleteMessages(missed[2].ID, missed[3].ID)
		} else {
			w.other.Delete()
		}
		commits := w.tracker.Status().Writer.Commits
		w.say(w.ada, "live", w.general)
		w.until("that is committed", func() bool {
			s := w.tracker.Status().Writer
			return s.Commits > commits && s.Queue == 0 && s.Delay == 0
		})
		w.finish() // the sweeper is done with the channel before the page comes
		rw.Header().Set("Content-Type", "application/json")
		rw.Write(page)
		return false
	}
	defer w.sim.EveryREST(simulator.RouteMessages, meddle)()
	w.again(w.options())
	w.filled()
	w.finish()
	texts := w.texts("last")
	if have := strings.Join(texts, ","); !strings.HasPrefix(have, "edited,-,-,-,-,live") {
		t.Errorf("stored: %q", have)
	}
}

// asIs returns what the simulator answers to a request now.
func (w *town) asIs(r *http.Request) []byte {
	w.Helper()
	request, err := http.NewRequest(r.Method, w.sim.URL()+r.URL.RequestURI(), nil)
	if err != nil {
		w.Fatal(err)
	}
	request.Header = r.Header.Clone()
	request.Header.Set("X-Test", "1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return body
}

func TestReceiveChanges(t *testing.T) {
	var g0 store.ID
	if err := g0.UnmarshalText([]byte(guild0)); err != nil {
		t.Fatal(err)
	}
	const edit = `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `","author":{"id":"7"},"timestamp":"2026-05-11T06:30:00.123Z","content":"new","edited_timestamp":"2026-05-11T06:30:00.123Z"`
	edited := store.Change{Guild: g0, Message: 100, Time: someTime, User: 7, Action: store.Edit, Content: "new", Edited: someTime}
	part := edited
	part.User, part.Time = 0, snowflakeTime(100)
	gone := func(action store.Action, ids ...store.ID) []store.Change {
		var list []store.Change
		for _, id := range ids {
			list = append(list, store.Change{Guild: g0, Message: id, Time: snowflakeTime(id), Action: action})
		}
		return list
	}
	both := policy{store.Redact, store.Edit}
	tests := map[string]struct {
		policy     policy
		rules      rules.Options
		name, data string
		want       *item // nil: none
		rejected   int64
	}{
		"an edit":                       {policy: both, name: "MESSAGE_UPDATE", data: edit + `}`, want: &item{changes: []store.Change{edited}}},
		"a partial edit":                {policy: both, name: "MESSAGE_UPDATE", data: `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `","content":"new","edited_timestamp":"2026-05-11T06:30:00.123Z"}`, want: &item{changes: []store.Change{part}}},
		"an edit to nothing":            {policy: both, name: "MESSAGE_UPDATE", data: strings.Replace(edit, `"new"`, `""`, 1) + `}`, want: &item{changes: []store.Change{func() store.Change { c := edited; c.Content = ""; return c }()}}},
		"edits are kept out":            {policy: policy{store.Redact, store.Keep}, name: "MESSAGE_UPDATE", data: edit + `}`},
		"an embed is added":             {policy: both, name: "MESSAGE_UPDATE", data: strings.Replace(edit, `"2026-05-11T06:30:00.123Z"}`, `null}`, 1) + `,"edited_timestamp":null}`},
		"no text is told":               {policy: both, name: "MESSAGE_UPDATE", data: `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `","embeds":[],"edited_timestamp":"2026-05-11T06:30:00.123Z"}`},
		"a bot's edit":                  {policy: both, name: "MESSAGE_UPDATE", data: strings.Replace(edit, `"id":"7"`, `"id":"7","bot":true`, 1) + `}`},
		"an edit in a denied channel":   {policy: both, rules: rules.Options{ChannelsDeny: []store.ID{10}}, name: "MESSAGE_UPDATE", data: edit + `}`},
		"an edit in nobody's channel":   {policy: both, rules: rules.Options{ChannelsDeny: []store.ID{11}}, name: "MESSAGE_UPDATE", data: edit + `}`},
		"another shard's edit":          {policy: both, name: "MESSAGE_UPDATE", data: strings.Replace(edit, guild0, guild1, 1) + `}`},
		"a direct message's edit":       {policy: both, name: "MESSAGE_UPDATE", data: strings.Replace(edit, `"`+guild0+`"`, "null", 1) + `}`},
		"an edit that cannot be read":   {policy: both, name: "MESSAGE_UPDATE", data: `{"id":100}`, rejected: 1},
		"a deletion":                    {policy: both, name: "MESSAGE_DELETE", data: `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `"}`, want: &item{changes: gone(store.Redact, 100)}},
		"... in a denied channel":       {policy: both, rules: rules.Options{ChannelsDeny: []store.ID{10}}, name: "MESSAGE_DELETE", data: `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `"}`, want: &item{changes: gone(store.Redact, 100)}},
		"many deletions":                {policy: policy{store.Remove, store.Keep}, name: "MESSAGE_DELETE_BULK", data: `{"ids":["100",7,"102","99999999999999999999"],"channel_id":"10","guild_id":"` + guild0 + `"}`, want: &item{changes: gone(store.Remove, 100, 102)}},
		"deletions are kept out":        {policy: policy{store.Keep, store.Edit}, name: "MESSAGE_DELETE", data: `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `"}`},
		"another shard's deletion":      {policy: both, name: "MESSAGE_DELETE", data: `{"id":"100","channel_id":"10","guild_id":"` + guild1 + `"}`},
		"a direct message's deletion":   {policy: both, name: "MESSAGE_DELETE", data: `{"id":"100","channel_id":"10"}`},
		"a deletion of nothing":         {policy: both, name: "MESSAGE_DELETE_BULK", data: `{"ids":[],"channel_id":"10","guild_id":"` + guild0 + `"}`, rejected: 1},
		"a deleted channel":             {policy: both, name: "CHANNEL_DELETE", data: `{"id":"10","guild_id":"` + guild0 + `"}`, want: &item{deleted: []store.DeletedChannel{{Guild: g0, Channel: 10, Action: store.Redact}}}},
		"a deleted thread":              {policy: policy{store.Remove, store.Keep}, name: "THREAD_DELETE", data: `{"id":"11","guild_id":"` + guild0 + `","parent_id":"10","type":11}`, want: &item{deleted: []store.DeletedChannel{{Guild: g0, Channel: 11, Action: store.Remove}}}},
		"deleted channels are kept out": {policy: policy{store.Keep, store.Edit}, name: "CHANNEL_DELETE", data: `{"id":"10","guild_id":"` + guild0 + `"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := newReceiver(t, test.rules)
			r.policy = test.policy
			if err := r.receive(t.Context(), test.name, json.RawMessage(test.data)); err != nil {
				t.Fatal(err)
			}
			var got *item
			for _, e := range r.writer.queue.take(nil, false) {
				e.item.received = time.Time{}
				got = &e.item
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v\nwant %+v", got, test.want)
			}
			if n := r.rejected.Load(); n != test.rejected {
				t.Errorf("%d rejected, want %d", n, test.rejected)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	for _, o := range []Options{{OnDelete: "forget"}, {OnEdit: "redact"}} {
		if p, err := newPolicy(o); err == nil {
			t.Errorf("%+v is taken for %+v", o, p)
		}
	}
}

// The memory for pages on their way is bounded, and keeps what happened last.
func TestRecentDeletions(t *testing.T) {
	var c recentDeletions
	for i := range 10 * recentLen {
		c.add([]store.DeletedChannel{{Channel: store.ID(1 + i)}, {Channel: store.ID(1 + i), Action: store.Redact}})
	}
	if len(c.channels) >= 2*recentLen || cap(c.channels) > 4*recentLen {
		t.Errorf("%d channels in room for %d", len(c.channels), cap(c.channels))
	}
	if again := c.of(1); len(again) != 0 {
		t.Errorf("%+v", again)
	}
	if again := c.of(10*recentLen - recentLen/2 + 1); len(again) != 2 || again[1].Action != store.Redact {
		t.Errorf("%+v", again)
	}
}
