package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

func stats(t testing.TB, db *store.DB) store.Stats {
	t.Helper()
	s, err := db.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each record that comes is one outcome of its source, whichever side of a message
// came first.
func TestStatsOutcomes(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	if s := stats(t, db); s.Commits != 0 || s.LastCommit != 0 || s.Messages != 0 || len(s.Records) != 4 {
		t.Errorf("new: %+v", s)
	}
	begin := time.Now()
	put := func(records ...store.Record) {
		t.Helper()
		if _, err := db.Put(ctx, store.Batch{Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	lines := func(records ...store.Record) {
		t.Helper()
		if _, err := storetest.Import(ctx, db, store.LogBatch{Records: records, Quarantine: []store.Quarantined{{File: "a", Offset: 7, Reason: "x"}}}); err != nil {
			t.Fatal(err)
		}
	}
	fetched := live(1, 3, 900, "from history")
	fetched.Source = store.SourceBackfill
	put(live(1, 2, 0, "first here"), live(1, 2, 0, "first here"), fetched) // one of them twice
	for range 2 {                                                          // one of them is the message; then both again
		lines(logged(1, 2, 1, "general", "first here"), logged(1, 2, 2, "general", "alone"))
	}
	lines(logged(1, 4, 10_000, "general", "first in the logs")) // then its message, which takes its place
	put(live(1, 4, 9_999, "first in the logs"))
	s := stats(t, db)
	for source, want := range map[store.Source]store.Outcomes{
		store.SourceLive:     {Stored: 1, Merged: 1, Duplicates: 1},
		store.SourceBackfill: {Stored: 1},
		store.SourceLog:      {Stored: 2, Merged: 1, Duplicates: 2},
		store.SourceImport:   {},
	} {
		if s.Records[source] != want {
			t.Errorf("%s: %+v, want %+v", source, s.Records[source], want)
		}
	}
	if s.Guilds != 1 || s.Messages != 4 || s.Profiles != 3 || s.Quarantined != 1 {
		t.Errorf("totals: %+v", s)
	}
	if s.Commits != 5 || s.CommitRecords.Sum != 9 || s.CommitSeconds.Sum <= 0 || s.LastCommit < store.MicrosOf(begin) {
		t.Errorf("commits: %+v", s)
	}
	// Bounds are 0, 1, 5, …: the commits were of 3, 2, 2, 1 and 1 records and a line of them.
	if want := []uint64{0, 2, 3}; !slices.Equal(s.CommitRecords.Counts[:3], want) {
		t.Errorf("records by commit: %v", s.CommitRecords.Counts)
	}
}

// What was stored is what the file has more of, however records and lines pair up.
func TestStatsAddUp(t *testing.T) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(7, 7))
	db := openTemp(t)
	var given int64
	for range 60 {
		var records, lines []store.Record
		for range 1 + random.IntN(12) {
			given++
			if r := randomRecord(random, 120e6); r.Source == store.SourceLog {
				lines = append(lines, r)
			} else {
				records = append(records, r)
			}
		}
		if _, err := db.Put(ctx, store.Batch{Records: records}); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Import(ctx, db, store.LogBatch{Records: lines}); err != nil {
			t.Fatal(err)
		}
		s := stats(t, db)
		var stored, sum int64
		for _, o := range s.Records {
			stored += o.Stored
			sum += o.Stored + o.Merged + o.Duplicates
		}
		if stored != s.Messages || sum != given || s.CommitRecords.Sum != float64(given) {
			t.Fatalf("stored %d of %d messages, outcomes of %d of %d records", stored, s.Messages, sum, given)
		}
	}
}

// A write that finds no room is counted and changes no outcome.
func TestStatsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func(from, n int) error {
		var b store.Batch
		for i := range n {
			b.Records = append(b.Records, live(1, 2, from+i, string(make([]byte, 1000))))
		}
		_, err := db.Put(context.Background(), b)
		return err
	}
	if err := write(0, 100); err != nil {
		t.Fatal(err)
	}
	if err := write(1000, 5000); !errors.Is(err, store.ErrFull) {
		t.Fatalf("got %v", err)
	}
	s := stats(t, db)
	if !s.Full || s.Refused != 1 || s.Commits != 1 || s.Records[store.SourceLive].Stored != 100 {
		t.Errorf("full: %+v", s)
	}
	info, err := os.Stat(path)
	if err != nil || s.Size != info.Size() || s.Free <= 0 || s.Free >= s.Size {
		t.Errorf("size %d, of it free %d, want %d: %v", s.Size, s.Free, info.Size(), err)
	}
	if err := write(2000, 1); err != nil {
		t.Fatal(err)
	}
	if s := stats(t, db); s.Full || s.Refused != 1 {
		t.Errorf("with room again: %+v", s)
	}
	mustBeSound(t, db)
}

func TestSourceAsText(t *testing.T) {
	for source := store.SourceLive; source <= store.SourceImport; source++ {
		text, err := source.MarshalText()
		var back store.Source
		if err != nil || back.UnmarshalText(text) != nil || back != source {
			t.Errorf("%d is %q, which is read as %d: %v", source, text, back, err)
		}
	}
	if err := new(store.Source).UnmarshalText([]byte("elsewhere")); err == nil {
		t.Error("a source that there is not was read")
	}
}

func TestHistogram(t *testing.T) {
	h := store.NewHistogram(1, 10)
	for _, v := range []float64{0, 1, 1.5, 10, 11, 1000} {
		h.Observe(v)
	}
	if d := h.Distribution(); !slices.Equal(d.Counts, []uint64{2, 2, 2}) || d.Sum != 1023.5 || d.Count() != 6 {
		t.Errorf("got %+v", d)
	}
}
