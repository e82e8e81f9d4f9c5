package tracker

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// again starts another tracker on the rig's database.
func (r *rig) again(o Options) {
	r.Helper()
	o.Store = r.db
	r.run(o, quick())
	r.ready(1)
}

// filled waits until the backfill has nothing left to do, and returns the ledger
// without scans, by channel.
func (r *rig) filled() map[store.ID][]store.Gap {
	r.Helper()
	r.until("every gap is closed", func() bool {
		b := r.tracker.backfill
		b.mu.Lock()
		seen := len(b.seen) > 0
		b.mu.Unlock()
		if !seen { // before the ledger is read, which may be to get the first gaps
			return false
		}
		open, err := r.db.Gaps(r.ctx, true)
		if err != nil {
			r.Fatal(err)
		}
		open = slices.DeleteFunc(open, func(g store.Gap) bool { return g.Waits != "" })
		s := b.state()
		return len(open) == 0 && s.Open == 0 && s.History == 0
	})
	return r.ledger()
}

func (r *rig) ledger() map[store.ID][]store.Gap {
	r.Helper()
	all, err := r.db.Gaps(r.ctx, false)
	if err != nil {
		r.Fatal(err)
	}
	gaps := make(map[store.ID][]store.Gap)
	for _, g := range all {
		if !isScan(g) {
			gaps[g.Channel] = append(gaps[g.Channel], g)
		}
	}
	return gaps
}

// lastScan returns the last search for archived threads in the ledger.
func (r *rig) lastScan() (last store.Gap) {
	r.Helper()
	all, err := r.db.Gaps(r.ctx, false)
	if err != nil {
		r.Fatal(err)
	}
	for _, g := range all {
		if isScan(g) {
			last = g
		}
	}
	return last
}

// one returns a channel's only gap.
func (r *rig) one(gaps map[store.ID][]store.Gap, c *simulator.Channel) store.Gap {
	r.Helper()
	list := gaps[store.ID(c.ID)]
	if len(list) != 1 {
		r.Fatalf("channel %s has the gaps %+v, want one", c.Name(), list)
	}
	return list[0]
}

// town is a guild that a tracker has met, and then stopped.
type town struct {
	*rig
	guild   *simulator.Guild
	general *simulator.Channel
	other   *simulator.Channel
	ada     *simulator.User
	before  map[store.ID]bool // messages from before that
}

// newTown makes a town; prepare, if not nil, adds to it before it is met.
func newTown(t *testing.T, o simulator.Options, prepare func(*town)) *town {
	t.Helper()
	r := newRig(t, o)
	w := &town{rig: r, guild: r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}), before: make(map[store.ID]bool)}
	w.general = w.guild.AddChannel(simulator.ChannelSpec{Name: "general"})
	w.other = w.guild.AddChannel(simulator.ChannelSpec{Name: "other"})
	w.ada = r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	w.say(w.ada, "before anybody listened", w.general, w.other)
	if prepare != nil {
		prepare(w)
	}
	for m := range r.sim.Messages() {
		w.before[store.ID(m.ID)] = true
	}
	w.meet()
	return w
}

// meet writes into the database what a tracker writes at its first GUILD_CREATE.
// To run one would cost each test the second for which discordgo closes.
func (w *town) meet() {
	w.Helper()
	api := newREST(w.sim.URL(), w.sim.Token(), "test", slog.New(slog.DiscardHandler))
	defer api.close()
	ask := func(path string) []byte {
		body, err := api.get(w.ctx, path, "/guilds/"+w.guild.ID.String()+path, nil)
		if err != nil {
			w.Fatal(err)
		}
		return body
	}
	list, err := decodeList(ask("/channels"))
	if err != nil {
		w.Fatal(err)
	}
	active, err := decodeThreadList(ask("/threads/active"))
	if err != nil {
		w.Fatal(err)
	}
	seen := guildSeen{at: time.Now(), snapshot: guildSnapshot{Guild: store.ID(w.guild.ID)}}
	for _, c := range append(decodeChannels(list), active.Threads...) {
		seen.snapshot.Channels = append(seen.snapshot.Channels, channelSnapshot{ID: c.ID, Type: c.Type, LastMessage: c.Last})
	}
	l := &ledger{T: w.T, db: w.db, mode: backfillGap}
	l.restart()
	l.do(seen)
}

// since reports whether a message was posted after the first start.
func (w *town) since(m simulator.Message) bool { return !w.before[store.ID(m.ID)] }

func TestGapWhileDown(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	for n := range 2*pageLen + 50 {
		w.say(w.ada, fmt.Sprint("missed ", n), w.general)
	}
	bot := w.sim.AddUser(simulator.UserSpec{Name: "Robot", Bot: true})
	w.say(bot, "a bot does not count", w.other)
	w.post(w.other, simulator.Draft{Webhook: "hook", Content: "neither does a webhook"})
	w.post(w.other, simulator.Draft{Author: w.ada, Type: simulator.TypePin})
	w.say(w.ada, "one that counts", w.other)
	w.again(w.options())
	w.say(w.ada, "heard again", w.general, w.other)
	w.complete(w.since)
	gaps := w.filled()
	for c, found := range map[*simulator.Channel]int64{w.general: 2*pageLen + 50, w.other: 1} {
		g := w.one(gaps, c)
		if g.State != store.GapFilled || g.Found != found || g.After != g.Until || g.Reason != reasonStopped || g.From > g.To {
			t.Errorf("the gap of %s is %+v, want %d messages", c.Name(), g, found)
		}
	}
	sources := map[store.Source]int{}
	for _, rec := range w.stored() {
		sources[rec.Source]++
	}
	if sources[store.SourceLive] != 2 || sources[store.SourceBackfill] != 2*pageLen+51 {
		t.Errorf("by source: %v", sources)
	}
	if s := w.tracker.Status().Backfill; s.Found != 2*pageLen+51 || s.Stored != s.Found || s.Skipped != 0 {
		t.Errorf("the status is %+v", s)
	}
}

func TestGapOfALostSession(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.again(w.options())
	w.filled()
	w.say(w.ada, "live", w.general, w.other)
	w.complete(w.since)
	stop := w.sim.Every(simulator.AtIdentify, simulator.CutOff)
	w.sim.ForgetSessions()
	for _, c := range w.sim.Conns() {
		c.Cut()
	}
	for n := range 10 {
		w.say(w.ada, fmt.Sprint("missed ", n), w.general, w.other)
	}
	stop()
	w.complete(w.since)
	if g := w.one(w.filled(), w.other); g.Found != 10 || g.Reason == reasonStopped {
		t.Errorf("the gap is %+v", g)
	}
}

func TestGapOfAnOutage(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.again(w.options())
	w.filled()
	w.guild.SetUnavailable(true)
	w.say(w.ada, "into the dark", w.general)
	w.guild.SetUnavailable(false)
	w.complete(w.since)
	if g := w.one(w.filled(), w.general); g.Found != 1 || g.Reason != reasonUnavailable {
		t.Errorf("the gap is %+v", g)
	}
}

func TestResumedSessionHasNoGap(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.again(w.options())
	for _, c := range w.sim.Conns() {
		c.Cut()
	}
	w.say(w.ada, "replayed", w.general, w.other)
	w.complete(w.since)
	if gaps := w.filled(); len(gaps) != 0 {
		t.Errorf("the ledger is %+v", gaps)
	}
}

// crash goes on from a copy of the database as it is on the disk now, as if the
// process had been killed.
func (r *rig) crash(o Options) {
	r.Helper()
	path := filepath.Join(r.TempDir(), "crashed.db")
	f, err := os.Create(path)
	if err != nil {
		r.Fatal(err)
	}
	_, err = r.db.Snapshot(r.ctx, f)
	if err := f.Close(); err != nil {
		r.Fatal(err)
	}
	if err != nil {
		r.Fatal(err)
	}
	r.stopped()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		r.Fatal(err)
	}
	r.db = db
	r.Cleanup(func() {
		problems, err := db.Check(context.Background())
		if err != nil || len(problems) > 0 {
			r.Errorf("check of the database: %v %q", err, problems)
		}
		db.Close()
	})
	r.again(o)
}

func TestKilledInTheMiddleOfAChannel(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	const pages = 5
	for n := range pages * pageLen {
		w.say(w.ada, fmt.Sprint("missed ", n), w.general)
	}
	stop := w.sim.EveryREST(simulator.RouteMessages, afterPages(2))
	w.again(w.options())
	w.until("two pages are stored", func() bool { return w.tracker.Status().Backfill.Found == 2*pageLen })
	if g := w.one(w.ledger(), w.general); g.State != store.GapOpen || g.Found != 2*pageLen {
		t.Fatalf("the gap is %+v", g)
	}
	asked := w.sim.Stats().REST[simulator.RouteMessages]
	w.crash(w.options())
	stop()
	w.complete(w.since)
	if g := w.one(w.filled(), w.general); g.State != store.GapFilled || g.Found != pages*pageLen {
		t.Errorf("the gap is %+v", g)
	}
	if n := w.sim.Stats().REST[simulator.RouteMessages] - asked; n > pages-2+fillers {
		t.Errorf("%d pages were asked for again", n)
	}
}

// afterPages lets n requests pass and leaves the others hanging.
func afterPages(n int) simulator.Answer {
	pass := make(chan struct{}, n)
	for range n {
		pass <- struct{}{}
	}
	return func(s *simulator.Server, rw http.ResponseWriter, req *http.Request) bool {
		select {
		case <-pass:
			return true
		default:
			return simulator.Hang(s, rw, req)
		}
	}
}

// Killed at many moments of live traffic and of filling gaps, it misses nothing in
// the end, and stores nothing twice.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	talk, hush := context.WithCancel(w.ctx)
	silent := make(chan int)
	go func() {
		n := 0
		for ; talk.Err() == nil; n++ {
			for _, c := range []*simulator.Channel{w.general, w.other} {
				if _, err := c.Say(talk, w.ada, fmt.Sprint("message ", n)); err != nil && talk.Err() == nil {
					t.Error(err)
				}
			}
			pause(talk, time.Millisecond)
		}
		silent <- n
	}()
	o := w.options()
	o.CommitInterval = 5 * time.Millisecond
	w.again(o)
	for round := range 5 {
		w.until("something is stored", func() bool {
			s := w.tracker.Status()
			return s.Writer.Stored > int64(20*round) && (round%2 == 0 || s.Backfill.Stored > 0)
		})
		w.crash(o)
	}
	hush()
	t.Logf("%d messages in each channel", <-silent)
	w.complete(w.since)
	w.filled()
}

func TestChannelsOfTheGap(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	fresh := w.guild.AddChannel(simulator.ChannelSpec{Name: "fresh"})
	w.say(w.ada, "first words", fresh)
	forum := w.guild.AddChannel(simulator.ChannelSpec{Name: "forum", Kind: simulator.Forum})
	post, _, err := forum.StartPost(w.ctx, "a question", simulator.Draft{Author: w.ada, Content: "why?"})
	if err != nil {
		t.Fatal(err)
	}
	w.say(w.ada, "nobody knows", post)
	gone := w.guild.AddChannel(simulator.ChannelSpec{Name: "gone"})
	w.say(w.ada, "never to be found", gone)
	gone.Delete()
	w.guild.AddChannel(simulator.ChannelSpec{Name: "a category", Kind: simulator.Category})
	w.again(w.options())
	w.complete(func(m simulator.Message) bool { return w.since(m) && m.Channel != gone.ID })
	gaps := w.filled()
	if g := w.one(gaps, fresh); g.Found != 1 {
		t.Errorf("the gap of the new channel is %+v", g)
	}
	if g := w.one(gaps, post); g.Found != 2 {
		t.Errorf("the gap of the new post is %+v", g)
	}
}

func TestChannelThatVanishesMeanwhile(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.say(w.ada, "missed", w.general, w.other)
	deleted := false
	w.sim.NextREST(simulator.RouteMessages, func(*simulator.Server, http.ResponseWriter, *http.Request) bool {
		if !deleted {
			deleted = true
			w.other.Delete()
		}
		return true
	})
	w.again(w.options())
	w.complete(func(m simulator.Message) bool {
		return w.since(m) && m.Channel != w.other.ID || m.Channel == w.general.ID && w.since(m)
	})
	if g := w.one(w.filled(), w.other); g.State != store.GapSkipped || g.Note != "the channel is gone" {
		t.Errorf("the gap is %+v", g)
	}
}
