package store_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/store"
)

func shapeOf(t testing.TB, db *store.DB, guild store.ID) store.Shape {
	t.Helper()
	s, err := store.ShapeOf(db, guild)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// byKey sorts as records are kept.
func byKey(records []store.Record) {
	slices.SortFunc(records, func(a, b store.Record) int {
		return cmp.Or(cmp.Compare(a.Guild, b.Guild), bytes.Compare(store.RecordKey(a), store.RecordKey(b)))
	})
}

// scattered are messages of guild 1 with users and times from end to end of what there
// may be, many of the same user and some of the same instant.
func scattered(random *rand.Rand, n int) []store.Record {
	users := []store.ID{1, 2, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1}
	for range 30 {
		users = append(users, store.ID(random.Uint64()|1))
	}
	records := make([]store.Record, n)
	for i := range records {
		r := live(1, users[random.IntN(len(users))], i, fmt.Sprint("text ", i, strings.Repeat(" and on", random.IntN(20))))
		switch r.Message = store.ID(1 + random.Int64N(1<<62)); random.IntN(4) {
		case 0:
			r.Time = store.Micros(random.IntN(5)) - 2
		case 1:
			r.Time = -r.Time
		}
		if random.IntN(200) == 0 {
			r.Content = strings.Repeat("a long text ", random.IntN(2000))
		}
		records[i] = r
	}
	return records
}

// scatter puts records so that they lie in runs of all sizes, in one that is being
// moved, and in user_stats.
func scatter(t testing.TB, db *store.DB, records []store.Record) {
	t.Helper()
	put := func(n int) {
		t.Helper()
		n = min(n, len(records))
		if _, err := db.Put(context.Background(), store.Batch{Records: records[:n]}); err != nil {
			t.Fatal(err)
		}
		records = records[n:]
	}
	put(5000)
	for range 9 {
		put(1500)
	}
	for range 2 {
		put(300)
	}
	for range 3 {
		put(20)
	}
	shape := shapeOf(t, db, 1)
	var levels [3]int
	moving := 0
	for _, run := range shape.Runs {
		if levels[run.Level]++; run.Moving {
			moving++
		}
	}
	if len(records) > 0 || slices.Min(levels[:]) == 0 || moving != 1 || shape.Blocks < 500 {
		t.Fatalf("%d records are left; %+v", len(records), shape)
	}
}

const scatteredRecords = 5000 + 9*1500 + 2*300 + 3*20

// The cursor over all places in which records are moves as one over a sorted list does,
// in both directions and with any turns.
func TestRecordCursor(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	db := openTemp(t)
	records := scattered(random, scatteredRecords+300)
	fresh := records[scatteredRecords:]
	scatter(t, db, records[:scatteredRecords])
	keysOf := func(records []store.Record) (keys [][]byte) {
		for _, r := range records {
			keys = append(keys, store.RecordKey(r))
		}
		slices.SortFunc(keys, bytes.Compare)
		return keys
	}
	random.Shuffle(len(fresh), func(i, k int) { fresh[i], fresh[k] = fresh[k], fresh[i] })
	var added [][]byte
	for _, r := range fresh {
		added = append(added, store.RecordKey(r))
	}
	wander := func(keys [][]byte) func(c *store.RecordCursor, get func([]byte) []byte) {
		return func(c *store.RecordCursor, get func([]byte) []byte) { wander(t, random, keys, c, get) }
	}
	if err := store.Reading(db, 1, wander(keysOf(records[:scatteredRecords]))); err != nil {
		t.Fatal(err)
	}
	if err := store.WithFresh(db, 1, added, wander(keysOf(records))); err != nil {
		t.Fatal(err)
	}
	empty := openTemp(t)
	mustPut(t, empty, store.Batch{Records: records[:1], Changes: []store.Change{of(records[0], store.Remove)}})
	if err := store.Reading(empty, 1, wander(nil)); err != nil {
		t.Fatal(err)
	}
}

func wander(t *testing.T, random *rand.Rand, keys [][]byte, c *store.RecordCursor, get func([]byte) []byte) {
	at := -1 // nowhere
	for i := range 40_000 {
		any := make([]byte, 24)
		for i := range any {
			any[i] = byte(random.Uint32() >> 3)
		}
		if len(keys) > 0 && random.IntN(8) > 0 {
			any = slices.Clone(keys[random.IntN(len(keys))])
			if change := random.IntN(3); change > 0 {
				any[23] += byte(change)
			}
			if random.IntN(4) == 0 {
				any = any[:8+8*random.IntN(2)]
			}
		}
		want, found := slices.BinarySearchFunc(keys, any, bytes.Compare)
		if has := get(append(any, make([]byte, 24-len(any))...)); len(any) == 24 && (has != nil) != found {
			t.Fatalf("%x is found: %t, want %t", any, has != nil, found)
		}
		var key, value []byte
		move := "next"
		switch n := random.IntN(20); {
		case n == 0:
			move = "first"
			key, value = c.First()
			at = 0
		case n == 1:
			move = "last"
			key, value = c.Last()
			at = len(keys) - 1
		case n == 2:
			move = "seek"
			key, value = c.Seek(any)
			at = want
		case n == 3:
			move = "before"
			key, value = c.Before(any)
			at = want - 1
		case n%2 == 0 || i%512 < 256: // long ways forwards, back, and much turning
			if key, value = c.Next(); at >= 0 {
				at++
			}
		default:
			move = "prev"
			key, value = c.Prev()
			at = max(at-1, -1)
		}
		if at >= len(keys) {
			at = -1
		}
		if at < 0 && key != nil || at >= 0 && !bytes.Equal(key, keys[at]) {
			t.Fatalf("step %d, %s: at %x, want place %d of %d", i, move, key, at, len(keys))
		}
		if key != nil && !bytes.Equal(value, get(key)) {
			t.Fatalf("step %d, %s: another value than that of %x", i, move, key)
		}
	}
}

// A run's size follows the texts in it: that of a run in which much was written anew
// is not less than nothing when it is moved.
func TestRunsGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openChecked(t, path)
	var records []store.Record
	for i := range 20_000 {
		records = append(records, live(1, store.ID(1+i%500), i, "as long as most of what people say to each other, more or less"))
	}
	var put int
	for ; put < len(records)-6000 && !slices.ContainsFunc(shapeOf(t, db, 1).Runs, func(r store.RunShape) bool { return r.Moving }); put += 1500 {
		mustPut(t, db, store.Batch{Records: records[put : put+1500]})
	}
	var edits []store.Change
	for i := range records[:put] {
		r := &records[i]
		r.Content, r.Edited = strings.Repeat("long ", 100), r.Time+1
		change := of(*r, store.Edit)
		change.Content, change.Edited = r.Content, r.Edited
		edits = append(edits, change)
	}
	for chunk := range slices.Chunk(edits, 1000) {
		mustPut(t, db, store.Batch{Changes: chunk})
	}
	for rest := range slices.Chunk(records[put:], 1500) {
		mustPut(t, db, store.Batch{Records: rest})
	}
	if shape := shapeOf(t, db, 1); shape.Blocks == 0 || !shape.Runs[0].Moving {
		t.Errorf("nothing was moved, or all: %+v", shape)
	}
	if n := db.Damaged(); n > 0 { // as a list of runs that does not decode is
		t.Errorf("%d times something was damaged", n)
	}
	byKey(records)
	if have := all(t, db, store.Query{}); !slices.Equal(have, records) || put == 0 {
		t.Errorf("%d records, want %d", len(have), len(records))
	}
}

// A step that takes away all that a guild has, from many pages, or all that is on the
// pages between two others, comes to its end and to all of it.
func TestRemoveWholePages(t *testing.T) {
	db := openTemp(t)
	said := func(place, i int) store.Record {
		return live(1, store.ID(1+i)<<40, 3*((i*101)%400)+place, strings.Repeat("long ", 250))
	}
	for place, n := range []int{400, 100, 20} { // in user_stats, in a run, in another one
		var batch store.Batch
		for i := range n {
			batch.Records = append(batch.Records, said(place, i))
		}
		mustPut(t, db, batch)
	}
	shape := shapeOf(t, db, 1)
	if shape.Blocks < 300 || len(shape.Runs) != 2 {
		t.Fatalf("%+v", shape)
	}
	var batch store.Batch
	for i := 300; i > 80; i-- { // the first page last
		batch.Changes = append(batch.Changes, of(said(0, i), store.Remove))
	}
	batch.Changes = append(batch.Changes, of(said(0, 80), store.Redact), of(said(0, 301), store.Redact))
	mustPut(t, db, batch)
	if left := all(t, db, store.Query{Guild: 1}); len(left) != 520-220 {
		t.Errorf("%d records are left", len(left))
	}
	mustBeSound(t, db)
	mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: 1}}})
	for done := false; !done; {
		var err error
		if _, done, err = db.RemoveGuild(context.Background(), 1, 2); err != nil {
			t.Fatal(err)
		}
	}
}

// What lies before pages that a transaction has emptied is found in it, inside of its
// block.
func TestFindBeforeEmptyPages(t *testing.T) {
	db := openTemp(t)
	var batch store.Batch
	for i := range 8000 {
		batch.Records = append(batch.Records, live(1, 7, i, "a text that is of some length, as most are"))
	}
	mustPut(t, db, batch)
	const first, end = 3000, 3400
	var changes []store.Change
	for i := end - 1; i >= first; i-- {
		changes = append(changes, of(batch.Records[i], store.Remove))
	}
	for i := first - 30; i < first; i++ {
		changes = append(changes, of(batch.Records[i], store.Redact))
	}
	for i := range changes {
		changes[i].User = 7
	}
	mustPut(t, db, store.Batch{Changes: changes})
	want := slices.Delete(batch.Records, first, end)
	for i := first - 30; i < first; i++ {
		want[i].Content, want[i].Redacted = "", true
	}
	if have := all(t, db, store.Query{}); !slices.Equal(have, want) {
		t.Errorf("%d records, want %d", len(have), len(want))
	}
	if shape := shapeOf(t, db, 1); shape.Blocks < 500 || len(shape.Runs) > 0 {
		t.Errorf("%+v", shape)
	}
}

// A run that grew beyond all sizes, by what was written anew in it, is merged with the
// next ones, and is not in the way of their being moved.
func TestGrownRunIsMerged(t *testing.T) {
	db := openTemp(t)
	crowd := newCrowd()
	batch := store.Batch{Records: crowd.records(500)}
	mustPut(t, db, batch)
	for _, r := range batch.Records {
		edit := of(r, store.Edit)
		edit.User, edit.Content, edit.Edited = r.User, strings.Repeat("long ", 200), r.Time+1
		batch.Changes = append(batch.Changes, edit)
	}
	mustPut(t, db, store.Batch{Changes: batch.Changes})
	for range 9 {
		mustPut(t, db, store.Batch{Records: crowd.records(1500)})
	}
	shape := shapeOf(t, db, 1)
	if !shape.Runs[0].Moving || shape.Blocks == 0 || len(shape.Runs) > 3 {
		t.Errorf("%+v", shape)
	}
}

// BenchmarkRecords reads records that lie in runs of all sizes and in user_stats.
func BenchmarkRecords(b *testing.B) {
	random := rand.New(rand.NewPCG(11, 12))
	db := openTemp(b)
	records := scattered(random, scatteredRecords)
	scatter(b, db, records)
	var keys [][]byte
	for _, r := range records {
		keys = append(keys, store.RecordKey(r))
	}
	each := func(name string, read func(c *store.RecordCursor, get func([]byte) []byte, n int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			err := store.Reading(db, 1, func(c *store.RecordCursor, get func([]byte) []byte) {
				for n := 0; b.Loop(); n++ {
					read(c, get, n)
				}
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
	each("get", func(_ *store.RecordCursor, get func([]byte) []byte, n int) { get(keys[n%len(keys)]) })
	each("seek", func(c *store.RecordCursor, _ func([]byte) []byte, n int) { c.Seek(keys[n%len(keys)]) })
	each("next", func(c *store.RecordCursor, _ func([]byte) []byte, _ int) {
		if key, _ := c.Next(); key == nil {
			c.First()
		}
	})
}
