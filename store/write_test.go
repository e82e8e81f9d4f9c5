package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

func TestPut(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	full := store.Record{
		Guild: 1, User: 1<<64 - 1, Time: 1_700_000_000_123456, Message: 1<<63 - 1, Channel: store.Channel{ID: 5, Name: "一般聊天"},
		Content: "你好\n\x00 😀", Source: store.SourceBackfill, ReplyTo: 77, ReplyToUser: 1<<64 - 2, Attachments: 10,
	}
	empty := store.Record{Guild: 1, User: 2, Time: -1, Message: 3, Channel: store.Channel{Name: "unknown"}, Source: store.SourceImport}
	for round, want := range []int{2, 0} {
		stored, err := db.Put(ctx, store.Batch{Records: []store.Record{full, empty, full}})
		if err != nil || stored != want {
			t.Fatalf("round %d: stored %d, %v, want %d", round, stored, err, want)
		}
	}
	if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, []store.Record{empty, full}) {
		t.Errorf("have %+v", have)
	}
	guilds, err := db.Guilds(ctx)
	want := []store.Guild{{ID: 1, Messages: 2, Users: 2, First: -1, Last: full.Time}}
	if err != nil || !reflect.DeepEqual(guilds, want) {
		t.Errorf("have %+v, %v, want %+v", guilds, err, want)
	}
	if guild, known, err := db.Guild(ctx, 1); err != nil || !known || guild != want[0] {
		t.Errorf("have %+v, %v, %v, want %+v", guild, known, err, want[0])
	}
	if guild, known, err := db.Guild(ctx, 2); err != nil || known || guild != (store.Guild{}) {
		t.Errorf("have %+v, %v, %v of a guild that is not there", guild, known, err)
	}
}

// TestCrowdedQuarter puts so much into a quarter hour that a small commit looks for its
// messages among the records, and a large one in the timeline.
func TestCrowdedQuarter(t *testing.T) {
	db := openTemp(t)
	var crowd []store.Record
	for i := range 2_000 {
		crowd = append(crowd, live(1, store.ID(1+i%50), i%900, fmt.Sprint(i)))
		crowd[i].Message += store.ID(i)
	}
	put := func(batch []store.Record, want int) {
		t.Helper()
		if stored, err := db.Put(context.Background(), store.Batch{Records: batch}); err != nil || stored != want {
			t.Errorf("stored %d of %d, %v, want %d", stored, len(batch), err, want)
		}
	}
	put(slices.Concat(crowd[:800], crowd[801:]), len(crowd)-1)
	put(crowd[700:701], 0)
	put([]store.Record{crowd[800], crowd[800], crowd[801]}, 1)
	put(crowd, 0)
}

func TestPutRefuses(t *testing.T) {
	db := openTemp(t)
	for name, change := range map[string]func(*store.Record){
		"no message id":          func(r *store.Record) { r.Message = 0 },
		"message id beyond 2^63": func(r *store.Record) { r.Message = 1 << 63 },
		"log source":             func(r *store.Record) { r.Source = store.SourceLog },
		"no guild":               func(r *store.Record) { r.Guild = 0 },
		"no user":                func(r *store.Record) { r.User = 0 },
		"time out of range":      func(r *store.Record) { r.Time = 1 << 62 },
	} {
		r := live(1, 2, 3, "x")
		change(&r)
		if _, err := db.Put(context.Background(), store.Batch{Records: []store.Record{live(1, 1, 1, "y"), r}}); err == nil {
			t.Errorf("%s: stored", name)
		}
	}
	if have := all(t, db, store.Query{}); len(have) != 0 {
		t.Errorf("of a refused batch %d records were stored", len(have))
	}
}

func TestImport(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	a, b := logged(1, 2, 0, "general", "said once"), logged(1, 2, 1, "general", "")
	other := logged(3, 2, 0, "general", "said once")
	batch := store.LogBatch{
		Records:    []store.Record{b, a, a, other},
		File:       store.LogFile{Key: "1/20231114/info.jsonl", Path: "1/20231114/info.jsonl", Offset: 900, Size: 900, Complete: true, Counts: store.Counts{Lines: 6, Skipped: 1, Malformed: 1}},
		Done:       []store.GuildDay{{Guild: 1, Date: "20231114"}},
		Quarantine: []store.Quarantined{{File: "1/20231114/info.jsonl", Offset: 300, Reason: "not JSON"}},
	}
	done, err := storetest.Import(ctx, db, batch)
	if err != nil || done.Messages != 3 || done.Duplicates != 1 {
		t.Fatalf("have %+v, %v", done, err)
	}
	wantCounts := store.Counts{Lines: 6, Messages: 3, Skipped: 1, Duplicates: 1, Malformed: 1}
	file, ok, err := db.LogFile(ctx, batch.File.Key)
	if err != nil || !ok || file.Counts != wantCounts || !reflect.DeepEqual(file, done.File) {
		t.Errorf("have %+v, %v, %v", file, ok, err)
	}
	if done, err = storetest.Import(ctx, db, batch); err != nil || done.Messages != 0 || done.Duplicates != 4 {
		t.Errorf("again: have %+v, %v", done, err)
	}
	if have, _ := db.Quarantine(ctx); !reflect.DeepEqual(have, batch.Quarantine) {
		t.Errorf("quarantine %v", have)
	}
	if have, _ := db.LogFiles(ctx); len(have) != 1 {
		t.Errorf("files %v", have)
	}
	a.InLogs, b.InLogs, other.InLogs = true, true, true
	if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, []store.Record{a, b, other}) {
		t.Errorf("have %+v", have)
	}
}

// Batches of several files are one transaction, and are counted each by itself:
// a line that two files have is a duplicate in the second.
func TestImportAll(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	a, b, c := logged(1, 2, 0, "general", "a"), logged(1, 2, 1, "general", "b"), logged(9, 2, 2, "general", "c")
	file := func(key string) store.LogFile { return store.LogFile{Key: key, Path: key, Offset: 10} }
	done, err := storetest.ImportAll(ctx, db,
		store.LogBatch{Records: []store.Record{a, b}, File: file("x"), Done: []store.GuildDay{{Guild: 1, Date: "20231114"}}},
		store.LogBatch{Records: []store.Record{b, c}, File: file("y"), Done: []store.GuildDay{{Guild: 1, Date: "20231115"}}},
	)
	if err != nil || len(done) != 2 || done[0].Messages != 2 || done[1].Messages != 1 || done[1].Duplicates != 1 || done[1].File.Key != "y" {
		t.Fatalf("have %+v, %v", done, err)
	}
	if dates, err := db.LastDates(ctx); err != nil || !slices.Equal(dates, []store.GuildDay{{Guild: 1, Date: "20231115"}}) {
		t.Errorf("last dates %v, %v", dates, err)
	}
	bad := c
	bad.User = 0
	if _, err := storetest.ImportAll(ctx, db, store.LogBatch{Records: []store.Record{logged(1, 2, 5, "general", "new")}}, store.LogBatch{Records: []store.Record{bad}}); err == nil {
		t.Error("a bad record was taken")
	}
	if have := all(t, db, store.Query{}); len(have) != 3 {
		t.Errorf("have %d records", len(have))
	}
}

// logged returns a log record of a second after 2023-11-14T22:13:20Z.
func logged(guild, user store.ID, second int, channel, content string) store.Record {
	return store.Record{
		Guild: guild, User: user, Time: store.Micros(1_700_000_000e6 + int64(second)*1e6),
		Channel: store.Channel{Name: channel}, Content: content, Source: store.SourceLog,
	}
}

func TestStateMovesForward(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	for _, date := range []string{"20260511", "20260509", "20260512", "20260510"} {
		if _, err := storetest.Import(ctx, db, store.LogBatch{Done: []store.GuildDay{{Guild: 7, Date: date}}}); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := db.LastDates(ctx); err != nil || !slices.Equal(have, []store.GuildDay{{Guild: 7, Date: "20260512"}}) {
		t.Errorf("last dates %v, %v", have, err)
	}
	for _, last := range []store.ID{5, 9, 7} {
		if _, err := db.Put(ctx, store.Batch{Cursors: []store.ChannelCursor{{Guild: 7, Channel: 1, Last: last}}}); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := db.Cursors(ctx, 7); err != nil || !reflect.DeepEqual(have, map[store.ID]store.ID{1: 9}) {
		t.Errorf("cursors %v, %v", have, err)
	}
	if have, err := db.Cursors(ctx, 8); err != nil || len(have) != 0 {
		t.Errorf("another guild's cursors %v, %v", have, err)
	}
}

func TestGaps(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	gap := store.Gap{Guild: 1, Channel: 2, After: 3, Until: 9, From: 10, To: 20, Reason: "was not running", State: store.GapOpen}
	if _, err := db.Put(ctx, store.Batch{Gaps: []store.Gap{gap, gap}}); err != nil {
		t.Fatal(err)
	}
	gaps, err := db.Gaps(ctx, true)
	if err != nil || len(gaps) != 2 || gaps[0].Seq != 1 || gaps[1].Seq != 2 {
		t.Fatalf("have %+v, %v", gaps, err)
	}
	gaps[0].State, gaps[0].After, gaps[0].Found = store.GapFilled, 9, 4
	if _, err := db.Put(ctx, store.Batch{Gaps: gaps[:1]}); err != nil {
		t.Fatal(err)
	}
	if open, _ := db.Gaps(ctx, true); len(open) != 1 || open[0].Seq != 2 {
		t.Errorf("open %+v", open)
	}
	if ledger, _ := db.Gaps(ctx, false); !reflect.DeepEqual(ledger, gaps) {
		t.Errorf("ledger %+v, want %+v", ledger, gaps)
	}
}

// The ledger keeps every open gap, and the youngest of the others.
// A page of the history that is put again is found once.
func TestGapCountsWhatIsNew(t *testing.T) {
	db := openTemp(t)
	ctx := context.Background()
	gap := store.Gap{Guild: 1, Channel: 5, Until: 9, State: store.GapOpen}
	for _, put := range []struct {
		records []store.Record
		found   int64 // as it is given
		want    int64
	}{
		{[]store.Record{live(1, 2, 10, "a"), live(1, 2, 20, "b")}, 0, 2},
		{[]store.Record{live(1, 2, 20, "b"), live(1, 2, 30, "c")}, 2, 3},
		{nil, 3, 3},
	} {
		gap.Found = put.found
		stored, err := db.Put(ctx, store.Batch{Records: put.records, Gaps: []store.Gap{gap, {Guild: 1, Channel: 6, Until: 9, State: store.GapSkipped}}, CountFound: true})
		if err != nil {
			t.Fatal(err)
		}
		gaps, err := db.Gaps(ctx, false)
		if err != nil || gaps[0].Found != put.want || gap.Found+int64(stored) != put.want || gaps[1].Found != 0 {
			t.Errorf("after %d new ones the ledger is %+v, want %d found; %v", stored, gaps, put.want, err)
		}
		gap.Seq = gaps[0].Seq
	}
}

func TestGapsAreBounded(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put := func(gaps ...store.Gap) {
		t.Helper()
		if _, err := db.Put(ctx, store.Batch{Gaps: gaps}); err != nil {
			t.Fatal(err)
		}
	}
	put(store.Gap{Guild: 1, Channel: 2, Until: 3, State: store.GapOpen})
	for range 60 {
		many := make([]store.Gap, 1_000)
		for i := range many {
			many[i] = store.Gap{Guild: 1, Channel: 2, Until: 3, State: store.GapFilled}
		}
		put(many...)
	}
	ledger, err := db.Gaps(ctx, false)
	if err != nil || len(ledger) != 50_001 || ledger[0].State != store.GapOpen || ledger[50_000].Seq != 60_001 {
		t.Fatalf("have %d, %v", len(ledger), err)
	}
	if open, err := db.Gaps(ctx, true); err != nil || len(open) != 1 || open[0].Seq != 1 {
		t.Errorf("open %v, %v", open, err)
	}
}

func TestNames(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	for _, name := range []string{"Ada", "Ada L.", ""} {
		if _, err := db.Put(ctx, store.Batch{Records: []store.Record{live(1, 2, 3, "x")}, Names: []store.Name{{Guild: 1, Name: "The Guild"}, {Guild: 1, User: 2, Name: name}}}); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := db.Names(ctx, 1); err != nil || !reflect.DeepEqual(have, map[store.ID]string{0: "The Guild", 2: "Ada L."}) {
		t.Errorf("have %v, %v", have, err)
	}
	if guilds, err := db.Guilds(ctx); err != nil || len(guilds) != 1 || guilds[0].Name != "The Guild" {
		t.Errorf("have %+v, %v", guilds, err)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	for file := range 12 {
		var lines []store.Quarantined
		for i := range 1_100 {
			lines = append(lines, store.Quarantined{File: fmt.Sprint("file", file), Offset: int64(i), Reason: "not JSON"})
		}
		for range 2 { // the second time changes nothing
			if _, err := storetest.Import(ctx, db, store.LogBatch{Quarantine: lines}); err != nil {
				t.Fatal(err)
			}
		}
	}
	have, err := db.Quarantine(ctx)
	if err != nil || len(have) != 10_000 || have[999].Offset != 999 || have[1000].Offset != 0 {
		t.Errorf("have %d, %v", len(have), err)
	}
}

// What is read anew leaves the quarantine and its counts, so that others have the room.
func TestQuarantineIsReread(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	lines := func(file string, from, to int) (list []store.Quarantined) {
		for i := from; i < to; i++ {
			list = append(list, store.Quarantined{File: file, Offset: int64(i), Reason: "not JSON"})
		}
		return list
	}
	put := func(b store.LogBatch) {
		t.Helper()
		if _, err := storetest.Import(ctx, db, b); err != nil {
			t.Fatal(err)
		}
	}
	want := func(want ...[]store.Quarantined) {
		t.Helper()
		have, err := db.Quarantine(ctx)
		if want := slices.Concat(want...); err != nil || !slices.Equal(have, want) {
			t.Errorf("have %v, %v\nwant %v", have, err, want)
		}
		if s, err := db.Stats(ctx); err != nil || s.Quarantined != int64(len(have)) {
			t.Errorf("%d are counted of %d, %v", s.Quarantined, len(have), err)
		}
	}
	put(store.LogBatch{Quarantine: append(lines("a", 0, 5), lines("a.gz", 0, 5)...)})
	put(store.LogBatch{Reread: []store.LogSpan{{File: "a", From: 2, To: 4}, {File: "b", To: 9}}})
	want(lines("a", 0, 2), lines("a", 4, 5), lines("a.gz", 0, 5))
	put(store.LogBatch{Reread: []store.LogSpan{{File: "a", To: math.MaxInt64}}, Quarantine: lines("a", 1, 3)})
	want(lines("a", 1, 3), lines("a.gz", 0, 5))
	put(store.LogBatch{Reread: []store.LogSpan{{File: "a", To: math.MaxInt64}, {File: "a.gz", To: math.MaxInt64}}})
	want()
	for range 2 { // a file's own bound is free again, too
		put(store.LogBatch{Reread: []store.LogSpan{{File: "a", To: math.MaxInt64}}, Quarantine: lines("a", 0, 1100)})
		want(lines("a", 0, 1000))
	}
}

// A full file refuses a batch as a whole and takes smaller ones afterwards.
func TestFull(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for i := 0; ; i++ {
		n, err := db.Put(ctx, store.Batch{Records: []store.Record{live(1, 1, i, strings.Repeat("x", 100_000))}})
		if err != nil {
			if !errors.Is(err, store.ErrFull) || n != 0 {
				t.Fatalf("have %d, %v", n, err)
			}
			break
		}
		stored += n
	}
	if have := all(t, db, store.Query{}); len(have) != stored || stored == 0 {
		t.Errorf("have %d records of %d", len(have), stored)
	}
	mustBeSound(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openChecked(t, path) // now there is room
	if n, err := db.Put(ctx, store.Batch{Records: []store.Record{live(1, 1, 9999, strings.Repeat("x", 100_000))}}); err != nil || n != 1 {
		t.Errorf("have %d, %v", n, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	db := openTemp(t)
	cancel()
	if _, err := db.Put(ctx, store.Batch{Records: []store.Record{live(1, 1, 1, "x")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	for _, err := range db.Records(ctx, store.Query{Guild: 1}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("records: %v", err)
		}
	}
}
