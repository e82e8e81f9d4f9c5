package export

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall/internal/snowflake"
	"rollcall/store"
)

// A file of DiscordChatExporter has its messages by time, however many runs of records were
// written to the disk, and nothing is left of those.
func TestOrderOfChannels(t *testing.T) {
	for name, most := range map[string]int{"in memory": runBytes, "a run for a few": 2000, "a run for each": 1} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			d, err := NewDCE(filepath.Join(parent, "out"), Settings{Zone: time.UTC, Made: time.Now()})
			must(t, err)
			defer d.Discard()
			d.sorter.most = most
			must(t, d.Guild(Guild{ID: 1, Name: "../odd: name"}))
			const users, each = 5, 40
			start := store.MicrosOf(time.Date(2026, 5, 11, 6, 30, 0, 0, time.UTC))
			for u := range users {
				must(t, d.User(User{ID: store.ID(10 + u)}))
				for i := range each {
					at := start + store.Micros(i*users+u)*1e6
					// ids of lines of logs are made; the others' run against the times
					id := store.ID(1<<60 - i)
					if i%4 == 0 {
						id = 0
					}
					must(t, d.Record(&store.Record{Guild: 1, User: store.ID(10 + u), Time: at, Message: id, Channel: store.Channel{ID: store.ID(20 + i%2), Name: "a/b"}, Source: store.SourceLive}))
				}
			}
			must(t, d.Commit())
			entries, err := os.ReadDir(parent)
			must(t, err)
			files, err := filepath.Glob(filepath.Join(parent, "out", "*"))
			must(t, err)
			if len(entries) != 1 || len(files) != 2 {
				t.Fatalf("%v, %v", entries, files)
			}
			for _, path := range files {
				text, err := os.ReadFile(path)
				must(t, err)
				var f struct {
					Messages []struct {
						ID        store.ID
						Timestamp time.Time
					}
					MessageCount int
				}
				must(t, json.Unmarshal(text, &f))
				if !slices.IsSortedFunc(f.Messages, func(a, b struct {
					ID        store.ID
					Timestamp time.Time
				}) int {
					return a.Timestamp.Compare(b.Timestamp)
				}) {
					t.Errorf("%s is not by time", path)
				}
				if len(f.Messages) != users*each/2 || f.MessageCount != len(f.Messages) {
					t.Errorf("%s has %d messages, says %d", path, len(f.Messages), f.MessageCount)
				}
			}
		})
	}
}

// Messages of one millisecond that have no ids get different ones, which tell the millisecond.
func TestMadeIDs(t *testing.T) {
	var s snowflakes
	at := store.MicrosOf(time.Date(2026, 5, 11, 6, 30, 0, 0, time.UTC))
	seen := map[store.ID]bool{}
	for i := range 1000 {
		id := s.made(at + store.Micros(i/10))
		if seen[id] || id.Millis() != int64(at)/1000 {
			t.Fatalf("id %d", id)
		}
		seen[id] = true
	}
	if id := s.made(-5); id.Millis() != snowflake.Epoch {
		t.Errorf("before Discord: %d", id)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
