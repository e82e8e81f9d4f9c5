package main

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// TestPebbleKeepsAll puts messages that have their guild, user and time in common.
func TestPebbleKeepsAll(t *testing.T) {
	folder := t.TempDir()
	db, err := openPebble(pebble.NoSync)(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.insert(t.Context(), []entry{{1, 2, 3, "general", "hi"}, {1, 2, 3, "general", "hi"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.close(); err != nil {
		t.Fatal(err)
	}
	again, err := pebble.Open(folder, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if m := again.Metrics(); m.WAL.BytesIn != 0 || m.MemTable.Count != 1 {
		t.Errorf("something was left in the log: %v", m)
	}
	all, err := again.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	n := 0
	for all.First(); all.Valid(); all.Next() {
		if n++; len(all.Key()) != 28 || string(all.Value()) != "\x07generalhi" {
			t.Errorf("%x holds %q", all.Key(), all.Value())
		}
	}
	if n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}
