package migration_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

var update = flag.Bool("update", false, "write what the golden corpus gives to its expectations")

// Bytes that an archive of text cannot hold as they are.
var unpacked = strings.NewReplacer(
	"⟨no newline⟩\n", "",
	"⟨cr⟩", "\r",
	"⟨nbsp⟩", "\u00a0",
	"⟨bom⟩", "\ufeff",
	"⟨nul⟩", "\x00",
	"⟨ff⟩", "\xff",
	"⟨half⟩", "\xe4\xbd", // the first two bytes of 你
	"⟨17 MiB⟩", strings.Repeat("x", 17<<20),
)

// unpack writes a corpus to a new folder.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range a.Files {
		put(t, root, f.Name, unpacked.Replace(string(f.Data)))
	}
	return root
}

// TestGolden migrates a corpus of messy logs. In it, what must be stored says
// "in" and what must not says "OUT".
func TestGolden(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), unpack(t, filepath.Join("testdata", "golden.txtar"))
	sum := once(t, db, root)
	got := map[string]string{"records.ndjson": strings.Join(records(t, db), "")}
	for _, content := range contents(t, db) {
		if strings.Contains(content, "OUT") {
			t.Errorf("stored, and should not be: %q", content)
		}
	}

	dates, err := db.LastDates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quarantine, err := db.Quarantine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	cursors, err := db.LogFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range cursors {
		files = append(files, fmt.Sprintf("%s %+v complete=%t tail=%d", f.Path, f.Counts, f.Complete, f.Tail))
	}
	state, err := json.MarshalIndent(map[string]any{"summary": sum, "last_dates": dates, "quarantine": quarantine, "files": files}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got["state.json"] = string(state) + "\n"

	for name, text := range got {
		golden := filepath.Join("testdata", "golden."+name)
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s is not as expected; got\n%s", golden, text)
		}
	}

	again := once(t, db, root)
	if want := (migration.Summary{UnsupportedFiles: sum.UnsupportedFiles}); !same(again, want) {
		t.Errorf("a second run did %+v", again)
	}
}
