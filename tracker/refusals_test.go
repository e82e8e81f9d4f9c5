package tracker

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// A search for archived threads whose lists are refused is not filled: it stays open, with
// the reason, and is done once the lists are given. A guild's worth of refusals is one
// line, which says what was refused.
func TestRefusedThreads(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			thread := w.general.StartThread(simulator.ThreadSpec{Name: "asleep", Owner: w.ada})
			w.say(w.ada, "missed", thread)
			thread.Archive()
			// One more, whose history is refused as well.
			w.other.SetAccess(simulator.NoHistory)
			w.say(w.ada, "missed", w.other)
			refuse := func() func() { return w.sim.EveryREST(simulator.RouteArchivedPublicThreads, simulator.Status(status)) }
			stop := refuse()
			for start := range 2 {
				w.log.reset()
				asked := w.sim.Stats().REST[simulator.RouteArchivedPublicThreads]
				w.again(w.options())
				w.filled()
				g := w.lastScan()
				if g.State != store.GapOpen || g.Waits != store.WaitPermission || len(g.Parents) != 2 || !strings.HasPrefix(g.Note, noteScan+": refused in 2 of 2 channels") {
					t.Errorf("start %d: the search is %+v", start, g)
				}
				w.until("the lines are written", func() bool {
					return w.log.count("history cannot be fetched", "name=other", "channels=1") == 1 &&
						w.log.count("archived threads cannot be listed", "channels=2") == 1
				})
				if n := w.log.count("level=WARN"); n != 2 {
					t.Errorf("start %d: %d lines tell of refusals", start, n)
				}
				if n := w.sim.Stats().REST[simulator.RouteArchivedPublicThreads] - asked; n > 1 {
					t.Errorf("start %d: %d lists were asked for", start, n)
				}
				w.stopped()
			}
			all, err := w.db.Gaps(w.ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			searches := 0
			for _, g := range all {
				if isScan(g) {
					searches++
				}
			}
			if searches != 1 {
				t.Errorf("%d searches are open: %+v", searches, all)
			}
			stop()
			w.again(w.options())
			w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != w.other.ID })
			w.other.SetAccess(simulator.Full)
			w.complete(w.since)
			w.until("every search is done", func() bool {
				open, err := w.db.Gaps(w.ctx, true)
				if err != nil {
					t.Fatal(err)
				}
				return len(open) == 0
			})
			if g := w.lastScan(); g.State != store.GapFilled || g.Waits != "" || len(g.Parents) != 0 {
				t.Errorf("the search is %+v", g)
			}
		})
	}
}

// A crawl back to the beginning that is refused waits as a gap does, and one of a hidden
// channel begins when it is shown.
func TestCrawlWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	guild := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	general := guild.AddChannel(simulator.ChannelSpec{Name: "general"})
	mute := guild.AddChannel(simulator.ChannelSpec{Name: "mute"})
	hidden := guild.AddChannel(simulator.ChannelSpec{Name: "hidden"})
	thread := hidden.StartThread(simulator.ThreadSpec{Name: "thread", Owner: ada})
	asleep := hidden.StartThread(simulator.ThreadSpec{Name: "asleep", Owner: ada})
	r.say(ada, "long ago", general, mute, hidden, thread, asleep)
	asleep.Archive()
	mute.SetAccess(simulator.NoHistory)
	hidden.SetAccess(simulator.NoAccess)
	o := r.options()
	o.Backfill = backfillAll
	r.again(o)
	r.complete(func(m simulator.Message) bool { return m.Channel == general.ID })
	r.until("the crawls wait", func() bool {
		s := r.tracker.Status().Backfill
		return s.History == 0 && s.Waiting > 0
	})
	if n := r.sim.Stats().Refused; n != 0 {
		t.Errorf("%d requests were refused", n)
	}
	r.stopped()
	r.again(o)
	mute.SetAccess(simulator.Full)
	hidden.SetAccess(simulator.Full)
	r.complete(everywhere)
	r.until("all is read", func() bool {
		s := r.tracker.Status().Backfill
		return s.History == 0 && s.Waiting == 0
	})
}

func TestRefusalsSlowDown(t *testing.T) {
	r := newRefusals(newNames(), nil)
	for n := range guildRefusals - 1 {
		r.note(1, store.ID(n+1), askedHistory, "no")
	}
	if r.slow(1, false) {
		t.Error("a guild is slow too early")
	}
	r.noteBad(1)
	if !r.slow(1, false) || r.slow(1, true) || r.slow(2, false) {
		t.Error("only what is not trusted of this guild should be slow")
	}
	for n := range allRefusals {
		r.note(store.ID(n+10), store.ID(n+1), askedThreads, "no")
	}
	if !r.slow(1, true) || !r.slow(2, false) {
		t.Error("everything should be slow")
	}
	for i := range r.times {
		r.times[i].at = time.Now().Add(-badSpan - time.Second)
	}
	if r.slow(1, false) || len(r.times) != 0 {
		t.Error("what is long ago still counts")
	}
	if allRefusals+int(badSpan/slowSpacing) >= maxBad {
		t.Error("refusals alone would make the limiter stop everything")
	}
	if _, ok := r.of(1, askedHistory); !ok {
		t.Error("a refusal is forgotten")
	}
	r.forget(2, 0)
	if r.forget(1, 0); len(r.known) != allRefusals {
		t.Errorf("%d refusals are known", len(r.known))
	}
	if r.expire(time.Hour) || !r.expire(0) || len(r.known) != 0 {
		t.Errorf("%d refusals are known", len(r.known))
	}
}

// Where it is not known what the bot may read, and many channels of the guild have refused,
// one that has given a page of its history goes on in the fast line.
func TestTrustsWhatHasAnswered(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	n := newNames()
	b := &backfill{names: n, access: newAccess(n, log), refusals: newRefusals(n, log)}
	for range guildRefusals {
		b.refusals.noteBad(1)
	}
	j := &job{gap: store.Gap{Guild: 1, Channel: 5, Until: 9}}
	c := reread{recheck: &recheck{b: b}, plan: recheckPlan{guild: 1}, channel: 5}
	if !b.refusals.slow(1, b.trusted(j)) || !b.refusals.slow(1, c.trusted()) {
		t.Error("a channel that nobody knows is trusted")
	}
	j.fill.seen, c.last = true, 8
	if b.refusals.slow(1, b.trusted(j)) || b.refusals.slow(1, c.trusted()) {
		t.Error("a channel that has answered waits")
	}
	scan := &job{gap: store.Gap{Guild: 1, Channel: 1, Until: 1}, fill: fillWork{seen: true}}
	if b.trusted(scan) {
		t.Error("a search for threads is trusted")
	}
}

// A channel that may be read again takes its threads with it: what Discord refused of them
// while it was hidden is asked for again.
func TestThreadsAreAskedAgainWithTheirChannel(t *testing.T) {
	n := newNames()
	r := newRefusals(n, slog.New(slog.DiscardHandler))
	n.setChannel(channel{ID: 7, GuildID: 1, Parent: 5, Type: channelPublicThread, Name: "thread"})
	n.setChannel(channel{ID: 8, GuildID: 1, Parent: 6, Type: channelPublicThread, Name: "another's"})
	for _, id := range []store.ID{5, 7, 8} {
		r.note(1, id, askedHistory, "refused")
	}
	r.forget(2, 5)
	r.forget(1, 5)
	for id, want := range map[store.ID]bool{5: false, 7: false, 8: true} {
		if _, have := r.of(id, askedHistory); have != want {
			t.Errorf("channel %v is refused: %t, want %t", id, have, want)
		}
	}
}
