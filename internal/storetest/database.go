package storetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/store"
)

// New is Open of a new database in a temporary folder.
func New(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	return Open(t, filepath.Join(t.TempDir(), "test.db"), o)
}

// Open opens a database. When the test ends it is checked and closed.
func Open(t testing.TB, path string, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		t.Helper()
		Check(t, db)
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}

// Check is the consistency check with which every test of a database ends: of what it
// holds, and of the pages of its file.
func Check(t testing.TB, db *store.DB) {
	t.Helper()
	problems, err := db.Check(context.Background())
	if err != nil {
		t.Errorf("check of the database: %v", err)
	}
	pages, err := db.CheckPages(context.Background())
	if err != nil {
		t.Errorf("check of the database's pages: %v", err)
	}
	for _, p := range slices.Concat(problems, pages) {
		t.Errorf("check of the database: %s", p)
	}
}

// Requires skips a test that this machine cannot run, where err is not nil. In CI, which has
// all that the tests need, it fails instead: a test that never runs shows nothing.
func Requires(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("this test has to run in CI: %v", err)
	default:
		t.Skip(err)
	}
}

// Import stores one batch of log lines.
func Import(ctx context.Context, db *store.DB, b store.LogBatch) (store.Imported, error) {
	done, err := ImportAll(ctx, db, b)
	if err != nil {
		return store.Imported{}, err
	}
	return done[0], nil
}

// ImportAll stores batches of log lines in one transaction.
func ImportAll(ctx context.Context, db *store.DB, batches ...store.LogBatch) ([]store.Imported, error) {
	p, err := db.Prepare(batches...)
	if err != nil {
		return nil, err
	}
	return db.Commit(ctx, p)
}
