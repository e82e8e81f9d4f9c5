package tracker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// veil is a way in which a channel is taken from the bot, and given back.
type veil struct {
	options    simulator.Options
	hide, show func(*town)
	reason     string
}

func veils() map[string]veil {
	const may = simulator.ViewChannel | simulator.ReadMessageHistory | simulator.Connect
	byOverwrite := func(w *town) { w.other.SetAccess(simulator.NoAccess) }
	all := map[string]veil{}
	for name, hiding := range map[string]simulator.Hiding{"null": simulator.HideNull, "kept": simulator.HideKeepLast, "in full": simulator.HideNothing} {
		o, reason := simulator.Options{Hiding: hiding}, store.ReasonHidden
		if hiding == simulator.HideNothing {
			reason = store.ReasonUnreadable
		}
		all["overwrite, "+name] = veil{o, byOverwrite, func(w *town) { w.other.SetAccess(simulator.Full) }, reason}
		all["role, "+name] = veil{o,
			func(w *town) { w.guild.Everyone().SetPermissions(0) },
			func(w *town) { w.guild.Everyone().SetPermissions(may) }, reason}
		all["the bot's roles, "+name] = veil{o,
			func(w *town) {
				member := w.guild.AddRole(simulator.RoleSpec{Name: "member", Permissions: may})
				w.guild.SetRoles(w.sim.Bot(), member)
				w.guild.Everyone().SetPermissions(0)
				w.guild.SetRoles(w.sim.Bot())
			},
			func(w *town) {
				w.guild.SetRoles(w.sim.Bot(), w.guild.AddRole(simulator.RoleSpec{Name: "boss", Permissions: simulator.Administrator}))
			}, reason}
	}
	return all
}

// What was said while a channel could not be read is fetched once it can, in the ledger
// since the moment it was lost; nothing is asked of it meanwhile, and its name stays.
func TestHiddenMeanwhile(t *testing.T) {
	together(t, veils(), func(t *testing.T, v veil) {
		w := newTown(t, v.options, nil)
		w.again(w.options())
		w.filled()
		w.say(w.ada, "heard", w.other)
		w.complete(w.since)
		w.until("the recheck is done", func() bool { return w.tracker.Status().Recheck.Guilds == 0 })
		asked := w.sim.Stats()
		v.hide(w)
		w.until("the span is in the ledger", func() bool { // by a role it is unreadable first, and then hidden
			list := w.ledger()[store.ID(w.other.ID)]
			return len(list) > 0 && list[0].Reason == v.reason
		})
		g := w.one(w.ledger(), w.other)
		if g.State != store.GapOpen || g.Waits != store.WaitPermission || g.Until != 0 || g.To != 0 || g.Reason != v.reason {
			t.Errorf("the span begins as %+v", g)
		}
		for n := range 3 {
			w.say(w.ada, fmt.Sprint("unheard ", n), w.other)
		}
		w.until("it is counted", func() bool {
			s := w.tracker.Status()
			return s.Hidden+s.Unreadable > 0 && s.Backfill.Waiting > 0 && s.Backfill.Open == 0
		})
		if n := w.sim.Stats(); n.Refused != asked.Refused || n.REST[simulator.RouteMessages] != asked.REST[simulator.RouteMessages] {
			t.Errorf("something was asked: %v, before %v", n.REST, asked.REST)
		}
		v.show(w)
		w.say(w.ada, "heard again", w.other)
		w.complete(w.since)
		for _, g := range w.filled()[store.ID(w.other.ID)] {
			if g.State != store.GapFilled || g.To == 0 || g.Waits != "" || g.Note != "" {
				t.Errorf("the span ended as %+v", g)
			}
		}
		for id, rec := range w.stored() {
			if rec.Channel.Name != "general" && rec.Channel.Name != "other" {
				t.Errorf("message %v is of channel %q", id, rec.Channel.Name)
			}
		}
		w.until("nothing is hidden", func() bool {
			s := w.tracker.Status()
			return s.Hidden+s.Unreadable+s.NoHistory+s.Backfill.Waiting == 0
		})
		if n := w.sim.Stats().Refused; n != asked.Refused {
			t.Errorf("%d requests were refused", n-asked.Refused)
		}
	})
}

// Hidden and shown before, during and after a stop, in every order: what is missed is
// fetched, whatever was killed.
func TestHiddenAcrossStarts(t *testing.T) {
	stop := func(w *town) { w.stopped(); w.say(w.ada, "nobody listens", w.other) }
	start := func(w *town) {
		w.again(w.options())
		w.say(w.ada, "somebody might", w.other)
		w.say(w.ada, "listens", w.general)
		last := w.general.Messages()
		w.until("it is heard", func() bool { _, ok := w.stored()[store.ID(last[len(last)-1].ID)]; return ok })
	}
	hide := func(w *town) { w.other.SetAccess(simulator.NoAccess); w.say(w.ada, "unheard", w.other) }
	show := func(w *town) { w.other.SetAccess(simulator.Full); w.say(w.ada, "heard", w.other) }
	tests := map[string][]func(*town){
		"hidden, stopped, shown, started":                   {hide, stop, show, start},
		"hidden, stopped, started, shown":                   {hide, stop, start, show},
		"stopped, hidden, started, shown":                   {stop, hide, start, show},
		"stopped, hidden, shown, started":                   {stop, hide, show, start},
		"stopped, hidden, started, stopped, shown, started": {stop, hide, start, stop, show, start},
		"hidden, shown, hidden, stopped, started, shown":    {hide, show, hide, stop, start, show},
	}
	for name, steps := range tests {
		for kind, hiding := range map[string]simulator.Hiding{"null": simulator.HideNull, "kept": simulator.HideKeepLast, "in full": simulator.HideNothing} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, simulator.Options{Hiding: hiding}, nil)
				w.again(w.options())
				w.filled()
				for _, step := range steps {
					step(w)
				}
				w.say(w.ada, "at last", w.general, w.other)
				w.complete(w.since)
				w.filled()
				if n := w.sim.Stats().Refused; n != 0 {
					t.Errorf("%d requests were refused", n)
				}
			})
		}
	}
}

// A channel that was hidden at first sight begins when it is shown, and so do its threads:
// nothing of before is fetched, by this start or a later one.
func TestFirstVisibleSight(t *testing.T) {
	for name, restart := range map[string]bool{"at once": false, "after another start": true} {
		for kind, hiding := range map[string]simulator.Hiding{"null": simulator.HideNull, "kept": simulator.HideKeepLast, "in full": simulator.HideNothing} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, simulator.Options{Hiding: hiding}, nil)
				hidden := w.guild.AddChannel(simulator.ChannelSpec{Name: "hidden", Overwrites: []simulator.Overwrite{{Role: w.guild.Everyone(), Deny: simulator.ViewChannel}}})
				thread := hidden.StartThread(simulator.ThreadSpec{Name: "active", Owner: w.ada})
				asleep := hidden.StartThread(simulator.ThreadSpec{Name: "asleep", Owner: w.ada})
				w.say(w.ada, "the past", hidden, thread, asleep)
				asleep.Archive()
				w.again(w.options())
				w.filled()
				late := w.guild.AddChannel(simulator.ChannelSpec{Name: "late", Overwrites: hiddenFromAll(w)})
				w.say(w.ada, "the past", late)
				w.say(w.ada, "heard", w.general)
				if restart {
					w.stopped()
					w.say(w.ada, "the past, too", hidden, thread, late)
					w.again(w.options())
				}
				w.say(w.ada, "heard", w.general)
				var marks int
				w.until("both are known to be hidden", func() bool {
					list, err := w.db.Unreadable(w.ctx, store.ID(w.guild.ID))
					if err != nil {
						t.Fatal(err)
					}
					marks = len(list)
					return marks == 2
				})
				hidden.SetAccess(simulator.Full)
				late.SetAccess(simulator.Full)
				for m := range w.sim.Messages() { // all of before is the past
					if m.Channel != w.general.ID {
						w.before[store.ID(m.ID)] = true
					}
				}
				w.say(w.ada, "now", hidden, thread, late)
				w.complete(w.since)
				if gaps := w.filled(); len(gaps[store.ID(hidden.ID)])+len(gaps[store.ID(thread.ID)])+len(gaps[store.ID(late.ID)]) > 0 {
					t.Errorf("the ledger is %+v", gaps)
				}
				w.stopped()
				w.say(w.ada, "missed", hidden, thread, late)
				w.again(w.options())
				w.complete(w.since)
				w.filled()
				w.complete(w.since)
			})
		}
	}
}

func hiddenFromAll(w *town) []simulator.Overwrite {
	return []simulator.Overwrite{{Role: w.guild.Everyone(), Deny: simulator.ViewChannel}}
}

// Threads of a channel that was hidden: those that are active are in THREAD_LIST_SYNC,
// those that were archived meanwhile are looked for, and one of those that speaks before
// it is found loses nothing.
func TestThreadsOfAHiddenChannel(t *testing.T) {
	for kind, hiding := range map[string]simulator.Hiding{"null": simulator.HideNull, "in full": simulator.HideNothing} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var active, archived, quiet *simulator.Channel
			w := newTown(t, simulator.Options{Hiding: hiding}, func(w *town) {
				active = w.other.StartThread(simulator.ThreadSpec{Name: "active", Owner: w.ada})
				archived = w.other.StartThread(simulator.ThreadSpec{Name: "archived", Owner: w.ada})
				quiet = w.other.StartThread(simulator.ThreadSpec{Name: "quiet", Owner: w.ada})
				w.say(w.ada, "before", active, archived, quiet)
			})
			forum := w.guild.AddChannel(simulator.ChannelSpec{Name: "forum", Kind: simulator.Forum})
			w.again(w.options())
			w.filled()
			w.say(w.ada, "heard", active, archived, quiet)
			w.complete(w.since)
			w.other.SetAccess(simulator.NoAccess)
			forum.SetAccess(simulator.NoAccess)
			fresh := w.other.StartThread(simulator.ThreadSpec{Name: "fresh", Owner: w.ada})
			gone := w.other.StartThread(simulator.ThreadSpec{Name: "fresh and archived", Owner: w.ada})
			post, _, err := forum.StartPost(w.ctx, "a question", simulator.Draft{Author: w.ada, Content: "why?"})
			if err != nil {
				t.Fatal(err)
			}
			old, _, err := forum.StartPost(w.ctx, "an old question", simulator.Draft{Author: w.ada, Content: "what?"})
			if err != nil {
				t.Fatal(err)
			}
			w.say(w.ada, "unheard", active, archived, quiet, fresh, gone, post, old)
			archived.Archive()
			quiet.Archive()
			gone.Archive()
			old.Archive()
			stop := w.sim.EveryREST(simulator.RouteArchivedPublicThreads, simulator.Hang)
			w.other.SetAccess(simulator.Full)
			forum.SetAccess(simulator.Full)
			w.say(w.ada, "heard again", active, fresh, post, quiet, w.other) // quiet is not listed yet
			last := w.post(quiet, simulator.Draft{Author: w.ada, Content: "again"})
			w.until("the last message is stored", func() bool { _, ok := w.stored()[store.ID(last.ID)]; return ok })
			w.crash(w.options())
			stop()
			w.complete(w.since)
			w.filled()
			if n := w.sim.Stats().Refused; n != 0 {
				t.Errorf("%d requests were refused", n)
			}
		})
	}
}

// A thread that was archived before anybody listened is history, however soon afterwards its
// channel is hidden: the search for threads looks back behind the first sight.
func TestHiddenRightAfterTheFirstSight(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	salon := w.sim.AddGuild(simulator.GuildSpec{Name: "Salon"}) // which has not been met
	lobby := salon.AddChannel(simulator.ChannelSpec{Name: "lobby"})
	old := lobby.StartThread(simulator.ThreadSpec{Name: "old", Owner: w.ada})
	w.say(w.ada, "before", lobby, old)
	old.Archive()
	for m := range w.sim.Messages() {
		w.before[store.ID(m.ID)] = true
	}
	w.again(w.options())
	w.say(w.ada, "heard", lobby)
	w.complete(w.since)
	lobby.SetAccess(simulator.NoAccess)
	w.until("the span is in the ledger", func() bool { return len(w.ledger()[store.ID(lobby.ID)]) > 0 })
	w.say(w.ada, "unheard", lobby)
	lobby.SetAccess(simulator.Full)
	w.complete(w.since)
	w.filled()
	w.complete(w.since)
}

// Twelve hundred channels that cannot be read cost no request at all, and their guild one line.
func TestManyHiddenChannels(t *testing.T) {
	const many = 1200
	for kind, hiding := range map[string]simulator.Hiding{"null": simulator.HideNull, "kept": simulator.HideKeepLast, "in full": simulator.HideNothing} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{Hiding: hiding}, nil)
			for n := range many {
				w.guild.AddChannel(simulator.ChannelSpec{Name: fmt.Sprint("secret ", n), Overwrites: hiddenFromAll(w)})
			}
			w.say(w.ada, "missed", w.general, w.other)
			w.again(w.options())
			w.complete(w.since)
			w.filled()
			s := w.sim.Stats()
			if s.Refused != 0 || s.REST[simulator.RouteArchivedPublicThreads] > 2 || s.REST[simulator.RouteMessages] > 8 {
				t.Errorf("%d requests were refused: %v", s.Refused, s.REST)
			}
			status := w.tracker.Status()
			if status.Hidden+status.Unreadable != many {
				t.Errorf("%d are hidden and %d unreadable", status.Hidden, status.Unreadable)
			}
			if n := w.log.count("channels of a guild cannot be read"); n != 1 {
				t.Errorf("%d lines tell of them", n)
			}
		})
	}
}

// Where it is not known what the bot may read, and Discord refuses, refusals do not add
// up to what would stop everything: another guild's gaps are filled meanwhile.
func TestManyRefusals(t *testing.T) {
	t.Parallel()
	const many = 3 * guildRefusals
	w := newTown(t, simulator.Options{Hiding: simulator.HideNothing, OmitMembers: true}, func(w *town) {
		for n := range many {
			w.guild.AddChannel(simulator.ChannelSpec{Name: fmt.Sprint("secret ", n)})
		}
	})
	for _, c := range w.guild.Channels() {
		if c != w.general && c != w.other {
			w.say(w.ada, "missed", c)
			c.SetAccess(simulator.NoAccess)
		}
	}
	salon := w.sim.AddGuild(simulator.GuildSpec{Name: "Salon"})
	lobby := salon.AddChannel(simulator.ChannelSpec{Name: "lobby"})
	o := w.options()
	w.again(o)
	w.until("enough is refused", func() bool { return w.sim.Stats().Refused >= guildRefusals })
	w.sim.ForgetSessions()
	for _, c := range w.sim.Conns() {
		c.Cut()
	}
	w.say(w.ada, "missed", lobby)
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel == lobby.ID })
	if n := w.sim.Stats().Refused; n > guildRefusals+fillers+20 {
		t.Errorf("%d requests were refused", n)
	}
}

// What was refused is asked for once a day, and when something has changed.
func TestRefusalsAreAskedAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{Hiding: simulator.HideNothing, OmitMembers: true}, nil)
	w.other.SetAccess(simulator.NoHistory)
	w.say(w.ada, "missed", w.other)
	tracker, err := New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	tracker.limits = quick()
	tracker.backfill.askAgain, tracker.backfill.lookEvery = time.Nanosecond, 10*time.Millisecond
	w.tracker = tracker
	ctx, stop := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- tracker.Run(ctx) }()
	w.until("it has been refused several times", func() bool { return w.sim.Stats().Refused > 6 })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	asked := w.sim.Stats().Refused
	w.again(w.options())
	w.filled()
	w.until("the next start is refused", func() bool { return w.sim.Stats().Refused > asked })
	w.rechecked()
	if g := w.one(w.ledger(), w.other); g.State != store.GapOpen || g.Waits != store.WaitPermission {
		t.Errorf("the gap is %+v", g)
	}
	asked = w.sim.Stats().Refused
	w.say(w.ada, "live", w.general, w.other)
	w.other.Rename("renamed") // which changes no permission
	w.other.Rename("other")
	w.say(w.ada, "live", w.general, w.other)
	last := w.other.Messages()
	w.until("it is heard", func() bool { _, ok := w.stored()[store.ID(last[len(last)-1].ID)]; return ok })
	if n := w.sim.Stats().Refused; n != asked {
		t.Errorf("%d requests more were refused", n-asked)
	}
	w.other.SetAccess(simulator.Full)
	w.complete(w.since)
	w.until("the gap is filled", func() bool { return w.ledger()[store.ID(w.other.ID)][0].State == store.GapFilled })
}

// What is compared with the history after an absence leaves out what cannot be read: neither
// is it asked for, nor does Discord's not knowing a thread of it mean that it was deleted.
func TestHiddenIsNotCompared(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	thread := w.other.StartThread(simulator.ThreadSpec{Name: "thread", Owner: w.ada})
	w.again(w.options())
	w.say(w.ada, "kept", w.general, w.other, thread)
	w.complete(w.since)
	w.stopped()
	w.other.SetAccess(simulator.NoAccess)
	w.sim.EveryREST(simulator.RouteChannel, func(_ *simulator.Server, rw http.ResponseWriter, _ *http.Request) bool {
		rw.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(rw, `{"code":%d,"message":"Unknown Channel"}`, codeUnknownChannel)
		return false
	})
	o := w.options()
	o.Recheck = 24 * time.Hour
	w.again(o)
	if s := w.rechecked(); s.Deletions != 0 {
		t.Errorf("%+v were learned", s)
	}
	for id, rec := range w.stored() {
		if rec.Redacted {
			t.Errorf("message %v of %s is redacted", id, rec.Channel.Name)
		}
	}
	if n := w.sim.Stats().Refused; n != 0 {
		t.Errorf("%d requests were refused", n)
	}
}

// Whatever is hidden, shown, said and killed, and whenever: in the end nothing is missing
// and nothing stored twice.
func TestHiddenAtRandom(t *testing.T) {
	for kind, hiding := range map[string]simulator.Hiding{"null": simulator.HideNull, "kept": simulator.HideKeepLast, "in full": simulator.HideNothing} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{Hiding: hiding}, nil)
			threads := []*simulator.Channel{
				w.general.StartThread(simulator.ThreadSpec{Name: "one", Owner: w.ada}),
				w.other.StartThread(simulator.ThreadSpec{Name: "two", Owner: w.ada}),
			}
			places := append([]*simulator.Channel{w.general, w.other}, threads...)
			o := w.options()
			o.CommitInterval = 3 * time.Millisecond
			w.again(o)
			w.filled()
			r := rand.New(rand.NewPCG(7, uint64(hiding)))
			hidden := map[*simulator.Channel]bool{}
			for n := range 150 {
				switch c := places[r.IntN(2)]; r.IntN(12) {
				case 0, 1:
					hidden[c] = !hidden[c]
					c.SetAccess(map[bool]simulator.Access{true: simulator.NoAccess}[hidden[c]])
				case 2:
					places = append(places, c.StartThread(simulator.ThreadSpec{Name: fmt.Sprint("thread ", n), Owner: w.ada}))
				case 3:
					if thread := places[2+r.IntN(len(places)-2)]; r.IntN(2) == 0 {
						thread.Archive()
					}
				case 4:
					if r.IntN(5) == 0 {
						w.crash(o)
					}
				case 5:
					pause(w.ctx, time.Duration(r.IntN(8))*time.Millisecond)
				default:
					w.say(w.ada, fmt.Sprint("message ", n), places[r.IntN(len(places))])
				}
			}
			for c := range hidden {
				c.SetAccess(simulator.Full)
			}
			w.say(w.ada, "the end", places...)
			w.complete(w.since)
			w.filled()
			w.complete(w.since)
			if marks, err := w.db.Unreadable(w.ctx, 0); err != nil || len(marks) > 0 {
				t.Errorf("unreadable are %+v, %v", marks, err)
			}
		})
	}
}
