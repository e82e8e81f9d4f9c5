package store_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/store"
)

// A file of the first format is brought up to date when it is opened, and nothing
// of it is lost.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		writeRandomly(t, db, rand.New(rand.NewPCG(5, 6)), 0, 30)
	}
	before := all(t, db, store.Query{})
	if err := store.MakeFormatOne(db); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left to do
		db, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if after := all(t, db, store.Query{}); !slices.Equal(before, after) {
			t.Errorf("have %v, want %v", after, before)
		}
		mustBeSound(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A file of the second format, in which each record had a key of its own, answers the
// same, and what is put between its records or goes makes blocks of them.
func TestUpgradeFromFormatTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	crowd := newCrowd()
	records := crowd.records(24_000)
	late := records[:0:0] // each third of them comes after the upgrade
	var early []store.Record
	for i, r := range records {
		if i%3 == 0 {
			late = append(late, r)
		} else {
			early = append(early, r)
		}
	}
	mustPut(t, db, store.Batch{Records: early})
	before := all(t, db, store.Query{})
	if err := store.MakeFormatTwo(db); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old := openWith(t, path, store.Options{ReadOnly: true})
	if !old.OldFormat() {
		t.Error("it is not of an old format")
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db = openChecked(t, path)
	shape := shapeOf(t, db, 1)
	if shape.Blocks != len(early) || len(shape.Runs) > 0 {
		t.Fatalf("%d records have %d keys and %d runs", len(early), shape.Blocks, len(shape.Runs))
	}
	if after := all(t, db, store.Query{}); !slices.Equal(before, after) {
		t.Errorf("%d records, want %d", len(after), len(before))
	}
	mustBeSound(t, db)
	mustPut(t, db, store.Batch{Records: late[:7000]}) // in bulk, and as runs
	mustPut(t, db, store.Batch{Records: late[7000:]})
	mustPut(t, db, store.Batch{Changes: []store.Change{of(early[0], store.Remove), of(early[1], store.Redact)}})
	records = slices.DeleteFunc(records, func(r store.Record) bool { return r.Message == early[0].Message })
	byKey(records)
	after := all(t, db, store.Query{})
	for i := range records {
		if records[i].Message == early[1].Message {
			records[i].Content, records[i].Redacted = "", true
		}
	}
	if !slices.Equal(after, records) {
		t.Errorf("%d records, want %d", len(after), len(records))
	}
	if shape = shapeOf(t, db, 1); shape.Blocks > len(early)+10 || len(shape.Runs) == 0 {
		t.Errorf("%d records have %d blocks and %d runs", len(records), shape.Blocks, len(shape.Runs))
	}
}

// A file that was brought up to date has the buckets that a new one has, and that is
// so again if it is done again.
func TestUpgradeMakesBuckets(t *testing.T) {
	folder := t.TempDir()
	fresh := openChecked(t, filepath.Join(folder, "fresh.db"))
	want := buckets(t, fresh)
	for _, old := range []struct {
		name string
		make func(*store.DB) error
	}{{"format 1", store.MakeFormatOne}, {"format 2", store.MakeFormatTwo}, {"format 3", store.MakeFormatThree}, {"format 4", store.MakeFormatFour}, {"format 3 with the buckets of 4", func(db *store.DB) error {
		return errors.Join(store.MakeFormatFour(db), store.SayFormatThree(db))
	}}} {
		t.Run(old.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{})
			if err := errors.Join(old.make(db), db.Close()); err != nil {
				t.Fatal(err)
			}
			readOnly := openWith(t, path, store.Options{ReadOnly: true})
			if !readOnly.OldFormat() {
				t.Error("it is not of an old format")
			}
			if err := readOnly.Close(); err != nil {
				t.Fatal(err)
			}
			if have := buckets(t, openChecked(t, path)); !slices.Equal(have, want) {
				t.Errorf("it has %q, want %q", have, want)
			}
		})
	}
}

// buckets returns the names of the buckets that every file has.
func buckets(t *testing.T, db *store.DB) (names []string) {
	t.Helper()
	err := store.Raw(db, func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			names = append(names, string(name))
			if string(name) != "state" {
				return nil
			}
			return b.ForEachBucket(func(nested []byte) error {
				names = append(names, "state/"+string(nested))
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
