package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"rollcall/internal/storetest"
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
	return storetest.Open(t, path, store.Options{})
}

func mustBeSound(t testing.TB, db *store.DB) {
	t.Helper()
	storetest.Check(t, db)
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
