package tracker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// bench is a writer on a real database.
type bench struct {
	*testing.T
	db   *store.DB
	log  *lines
	w    *writer
	stop context.CancelFunc
	done chan error
}

func newBench(t *testing.T, interval time.Duration, o store.Options) *bench {
	t.Helper()
	db := storetest.New(t, o)
	plan, err := newPlanner(t.Context(), db, backfillGap)
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{t: t}
	w := newWriter(db, interval, plan, slog.New(slog.NewTextHandler(log, nil)))
	w.retry = time.Millisecond
	return &bench{T: t, db: db, log: log, w: w}
}

func (b *bench) start() {
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.done = stop, make(chan error, 1)
	go func() { b.done <- b.w.run(ctx) }()
	b.Cleanup(stop)
}

func (b *bench) ended() error {
	b.Helper()
	select {
	case err := <-b.done:
		return err
	case <-time.After(patience):
		b.Fatal("run does not return")
		return nil
	}
}

func (b *bench) until(what string, ok func(WriterStatus) bool) {
	b.Helper()
	limit := time.After(patience)
	for !ok(b.w.state()) {
		select {
		case <-limit:
			b.Fatalf("waited in vain until %s: %+v", what, b.w.state())
		case <-time.After(time.Millisecond):
		}
	}
}

// add adds the nth message.
func (b *bench) add(n int, content string) {
	b.Helper()
	if err := b.w.add(b.Context(), liveItem(n, content)); err != nil {
		b.Fatal(err)
	}
}

func liveItem(n int, content string) item {
	id, channel := idAt(float64(n)), idAt(-5000)
	return item{
		record: &store.Record{
			Guild: testGuild, User: 7, Time: snowflakeTime(id), Message: id, Source: store.SourceLive,
			Channel: store.Channel{ID: channel, Name: "general"}, Content: content,
		},
		cursor:   store.ChannelCursor{Guild: testGuild, Channel: channel, Last: id},
		names:    []store.Name{{Guild: testGuild, User: 7, Name: "Ada"}},
		received: time.Now(),
	}
}

func (b *bench) stored() (n int) {
	b.Helper()
	for _, err := range b.db.Records(context.Background(), store.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}

func TestGroupCommit(t *testing.T) {
	const never = time.Hour
	tests := []struct {
		name     string
		interval time.Duration
		before   int // messages that are added before the writer runs
		commits  int64
	}{
		{"what has gathered", 0, 400, 1},
		{"more than a batch", 0, 3 * batchLen, 1},
		{"a full batch does not wait for the interval", never, batchLen, 1},
		{"the interval ends", time.Millisecond, 10, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, test.interval, store.Options{})
			for n := range test.before {
				b.add(n, "hi")
			}
			b.start()
			b.until("all is stored", func(s WriterStatus) bool { return s.Handled == int64(test.before) })
			if s := b.w.state(); s.Commits != test.commits || s.Stored != int64(test.before) || s.Queue != 0 || s.Delay != 0 || s.LastCommit == 0 {
				t.Errorf("the status is %+v, want %d commits", s, test.commits)
			}
		})
	}
}

func TestIntervalGathers(t *testing.T) {
	b := newBench(t, time.Hour, store.Options{})
	b.start()
	for n := range batchLen - 1 {
		b.add(n, "hi")
	}
	if s := b.w.state(); s.Commits != 0 {
		t.Errorf("%d commits before the interval has ended", s.Commits)
	}
	b.add(batchLen, "hi")
	b.until("a full batch is stored", func(s WriterStatus) bool { return s.Handled == batchLen && s.Commits == 1 })
}

// Baselines and gaps do not wait for the interval.
func TestSnapshotIsCommittedAtOnce(t *testing.T) {
	b := newBench(t, time.Hour, store.Options{})
	b.start()
	b.w.queue.post(created(0, textChannel(idAt(-5000), idAt(-10))))
	b.until("the baseline is stored", func(s WriterStatus) bool { return s.Commits == 1 })
	cursors, err := b.db.Cursors(t.Context(), testGuild)
	if err != nil || cursors[idAt(-5000)] != idAt(-10) {
		t.Errorf("the cursors are %v, %v", cursors, err)
	}
}

func TestStopDrainsTheQueue(t *testing.T) {
	b := newBench(t, time.Hour, store.Options{})
	b.w.queue.post(created(0, textChannel(idAt(-5000), 0)))
	for n := range 1000 {
		b.add(n, "hi")
	}
	b.start()
	b.stop()
	if err := b.ended(); err != nil {
		t.Fatal(err)
	}
	if n := b.stored(); n != 1000 {
		t.Errorf("%d of 1000 messages are stored", n)
	}
	cursors, err := b.db.Cursors(t.Context(), testGuild)
	if err != nil || cursors[idAt(-5000)] != idAt(999) {
		t.Errorf("the cursors are %v, %v", cursors, err)
	}
	if err := b.w.add(t.Context(), liveItem(1000, "late")); !errors.Is(err, errClosed) {
		t.Errorf("a message that comes too late: %v", err)
	}
}

func TestAddWaitsForRoom(t *testing.T) {
	b := newBench(t, 0, store.Options{})
	for n := range queueLen {
		b.add(n, "hi")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.w.add(ctx, liveItem(queueLen, "hi")); !errors.Is(err, context.Canceled) {
		t.Errorf("a message beyond the queue: %v", err)
	}
	if err := newBench(t, 0, store.Options{}).w.add(ctx, liveItem(0, "hi")); !errors.Is(err, context.Canceled) {
		t.Errorf("a message after the context has ended: %v", err)
	}
	b.w.queue.post(created(0)) // an event finds room all the same
	added := make(chan error)
	go func() { added <- b.w.add(t.Context(), liveItem(queueLen, "hi")) }()
	b.start()
	if err := <-added; err != nil {
		t.Fatal(err)
	}
	b.until("all is stored", func(s WriterStatus) bool { return s.Handled == queueLen+1 })
}

// A snapshot that comes while an older one of its guild waits takes its place.
func TestSnapshotsDoNotPileUp(t *testing.T) {
	b := newBench(t, 0, store.Options{})
	channel := idAt(-5000)
	for n := range 100 {
		b.w.queue.post(lost(float64(n)))
		b.w.queue.post(created(float64(n), textChannel(channel, idAt(float64(n)))))
	}
	if n, _ := b.w.queue.len(); n != 102 {
		t.Errorf("%d entries wait, want 100 sessions, a snapshot, and the mark of those before it", n)
	}
	b.start()
	b.until("the snapshot is stored", func(s WriterStatus) bool { return s.Commits > 0 })
	cursors, err := b.db.Cursors(t.Context(), testGuild)
	if err != nil || cursors[channel] != idAt(99) {
		t.Errorf("the cursors are %v, %v", cursors, err)
	}
}

// A guild that comes back twice before the writer has seen the first time: the
// messages in between must not move cursors past what was missed before them.
func TestReplacedSnapshotStopsCursors(t *testing.T) {
	b := newBench(t, 0, store.Options{})
	channel := idAt(-5000)
	post := func(e event) { b.w.queue.post(e) }
	post(created(0, textChannel(channel, idAt(-10))))
	b.start()
	b.until("the guild is known", func(s WriterStatus) bool { return s.Commits > 0 })
	b.w.queue.mu.Lock() // all of what follows waits at once
	first, second := created(100, textChannel(channel, idAt(50))), created(200, textChannel(channel, idAt(150)))
	for _, e := range []element{{event: first}, {item: said(channel, idAt(110))}} {
		b.w.queue.append(e)
	}
	b.w.queue.replaceSnapshot(testGuild)
	b.w.queue.append(element{event: second})
	b.w.queue.mu.Unlock()
	b.until("both are stored", func(s WriterStatus) bool { return s.Commits > 1 })
	gaps, err := b.db.Gaps(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gaps {
		if g.Channel == channel && g.After == idAt(-10) && g.Until == idAt(150) {
			return
		}
	}
	t.Errorf("the ledger is %+v, want the gap from before the first time", gaps)
}

// pin opens a read transaction, which keeps freed pages from being used again, so
// that a database with a limit runs full; release gives the room back.
func (b *bench) pin() (release func()) {
	b.Helper()
	reading, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		first := true
		match := func(*store.Record) bool {
			if first {
				first = false
				close(reading)
				<-ended
			}
			return true
		}
		for range b.db.Records(context.Background(), store.Query{Match: match}) {
		}
	}()
	<-reading
	return func() { close(ended); <-done }
}

func TestFullDiskHeals(t *testing.T) {
	b := newBench(t, 0, store.Options{MaxSize: 1 << 20})
	b.start()
	b.add(0, "first")
	b.until("the first is stored", func(s WriterStatus) bool { return s.Handled == 1 })
	release := b.pin()
	added := 1
	for ; !b.w.state().DiskFull; added++ {
		if added > queueLen {
			t.Fatal("the disk does not run full")
		}
		b.add(added, "hello")
		b.until("it is stored or refused", func(s WriterStatus) bool { return s.Queue == 0 && s.Delay == 0 || s.DiskFull })
	}
	for range 100 { // they wait
		b.add(added, "hello")
		added++
	}
	if s := b.w.state(); s.Queue < 100 || !s.DiskFull {
		t.Errorf("the status is %+v", s)
	}
	release()
	b.until("all is stored", func(s WriterStatus) bool { return s.Handled == int64(added) && !s.DiskFull })
	if n := b.stored(); n != added {
		t.Errorf("%d messages are stored, want %d", n, added)
	}
	if full, healed := b.log.count("the disk is full"), b.log.count("room on the disk again"); full != 1 || healed != 1 {
		t.Errorf("the log says %d times that the disk is full and %d times that it is not", full, healed)
	}
}

func TestStopWhileTheDiskIsFull(t *testing.T) {
	b := newBench(t, 0, store.Options{MaxSize: 1 << 20})
	b.start()
	b.add(0, strings.Repeat("x", 2<<20))
	b.until("the disk is full", func(s WriterStatus) bool { return s.DiskFull })
	b.stop()
	if err := b.ended(); !errors.Is(err, store.ErrFull) {
		t.Errorf("run returns %v, want that the disk is full", err)
	}
}

func TestOtherErrorsEndTheWriter(t *testing.T) {
	b := newBench(t, 0, store.Options{})
	b.start()
	it := liveItem(0, "hi")
	it.record.Message = 0
	if err := b.w.add(t.Context(), it); err != nil {
		t.Fatal(err)
	}
	if err := b.ended(); err == nil || !strings.HasPrefix(err.Error(), "commit 1 messages: ") {
		t.Errorf("run returns %v", err)
	}
}

// The delay is what a watchdog goes by.
func TestDelay(t *testing.T) {
	tests := []struct {
		name   string
		queued bool
		busy   bool
		full   bool // then the disk is found to be full
		want   float64
	}{
		{name: "nothing to do"},
		{name: "something waits", queued: true, want: 31},
		{name: "a commit hangs", busy: true, want: 31},
		{name: "a commit hangs while more waits", queued: true, busy: true, want: 31},
		{name: "waits for room on the disk", queued: true, busy: true, full: true},
	}
	db := storetest.New(t, store.Options{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriter(db, 0, nil, slog.New(slog.DiscardHandler))
				if test.queued {
					w.queue.post(created(0))
				}
				w.setBusy(test.busy)
				time.Sleep(31 * time.Second)
				if test.full {
					w.noteFull(store.ErrFull)
				}
				if got := w.state().Delay; got != test.want {
					t.Errorf("the delay is %v s, want %v", got, test.want)
				}
			})
		})
	}
}

func TestNameCache(t *testing.T) {
	ada := func(name string) store.Name { return store.Name{Guild: 1, User: 2, Name: name} }
	var c nameCache
	steps := []struct {
		what string
		got  bool
		want bool
	}{
		{"first sight", c.changed(ada("Ada")), true},
		{"again", c.changed(ada("Ada")), false},
		{"history knows another name", c.unknown(ada("ada99")), false},
		{"renamed", c.changed(ada("Countess")), true},
		{"in another guild", c.changed(store.Name{Guild: 2, User: 2, Name: "Countess"}), true},
		{"only in history", c.unknown(store.Name{Guild: 3, User: 2, Name: "ada99"}), true},
		{"then live", c.changed(store.Name{Guild: 3, User: 2, Name: "Ada"}), true},
	}
	for _, s := range steps {
		if s.got != s.want {
			t.Errorf("%s: %v, want %v", s.what, s.got, s.want)
		}
	}
	for n := range store.ID(3 * nameCacheLen) {
		c.changed(store.Name{Guild: 4, User: n + 1, Name: "x"})
		if n%nameCacheLen == 0 {
			c.changed(ada("Countess")) // in use, so it stays
		}
	}
	if len(c.young) > nameCacheLen || len(c.old) > nameCacheLen {
		t.Errorf("the cache holds %d and %d names", len(c.young), len(c.old))
	}
	if c.changed(ada("Countess")) {
		t.Error("a name in use was forgotten")
	}
}
