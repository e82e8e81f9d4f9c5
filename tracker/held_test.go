package tracker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// late is a match for Postpone: the THREAD_CREATEs of threads whose name holds a text.
func lateThreads(text string) func(string, []byte) bool {
	return func(name string, data []byte) bool {
		return name == "THREAD_CREATE" && bytes.Contains(data, []byte(text))
	}
}

// A thread's messages that come before its THREAD_CREATE follow the thread's rules, stay
// in their order, and get its name, whether Discord answers or the THREAD_CREATE comes.
func TestMessagesBeforeTheirThread(t *testing.T) {
	t.Parallel()
	type test struct {
		rules  func(w *town) rules.Options
		stored bool
		asked  bool // REST answers
	}
	everything := func(*town) rules.Options { return rules.Options{} }
	allowed := func(w *town) rules.Options { return rules.Options{ChannelsAllow: []store.ID{store.ID(w.general.ID)}} }
	denied := func(w *town) rules.Options { return rules.Options{ChannelsDeny: []store.ID{store.ID(w.general.ID)}} }
	other := func(w *town) rules.Options { return rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}} }
	tests := map[string]test{}
	for name, r := range map[string]struct {
		rules  func(*town) rules.Options
		stored bool
	}{"no rules": {everything, true}, "its parent is allowed": {allowed, true}, "its parent is denied": {denied, false}, "another channel is denied": {other, true}} {
		tests[name+", and Discord answers"] = test{r.rules, r.stored, true}
		tests[name+", and THREAD_CREATE comes"] = test{r.rules, r.stored, false}
	}
	together(t, tests, func(t *testing.T, test test) {
		w := newTown(t, simulator.Options{}, nil)
		o := w.options()
		o.Rules = w.rules(test.rules(w))
		if !test.asked {
			w.sim.EveryREST(simulator.RouteChannel, simulator.Hang)
		}
		w.again(o)
		w.filled() // until then a thread that was not listed is looked for in the ledger
		release := w.sim.Postpone(lateThreads("plans"))
		thread := w.general.StartThread(simulator.ThreadSpec{Name: "plans", Owner: w.ada})
		var posted []simulator.Message
		for i := range 5 {
			posted = append(posted, w.post(thread, simulator.Draft{Author: w.ada, Content: fmt.Sprint("early ", i)}))
		}
		thread.Edit(posted[1].ID, "early, edited")
		thread.DeleteMessages(posted[3].ID)
		w.stats("Discord is asked", func(s simulator.Stats) bool { return s.REST[simulator.RouteChannel] > 0 })
		if !test.asked {
			release()
		}
		w.until("nothing is held any more", func() bool { return w.tracker.hold.active.Load() == 0 })
		posted = append(posted, w.post(thread, simulator.Draft{Author: w.ada, Content: "later"}))
		if test.asked {
			release()
		}
		w.say(w.sim.AddUser(simulator.UserSpec{Name: "Bob"}), "marker", w.general, w.other)
		want := map[store.ID]store.Record{}
		for id, r := range w.expected(w.since) {
			info := r.Channel.ID == store.ID(thread.ID) || r.Channel.ID == store.ID(w.general.ID)
			if r.Channel.ID == store.ID(w.other.ID) && !o.Rules.Allowed(r.Guild, r.Channel.ID, 0) || info && !test.stored {
				continue
			}
			want[id] = r
		}
		w.until("all is stored, under its name", func() bool {
			have := w.stored()
			for id, r := range want {
				if have[id].Channel != r.Channel {
					return false
				}
			}
			return true
		})
		w.same(w.stored(), want)
		cursors, err := w.db.Cursors(w.ctx, store.ID(w.guild.ID))
		if err != nil {
			t.Fatal(err)
		}
		if last := cursors[store.ID(thread.ID)]; test.stored && last != store.ID(posted[5].ID) {
			t.Errorf("the thread's cursor is at %v, want %v", last, posted[5].ID)
		}
		w.stopped()
		if gaps := w.ledger()[store.ID(thread.ID)]; len(gaps) > 0 {
			t.Errorf("the ledger has %+v", gaps)
		}
	})
}

// What stays unknown stands in the ledger, and is decided once the channel is known.
func TestUndescribedChannelIsInTheLedger(t *testing.T) {
	t.Parallel()
	together(t, map[string]bool{"allowed": true, "denied": false}, func(t *testing.T, allowed bool) {
		w := newTown(t, simulator.Options{}, nil)
		o := w.options()
		if allowed {
			o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}})
		} else {
			o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.general.ID)}})
		}
		answers := w.sim.EveryREST(simulator.RouteChannel, simulator.Status(http.StatusInternalServerError))
		l := quick()
		l.hold = 200 * time.Millisecond
		o.Store = w.db
		w.run(o, l)
		w.ready(1)
		w.filled()
		w.sim.Postpone(lateThreads("plans")) // it never comes
		thread := w.general.StartThread(simulator.ThreadSpec{Name: "plans", Owner: w.ada})
		first := w.post(thread, simulator.Draft{Author: w.ada, Content: "early"})
		w.post(thread, simulator.Draft{Author: w.ada, Content: "early, too"})
		var gap store.Gap
		w.until("it is in the ledger", func() bool {
			for _, g := range w.ledger()[store.ID(thread.ID)] {
				gap = g
				return true
			}
			return false
		})
		if gap.State != store.GapOpen || gap.Reason != reasonUndescribed || gap.After >= store.ID(first.ID) || gap.Until < store.ID(first.ID) {
			t.Errorf("the ledger has %+v", gap)
		}
		answers()
		w.until("it is decided", func() bool {
			for _, g := range w.ledger()[store.ID(thread.ID)] {
				if g.State == store.GapOpen {
					return false
				}
			}
			return w.tracker.hold.active.Load() == 0
		})
		w.stopped()
		if n := len(w.stored()); allowed && n < 2 || !allowed && w.text(thread, "early") {
			t.Errorf("%d messages are stored", n)
		}
	})
}

// A kill while messages are held loses none of them.
func TestKilledWhileMessagesAreHeld(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	o := w.options()
	o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}})
	answers := w.sim.EveryREST(simulator.RouteChannel, simulator.Hang)
	release := w.sim.Postpone(lateThreads("plans"))
	w.again(o)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "plans", Owner: w.ada})
	for i := range 3 {
		w.say(w.ada, fmt.Sprint("early ", i), thread)
		w.say(w.ada, "marker", w.general)
	}
	w.until("they are held", func() bool { return w.tracker.hold.active.Load() == 1 && w.text(w.general, "marker") })
	cursors, err := w.db.Cursors(w.ctx, store.ID(w.guild.ID))
	if err != nil || cursors[store.ID(thread.ID)] != 0 {
		t.Fatalf("the thread's cursor is at %v, %v", cursors[store.ID(thread.ID)], err)
	}
	w.crash(o)
	answers()
	release()
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != w.other.ID })
}

// What is held is bounded, and what is beyond the bounds is in the ledger.
func TestHeldMessagesAreBounded(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	o := w.options()
	o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}})
	answers := w.sim.EveryREST(simulator.RouteChannel, simulator.Hang)
	release := w.sim.Postpone(lateThreads("plans"))
	l := quick()
	l.hold = patience
	o.Store = w.db
	w.run(o, l)
	w.ready(1)
	w.filled()
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "plans", Owner: w.ada})
	for i := range maxHeld + 50 {
		w.say(w.ada, fmt.Sprint("early ", i), thread)
	}
	if err := w.sim.WaitSent(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.say(w.ada, "marker", w.general)
	w.until("all has come", func() bool { return w.text(w.general, "marker") })
	w.tracker.hold.mu.Lock()
	n := w.tracker.hold.held
	w.tracker.hold.mu.Unlock()
	if n != maxHeld {
		t.Errorf("%d messages are held", n)
	}
	answers()
	release()
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != w.other.ID })
	if gaps := w.ledger()[store.ID(thread.ID)]; len(gaps) != 1 || gaps[0].Reason != reasonUndescribed {
		t.Errorf("the ledger has %+v", gaps)
	}
}

// However threads come late, and whatever is killed, everything is stored once.
func TestLateThreadsAtRandom(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	w := newTown(t, simulator.Options{}, nil)
	o := w.options()
	o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID)}})
	w.again(o)
	var threads []*simulator.Channel
	for round := range 3 {
		release := w.sim.Postpone(func(name string, _ []byte) bool { return name == "THREAD_CREATE" })
		for i := range 60 {
			switch n := rng.IntN(8); {
			case n == 0:
				parent := []*simulator.Channel{w.general, w.other}[rng.IntN(2)]
				threads = append(threads, parent.StartThread(simulator.ThreadSpec{Name: fmt.Sprint("thread ", round, " ", i), Owner: w.ada}))
			case n < 6 && len(threads) > 0:
				w.say(w.ada, fmt.Sprint("in a thread ", round, " ", i), threads[rng.IntN(len(threads))])
			default:
				w.say(w.ada, fmt.Sprint("elsewhere ", round, " ", i), w.general)
			}
		}
		if round < 2 && rng.IntN(2) == 0 {
			release()
			w.crash(o)
		} else {
			release()
		}
	}
	w.complete(func(m simulator.Message) bool {
		c := w.channelOf(m)
		return w.since(m) && c != w.other && (c.Parent() != w.other)
	})
}

func (w *town) channelOf(m simulator.Message) *simulator.Channel {
	for _, c := range w.guild.Channels() {
		if c.ID == m.Channel {
			return c
		}
	}
	w.Fatalf("no channel %v", m.Channel)
	return nil
}

// A thread that the bot is added to begins there, and the ledger says so.
func TestBotIsAddedToAThread(t *testing.T) {
	t.Parallel()
	together(t, map[string]string{"gap": backfillGap, "all": backfillAll}, func(t *testing.T, mode string) {
		w := newTown(t, simulator.Options{}, nil)
		o := w.options()
		o.Backfill = mode
		w.again(o)
		thread := w.general.StartThread(simulator.ThreadSpec{Name: "private", Owner: w.ada, Private: true})
		before := w.post(thread, simulator.Draft{Author: w.ada, Content: "unheard"})
		w.say(w.ada, "marker", w.general)
		w.until("that has come", func() bool { return w.text(w.general, "marker") })
		thread.AddBot()
		w.say(w.ada, "heard", thread)
		w.until("it is heard", func() bool { return w.text(thread, "heard") })
		if mode == backfillAll {
			w.until("its past is fetched", func() bool { return w.text(thread, "unheard") })
			return
		}
		gap := w.one(w.ledger(), thread)
		if gap.Kind != store.GapBeginning || gap.Reason != reasonAdded || gap.State != store.GapSkipped || gap.Until != store.ID(before.ID) || gap.Note == "" {
			t.Errorf("the ledger has %+v", gap)
		}
		w.filled()
		if w.text(thread, "unheard") {
			t.Error("its past is fetched")
		}
		w.stopped()
		w.say(w.ada, "missed", thread)
		w.again(o)
		w.until("what was missed is fetched", func() bool { return w.text(thread, "missed") })
	})
}

// A guild whose name is missing when it is joined gets it from REST.
func TestNamelessGuild(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	r.run(r.options(), quick())
	r.ready(1)
	g := r.sim.AddGuild(simulator.GuildSpec{Name: "Shy", Nameless: true})
	r.say(r.sim.AddUser(simulator.UserSpec{Name: "Ada"}), "hello", g.AddChannel(simulator.ChannelSpec{Name: "general"}))
	r.until("its name is stored", func() bool {
		names, err := r.db.Names(r.ctx, store.ID(g.ID))
		return err == nil && names[0] == "Shy"
	})
	if n := r.sim.Stats().REST[simulator.RouteGuild]; n != 1 {
		t.Errorf("asked %d times", n)
	}
	r.stopped()
}

// A message of a channel that is none of a thread needs nobody to ask.
func TestChannelTypeDecides(t *testing.T) {
	const head = `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `","author":{"id":"7"},"content":"hi"`
	for name, test := range map[string]struct {
		more string
		held int64
	}{
		"a thread's":           {`,"channel_type":11`, 1},
		"an announcement's":    {`,"channel_type":10`, 1},
		"a private thread's":   {`,"channel_type":12`, 1},
		"a text channel's":     {`,"channel_type":0`, 0},
		"a voice channel's":    {`,"channel_type":2`, 0},
		"it is not told":       {``, 1},
		"it is told strangely": {`,"channel_type":"text"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newReceiver(t, rules.Options{ChannelsDeny: []store.ID{5}})
			if err := r.receive(t.Context(), "MESSAGE_CREATE", []byte(head+test.more+"}")); err != nil {
				t.Fatal(err)
			}
			if n := r.hold.active.Load(); n != test.held {
				t.Errorf("%d channels are held", n)
			}
			if n, _ := r.writer.queue.len(); int64(n) != 1-test.held {
				t.Errorf("%d entries are in the queue", n)
			}
			if m, err := decodeMessage([]byte(head + test.more + "}")); err != nil || !strings.Contains(head, m.Content) {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

// Where more channels are undescribed than are held, the messages of the others go into
// the ledger: nothing of them is lost.
func TestChannelsBeyondThoseHeld(t *testing.T) {
	r, _ := newReceiver(t, rules.Options{ChannelsDeny: []store.ID{5}})
	const more = 3
	for i := range maxHeldChannels + more {
		data := fmt.Sprintf(`{"id":"%d","channel_id":"%d","guild_id":"%s","author":{"id":"7"},"content":"hi"}`, 100+i, 1000+i, guild0)
		if err := r.receive(t.Context(), "MESSAGE_CREATE", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.hold.active.Load(); n != maxHeldChannels {
		t.Errorf("%d channels are held, want %d", n, maxHeldChannels)
	}
	var noted []unheard
	for _, e := range r.writer.queue.take(nil, false) {
		if u, ok := e.event.(unheard); ok {
			noted = append(noted, u)
		}
	}
	if len(noted) != more {
		t.Fatalf("%d spans are noted for the ledger, want %d", len(noted), more)
	}
	for i, u := range noted {
		if want := store.ID(100 + maxHeldChannels + i); u.channel != 900+want || u.first != want || u.last != want {
			t.Errorf("the span %+v is noted, want message %d alone", u, want)
		}
	}
}
