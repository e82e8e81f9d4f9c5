package backup_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"rollcall/internal/backup"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// TestMain lets this program check files, as the one that is deployed does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == backup.CheckCommand {
		if err := backup.CheckFile(context.Background(), os.Stdout, os.Args[2], store.Key{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// filled returns an open database with some messages, which is checked and closed
// when the test ends.
func filled(t testing.TB) *store.DB {
	t.Helper()
	db := storetest.New(t, store.Options{})
	for i := range 20 {
		put(t, db, i*200, 200)
	}
	return db
}

// put stores n messages from number i on.
func put(t testing.TB, db *store.DB, i, n int) {
	t.Helper()
	var records []store.Record
	for k := i; k < i+n; k++ {
		records = append(records, store.Record{
			Guild: 1, User: store.ID(1 + k%50), Time: store.Micros(1_700_000_000e6 + int64(k)*1e6), Message: store.ID(1 + k),
			Channel: store.Channel{ID: 5, Name: "general"}, Content: fmt.Sprint("message ", k), Source: store.SourceLive,
		})
	}
	if _, err := db.Put(context.Background(), store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
}

// messages counts what a database file holds.
func messages(t testing.TB, path string) int64 {
	t.Helper()
	db, err := store.Open(path, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	guilds, err := db.Guilds(context.Background())
	if err != nil || len(guilds) != 1 {
		t.Fatalf("%v, %v", guilds, err)
	}
	return guilds[0].Messages
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// names lists a folder.
func names(t testing.TB, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
