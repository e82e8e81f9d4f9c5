package store_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

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
