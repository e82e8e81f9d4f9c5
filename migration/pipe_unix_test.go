//go:build unix

package migration_test

import (
	"path/filepath"
	"rollcall/internal/storetest"
	"rollcall/store"
	"syscall"
	"testing"
)

// TestPipe: opening a named pipe would wait for ever.
func TestPipe(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, guildA+"/20260510/info.jsonl", said("one"))
	for _, path := range []string{guildA + "/20260510/bot_log_INFO.jsonl", "emergency", "guilds_map.json", guildA + "/guilds_and_channels.json"} {
		if err := syscall.Mkfifo(filepath.Join(root, filepath.FromSlash(path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, book := options(db, root)
	mustOnce(t, o)
	wantContents(t, db, "one")
	if got := book.Lines("level=WARN"); len(got) != 4 {
		t.Errorf("the log says %q", got)
	}
}
