package api_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// The leaderboard of all time is answered from the users' totals and the weeks of its first ones:
// a week of somebody else, which is damaged, does not matter. Of a span all weeks are read.
func TestTopOfAllTimeReadsNoOtherWeeks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	general, long := store.Channel{ID: 901, Name: "general"}, at(-200*86400)
	records := []store.Record{{Guild: guildA, User: bert, Time: long, Message: snowflake(long, 0), Channel: general, Source: store.SourceLive}}
	for i := range 6_000 { // so many are counted at once
		records = append(records, store.Record{Guild: guildA, User: anna, Time: at(i), Message: snowflake(at(i), 0), Channel: general, Source: store.SourceLive})
	}
	if _, err := db.Put(t.Context(), store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
	storetest.Check(t, db)
	top := "/v1/guilds/" + guildA.String() + "/top"
	ever := []string{"?limit=1", "?limit=1&window=all", "?limit=1&tz=America/New_York", "?limit=1&since=0000-01-01T00:00:00Z"}
	of := "?limit=1&since=2000-01-01"
	want := get(t, server(db, ""), top+of).Body.String()
	for _, query := range ever {
		if w := get(t, server(db, ""), top+query); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	damageFirstWeek(t, path)
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, query := range ever {
		if w := get(t, server(db, ""), top+query); w.Code != 200 || w.Body.String() != want {
			t.Errorf("with a damaged week, %s: %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
	for _, query := range []string{of, "?limit=1&by=days"} {
		if w := get(t, server(db, ""), top+query); w.Code != 500 {
			t.Errorf("with a damaged week, %s: %d %s, want all weeks to be read", query, w.Code, w.Body)
		}
	}
}

// damageFirstWeek changes the value of the first week that anybody wrote in.
func damageFirstWeek(t *testing.T, path string) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = file.Update(func(tx *bbolt.Tx) error {
		guilds := tx.Bucket([]byte("activity"))
		name, _ := guilds.Cursor().First()
		weeks := guilds.Bucket(name)
		key, value := weeks.Cursor().First()
		value = bytes.Clone(value)
		value[len(value)-1] ^= 1
		return weeks.Put(bytes.Clone(key), value)
	})
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}
