package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"rollcall/store"
)

const (
	// batchLen is how many entries are committed without waiting for the commit
	// interval to end.
	batchLen = 500
	// fullRetry is the pause between two attempts to write to a full disk.
	fullRetry = time.Second
)

// item is one message on its way from the gateway to the store.
type item struct {
	record    *store.Record // nil if the message does not count
	uncounted *store.Record // set instead of record if it takes its log line all the same
	account   store.ID      // its author's, if that is no person's
	// cursor moves whether or not the message counts: it has been seen. A cursor
	// whose Last is the channel's own id says that the channel was created just now.
	cursor   store.ChannelCursor
	parent   store.ID // a thread's channel, 0 if it is none or not known
	names    []store.Name
	changes  []store.Change // of messages before this one
	deleted  []store.DeletedChannel
	received time.Time
}

// WriterStatus is the state of the one writer that commits what the tracker has seen.
type WriterStatus struct {
	Queue      int          `json:"queue"`     // entries that wait to be committed
	QueueMax   int          `json:"queue_max"` // as many at most: then the gateway waits
	Handled    int64        `json:"handled"`   // live messages that counted, committed since the start
	Stored     int64        `json:"stored"`    // those of them that were new
	Commits    int64        `json:"commits"`
	LastCommit store.Micros `json:"last_commit_at,omitzero"` // 0: none yet
	// DiskFull: the last attempt to commit found no room. What waits is kept and
	// tried again; nothing is taken from the gateway once the queue is full.
	DiskFull bool `json:"disk_full"`
	// Lag is how long (seconds) the oldest message of the last commit took from the
	// gateway to the disk.
	Lag float64 `json:"lag_seconds"`
	// Delay is for how long (seconds) the oldest entry has waited, or the writer
	// has made no progress with what it holds. It is 0 if nothing waits; waiting for
	// room on a full disk is progress, since starting again would not help.
	Delay float64 `json:"delay_seconds"`
	// Wait is how long (seconds) each live message that counted took from the gateway
	// to the disk, since the start.
	Wait store.Distribution `json:"-"`
}

// writer commits together what gathers, in the order in which it was added.
type writer struct {
	db       *store.DB
	interval time.Duration // see Options.CommitInterval
	log      *slog.Logger
	queue    *queue
	plan     *planner // decides which cursors may move
	names    nameCache
	aside    aside
	recent   recentDeletions
	retry    time.Duration // fullRetry, shorter in tests
	wait     *store.Histogram

	mu       sync.Mutex
	busy     bool      // entries have been taken from the queue and are not committed yet
	progress time.Time // last sign of life
	fulls    logLimiter
	toldFull bool // the log says that the disk is full
	status   WriterStatus
}

func newWriter(db *store.DB, interval time.Duration, plan *planner, log *slog.Logger) *writer {
	return &writer{
		db: db, interval: interval, log: log, queue: newQueue(), plan: plan, retry: fullRetry,
		wait: store.NewHistogram(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300),
	}
}

// add hands a message over, waiting while the queue is full. What was added is
// committed unless the process dies, even if run's context ends meanwhile; an
// error says that it was not added.
func (w *writer) add(ctx context.Context, it item) error { return w.queue.add(ctx, it) }

// run commits until ctx is done and all that was added has been committed; then it
// returns nil. A full disk makes it wait (after ctx is done, one attempt is left);
// any other error of a commit is returned at once, because it does not say whether
// the transaction stands. Starting again is safe: the same records change nothing.
func (w *writer) run(ctx context.Context) error {
	var taken []element
	for {
		last := !w.gather(ctx)
		taken = w.queue.take(taken, last)
		if len(taken) == 0 && (!last || w.aside.empty()) {
			if last {
				return nil
			}
			continue
		}
		if err := w.write(ctx, taken); err != nil {
			return err
		}
	}
}

// gather waits until something is worth a commit; false says that ctx is done.
func (w *writer) gather(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-w.queue.some:
	}
	if w.interval == 0 {
		return true
	}
	timer := time.NewTimer(w.interval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-w.queue.many:
	}
	return true
}

// write commits the entries in one transaction.
func (w *writer) write(ctx context.Context, taken []element) error {
	w.setBusy(true)
	defer w.setBusy(false)
	b := newTransaction(len(taken))
	b.channels, b.passed = w.aside.take()
	for _, e := range taken {
		if e.event != nil {
			if err := e.event.apply(ctx, w.plan, b); err != nil {
				return err
			}
			continue
		}
		if err := w.plan.live(ctx, e.item, b); err != nil {
			return err
		}
		if e.item.record != nil {
			b.records = append(b.records, *e.item.record)
		}
		if e.item.uncounted != nil {
			b.uncounted = append(b.uncounted, *e.item.uncounted)
		}
		if id := e.item.account; id != 0 && !slices.Contains(b.accounts, id) {
			b.accounts = append(b.accounts, id)
		}
		b.changes = append(b.changes, e.item.changes...)
		b.deleted = append(b.deleted, e.item.deleted...)
		for _, n := range e.item.names {
			if w.names.changed(n) {
				b.names = append(b.names, n)
			}
		}
	}
	if b.empty() {
		return nil
	}
	w.recent.add(b.deleted)
	stored, err := w.commit(ctx, b.batch())
	if err != nil {
		return err
	}
	w.noteLive(len(b.records), stored, taken)
	for _, done := range b.committed {
		done()
	}
	return nil
}

// commit stores a batch in one transaction, synced when it returns, and says how
// many of its records were new. While the disk is full it waits and tries again,
// until ctx is done. Any goroutine may call it; what must keep its place among
// the messages goes through the queue instead.
func (w *writer) commit(ctx context.Context, b store.Batch) (stored int, err error) {
	for {
		// A commit that has begun is finished: stopping is no reason to lose it.
		stored, err = w.db.Put(context.WithoutCancel(ctx), b)
		if err == nil {
			w.noteCommit()
			return stored, nil
		}
		if !errors.Is(err, store.ErrFull) || ctx.Err() != nil {
			return 0, fmt.Errorf("commit %d messages: %w", len(b.Records), err)
		}
		w.noteFull(err)
		pause(ctx, w.retry)
	}
}

// noteLive counts what a commit of live messages did.
func (w *writer) noteLive(handled, stored int, taken []element) {
	now := time.Now()
	for _, e := range taken {
		if e.item.record != nil {
			w.wait.Observe(now.Sub(e.item.received).Seconds())
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Handled += int64(handled)
	w.status.Stored += int64(stored)
	for _, e := range taken {
		if !e.item.received.IsZero() {
			w.status.Lag = now.Sub(e.item.received).Seconds()
			return
		}
	}
}

func (w *writer) setBusy(busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy, w.progress = busy, time.Now()
}

func (w *writer) noteCommit() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.toldFull {
		w.toldFull = false
		w.log.Info("there is room on the disk again, writing goes on", "db", w.db.Path())
	}
	w.progress = time.Now()
	w.status.Commits++
	w.status.LastCommit = store.MicrosOf(w.progress)
	w.status.DiskFull = false
}

func (w *writer) noteFull(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress = time.Now() // waiting for room is no stall: a restart would not help
	if _, ok := w.fulls.due(w.progress); ok {
		w.toldFull = true
		w.log.Error("the disk is full, writing waits for room: free some, nothing is lost meanwhile",
			"db", w.db.Path(), "error", err)
	}
	w.status.DiskFull = true
}

// delay is WriterStatus.Delay.
func (w *writer) delay() time.Duration {
	waiting, since := w.queue.len()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.busy:
		return time.Since(w.progress)
	case waiting > 0:
		return time.Since(since)
	}
	return 0
}

// state returns the writer's state of this moment.
func (w *writer) state() WriterStatus {
	waiting, _ := w.queue.len()
	delay := w.delay()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.status
	s.Queue, s.QueueMax, s.Delay, s.Wait = waiting, queueLen, delay.Seconds(), w.wait.Distribution()
	return s
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
