package sweep

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// A full disk does not end the sweeper, which would end the daemon: it says so once, tries
// again, and does its work once there is room.
func TestSweepsOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	open := func(o store.Options) *store.DB {
		t.Helper()
		db, err := store.Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	texts := func(db *store.DB) int {
		return count(t, db, store.Query{Match: func(r *store.Record) bool { return !r.Redacted }})
	}
	db := open(store.Options{MaxSize: 1 << 20})
	stored := 0
	for n := 400; n > 0; { // records in a commit
		var batch store.Batch
		for i := range n {
			r := record(1, store.ID(1+i%9), stored+i)
			r.Content = strings.Repeat("x", 300)
			batch.Records = append(batch.Records, r)
		}
		switch _, err := db.Put(t.Context(), batch); {
		case errors.Is(err, store.ErrFull):
			n /= 2
		case err != nil:
			t.Fatal(err)
		default:
			stored += n
		}
	}
	t.Run("full", func(t *testing.T) {
		var log storetest.Log
		rounds := run(t, Options{Store: db, Retention: time.Hour, Log: log.Logger()})
		rounds(3)
		if n := log.Count("the disk is full"); n != 1 {
			t.Errorf("it says %d times that the disk is full:\n%s", n, &log)
		}
	})
	if n := texts(db); n != stored {
		t.Fatalf("%d texts are left of %d: there was room for the sweeper", n, stored)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(store.Options{})
	t.Run("with room", func(t *testing.T) {
		run(t, Options{Store: db, Retention: time.Hour})
		storetest.Eventually(t, "the texts are gone", func() bool { return texts(db) == 0 })
	})
	storetest.Check(t, db)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
