package sweep

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// run runs a sweeper that looks all the time, until the test ends. What it returns
// waits for so many whole rounds.
func run(t *testing.T, o Options) (rounds func(n int64)) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var asked atomic.Int64
	now := func() time.Time {
		asked.Add(1)
		return time.Now()
	}
	s := newSweeper(o)
	s.every, s.fullRetry, s.now = time.Millisecond, time.Millisecond, now
	go func() { done <- loop(ctx, s) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the sweeper ended with %v", err)
		}
	})
	return func(n int64) {
		t.Helper()
		if o.Grace+o.Retention == 0 { // it never asks what time it is
			return
		}
		before := asked.Load()
		storetest.Eventually(t, "it has looked again", func() bool { return asked.Load() > before+2*n })
	}
}

func record(guild, user store.ID, i int) store.Record {
	return store.Record{
		Guild: guild, User: user, Time: store.Micros(1_700_000_000e6 + int64(i)*1e6), Message: store.ID(1 + i),
		Channel: store.Channel{ID: 5, Name: "general"}, Content: fmt.Sprint("text ", i), Source: store.SourceLive,
	}
}

func count(t *testing.T, db *store.DB, q store.Query) (n int) {
	t.Helper()
	for _, err := range db.Records(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// ending is a context that ends when it has been asked for its error so often.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// Forgetting that was interrupted is finished without anybody asking.
func TestFinishesForgetting(t *testing.T) {
	db := storetest.New(t, store.Options{})
	var batch store.Batch
	for i := range 3000 {
		batch.Records = append(batch.Records, record(1, store.ID(1+i%2), i))
	}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Forget(&ending{t.Context(), 2}, store.Person{User: 1}); err == nil || count(t, db, store.Query{User: 1}) == 1500 {
		t.Fatal("it was not interrupted in its middle")
	}
	run(t, Options{Store: db})
	storetest.Eventually(t, "nothing is left to do", func() bool {
		tasks, err := db.Tasks(t.Context())
		return err == nil && len(tasks) == 0
	})
	if left, others := count(t, db, store.Query{User: 1}), count(t, db, store.Query{User: 2}); left != 0 || others != 1500 {
		t.Errorf("%d records are left, and %d of the other", left, others)
	}
}

// Texts go when they are too old, guilds when they were left too long ago, and neither
// before.
func TestSweepsByAge(t *testing.T) {
	for name, test := range map[string]struct {
		o       Options
		texts   int // that are left of the old guild, the young one, and the one that was left
		records int
	}{
		"for ever":  {Options{}, 60, 60},
		"long":      {Options{Retention: 48 * time.Hour, Grace: 48 * time.Hour}, 60, 60},
		"retention": {Options{Retention: 12 * time.Hour}, 20, 60},
		"grace":     {Options{Grace: 12 * time.Hour}, 40, 40},
		"both":      {Options{Retention: 12 * time.Hour, Grace: 12 * time.Hour}, 20, 40},
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.New(t, store.Options{})
			ago := func(d time.Duration) store.Micros { return store.MicrosOf(time.Now().Add(-d)) }
			var batch store.Batch
			for i := range 60 {
				r := record(store.ID(1+i/20), 1, i)
				r.Time = ago(24*time.Hour) + store.Micros(i)
				if r.Guild == 2 {
					r.Time = ago(time.Hour) + store.Micros(i)
				}
				batch.Records = append(batch.Records, r)
			}
			batch.Departed = []store.DepartedGuild{{Guild: 3, At: ago(24 * time.Hour)}, {Guild: 2, At: ago(time.Hour)}}
			if _, err := db.Put(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			test.o.Store = db
			rounds := run(t, test.o)
			rounds(3)
			texts := count(t, db, store.Query{Match: func(r *store.Record) bool { return !r.Redacted }})
			if records := count(t, db, store.Query{}); texts != test.texts || records != test.records {
				t.Errorf("%d texts in %d records are left, want %d in %d", texts, records, test.texts, test.records)
			}
		})
	}
}

// A damaged record neither ends the sweeper nor keeps others from being seen to.
func TestSweepsAroundDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var batch store.Batch
	for i := range 60 {
		batch.Records = append(batch.Records, record(1, 1, i))
	}
	batch.Records[20].Content = "to be damaged"
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(file, []byte("to be damaged"), []byte("to be DAMAGED")), 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	rounds := run(t, Options{Store: db, Retention: time.Hour})
	rounds(2)
	texts, damaged := 0, 0
	for r, err := range db.Records(t.Context(), store.Query{}) {
		switch {
		case err != nil:
			damaged++
		case !r.Redacted:
			texts++
		}
	}
	if texts != 0 || damaged != 1 {
		t.Errorf("%d texts are left, %d errors", texts, damaged)
	}
}
