package discrawl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
	"rollcall/internal/importer/discrawl"
	"rollcall/internal/importer/sqlitefile"
	"rollcall/store"
)

type taken struct {
	messages  []archive.Message
	malformed []string
}

func (k *taken) Message(m *archive.Message) error { k.messages = append(k.messages, *m); return nil }
func (k *taken) Name(archive.Name) error          { return nil }
func (k *taken) Malformed(why string) error       { k.malformed = append(k.malformed, why); return nil }
func (k *taken) At(int64, int64)                  {}

func want() (list []archive.Message) {
	general := archive.Channel{ID: 700000000000000001, Name: "general"}
	thread := archive.Channel{ID: 700000000000000007, Name: "Boat repair?", Thread: true, Parent: general.ID}
	const mara, otto, bot = 300000000000000001, 300000000000000002, 300000000000000004
	id := func(n int) store.ID { return store.ID(corpus.DiscrawlID(n)) }
	add := func(n int, m archive.Message) {
		m.ID, m.Time = id(n), archive.TimeOf(id(n))
		if m.Channel.ID == 0 {
			m.Channel = general
		}
		if m.User == 0 {
			m.User = mara
		}
		if m.Skip != archive.DirectMessage {
			m.Guild, m.GuildName = 910101010101010101, "Harbour Town"
		}
		if m.Skip == "" && m.UserName == "" {
			m.UserName = map[store.ID]string{mara: "Mara Quill", otto: "name of 300000000000000002"}[m.User]
		}
		list = append(list, m)
	}
	edited, _ := store.ParseMicros("2026-09-10T11:00:00.123456Z")
	add(0, archive.Message{Content: "plain ﬁ 港"})
	add(1, archive.Message{Content: "in the thread", Channel: thread, User: otto})
	add(2, archive.Message{Content: "gone", Skip: archive.Deleted})
	add(3, archive.Message{Content: "beep", User: bot, Skip: archive.Bot})
	add(4, archive.Message{Content: "hook", Skip: archive.Bot})
	add(5, archive.Message{Content: "joined", Skip: archive.System})
	add(6, archive.Message{Content: "psst", Skip: archive.DirectMessage})
	add(7, archive.Message{Content: "from the desktop"})
	add(8, archive.Message{Content: "from the desktop, unknown", User: otto, Skip: archive.Bot})
	add(9, archive.Message{Content: "an answer", User: otto, ReplyTo: id(0), ReplyToUser: mara, Edited: edited})
	add(10, archive.Message{Forwarded: &archive.Forward{Content: "passed on", Attachments: 1}})
	add(11, archive.Message{Poll: &archive.Poll{Question: "When?", Answers: []string{"today", "never"}}})
	add(12, archive.Message{Stickers: []string{"wave"}, Attachments: 2})
	add(13, archive.Message{Content: "edited text", User: otto, UserName: "otto.b"})
	return list
}

func check(t *testing.T, at string) {
	t.Helper()
	db, err := sqlitefile.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !discrawl.Is(db) {
		t.Fatal("no archive")
	}
	var k taken
	result, err := discrawl.New(db).Read(t.Context(), &k)
	if err != nil || result.Incomplete {
		t.Fatal(result, err)
	}
	if len(k.malformed) != 2 {
		t.Errorf("malformed: %q", k.malformed)
	}
	all := want()
	if len(k.messages) != len(all) {
		t.Fatalf("%d messages, want %d", len(k.messages), len(all))
	}
	for i, w := range all {
		if !reflect.DeepEqual(k.messages[i], w) {
			t.Errorf("message %d is\n%+v, want\n%+v", i, k.messages[i], w)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, version := range []int{1, 4, 5, 8, 9} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "discrawl.db")
			end, err := corpus.Script(path, true, corpus.Discrawl(version)...)
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			at, err := sqlitefile.Copy(t.Context(), path, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			check(t, at)
		})
	}
}

func TestSnapshot(t *testing.T) {
	folder := t.TempDir()
	if err := corpus.DiscrawlSnapshot(folder); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "at.sqlite")
	whole, err := discrawl.Unpack(t.Context(), os.DirFS(folder), ".", at)
	if err != nil || !whole {
		t.Fatal(whole, err)
	}
	check(t, at)

	// Of a torn shard the rows before count, and so do the other shards.
	shards, err := filepath.Glob(filepath.Join(folder, "tables/.generations/*/messages/*"))
	if err != nil || len(shards) < 5 {
		t.Fatal(shards, err)
	}
	for i, name := range shards[:2] {
		if err := os.Truncate(name, int64(10+300*i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(shards[2]); err != nil {
		t.Fatal(err)
	}
	at = filepath.Join(t.TempDir(), "at.sqlite")
	if whole, err = discrawl.Unpack(t.Context(), os.DirFS(folder), ".", at); err != nil || whole {
		t.Fatal(whole, err)
	}
	db, err := sqlitefile.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := db.Count(t.Context(), "messages"); n < 7 || n > 10 {
		t.Errorf("%d messages", n)
	}
}

func TestSnapshotThatLeadsOut(t *testing.T) {
	folder := t.TempDir()
	text := `{"tables":[{"name":"messages","files":["../../etc/passwd"],"columns":["id"]}]}`
	if err := os.WriteFile(filepath.Join(folder, discrawl.Manifest), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := discrawl.Unpack(t.Context(), os.DirFS(folder), ".", filepath.Join(t.TempDir(), "at")); err == nil {
		t.Error("it is read")
	}
}

// FuzzRaw: the JSON of a message is what others wrote.
func FuzzRaw(f *testing.F) {
	f.Add(`{"author":{"id":"5","bot":true},"poll":{"question":{"text":"x"},"answers":[{"poll_media":{"text":"y"}}]},"message_snapshots":[{"message":{"content":"z"}}]}`, "hi")
	f.Add(`{"sticker_items":null,"message_reference":[]`, "")
	folder := f.TempDir()
	path := filepath.Join(folder, "fuzz.db")
	end, err := corpus.Script(path, false, corpus.Discrawl(5)...)
	if err != nil {
		f.Fatal(err)
	}
	if err := end(); err != nil {
		f.Fatal(err)
	}
	db, err := sqlitefile.Open(f.Context(), path)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, raw, content string) {
		if err := db.Exec(t.Context(), `UPDATE messages SET raw_json = ?, content = ?`, raw, content); err != nil {
			t.Fatal(err)
		}
		var k taken
		if _, err := discrawl.New(db).Read(t.Context(), &k); err != nil {
			t.Fatal(err)
		}
		if len(k.messages)+len(k.malformed) != 16 {
			t.Errorf("%d messages and %d malformed of 16", len(k.messages), len(k.malformed))
		}
	})
}
