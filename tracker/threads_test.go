package tracker

import (
	"fmt"
	"slices"
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

func TestArchivedThreads(t *testing.T) {
	t.Parallel()
	var old, sleeper, known, joined, secret *simulator.Channel
	w := newTown(t, simulator.Options{}, func(w *town) {
		old = w.general.StartThread(simulator.ThreadSpec{Name: "old", Owner: w.ada})
		sleeper = w.general.StartThread(simulator.ThreadSpec{Name: "sleeper", Owner: w.ada})
		known = w.general.StartThread(simulator.ThreadSpec{Name: "known", Owner: w.ada})
		joined = w.general.StartThread(simulator.ThreadSpec{Name: "joined", Owner: w.ada, Private: true, Joined: true})
		secret = w.general.StartThread(simulator.ThreadSpec{Name: "secret", Owner: w.ada, Private: true})
		w.say(w.ada, "long ago", old, sleeper, known, joined, secret)
		old.Archive()
		sleeper.Archive()
	})
	forum := w.guild.AddChannel(simulator.ChannelSpec{Name: "forum", Kind: simulator.Forum})
	post, _, err := forum.StartPost(w.ctx, "a question", simulator.Draft{Author: w.ada, Content: "why?"})
	if err != nil {
		t.Fatal(err)
	}
	fresh := w.other.StartThread(simulator.ThreadSpec{Name: "fresh", Owner: w.ada})
	starter := w.post(w.other, simulator.Draft{Author: w.ada, Content: "let us talk"})
	from := w.other.StartThreadFrom(starter, simulator.ThreadSpec{Name: "from a message", Owner: w.ada})
	met := []*simulator.Channel{sleeper, known, joined, secret, post, fresh, from}
	for n := range pageLen + 1 {
		w.say(w.ada, fmt.Sprint("missed ", n), known)
	}
	w.say(w.ada, "missed", met...)
	for _, c := range met {
		c.Archive()
	}
	w.again(w.options())
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != secret.ID })
	gaps := w.filled()
	for c, found := range map[*simulator.Channel]int64{known: pageLen + 2, sleeper: 1, joined: 1, post: 2, fresh: 1, from: 1} {
		if g := w.one(gaps, c); g.State != store.GapFilled || g.Found != found {
			t.Errorf("the gap of %s is %+v, want %d messages", c.Name(), g, found)
		}
	}
	if list := gaps[store.ID(old.ID)]; len(list) != 0 {
		t.Errorf("the thread that was archived before has the gaps %+v", list)
	}
}

func TestPrivateThreadsWithPermission(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.guild.SetManagesThreads(true)
	secret := w.general.StartThread(simulator.ThreadSpec{Name: "secret", Owner: w.ada, Private: true})
	w.say(w.ada, "missed", secret)
	secret.Archive()
	w.again(w.options())
	w.complete(w.since)
	w.filled()
}

// A bot that may not see private threads must not ask for them in every channel.
func TestPrivateThreadsWithoutPermission(t *testing.T) {
	t.Parallel()
	const channels = 6
	w := newTown(t, simulator.Options{}, nil)
	var joined []*simulator.Channel
	for n := range channels {
		c := w.guild.AddChannel(simulator.ChannelSpec{Name: fmt.Sprint("channel ", n)})
		joined = append(joined, c.StartThread(simulator.ThreadSpec{Name: "joined", Owner: w.ada, Private: true, Joined: true}))
	}
	w.say(w.ada, "missed", joined...)
	for _, c := range joined {
		c.Archive()
	}
	w.again(w.options())
	w.complete(w.since)
	w.filled()
	if s := w.sim.Stats(); s.Refused > enoughRefusals || s.REST[simulator.RouteJoinedPrivateThreads] < channels {
		t.Errorf("%d requests were refused: %v", s.Refused, s.REST)
	}
}

func TestArchivedThreadsOfDeniedChannels(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	denied := w.other.StartThread(simulator.ThreadSpec{Name: "denied with its channel", Owner: w.ada})
	named := w.general.StartThread(simulator.ThreadSpec{Name: "denied by name", Owner: w.ada})
	allowed := w.general.StartThread(simulator.ThreadSpec{Name: "allowed", Owner: w.ada})
	w.say(w.ada, "missed", denied, named, allowed)
	for _, c := range []*simulator.Channel{denied, named, allowed} {
		c.Archive()
	}
	o := w.options()
	o.Rules = w.rules(rules.Options{ChannelsDeny: []store.ID{store.ID(w.other.ID), store.ID(named.ID)}})
	w.again(o)
	w.complete(func(m simulator.Message) bool {
		return w.since(m) && !slices.Contains([]simulator.ID{w.other.ID, denied.ID, named.ID}, m.Channel)
	})
	if gaps := w.filled(); len(gaps[store.ID(allowed.ID)]) != 1 || len(gaps[store.ID(named.ID)])+len(gaps[store.ID(denied.ID)]) != 0 {
		t.Errorf("the ledger is %+v", gaps)
	}
}

// More archived threads than a page holds, in all the lists; those from before the
// gap are not asked for.
func TestManyArchivedThreads(t *testing.T) {
	t.Parallel()
	start := func(w *town, n int, what string, private bool) []*simulator.Channel {
		var list []*simulator.Channel
		for i := range n {
			list = append(list, w.general.StartThread(simulator.ThreadSpec{
				Name: fmt.Sprint(what, i), Owner: w.ada, Private: private, Joined: private,
			}))
		}
		w.say(w.ada, what, list...)
		return list
	}
	w := newTown(t, simulator.Options{}, func(w *town) {
		for _, c := range start(w, 5*pageLen, "old", false) {
			c.Archive()
		}
	})
	for _, c := range append(start(w, pageLen+30, "open", false), start(w, pageLen+20, "closed", true)...) {
		c.Archive()
	}
	w.again(w.options())
	w.complete(w.since)
	w.filled()
	if n := w.sim.Stats().REST[simulator.RouteArchivedPublicThreads]; n > 5 {
		t.Errorf("%d pages of archived threads were asked for", n)
	}
}

// A thread that was archived in the gap is taken out of the archive, by a message,
// before the list of archived threads comes.
func TestThreadWakesUpBeforeItIsListed(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "light sleeper", Owner: w.ada})
	for n := range pageLen + 10 {
		w.say(w.ada, fmt.Sprint("missed ", n), thread)
	}
	thread.Archive()
	stop := w.sim.EveryREST(simulator.RouteArchivedPublicThreads, simulator.Hang)
	w.again(w.options())
	w.until("the guild is seen", func() bool { return w.tracker.Status().Guilds > 0 })
	w.say(w.ada, "awake", thread)
	w.complete(w.since)
	if g := w.one(w.ledger(), thread); g.Found != pageLen+10 {
		t.Errorf("the gap is %+v", g)
	}
	stop()
}

// The list of archived threads is asked for again by the next process.
func TestKilledBeforeThreadsAreListed(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "asleep", Owner: w.ada})
	w.say(w.ada, "missed", thread)
	thread.Archive()
	stop := w.sim.EveryREST(simulator.RouteArchivedPublicThreads, simulator.Hang)
	w.again(w.options())
	w.say(w.ada, "live", w.general)
	w.until("the live message is stored", func() bool { return w.tracker.Status().Writer.Handled == 1 })
	w.crash(w.options())
	stop()
	w.complete(w.since)
	w.filled()
}

// Of a channel that cannot be viewed no list is asked for: what was missed below it is
// part of its own gap.
func TestUnreadableParentOfThreads(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "asleep", Owner: w.ada})
	w.say(w.ada, "missed", thread)
	thread.Archive()
	w.other.SetAccess(simulator.NoAccess)
	w.again(w.options())
	w.complete(w.since)
	w.filled()
	if n := w.log.count("archived threads cannot be listed"); n != 0 {
		t.Errorf("%d lines tell of lists that were not asked for", n)
	}
	if g := w.lastScan(); g.State != store.GapFilled || g.Note != noteScan {
		t.Errorf("the search is %+v", g)
	}
}
