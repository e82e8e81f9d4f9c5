package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/store"
)

// damageable fills a database with some blocks in user_stats, by a batch that is large
// because of a few texts, which go again, and six runs of the smallest size.
func damageable(t *testing.T, db *store.DB) []store.Record {
	t.Helper()
	var records []store.Record
	put := func(batch []store.Record) {
		mustPut(t, db, store.Batch{Records: batch})
		records = append(records, batch...)
	}
	batch := func(from, n int) (batch []store.Record) {
		for i := range n {
			n := from + i
			batch = append(batch, live(1, store.ID(1+n*7%10), 10*n, fmt.Sprint("text ", n, strings.Repeat("x", n%50))))
		}
		return batch
	}
	put(append(batch(0, 60), large(1000)...))
	var remove []store.Change
	for _, r := range large(1000) {
		remove = append(remove, of(r, store.Remove))
	}
	mustPut(t, db, store.Batch{Changes: remove})
	records = records[:60]
	for i := range 6 {
		put(batch(100+100*i, 55))
	}
	if _, err := db.Compact(t.Context(), store.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	return records
}

// large are few messages of which a commit goes to user_stats at once.
func large(from int) (records []store.Record) {
	for i := range 6 {
		records = append(records, live(1, 1<<60, 10*(from+i), strings.Repeat("y", 70_000)))
	}
	return records
}

// readable returns the records that a query finds, by key, and reports whether some
// were damaged.
func readable(t *testing.T, db *store.DB, q store.Query) (records map[string]store.Record, damaged bool) {
	t.Helper()
	records = map[string]store.Record{}
	for r, err := range db.Records(t.Context(), q) {
		if errors.Is(err, store.ErrDamaged) {
			damaged = true
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := records[string(store.RecordKey(r))]; twice {
			t.Fatalf("%v is there twice", r)
		}
		records[string(store.RecordKey(r))] = r
	}
	return records, damaged
}

// A byte that is changed anywhere in a block, in a run's or in user_stats, or in a list
// of runs, is found. It costs some of that block's records and no others, in no answer,
// and stops nobody who writes, next to it or over it.
func TestDamagedBlocks(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(21, 22))
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	records := damageable(t, db)
	places, err := store.PlacesOf(db, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole := readFile(t, path)
	tried := map[string]int{}
	for _, p := range places {
		switch {
		case p.IsList():
			tried["lists"]++
		case len(p.Keys()) < 5:
			continue
		case p.InMain() && tried["main"] < 1:
			tried["main"]++
		case p.InRun() && tried["run"] < 1:
			tried["run"]++
		default:
			continue
		}
		mine := map[string]bool{}
		for _, key := range p.Keys() {
			mine[string(key)] = true
		}
		for at := range p.Value {
			if at%4 != 1 && !p.IsList() { // a block has several records, so every kind of byte has its turn
				continue
			}
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			value := slices.Clone(p.Value)
			value[at] ^= byte(1 + random.IntN(255))
			if at%8 < 4 {
				value[at] = p.Value[at] ^ 1<<random.IntN(8)
			}
			f := flipped{t, path, records, p, mine}
			if f.try(value, at%3 == 0); t.Failed() {
				t.Fatalf("byte %d of %s: %x instead of %x", at, p, value[at], p.Value[at])
			}
		}
	}
	if tried["main"] != 1 || tried["run"] != 1 || tried["lists"] != 1 {
		t.Errorf("tried %v of %d", tried, len(places))
	}
}

type flipped struct {
	*testing.T
	path    string
	records []store.Record
	place   store.Place
	mine    map[string]bool // keys of the records in the place
}

// try changes the value, reads, and may write.
func (f *flipped) try(value []byte, write bool) {
	db := openWith(f.T, f.path, store.Options{})
	defer db.Close()
	if err := store.NoSync(db); err != nil {
		f.Fatal(err)
	}
	if err := f.place.Put(db, value); err != nil {
		f.Fatal(err)
	}
	problems, err := db.Check(context.Background())
	if err != nil || len(problems) == 0 {
		f.Errorf("Check finds %q, %v", problems, err)
	}
	have, _ := readable(f.T, db, store.Query{Guild: 1})
	f.mustBe("all", have, f.records)
	users := map[store.ID]bool{} // those in the block, and who may be behind it
	for _, r := range f.records {
		if f.mine[string(store.RecordKey(r))] {
			users[r.User], users[r.User+1] = true, true
		}
	}
	for user := range users {
		f.mustReadUser(db, user)
	}
	if !write {
		return
	}
	f.mustRead(db, f.records)
	// New records between those of the block, and changes of those in it.
	var batch store.Batch
	for _, r := range f.records {
		if !f.mine[string(store.RecordKey(r))] {
			continue
		}
		if r.Content != "" {
			edit := of(r, store.Edit)
			edit.User, edit.Content, edit.Edited = r.User, r.Content+strings.Repeat(" and more", 9), r.Time+5
			if problems, _ := readable(f.T, db, store.Query{Guild: 1, User: r.User}); problems[string(store.RecordKey(r))] == r {
				batch.Changes = append(batch.Changes, edit)
			}
		}
		r.Time += 1e6
		r.Message += 1
		batch.Records = append(batch.Records, r)
	}
	if f.place.InMain() {
		batch.Records = append(batch.Records, large(2000)...)
	}
	f.put(db, batch)
	for i := range 4 { // and runs are merged
		var more []store.Record
		for k := range 55 {
			more = append(more, live(1, store.ID(1+k%12), 100_000*(i+1)+k, fmt.Sprint("more ", k, strings.Repeat("x", k))))
		}
		f.put(db, store.Batch{Records: more})
	}
	f.mustRead(db, f.records)
	problems, err = db.Check(context.Background())
	if err != nil || (len(problems) == 0) != f.place.IsList() {
		f.Errorf("after more was written, Check finds %q, %v", problems, err)
	}
}

// put stores a batch.
func (f *flipped) put(db *store.DB, batch store.Batch) {
	f.Helper()
	if n, err := db.Put(context.Background(), batch); err != nil || n != len(batch.Records) {
		f.Fatalf("of %d records %d are stored: %v", len(batch.Records), n, err)
	}
	f.records = slices.Clone(f.records)
	for _, c := range batch.Changes {
		for i := range f.records {
			if r := &f.records[i]; r.Message == c.Message {
				r.Content, r.Edited = c.Content, c.Edited
			}
		}
	}
	f.records = append(f.records, batch.Records...)
}

// mustRead wants all records but those of the block, and of those none that is not as
// it should be.
func (f *flipped) mustRead(db *store.DB, want []store.Record) {
	f.Helper()
	have, _ := readable(f.T, db, store.Query{Guild: 1})
	f.mustBe("all", have, want)
	f.mustBe("the newest", f.newest(db, store.Query{Guild: 1}), want)
}

func (f *flipped) mustReadUser(db *store.DB, user store.ID) {
	f.Helper()
	want := slices.DeleteFunc(slices.Clone(f.records), func(r store.Record) bool { return r.User != user })
	have, _ := readable(f.T, db, store.Query{Guild: 1, User: user})
	f.mustBe("a user's", have, want)
	f.mustBe("a user's newest", f.newest(db, store.Query{Guild: 1, User: user}), want)
}

func (f *flipped) newest(db *store.DB, q store.Query) map[string]store.Record {
	f.Helper()
	records := map[string]store.Record{}
	for behind, more := (*store.Position)(nil), true; more; more = behind != nil {
		page, next, err := db.Newest(context.Background(), q, behind, 100)
		if err != nil {
			f.Fatal(err)
		}
		for _, r := range page {
			records[string(store.RecordKey(r))] = r
		}
		behind = next
	}
	return records
}

func (f *flipped) mustBe(what string, have map[string]store.Record, want []store.Record) {
	f.Helper()
	for _, w := range want {
		key := string(store.RecordKey(w))
		h, there := have[key]
		if there && h != w || !there && !f.mine[key] {
			f.Errorf("%s: %x: there %t, have %.200q, want %.200q", what, key, there, fmt.Sprint(h), fmt.Sprint(w))
		}
		delete(have, key)
	}
	if len(have) > 0 {
		f.Errorf("%s: %d records that nobody has put", what, len(have))
	}
}
