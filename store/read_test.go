package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// TestReads compares every kind of read with a plain search through a slice,
// over random records whose times collide and cross quarter hours and 1970.
func TestReads(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	random := rand.New(rand.NewPCG(3, 4))
	var given []store.Record
	for i := range 9_000 {
		r := store.Record{
			Guild: store.ID(1 + random.IntN(2)), User: store.ID(1 + random.IntN(30)),
			Time:    store.Micros(random.Int64N(7200)*1e6 - 3600e6),
			Message: store.ID(1 + i), Channel: store.Channel{ID: 1, Name: fmt.Sprint("c", i%3)},
			Content: fmt.Sprint("text ", i%100), Source: store.SourceLive,
		}
		if i%4 == 0 {
			r.Message, r.Source, r.Channel.ID, r.InLogs = 0, store.SourceLog, 0, true
			r.Content = fmt.Sprint("line ", i) // never equal to a live one
		}
		given = append(given, r)
	}
	for batch := range slices.Chunk(given, 700) {
		var live, lines []store.Record
		for _, r := range batch {
			if r.Source == store.SourceLog {
				lines = append(lines, r)
			} else {
				live = append(live, r)
			}
		}
		if _, err := db.Put(ctx, store.Batch{Records: live}); err != nil {
			t.Fatal(err)
		}
		if done, err := storetest.Import(ctx, db, store.LogBatch{Records: lines}); err != nil || int(done.Messages) != len(lines) {
			t.Fatal(done, err)
		}
	}
	for name, q := range map[string]store.Query{
		"all":             {},
		"guild":           {Guild: 1},
		"user":            {Guild: 2, User: 7},
		"range":           {Guild: 1, When: store.Range{From: -900e6, To: 900e6}},
		"range of a user": {Guild: 1, User: 3, When: store.Range{From: -1800e6, To: -1}},
		"one instant":     {Guild: 1, When: store.Range{From: 60e6, To: 60e6 + 1}},
		"empty range":     {Guild: 1, When: store.Range{From: 60e6, To: 60e6}},
		"match":           {Guild: 1, Match: func(r *store.Record) bool { return strings.HasSuffix(r.Content, "7") }},
		"channel":         {Guild: 1, Channel: func(c store.Channel) bool { return c == store.Channel{ID: 1, Name: "c2"} }},
		"text":            {Guild: 1, Text: func(b []byte) bool { return bytes.HasSuffix(b, []byte("7")) }},
		"no such guild":   {Guild: 99},
		"no such user":    {Guild: 1, User: 99},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]int{}
			var times []store.Micros
			for _, r := range given {
				inRange := q.When == (store.Range{}) || r.Time >= q.When.From && r.Time < q.When.To
				selected := (q.Channel == nil || q.Channel(r.Channel)) && (q.Text == nil || q.Text([]byte(r.Content))) && (q.Match == nil || q.Match(&r))
				if (q.Guild == 0 || r.Guild == q.Guild) && (q.User == 0 || r.User == q.User) && inRange && selected {
					want[describe(r, r.InLogs)]++
					times = append(times, r.Time)
				}
			}
			have := all(t, db, q)
			mustEqual(t, have, want)
			if !slices.IsSortedFunc(have, func(a, b store.Record) int {
				return slices.Compare([]int64{int64(a.Guild), int64(a.User), int64(a.Time)}, []int64{int64(b.Guild), int64(b.User), int64(b.Time)})
			}) {
				t.Error("not in order")
			}
			if q.Guild == 0 {
				return
			}
			slices.Sort(times)
			slices.Reverse(times)
			for _, limit := range []int{1, 7, 100, 10_000} {
				if limit == 1 && len(times) > 300 {
					continue // a page a record takes long
				}
				var newest []store.Record
				var behind *store.Position
				for {
					page, next, err := db.Newest(ctx, q, behind, limit)
					if err != nil || len(page) > limit {
						t.Fatal(len(page), err)
					}
					newest = append(newest, page...)
					if behind = next; next == nil {
						break
					}
				}
				mustEqual(t, newest, want)
				for i, r := range newest {
					if r.Time != times[i] {
						t.Fatalf("limit %d: record %d is of %s, want %s", limit, i, r.Time, times[i])
					}
				}
			}
		})
	}
}

func mustEqual(t *testing.T, have []store.Record, want map[string]int) {
	t.Helper()
	total := 0
	for _, n := range want {
		total += n
	}
	if len(have) != total {
		t.Errorf("have %d records, want %d", len(have), total)
	}
	left := map[string]int{}
	for _, r := range have {
		left[describe(r, r.InLogs)]++
	}
	for d, n := range want {
		if left[d] != n {
			t.Fatalf("have %d of %s, want %d", left[d], d, n)
		}
	}
}

// A consumer may stop in the middle, and may write while it reads.
func TestRecordsWhileWriting(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	var records []store.Record
	for i := range 5_000 {
		records = append(records, live(1, 1, i, "x"))
	}
	if _, err := db.Put(ctx, store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, err := range db.Records(ctx, store.Query{Guild: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 2_500 {
			if _, err := db.Put(ctx, store.Batch{Records: []store.Record{live(1, 2, 0, "later")}}); err != nil {
				t.Fatal(err)
			}
		}
		if seen == 4_000 {
			break
		}
	}
	if seen != 4_000 {
		t.Errorf("saw %d", seen)
	}
}

// A slow Match keeps no transaction open for long, and a context cancels between pages.
func TestSlowMatch(t *testing.T) {
	db := openTemp(t)
	var records []store.Record
	for i := range 100 {
		records = append(records, live(1, 1, i, "x"))
	}
	if _, err := db.Put(t.Context(), store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		slow := store.Query{Guild: 1, Match: func(*store.Record) bool { time.Sleep(time.Second); return true }}
		found := 0
		for behind := (*store.Position)(nil); ; {
			page, next, err := db.Newest(t.Context(), slow, behind, 100)
			if err != nil || len(page) > 1 {
				t.Fatalf("a page has %d records, %v", len(page), err)
			}
			found += len(page)
			if behind = next; next == nil {
				break
			}
		}
		if found != 100 {
			t.Errorf("found %d", found)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		begin, seen, last := time.Now(), 0, error(nil)
		for _, err := range db.Records(ctx, slow) {
			if last = err; err == nil {
				seen++
			}
		}
		if took := time.Since(begin); seen != 10 || !errors.Is(last, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("saw %d in %s, %v", seen, took, last)
		}
	})
}
