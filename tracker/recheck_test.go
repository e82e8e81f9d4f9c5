package tracker

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// rechecking are options with a window.
func (r *rig) rechecking() Options {
	o := r.options()
	o.Recheck = 24 * time.Hour
	return o
}

// rechecked waits until all that is to be read again has been, and the gaps are filled.
func (r *rig) rechecked() RecheckStatus {
	r.Helper()
	r.filled()
	r.until("the guilds have been read again", func() bool {
		s := r.tracker.Status().Recheck
		return s.Done > 0 && s.Guilds == 0
	})
	return r.tracker.Status().Recheck
}

// speak runs a tracker that hears messages with these texts, and stops it.
func (w *town) speak(c *simulator.Channel, texts ...string) (said []simulator.Message) {
	w.Helper()
	w.again(w.options())
	for _, text := range texts {
		said = append(said, w.post(c, simulator.Draft{Author: w.ada, Content: text}))
	}
	w.until("they are stored", func() bool { return w.tracker.Status().Writer.Handled == int64(len(texts)) })
	w.stopped()
	return said
}

// shows compares what is stored of a channel: "-" is a text that is gone.
func (w *town) shows(c *simulator.Channel, want ...string) {
	w.Helper()
	var have []string
	all := w.stored()
	var ids []store.ID
	for id, r := range all {
		if r.Channel.ID == store.ID(c.ID) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		text := all[id].Content
		if all[id].Redacted {
			text = "-" + text
		}
		have = append(have, text)
	}
	if !slices.Equal(have, want) {
		w.Errorf("stored of %s: %q, want %q", c.Name(), have, want)
	}
}

// What happened to messages while nobody listened is learned from the history, wherever
// in a page they were.
func TestLearnsWhatHappenedMeanwhile(t *testing.T) {
	t.Parallel()
	few := []string{"a", "b", "c", "d", "e"}
	var many []string
	for n := range 2*pageLen + 50 {
		many = append(many, fmt.Sprint(n))
	}
	for name, test := range map[string]struct {
		said    []string
		missed  int   // said while nobody listens
		deleted []int // of said
		edited  []int
		options func(*Options)
		want    func(i int) string // of a deleted message; nil: the text is gone
		edits   int
	}{
		"nothing":                      {said: few},
		"the first":                    {said: few, deleted: []int{0}},
		"one in the middle":            {said: few, deleted: []int{2}},
		"the last":                     {said: few, deleted: []int{4}},
		"the last ones":                {said: few, deleted: []int{2, 3, 4}},
		"all":                          {said: few, deleted: []int{0, 1, 2, 3, 4}},
		"all, and some were missed":    {said: few, missed: 3, deleted: []int{0, 1, 2, 3, 4}},
		"the only one":                 {said: few[:1], deleted: []int{0}},
		"edited":                       {said: few, edited: []int{0, 4}, edits: 2},
		"edited and deleted":           {said: few, edited: []int{0, 3}, deleted: []int{1, 3}, edits: 1},
		"and some were missed":         {said: few, missed: 3, edited: []int{0}, deleted: []int{4}, edits: 1},
		"several pages":                {said: many, edited: []int{0, 99, 100, 249}, deleted: []int{1, 98, 101, 102, 248}, edits: 4},
		"the last ones of many":        {said: many, deleted: []int{100, 199, 200, 220, 249}},
		"a page's worth":               {said: many[:pageLen], deleted: []int{99}},
		"most":                         {said: many, deleted: seq(20, 245)},
		"edits are not followed":       {said: few, edited: []int{0}, deleted: []int{1}, options: func(o *Options) { o.OnEdit = onEditKeep }},
		"deletions are not followed":   {said: few, edited: []int{0}, deleted: []int{1}, edits: 1, options: func(o *Options) { o.OnDelete = onDeleteKeep }, want: func(i int) string { return few[i] }},
		"deletions are followed fully": {said: few, edited: []int{0}, deleted: []int{1, 4}, edits: 1, options: func(o *Options) { o.OnDelete = onDeleteRemove }, want: func(int) string { return "" }},
		"nothing is to be learned":     {said: few, edited: []int{0}, deleted: []int{1}, options: func(o *Options) { o.Recheck = 0 }, want: func(i int) string { return few[i] }},
		"no history is to be read":     {said: few, edited: []int{0}, deleted: []int{1}, options: func(o *Options) { o.Backfill = backfillNone }, want: func(i int) string { return few[i] }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			said := w.speak(w.general, test.said...)
			var want []string
			followed := 0
			o := w.rechecking()
			if test.options != nil {
				test.options(&o)
			}
			for _, i := range test.edited {
				w.general.Edit(said[i].ID, "edited "+test.said[i])
			}
			for i, text := range test.said {
				switch {
				case slices.Contains(test.deleted, i):
					w.general.DeleteMessages(said[i].ID)
					text = "-"
					if test.want != nil {
						text = test.want(i)
					}
					if text == "-" || text == "" {
						followed++
					}
				case slices.Contains(test.edited, i) && test.edits > 0:
					text = "edited " + text
				}
				if text != "" {
					want = append(want, text)
				}
			}
			for n := range test.missed {
				text := fmt.Sprint("missed ", n)
				w.say(w.ada, text, w.general)
				want = append(want, text)
			}
			w.again(o)
			if o.Backfill == backfillNone {
				w.say(w.ada, "live", w.general)
				w.until("it is stored", func() bool { return w.tracker.Status().Writer.Handled == 1 })
				w.shows(w.general, append(want, "live")...)
				return
			}
			s := w.rechecked()
			w.shows(w.general, want...)
			if s.Deletions != int64(followed) || s.Edits != int64(test.edits) || s.Found != 0 {
				t.Errorf("the status is %+v, want %d deletions, %d edits", s, followed, test.edits)
			}
			if gaps := w.ledger()[store.ID(w.general.ID)]; test.missed == 0 && len(gaps) > 0 {
				t.Errorf("what is read once more is in the ledger: %+v", gaps)
			}
			told := min(followed+test.edits, 1)
			if n := w.log.count("level=INFO", "what happened to messages", fmt.Sprintf("deletions=%d edits=%d", followed, test.edits)); n != told {
				t.Errorf("%d lines tell of it, want %d", n, told)
			}
			w.stopped()
			w.again(o)
			if s := w.rechecked(); s.Deletions != 0 || s.Edits != 0 {
				t.Errorf("another start learns once more: %+v", s)
			}
			w.shows(w.general, want...)
		})
	}
}

// An edit that takes attachments away, and leaves the text, is learned from the history, too.
func TestLearnsOfAttachments(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.again(w.options())
	m := w.post(w.general, simulator.Draft{Author: w.ada, Content: "three cats", Attachments: 3})
	w.until("it is stored", func() bool { return w.stored()[store.ID(m.ID)].Attachments == 3 })
	w.stopped()
	w.general.KeepAttachments(m.ID, 1)
	w.again(w.rechecking())
	if s := w.rechecked(); s.Edits != 1 {
		t.Errorf("the status is %+v", s)
	}
	if have := w.stored()[store.ID(m.ID)]; have.Attachments != 1 || have.Content != "three cats" || have.Edited == 0 {
		t.Errorf("stored is %+v", have)
	}
}

// A message that was edited and edited back has been edited, though there is nothing to learn: an
// older edit must not win later.
func TestLearnsOfEditsTakenBack(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	m := w.speak(w.general, "as it was")[0]
	w.general.Edit(m.ID, "for a moment")
	w.general.Edit(m.ID, "as it was")
	w.again(w.rechecking())
	if s := w.rechecked(); s.Edits != 0 {
		t.Errorf("the status is %+v", s)
	}
	if have := w.stored()[store.ID(m.ID)]; have.Content != "as it was" || have.Edited == 0 {
		t.Errorf("stored is %+v", have)
	}
}

func seq(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// An answer that lacks a message does not prove that the message was deleted.
func TestLearnsNothingFromWhatProvesNothing(t *testing.T) {
	t.Parallel()
	said := []string{"a", "b", "c"}
	for name, meddle := range map[string]func(w *town, ids []simulator.ID) (stop func()){
		"no permission": func(w *town, _ []simulator.ID) func() {
			w.general.SetAccess(simulator.NoHistory)
			return func() {}
		},
		"no access": func(w *town, _ []simulator.ID) func() {
			w.general.SetAccess(simulator.NoAccess)
			return func() {}
		},
		"an empty page": func(w *town, _ []simulator.ID) func() {
			return w.sim.EveryREST(simulator.RouteMessages, simulator.Body("[]"))
		},
		"a page that was cut": func(w *town, ids []simulator.ID) func() {
			return w.sim.EveryREST(simulator.RouteMessages, simulator.Body(fmt.Sprintf(`[{"id":"%v"}]`, ids[2])))
		},
		"a page that always shows one": func(w *town, ids []simulator.ID) func() {
			return w.sim.EveryREST(simulator.RouteMessages, simulator.Body(fmt.Sprintf(`[{"id":"%v"}]`, ids[0])))
		},
		"ids that cannot be read": func(w *town, ids []simulator.ID) func() {
			w.general.DeleteMessages(ids[0]) // though it is
			return w.sim.EveryREST(simulator.RouteMessages, simulator.Body(fmt.Sprintf(`[{"id":"%v"},{"id":[]},7]`, ids[2])))
		},
		"a channel that is not known, and is listed": func(w *town, _ []simulator.ID) func() {
			return w.sim.EveryREST(simulator.RouteMessages, simulator.Status(404))
		},
		"messages that are refused": func(w *town, ids []simulator.ID) func() {
			w.general.DeleteMessages(ids[0]) // though it is
			return w.sim.EveryREST(simulator.RouteMessage, simulator.Status(404))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			var ids []simulator.ID
			for _, m := range w.speak(w.general, said...) {
				ids = append(ids, m.ID)
			}
			defer meddle(w, ids)()
			w.again(w.rechecking())
			if s := w.rechecked(); s.Deletions+s.Edits+s.Found != 0 {
				t.Errorf("the status is %+v", s)
			}
			w.shows(w.general, said...)
		})
	}
}

// A text that is withheld is not an edit, and from a page of them nothing is learned.
func TestWithheldIsNoEdit(t *testing.T) {
	t.Parallel()
	for name, said := range map[string][]string{"one": {"a"}, "some": {"a", "b", "c", "d", "e", "f"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			all := w.speak(w.general, said...)
			w.general.Edit(all[0].ID, "edited")
			w.sim.WithholdContent(true)
			w.impatient(w.rechecking(), quick())
			w.until("it is noticed", func() bool { return w.tracker.Status().Content.Withheld })
			asked := w.sim.Stats().REST[simulator.RouteMessages]
			w.stats("it is read again", func(s simulator.Stats) bool { return s.REST[simulator.RouteMessages] >= asked+3 })
			w.shows(w.general, said...)
			w.sim.WithholdContent(false)
			if s := w.rechecked(); s.Edits != 1 {
				t.Errorf("once texts come again the status is %+v", s)
			}
			w.shows(w.general, append([]string{"edited"}, said[1:]...)...)
		})
	}
}

// What is said while a page is on its way is not in it, and not deleted.
func TestTalkWhileAPageIsOnItsWay(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	said := w.speak(w.general, "a", "b", "c")
	w.general.DeleteMessages(said[1].ID)
	meddle := func(_ *simulator.Server, rw http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Test") != "" || !strings.Contains(r.URL.Path, w.general.ID.String()) {
			return true
		}
		page := w.asIs(r)
		handled := w.tracker.Status().Writer.Handled
		w.say(w.ada, "live", w.general)
		w.until("it is stored", func() bool { return w.tracker.Status().Writer.Handled > handled })
		rw.Header().Set("Content-Type", "application/json")
		rw.Write(page)
		return false
	}
	stop := w.sim.EveryREST(simulator.RouteMessages, meddle)
	w.again(w.rechecking())
	s := w.rechecked()
	stop()
	live := w.tracker.Status().Writer.Handled
	want := []string{"a", "-", "c"}
	for range live {
		want = append(want, "live")
	}
	w.shows(w.general, want...)
	if s.Deletions != 1 || live == 0 {
		t.Errorf("the status is %+v after %d messages", s, live)
	}
}

// A channel that was deleted meanwhile took its messages with it; a thread in the archive,
// which no snapshot tells of, did not.
func TestLearnsOfDeletedChannels(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "old", Owner: w.ada})
	w.speak(w.other, "a", "b")
	w.speak(thread, "c", "d")
	lost := thread.Messages()
	thread.Archive()
	thread.DeleteMessages(lost[len(lost)-1].ID)
	w.other.Delete()
	w.again(w.rechecking())
	s := w.rechecked()
	w.finish()
	w.shows(w.other, "-", "-")
	w.shows(thread, "c", "-")
	if s.Deletions != 3 {
		t.Errorf("the status is %+v", s)
	}
}

// A channel that is not known may be a thread below one that the bot may not view.
func TestHiddenIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	staff := w.guild.AddChannel(simulator.ChannelSpec{Name: "staff"})
	w.speak(w.other, "a", "b")
	staff.SetAccess(simulator.NoAccess)
	w.other.Delete()
	w.again(w.rechecking())
	if s := w.rechecked(); s.Deletions != 0 {
		t.Errorf("the status is %+v", s)
	}
	w.finish()
	w.shows(w.other, "a", "b")
}

// Of a guild that the bot was taken out of nothing is known any more: its channels were not
// deleted for that.
func TestLeftGuildIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "old", Owner: w.ada})
	w.speak(thread, "a", "b")
	thread.Archive()
	w.sim.NextREST(simulator.RouteMessages, func(_ *simulator.Server, _ http.ResponseWriter, r *http.Request) bool {
		w.guild.Remove()
		return true
	})
	w.again(w.rechecking())
	w.until("the guild has been read again", func() bool { return w.tracker.Status().Recheck.Done > 0 })
	w.finish()
	w.shows(thread, "a", "b")
	if s := w.tracker.Status().Recheck; s.Deletions != 0 {
		t.Errorf("the status is %+v", s)
	}
}

// Where a snapshot's last message is so low that there seems to be no gap, what was missed
// is found all the same, once.
func TestFindsWhatNoGapTells(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]func(said []simulator.Message) simulator.ID{
		"the last one that was heard": func(said []simulator.Message) simulator.ID { return said[2].ID },
		"one before it":               func(said []simulator.Message) simulator.ID { return said[0].ID },
	} {
		for _, window := range []time.Duration{0, time.Hour} {
			t.Run(fmt.Sprint(name, ", ", window), func(t *testing.T) {
				t.Parallel()
				w := newTown(t, simulator.Options{}, nil)
				said := w.speak(w.general, "a", "b", "c")
				for n := range 2*pageLen + 10 {
					w.say(w.ada, fmt.Sprint("missed ", n), w.general)
				}
				w.general.SetLastMessage(last(said))
				o := w.rechecking()
				o.Recheck = window
				w.again(o)
				s := w.rechecked()
				w.same(w.stored(), w.expected(w.since))
				if s.Found != 2*pageLen+10 {
					t.Errorf("the status is %+v", s)
				}
			})
		}
	}
}

// What is forgotten, opted out or removed does not come back by being read again.
func TestRecheckBringsNothingBack(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.speak(w.general, "a", "b")
	if _, err := w.db.Forget(w.ctx, store.Person{User: store.ID(w.ada.ID)}); err != nil {
		t.Fatal(err)
	}
	bob := w.sim.AddUser(simulator.UserSpec{Name: "Bob"})
	w.say(bob, "not for you", w.general)
	w.general.SetLastMessage(w.general.Messages()[0].ID)
	o := w.rechecking()
	o.Rules = w.rules(rules.Options{OptOut: []store.ID{store.ID(bob.ID)}})
	w.again(o)
	w.rechecked()
	w.shows(w.general)
}
