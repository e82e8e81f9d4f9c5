package dht_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
	"rollcall/internal/importer/dht"
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

// read copies a database and reads the copy, as the importer does.
func read(t testing.TB, path string) (taken, archive.Result, error) {
	t.Helper()
	at, err := sqlitefile.Copy(t.Context(), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlitefile.Open(t.Context(), at)
	if err != nil {
		return taken{}, archive.Result{}, err
	}
	defer db.Close()
	if !dht.Is(db) {
		return taken{}, archive.Result{}, fmt.Errorf("no archive")
	}
	var k taken
	result, err := dht.New(db).Read(t.Context(), &k)
	return k, result, err
}

func script(t testing.TB, wal bool, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.dht")
	end, err := corpus.Script(path, wal, statements...)
	if err != nil {
		t.Fatal(err)
	}
	if wal {
		t.Cleanup(func() { end() })
	} else if err := end(); err != nil {
		t.Fatal(err)
	}
	return path
}

func want(schema int) []archive.Message {
	general, boats := archive.Channel{ID: 700000000000000001, Name: "一般"}, archive.Channel{ID: 700000000000000007, Name: "boats"}
	if schema >= 2 {
		boats.Thread, boats.Parent = true, general.ID
	}
	name := "mara"
	if schema >= 8 {
		name = "Mara Quill"
	}
	const mara, upland = 300000000000000001, 920202020202020202
	id := func(n int) store.ID { return store.ID(corpus.DHTID(n)) }
	list := []archive.Message{
		{Guild: upland, GuildName: "Upland", Channel: general, User: mara, UserName: name, Content: "eight", Attachments: 2},
		{Guild: upland, GuildName: "Upland", Channel: general, User: mara, UserName: name, Content: "nine", ReplyTo: id(0), ReplyToUser: mara, Edited: archive.TimeOf(id(1)) + 60e6},
		{Guild: upland, GuildName: "Upland", Channel: general, User: 300000000000000004, Skip: archive.Bot},
		{Guild: upland, GuildName: "Upland", Channel: boats, User: mara, Skip: archive.ThreadStarter},
		{Guild: upland, GuildName: "Upland", Channel: boats, User: mara, UserName: name},
		{Channel: archive.Channel{ID: 700000000000000555, Name: "otto"}, User: mara, Skip: archive.DirectMessage},
		{Channel: archive.Channel{ID: 700000000000000556, Name: "us"}, User: mara, Skip: archive.DirectMessage},
		{Channel: archive.Channel{ID: 700000000000000009, Name: "lost"}, User: mara, Skip: archive.NoGuild},
		{Guild: upland, GuildName: "Upland", Channel: general, User: 300000000000000077, Content: "of nobody who is known", ReplyTo: 12345678901234567},
	}
	for i := range list {
		list[i].ID = id(i)
		list[i].Time = archive.TimeOf(id(i))
	}
	return list
}

func TestEverySchema(t *testing.T) {
	for schema := 1; schema <= 12; schema++ {
		for _, wal := range []bool{false, true} {
			t.Run(fmt.Sprint(schema, wal), func(t *testing.T) {
				path := script(t, wal, corpus.DHT(schema)...)
				if wal { // so the database itself holds nothing yet
					if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
						t.Fatal("no log", err)
					}
				}
				before := files(t, filepath.Dir(path))
				k, result, err := read(t, path)
				if err != nil || result.Incomplete || len(k.malformed) > 0 {
					t.Fatal(result, err, k.malformed)
				}
				if newer := strings.Contains(result.Note, "newer"); newer != (schema > 11) {
					t.Errorf("note: %q", result.Note)
				}
				for i, w := range want(schema) {
					if i >= len(k.messages) || !reflect.DeepEqual(k.messages[i], w) {
						t.Errorf("message %d is\n%+v, want\n%+v", i, k.messages[min(i, len(k.messages)-1)], w)
					}
				}
				if after := files(t, filepath.Dir(path)); !slices.Equal(before, after) {
					t.Errorf("the archive's folder was %v, is %v", before, after)
				}
			})
		}
	}
}

func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %x", e.Name(), len(text)))
	}
	return list
}

// Without any discriminator nobody is known to be a bot; a column that is missing is no error.
func TestNobodyHasATag(t *testing.T) {
	path := script(t, false, append(corpus.DHT(11), `UPDATE users SET discriminator = NULL`)...)
	k, _, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range k.messages {
		if m.Skip == archive.Bot {
			t.Errorf("of a bot: %+v", m)
		}
	}
}

func TestOddRows(t *testing.T) {
	path := script(t, false, `CREATE TABLE servers (id, type, name)`, `CREATE TABLE channels (id, server, name)`, `CREATE TABLE messages (message_id, sender_id, channel_id, text, timestamp)`,
		`INSERT INTO servers VALUES ('1', 'SERVER', x'ff')`, `INSERT INTO channels VALUES ('2', '1', 'chat')`,
		`INSERT INTO messages VALUES (7.5e17, 3, '2', 'float', 0), (NULL, 3, '2', 'none', 0), ('x', 3, '2', 'x', 0), (-5, 3, '2', 'negative', 0)`,
		`INSERT INTO messages VALUES ('738908857958400000', '3', '2', x'6869ff', 'soon'), (738908857958400001, 0, '2', 'of nobody', 0)`)
	k, result, err := read(t, path)
	if err != nil || result.Incomplete {
		t.Fatal(result, err)
	}
	if len(k.messages) != 1 || len(k.malformed) != 5 {
		t.Fatalf("%+v, %q", k.messages, k.malformed)
	}
	if m := k.messages[0]; m.ID != 738908857958400000 || m.User != 3 || m.Content != "hi\ufffd" || m.GuildName != "\ufffd" || m.Time != archive.TimeOf(m.ID) {
		t.Errorf("%+v", m)
	}
}

// A damaged database must neither stop the program nor make up messages.
func FuzzDamaged(f *testing.F) {
	whole, err := os.ReadFile(script(f, false, corpus.DHT(11)...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("x"))
	f.Add(uint32(4096), []byte("\x00\x00\x00\x00"))
	f.Add(uint32(len(whole)-100), []byte("\xff\xff\xff"))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, at uint32, bytes []byte) {
		text := slices.Clone(whole)
		copy(text[int(at)%len(text):], bytes)
		path := filepath.Join(folder, "damaged.dht")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		k, _, _ := read(t, path)
		for _, m := range k.messages {
			if m.ID == 0 || m.Skip == "" && (m.User == 0 || m.Guild == 0) {
				t.Errorf("handed out: %+v", m)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	const n = 200_000
	path := script(b, false, append(corpus.DHT(11), fmt.Sprintf(`WITH RECURSIVE c(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
		INSERT INTO messages SELECT %d + n * 4194304000, 300000000000000001, 700000000000000001, 'the harbour is closed tonight, boat number ' || n, 0 FROM c`, n+99, corpus.DHTID(0)))...)
	db, err := sqlitefile.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for b.Loop() {
		var k counter
		if _, err := dht.New(db).Read(b.Context(), &k); err != nil || k < n {
			b.Fatal(k, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

type counter int

func (c *counter) Message(*archive.Message) error { *c++; return nil }
func (c *counter) Name(archive.Name) error        { return nil }
func (c *counter) Malformed(string) error         { return nil }
func (c *counter) At(int64, int64)                {}
