package migration_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rollcall/internal/ndjson"
	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// by makes a log line another user's.
func by(user, line string) string {
	return strings.Replace(line, `"user_id":"5"`, `"user_id":"`+user+`"`, 1)
}

// decompressed returns what a file below root holds.
func decompressed(t *testing.T, root, path string) string {
	t.Helper()
	f, err := ndjson.Open(context.Background(), filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := f.Reader()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func scrub(t *testing.T, root string, p store.Person, rewrite bool) []migration.Scrubbed {
	t.Helper()
	files, _, err := migration.Scrub(t.Context(), migration.ScrubOptions{Root: root, Person: p, Rewrite: rewrite, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Of every file each byte stays that is not of a line of the person's.
func TestScrub(t *testing.T) {
	const (
		old   = guildA + "/20260511/info.jsonl"
		today = guildA + "/20260514/info.jsonl"
	)
	long := `{"user_id":"6","message":"` + strings.Repeat("x", 17<<20) + `"}` + "\n"
	crlf := func(line string) string { return strings.TrimSuffix(line, "\n") + "\r\n" }
	bare := func(line string) string { return strings.TrimSuffix(line, "\n") }
	mine := func(text string) string { return by("6", said(text)) }
	for _, test := range []struct {
		name   string
		path   string
		lines  []string // those that start with - are to go
		person store.Person
		note   string // a part of it; the file stays as it is
	}{
		{name: "plain", path: old, lines: []string{said("one"), "-" + mine("two"), said("three"), "-" + mine("four"), "-" + mine("five")}},
		{name: "gz", path: old + ".gz", lines: []string{"-" + mine("one"), said("two"), "-" + mine("three")}},
		{name: "zst", path: old + ".zst", lines: []string{said("one"), "-" + mine("two"), said("three")}},
		{name: "all of it", path: old + ".gz", lines: []string{"-" + mine("one"), "-" + mine("two")}},
		{name: "other ends of lines", path: old, lines: []string{crlf(said("one")), "-" + crlf(mine("two")), "\n", "\r\n", "no JSON 6\n", "-" + crlf(mine("three")), bare(said("four"))}},
		{name: "a last line without an end", path: old, lines: []string{said("one"), "-" + bare(mine("two"))}},
		{name: "a line that was broken off", path: old, lines: []string{"-" + mine("x")[:len(mine("x"))-40] + "\n", said("one")}},
		{name: "keys in another order, an escaped id", path: old, lines: []string{`-{"action":"other", "user_id" : "\u0036"}` + "\n", `{"x":"6","user_id":"66"}` + "\n"}},
		{name: "another who is spoken of", path: old, lines: []string{said("6"), said(`"user_id":"6"`), `{"user_id":"5","extra":{"user_id":"6"}}` + "\n"}},
		{name: "any action", path: old, lines: []string{`-{"action":"command","user_id":"6"}` + "\n", `-{"user_id":"6"}` + "\n"}},
		{name: "other levels", path: guildA + "/20260511/debug.jsonl", lines: []string{"-" + mine("one"), said("two")}},
		{name: "direct messages", path: "DirectMessage/20260511/info.jsonl", lines: []string{"-" + mine("one"), said("two")}},
		{name: "saved lines", path: "emergency/emergency_x_20260511T000000Z.jsonl", lines: []string{"-" + mine("one"), said("two")}},
		{name: "no day at all", path: "somewhere/old.jsonl", lines: []string{"-" + mine("one"), said("two")}},
		{name: "a line that is too long", path: old, lines: []string{"-" + mine("one"), "-" + long, "-" + mine("two"), said("three"), strings.ReplaceAll(long, "6", "66")}},
		{name: "in one guild", path: "emergency/emergency_x_20260511T000000Z.jsonl", person: store.Person{User: 6, Guild: 222222222222222222},
			lines: []string{mine("one"), "-" + by("6", saidIn(guildB, "two")), `{"user_id":"6"}` + "\n"}},
		{name: "in the guild of the folder", path: guildA + "/20260511/info.jsonl", person: store.Person{User: 6, Guild: 111111111111111111},
			lines: []string{"-" + mine("one"), by("6", saidIn(guildB, "two")), `-{"user_id":"6"}` + "\n"}},
		{name: "today", path: today, lines: []string{"-" + mine("one"), said("two")}, note: "today"},
		{name: "saved today", path: "emergency/emergency_x_20260514T235959Z.jsonl", lines: []string{"-" + mine("one")}, note: "today"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			if test.person.User == 0 {
				test.person.User = 6
			}
			var before, after []string
			var gone int64
			for _, line := range test.lines {
				line, theirs := strings.CutPrefix(line, "-")
				before = append(before, line)
				if theirs {
					gone++
				} else {
					after = append(after, line)
				}
			}
			put(t, root, test.path, before...)
			name := filepath.Join(root, filepath.FromSlash(test.path))
			if err := os.Chmod(name, 0o640); err != nil {
				t.Fatal(err)
			}
			var want []migration.Scrubbed
			if gone > 0 {
				want = []migration.Scrubbed{{Path: test.path, Lines: gone}}
			}
			if have := scrub(t, root, test.person, false); !reflect.DeepEqual(have, want) {
				t.Errorf("looked through: %+v, want %+v", have, want)
			}
			if decompressed(t, root, test.path) != strings.Join(before, "") {
				t.Error("looking changed the file")
			}
			have := scrub(t, root, test.person, true)
			if test.note != "" {
				if len(have) != 1 || have[0].Scrubbed || !strings.Contains(have[0].Note, test.note) {
					t.Errorf("%+v, want a note of %q", have, test.note)
				}
				after = before
			} else if gone > 0 {
				want[0].Scrubbed = true
				if !reflect.DeepEqual(have, want) {
					t.Errorf("scrubbed: %+v, want %+v", have, want)
				}
				if again := scrub(t, root, test.person, true); len(again) != 0 {
					t.Errorf("scrubbed again: %+v", again)
				}
			}
			if text := decompressed(t, root, test.path); text != strings.Join(after, "") {
				t.Errorf("the file holds %.300q, want %.300q", text, strings.Join(after, ""))
			}
			info, err := os.Stat(name)
			if err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			entries, err := os.ReadDir(filepath.Dir(name))
			if err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// What cannot be looked through is told of, what was left by a kill goes, and links
// are left alone.
func TestScrubInTheWay(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	whole := compress(t, "x.gz", by("6", said("one")))
	put(t, root, "1/20260511/info.jsonl", string(whole[:len(whole)-8]))
	rename(t, root, "1/20260511/info.jsonl", "1/20260511/info.jsonl.gz")
	put(t, root, "1/20260511/info.jsonl.zst.part-123", "half a file")
	put(t, outside, "x.jsonl", by("6", said("one")))
	link(t, filepath.Join(outside, "x.jsonl"), root, "2/20260511/info.jsonl")
	link(t, outside, root, "3/20260511")
	put(t, root, "4/20260511/debug.jsonl/info.jsonl", by("6", said("one")))
	have := scrub(t, root, store.Person{User: 6}, true)
	if len(have) != 2 || have[0].Path != "1/20260511/info.jsonl.gz" || !strings.Contains(have[0].Note, "damaged") ||
		!reflect.DeepEqual(have[1], migration.Scrubbed{Path: "4/20260511/debug.jsonl/info.jsonl", Lines: 1, Scrubbed: true}) {
		t.Errorf("have %+v", have)
	}
	if text := decompressed(t, outside, "x.jsonl"); text != by("6", said("one")) {
		t.Errorf("outside: %q", text)
	}
	if _, err := os.Stat(filepath.Join(root, "1/20260511/info.jsonl.zst.part-123")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half file: %v", err)
	}
	if _, _, err := migration.Scrub(t.Context(), migration.ScrubOptions{Root: filepath.Join(root, "none"), Person: store.Person{User: 6}}); err == nil {
		t.Error("a root that is not there is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := migration.Scrub(ctx, migration.ScrubOptions{Root: root, Person: store.Person{User: 6}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A file that somebody writes to, or replaces, while it is read stays.
func TestScrubMeetsAWriter(t *testing.T) {
	for name, meddle := range map[string]func(t *testing.T, root string){
		"it grows": func(t *testing.T, root string) { grow(t, root, "1/20260511/info.jsonl", said("three")) },
		"it is replaced": func(t *testing.T, root string) {
			remove(t, root, "1/20260511/info.jsonl")
			put(t, root, "1/20260511/info.jsonl", said("two"), by("6", said("one")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			putAt(t, root, "1/20260511/info.jsonl", noon(), by("6", said("one")), said("two"))
			name := filepath.Join(root, "1/20260511/info.jsonl")
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			meddle(t, root)
			want := decompressed(t, root, "1/20260511/info.jsonl")
			if err := migration.Rewrite(t.Context(), name, info); err == nil || !strings.Contains(err.Error(), "meanwhile") {
				t.Errorf("rewritten: %v", err)
			}
			if have := decompressed(t, root, "1/20260511/info.jsonl"); have != want {
				t.Errorf("holds %q", have)
			}
		})
	}
}

// Whether its start or its middle has changed, a scrubbed log is read on without a
// line twice or lost, also if it grows in the same moment.
func TestScrubBesideTheMigration(t *testing.T) {
	noise := strings.Repeat("\n", 5000)
	for name, head := range map[string]string{"at its start": "", "in its middle": noise} {
		t.Run(name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			old := guildA + "/20260511/info.jsonl"
			put(t, root, old, head, by("6", said("one")), said("two"), by("6", said("six")), said("three"))
			once(t, db, root)
			wantContents(t, db, "one", "two", "six", "three")
			if _, err := db.Forget(t.Context(), store.Person{User: 6}); err != nil {
				t.Fatal(err)
			}
			wantContents(t, db, "two", "three")
			scrub(t, root, store.Person{User: 6}, true)
			grow(t, root, old, said("four"), said("seven"), by("6", said("eleven")), said("twelve"))
			if got := once(t, db, root); got.Messages != 3 || got.Duplicates != 2 || got.Malformed != 0 || int(got.Skipped) != len(head)+1 {
				t.Errorf("did %+v", got)
			}
			wantContents(t, db, "two", "three", "four", "seven", "twelve")
			if got := once(t, db, root); !same(got, migration.Summary{}) {
				t.Errorf("a further run did %+v", got)
			}
			if _, err := db.Remember(t.Context(), store.Person{User: 6}); err != nil {
				t.Fatal(err)
			}
			if got := once(t, db, root); !same(got, migration.Summary{}) {
				t.Errorf("after remember a further run did %+v", got)
			}
		})
	}
}
