package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"rollcall/store"
)

// openTemp opens a new database in a temporary folder; when the test ends it is
// checked and closed.
func openTemp(t testing.TB) *store.DB {
	t.Helper()
	return openChecked(t, filepath.Join(t.TempDir(), "rollcall.db"))
}

func openChecked(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mustBeSound(t, db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// mustBeSound is the consistency check that every test of the store ends with.
func mustBeSound(t testing.TB, db *store.DB) {
	t.Helper()
	problems, err := db.Check(context.Background())
	if err != nil {
		t.Errorf("check: %v", err)
	}
	pages, err := db.CheckPages(context.Background())
	if err != nil {
		t.Errorf("check pages: %v", err)
	}
	for _, p := range append(problems, pages...) {
		t.Errorf("check: %s", p)
	}
}

func all(t testing.TB, db *store.DB, q store.Query) []store.Record {
	t.Helper()
	var records []store.Record
	for r, err := range db.Records(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}
