package pigpig_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
	"rollcall/internal/importer/pigpig"
	"rollcall/internal/importer/sqlitefile"
)

type taken struct {
	names     []archive.Name
	messages  int
	malformed int
}

func (k *taken) Message(*archive.Message) error { k.messages++; return nil }
func (k *taken) Name(n archive.Name) error      { k.names = append(k.names, n); return nil }
func (k *taken) Malformed(string) error         { k.malformed++; return nil }
func (k *taken) At(int64, int64)                {}

func read(t testing.TB, statements ...string) (taken, archive.Result, bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "procedural.db")
	end, err := corpus.Script(path, false, statements...)
	if err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	db, err := sqlitefile.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !pigpig.Is(db) {
		return taken{}, archive.Result{}, false
	}
	var k taken
	result, err := pigpig.New(db).Read(t.Context(), &k)
	if err != nil {
		t.Fatal(err)
	}
	return k, result, true
}

func TestNamesAndTotals(t *testing.T) {
	k, result, ok := read(t, corpus.PigPig()...)
	if !ok {
		t.Fatal("it is not recognised")
	}
	want := []archive.Name{{Guild: 1, User: 5, Name: "mara"}, {Guild: 1, User: 6, Name: "otto"}, {Guild: 2, User: 5, Name: "mara"}}
	if !reflect.DeepEqual(k.names, want) || k.messages != 0 || k.malformed != 1 {
		t.Errorf("%+v", k)
	}
	if totals := []archive.Total{{Guild: 1, Messages: 30}, {Guild: 2, Messages: 7}}; !reflect.DeepEqual(result.Totals, totals) || result.Note == "" {
		t.Errorf("%+v", result)
	}
}

func TestItsOtherDatabases(t *testing.T) {
	for _, table := range []string{`CREATE TABLE message_events (id INTEGER PRIMARY KEY, user_id TEXT, guild_id TEXT, channel_id TEXT, created_at DATETIME)`, `CREATE TABLE log_migration_state (guild_id TEXT PRIMARY KEY, last_processed_date TEXT)`} {
		k, result, ok := read(t, table)
		if !ok || len(k.names) != 0 || len(result.Totals) != 0 {
			t.Errorf("%s: %v %+v %+v", table, ok, k, result)
		}
	}
	if _, _, ok := read(t, `CREATE TABLE x (y)`); ok {
		t.Error("any database is one of them")
	}
}

func FuzzNames(f *testing.F) {
	f.Add("mara", `["a"]`, "5")
	f.Add("", `not a list`, "x")
	f.Fuzz(func(t *testing.T, name, names, user string) {
		path := filepath.Join(t.TempDir(), "x.db")
		end, err := corpus.Script(path, false, corpus.PigPig()...)
		if err != nil {
			t.Fatal(err)
		}
		end()
		db, err := sqlitefile.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Exec(t.Context(), `UPDATE users SET discord_name = ?, display_names = ?`, name, names); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), `UPDATE OR IGNORE user_stats SET user_id = ?`, user); err != nil {
			t.Fatal(err)
		}
		var k taken
		if _, err := pigpig.New(db).Read(t.Context(), &k); err != nil {
			t.Fatal(err)
		}
	})
}
