package store_test

import (
	"context"
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
	if _, err := db.Put(context.Background(), store.Batch{Records: []store.Record{
		{Guild: 1, User: 2, Time: 3, Message: 4, Channel: store.Channel{ID: 5, Name: "general"}, Content: "hi", Source: store.SourceLive},
	}}); err != nil {
		t.Fatal(err)
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
