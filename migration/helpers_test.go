package migration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

const (
	guildA = "111111111111111111"
	guildB = "222222222222222222"
)

// noon is a clock that stands still on 2026-05-14.
func noon() time.Time { return time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC) }

func options(db *store.DB, root string) (migration.Options, *storetest.Log) {
	log := new(storetest.Log)
	return migration.Options{Store: db, Root: root, Now: noon, Log: log.Logger()}, log
}

// once migrates and returns the summary without its time.
func once(t *testing.T, db *store.DB, root string) migration.Summary {
	t.Helper()
	o, _ := options(db, root)
	return mustOnce(t, o)
}

func mustOnce(t *testing.T, o migration.Options) migration.Summary {
	t.Helper()
	sum, err := migration.Once(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Lines != sum.Messages+sum.Skipped+sum.Duplicates+sum.Malformed {
		t.Errorf("the lines are not the sum of their outcomes: %+v", sum)
	}
	sum.Seconds = 0
	return sum
}

// same reports whether two runs did the same; no incomplete files may be nil or empty.
func same(a, b migration.Summary) bool {
	files := slices.Equal(a.IncompleteFiles, b.IncompleteFiles)
	a.IncompleteFiles, b.IncompleteFiles = nil, nil
	return files && reflect.DeepEqual(a, b)
}

// records returns what is stored, a line of JSON for each, in order of the lines.
func records(t *testing.T, db *store.DB) []string {
	t.Helper()
	var lines []string
	for r, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Source != store.SourceLog || r.Message != 0 {
			t.Errorf("not a log record: %+v", r)
		}
		line := &bytes.Buffer{}
		e := json.NewEncoder(line)
		e.SetEscapeHTML(false)
		err = e.Encode(struct {
			Guild   store.ID     `json:"guild_id"`
			User    store.ID     `json:"user_id"`
			Channel string       `json:"channel_name"`
			ID      store.ID     `json:"channel_id,omitzero"`
			Content string       `json:"message_content"`
			Time    store.Micros `json:"timestamp"`
		}{r.Guild, r.User, r.Channel.Name, r.Channel.ID, r.Content, r.Time})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return lines
}

// contents returns what the stored messages say, sorted.
func contents(t *testing.T, db *store.DB) []string {
	t.Helper()
	var all []string
	for r, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Content)
	}
	slices.Sort(all)
	return all
}

// wantContents compares what the stored messages say.
func wantContents(t *testing.T, db *store.DB, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := contents(t, db); !slices.Equal(got, want) {
		t.Errorf("stored: %q\nwant: %q", got, want)
	}
}

// wantDates compares the last dates, given as "guild date".
func wantDates(t *testing.T, db *store.DB, want ...string) {
	t.Helper()
	dates, err := db.LastDates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range dates {
		got = append(got, fmt.Sprint(d.Guild, " ", d.Date))
	}
	if !slices.Equal(got, want) {
		t.Errorf("last dates: %q, want %q", got, want)
	}
}

// cursor returns the cursor of a file.
func cursor(t *testing.T, db *store.DB, key string) store.LogFile {
	t.Helper()
	f, ok, err := db.LogFile(t.Context(), key)
	if err != nil || !ok {
		t.Fatalf("no cursor of %s: %v", key, err)
	}
	return f
}

// said is the log line of a message of guild A, at a time that the text decides
// so that two texts are never said at once.
func said(text string) string { return saidIn(guildA, text) }

func saidIn(guild, text string) string {
	at := 0
	for _, c := range []byte(text) {
		at = (at*31 + int(c)) % 86400_000_000
	}
	stamp := store.MicrosOf(noon().Truncate(24 * time.Hour).Add(time.Duration(at) * time.Microsecond))
	content, _ := json.Marshal(text)
	return fmt.Sprintf(`{"timestamp":"%s","level":"INFO","source":"server","server_id":"%s","channel_or_file":"general","user_id":"5","action":"receive_message","message":%s,"trace_id":null,"extra":{"server_id":"%s"}}`+"\n",
		stamp, guild, content, guild)
}

// put writes a file below root, compressed as its name says.
func put(t *testing.T, root, path string, lines ...string) {
	t.Helper()
	name := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, compress(t, path, strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// putAt writes a file below root that looks as if it was written at a certain time.
func putAt(t *testing.T, root, path string, at time.Time, lines ...string) {
	t.Helper()
	put(t, root, path, lines...)
	if err := os.Chtimes(filepath.Join(root, filepath.FromSlash(path)), time.Time{}, at); err != nil {
		t.Fatal(err)
	}
}

// grow appends to a file below root.
func grow(t *testing.T, root, path string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(root, filepath.FromSlash(path)), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Join(lines, "")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, root, path string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(root, filepath.FromSlash(path))); err != nil {
		t.Fatal(err)
	}
}

// link makes a symbolic link below root.
func link(t *testing.T, target, root, path string) {
	t.Helper()
	name := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func compress(t *testing.T, path, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch filepath.Ext(path) {
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".zst":
		var err error
		if w, err = zstd.NewWriter(&out); err != nil {
			t.Fatal(err)
		}
	default:
		return []byte(text)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// trigger calls fn when a text is logged.
type trigger struct {
	book *storetest.Log
	text string
	fn   func()
}

func (tr trigger) Write(p []byte) (int, error) {
	if strings.Contains(string(p), tr.text) {
		defer tr.fn()
	}
	return tr.book.Write(p)
}

// logger returns a log into book that calls fn when a text is logged.
func logger(book *storetest.Log, fn func(), text string) *slog.Logger {
	return slog.New(slog.NewTextHandler(trigger{book, text, fn}, nil))
}
