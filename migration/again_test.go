package migration_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// earlier puts a file into a database as a release without editions has left it: read to its
// end, with these messages, these malformed lines, and a cursor behind the last line.
func earlier(t *testing.T, db *store.DB, root, path string, counts store.Counts, lines []string, messages []string, malformed []int64) {
	t.Helper()
	put(t, root, path, lines...)
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	text, last := strings.Join(lines, ""), lines[len(lines)-1]
	hash := func(s string) []byte {
		sum := sha256.Sum256([]byte(s))
		return sum[:]
	}
	b := store.LogBatch{File: store.LogFile{
		Key: path, Path: path, Offset: int64(len(text)), Size: info.Size(), Modified: info.ModTime().UnixNano(),
		Start: hash(text[:min(len(text), 4096)]), StartLen: int64(min(len(text), 4096)), Last: hash(bare(last)), LastLen: int64(len(last)),
		Complete: true, Counts: counts,
	}}
	if !strings.HasSuffix(last, "\n") {
		b.File.Tail = int64(len(last))
	}
	b.File.Counts.Messages -= int64(len(messages)) // which are added
	for _, line := range messages {
		what, r := migration.Oracle(bare(line), 0)
		if what != "message" {
			t.Fatalf("%s: %q", what, line)
		}
		b.Records = append(b.Records, r)
	}
	for _, at := range malformed {
		b.Quarantine = append(b.Quarantine, store.Quarantined{File: path, Offset: at, Reason: "not JSON"})
	}
	if _, err := storetest.Import(t.Context(), db, b); err != nil {
		t.Fatal(err)
	}
}

// withNaN is the record of a message with words of Python in it.
func withNaN(content string) string {
	return strings.Replace(bare(said(content)), `"trace_id":null`, `"trace_id":NaN,"x":[Infinity,-Infinity]`, 1)
}

// What an earlier release counted as malformed and is none is taken in once, wherever the
// run is stopped, and what was forgotten or removed since stays away.
func TestLookAgain(t *testing.T) {
	const path = guildA + "/20260511/info.jsonl"
	torn, zeros := said("torn")[:90], strings.Repeat("\x00", 30)
	fine, gone := said("fine"), by("6", said("gone"))
	lines := []string{
		"\ufeff" + said("marked"), fine, torn + said("glued"), "junk\n", zeros + said("behind zeros"), withNaN("one") + "\n",
		gone, torn + said("x")[:100] + "\n", "\n", said("last"),
	}
	at := func(i int) int64 { return int64(len(strings.Join(lines[:i], ""))) }
	old := store.Counts{Lines: 10, Messages: 3, Skipped: 1, Malformed: 6}
	want := store.Counts{Lines: 13, Messages: 7, Skipped: 1, Malformed: 5}
	for _, steps := range []int{1, 2, 3, 1000} {
		t.Run(fmt.Sprint(steps, " steps at a time"), func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			earlier(t, db, root, path, old, lines, []string{fine, gone, said("last")}, []int64{at(0), at(2), at(3), at(4), at(5), at(7)})
			if _, err := db.Forget(t.Context(), store.Person{User: 6}); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Remember(t.Context(), store.Person{User: 6}); err != nil {
				t.Fatal(err)
			}
			o, _ := options(db, root)
			runs := 0
			for err := migration.ErrStopped; errors.Is(err, migration.ErrStopped); runs++ {
				if runs > 50 {
					t.Fatal("it comes to no end")
				}
				_, err = migration.RunSteps(t.Context(), o, 1, steps)
			}
			if steps == 1 && runs < 5 {
				t.Errorf("only %d runs: nothing was stopped", runs)
			}
			wantContents(t, db, "marked", "fine", "glued", "behind zeros", "one", "last")
			if c := cursor(t, db, path); c.Counts != want || !c.Complete || c.Offset != at(10) {
				t.Errorf("the cursor is %+v, want counts %+v", c, want)
			}
			wantQuarantine(t, db, fmt.Sprint(path, " ", at(2)), fmt.Sprint(path, " ", at(3)), fmt.Sprint(path, " ", at(4)),
				fmt.Sprint(path, " ", at(7)), fmt.Sprint(path, " ", at(7)+90))
			if again := once(t, db, root); !same(again, migration.Summary{}) {
				t.Errorf("a second run did %+v", again)
			}
			grow(t, root, path, said("new"))
			if got := once(t, db, root); got.Lines != 1 || got.Messages != 1 {
				t.Errorf("when it has grown: %+v", got)
			}
		})
	}
}

// The last line of such a file had no end; what looks right is not looked at again; and
// what the quarantine has of files that were replaced since goes.
func TestLookAgainAtFiles(t *testing.T) {
	const torn, right, stale, empty = guildA + "/20260511/info.jsonl", guildA + "/20260512/info.jsonl", guildA + "/20260513/info.jsonl", guildA + "/20260510/info.jsonl"
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	part := said("torn")[:90]
	earlier(t, db, root, torn, store.Counts{Lines: 2, Messages: 1, Malformed: 1}, []string{said("one"), part + bare(said("two"))}, []string{said("one")}, []int64{int64(len(said("one")))})
	earlier(t, db, root, right, store.Counts{Lines: 2, Messages: 2}, []string{said("three"), said("not stored")}, []string{said("three")}, nil)
	earlier(t, db, root, stale, store.Counts{Lines: 1, Messages: 1}, []string{said("four")}, []string{said("four")}, []int64{77, 99})
	put(t, root, empty+".zst")
	name := filepath.Join(root, filepath.FromSlash(empty+".zst"))
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Import(t.Context(), db, store.LogBatch{File: store.LogFile{Key: empty, Path: empty + ".zst", Modified: info.ModTime().UnixNano(), Complete: true}}); err != nil {
		t.Fatal(err)
	}
	sum := once(t, db, root)
	if sum.Messages != 1 || sum.Lines != 1 || sum.Incomplete != 1 {
		t.Errorf("did %+v", sum)
	}
	wantContents(t, db, "one", "two", "three", "four")
	if c := cursor(t, db, torn).Counts; c != (store.Counts{Lines: 3, Messages: 2, Malformed: 1}) {
		t.Errorf("counted %+v", c)
	}
	if cursor(t, db, empty).Complete {
		t.Error("a file of no bytes is complete")
	}
	wantQuarantine(t, db, fmt.Sprint(torn, " ", len(said("one"))))
}
