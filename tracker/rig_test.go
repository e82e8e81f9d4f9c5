package tracker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// patience bounds every wait of a test.
const patience = 2 * time.Minute

// rig is a tracker on a real database before a simulated Discord.
type rig struct {
	*testing.T
	ctx     context.Context // ends with patience
	sim     *simulator.Server
	db      *store.DB
	log     *lines
	tracker *Tracker
	stop    context.CancelFunc
	done    chan error
	most    int64 // bytes of an answer; 0: as many as usual
}

// quick are limits with which a test need not wait, and that no slow machine trips over.
func quick() limits {
	return limits{
		silence: patience, open: 10 * time.Second, ackSlack: patience, payload: 32 << 20, closing: 5 * time.Second, watch: 5 * time.Millisecond,
		subscribe: 20 * time.Millisecond, firstRetry: 10 * time.Millisecond, lastRetry: 50 * time.Millisecond, soon: 10 * time.Millisecond, unreached: time.Minute,
		stable: patience, hold: holdFor, intents: 20 * time.Millisecond, stop: 5 * time.Second,
	}
}

// together runs a subtest for each case, some at the same time: what they do most is
// to wait for the second that discordgo's Close sleeps.
func together[C any](t *testing.T, cases map[string]C, f func(t *testing.T, c C)) {
	turn := make(chan struct{}, 8)
	var running sync.WaitGroup
	for name, c := range cases {
		running.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			t.Run(name, func(t *testing.T) { f(t, c) })
		})
	}
	running.Wait()
}

func newRig(t *testing.T, o simulator.Options) *rig {
	t.Helper()
	sim, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	db, err := store.Open(filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		problems, err := db.Check(context.Background())
		if err != nil || len(problems) > 0 {
			t.Errorf("check of the database: %v %q", err, problems)
		}
		db.Close()
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return &rig{T: t, ctx: ctx, sim: sim, db: db, log: &lines{t: t}}
}

// options are those of a tracker that commits at once.
func (r *rig) options() Options {
	return Options{
		Store: r.db, Token: r.sim.Token(), DiscordURL: r.sim.URL(), Shards: 0,
		Log: r.log.logger(),
	}
}

// rules are those of a tracker that records not all.
func (r *rig) rules(o rules.Options) *rules.Rules {
	r.Helper()
	o.Log = r.log.logger()
	checked, err := rules.New(o)
	if err != nil {
		r.Fatal(err)
	}
	return checked
}

// run starts a tracker, which ends with the test.
func (r *rig) run(o Options, l limits) {
	r.Helper()
	if o.Rules != nil {
		r.db.Guard(o.Rules.Apply) // as main does
	}
	tracker, err := New(o)
	if err != nil {
		r.Fatal(err)
	}
	r.start(tracker, l)
}

// start runs a tracker, which ends with the test.
func (r *rig) start(tracker *Tracker, l limits) {
	r.Helper()
	tracker.limits = l
	tracker.backfill.limits.subscribe, tracker.recheck.pause = l.subscribe, time.Millisecond
	if r.most > 0 {
		tracker.rest.most = r.most
	}
	r.tracker = tracker
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tracker.Run(ctx) }()
	r.stop, r.done = stop, done
	r.Cleanup(func() {
		stop()
		if r.done != nil {
			r.wait()
		}
	})
}

// wait returns what Run returned.
func (r *rig) wait() error {
	r.Helper()
	done := r.done
	r.done = nil
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		r.Fatal("Run does not return")
		return nil
	}
}

// stopped stops the tracker, which must work.
func (r *rig) stopped() {
	r.Helper()
	r.stop()
	if err := r.wait(); err != nil {
		r.Fatalf("Run: %v", err)
	}
}

// until waits until ok says so.
func (r *rig) until(what string, ok func() bool) {
	r.Helper()
	for !ok() {
		select {
		case <-r.ctx.Done():
			r.Fatalf("waited in vain until %s; status %+v", what, r.tracker.Status())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// ready waits until n sessions have been told everything.
func (r *rig) ready(n int) {
	r.Helper()
	if err := r.sim.WaitReady(r.ctx, n); err != nil {
		r.Fatalf("%d sessions do not get ready: %v; status %+v", n, err, r.tracker.Status())
	}
}

// stats waits until the simulator's counts are as wanted.
func (r *rig) stats(what string, want func(simulator.Stats) bool) {
	r.Helper()
	if err := r.sim.Wait(r.ctx, want); err != nil {
		r.Fatalf("waited in vain until %s: %v; stats %+v", what, err, r.sim.Stats())
	}
}

// say posts a message in each channel.
func (r *rig) say(author *simulator.User, text string, channels ...*simulator.Channel) {
	r.Helper()
	for _, c := range channels {
		r.post(c, simulator.Draft{Author: author, Content: text})
	}
}

func (r *rig) post(c *simulator.Channel, d simulator.Draft) simulator.Message {
	r.Helper()
	m, err := c.Post(r.ctx, d)
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// stored reads the whole database, by message id.
func (r *rig) stored() map[store.ID]store.Record {
	r.Helper()
	all := make(map[store.ID]store.Record)
	for rec, err := range r.db.Records(r.ctx, store.Query{}) {
		if err != nil {
			r.Fatal(err)
		}
		if _, twice := all[rec.Message]; twice {
			r.Errorf("message %v is stored twice", rec.Message)
		}
		all[rec.Message] = rec
	}
	return all
}

// expected returns what is to be stored of all that was posted in the channels for
// which allowed is true.
func (r *rig) expected(allowed func(simulator.Message) bool) map[store.ID]store.Record {
	all := make(map[store.ID]store.Record)
	for m := range r.sim.Messages() {
		if !m.Counts || !allowed(m) {
			continue
		}
		if m.Deleted {
			m.Content = ""
		}
		all[store.ID(m.ID)] = store.Record{
			Guild: store.ID(m.Guild), User: store.ID(m.Author), Time: store.MicrosOf(m.Time), Message: store.ID(m.ID),
			Channel: store.Channel{ID: store.ID(m.Channel), Name: m.ChannelName}, Content: m.Content,
			ReplyTo: store.ID(m.ReplyTo), ReplyToUser: store.ID(m.ReplyToUser), Attachments: m.Attachments, Redacted: m.Deleted,
			Extra: extraOf(m),
		}
	}
	return all
}

// extraOf is what is to be stored of what a message says beside its content.
func extraOf(m simulator.Message) *store.Extra {
	if m.Extra == nil {
		return nil
	}
	x := &store.Extra{Stickers: m.Extra.Stickers}
	if f := m.Extra.Forwarded; f != nil {
		x.Forwarded = &store.Forwarded{Content: f.Content, Attachments: f.Attachments}
	}
	if p := m.Extra.Poll; p != nil {
		x.Poll = &store.Poll{Question: p.Question, Answers: p.Answers}
	}
	if !m.Deleted {
		return x
	}
	if x.Forwarded == nil {
		return nil
	}
	return &store.Extra{Forwarded: &store.Forwarded{Attachments: x.Forwarded.Attachments}}
}

func everywhere(simulator.Message) bool { return true }

// complete waits until the database holds exactly what is expected.
func (r *rig) complete(allowed func(simulator.Message) bool) {
	r.Helper()
	want := r.expected(allowed)
	r.until(fmt.Sprintf("%d messages are stored", len(want)), func() bool { return len(r.stored()) >= len(want) })
	r.same(r.stored(), want)
}

// same compares records, whatever their source.
func (r *rig) same(got, want map[store.ID]store.Record) {
	r.Helper()
	for id, w := range want {
		g, ok := got[id]
		g.Source, g.Edited = 0, 0
		if !ok {
			r.Errorf("message %v is missing: %+v", id, w)
		} else if !reflect.DeepEqual(g, w) {
			r.Errorf("message %v is\n%+v, want\n%+v", id, g, w)
		}
	}
	for id, g := range got {
		if _, ok := want[id]; !ok {
			r.Errorf("message %v should not be stored: %+v", id, g)
		}
	}
}

// lines keeps what was logged.
type lines struct {
	t    *testing.T
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if testing.Verbose() {
		l.t.Logf("%s", bytes.TrimSpace(p))
	}
	return l.text.Write(p)
}

func (l *lines) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// count returns how many lines hold all of the words.
func (l *lines) count(words ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		has := true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			n++
		}
	}
	return n
}
