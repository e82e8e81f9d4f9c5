package migration_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

func TestOnceCountsAndProgress(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, guildA+"/20260510/info.jsonl", said("one"), said("two"), "\n")
	put(t, root, guildA+"/20260511/info.jsonl.gz", said("three"))
	put(t, root, guildB+"/20260511/info.jsonl.zst", said("four"), "junk\n", said("four"))
	o, book := options(db, root)
	var progress []migration.Progress
	o.Progress = func(p migration.Progress) { progress = append(progress, p) }
	sum := mustOnce(t, o)
	want := migration.Summary{Files: 3, Lines: 7, Messages: 4, Skipped: 1, Duplicates: 1, Malformed: 1,
		Bytes: int64(len(said("one") + said("two") + said("three") + said("four") + said("four") + "\njunk\n"))}
	if !same(sum, want) {
		t.Errorf("got %+v\nwant %+v", sum, want)
	}
	if first, last := progress[0], progress[len(progress)-1]; first.Bytes != 0 || first.Total == 0 ||
		last != (migration.Progress{Bytes: first.Total, Total: first.Total, Lines: 7, Messages: 4}) {
		t.Errorf("progress from %+v to %+v", first, last)
	}
	if got := book.Lines("a day is read"); len(got) != 3 {
		t.Errorf("ends of days: %q", got)
	}
	if got := book.Lines("logs of a guild are read"); len(got) != 2 || !strings.Contains(got[0], "lines=4 messages=3") {
		t.Errorf("ends of guilds: %q", got)
	}
	if got := book.Lines("malformed line", guildB, "offset="); len(got) != 1 {
		t.Errorf("malformed lines: %q", got)
	}
	if got := book.Lines("three"); got != nil {
		t.Errorf("what was said is in the log: %q", got)
	}
}

func TestOnceRoot(t *testing.T) {
	db, dir := storetest.New(t, store.Options{}), t.TempDir()
	put(t, dir, "file", "x")
	link(t, "nowhere", dir, "dangling")
	put(t, dir, "real/"+guildA+"/20260510/info.jsonl", said("one"))
	link(t, "real", dir, "link")
	for _, name := range []string{"absent", "file", "dangling"} {
		o, _ := options(db, filepath.Join(dir, name))
		_, err := migration.Once(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "absent" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the error is not fs.ErrNotExist: %v", err)
		}
	}
	if sum := once(t, db, filepath.Join(dir, "link")); sum.Messages != 1 {
		t.Errorf("a root that is a link: %+v", sum)
	}
}

func TestOnceGuild(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, "guilds_map.json", fmt.Sprintf(`{"Name A":%q,"Name B":%q}`, guildA, guildB))
	put(t, root, guildA+"/20260510/info.jsonl", said("by id"))
	put(t, root, guildB+"/20260510/info.jsonl", saidIn(guildB, "OUT"))
	put(t, root, "Name A/20251118/bot_log_INFO.jsonl", said("by name"))
	put(t, root, "Name B/20251118/bot_log_INFO.jsonl", saidIn(guildB, "OUT"))
	put(t, root, "Name C/20251118/bot_log_INFO.jsonl", said("OUT"))
	put(t, root, "emergency/emergency_"+guildA+"_20260511T000000Z.jsonl", said("emergency by id"))
	put(t, root, "emergency/emergency_Name A_20260511T000000Z.jsonl", said("emergency by name"))
	put(t, root, "emergency/emergency_"+guildB+"_20260511T000000Z.jsonl", saidIn(guildB, "OUT"))
	o, book := options(db, root)
	o.Guild, _ = store.ParseID(guildA)
	mustOnce(t, o)
	wantContents(t, db, "by id", "by name", "emergency by id", "emergency by name")
	wantDates(t, db, guildA+" 20260510")
	if got := book.Lines("Name C", "guilds_map.json"); len(got) != 1 {
		t.Errorf("the folder of an unknown guild is not named: %q", got)
	}
}

// TestCancelAnywhere cancels a run in each of its commits. What is there in the
// end is what one run would have stored.
func TestCancelAnywhere(t *testing.T) {
	root := t.TempDir()
	var want []string
	for day := range 3 {
		var lines []string
		for i := range 4 {
			text := fmt.Sprint("day ", day, " line ", i)
			lines = append(lines, said(text))
			want = append(want, text)
		}
		put(t, root, fmt.Sprintf("%s/2026051%d/info.jsonl", guildA, day), lines...)
		put(t, root, fmt.Sprintf("%s/2026051%d/info.jsonl.gz", guildB, day), lines...)
	}
	db := storetest.New(t, store.Options{})
	runs, total := 0, migration.Summary{}
	for done := false; !done; runs++ {
		ctx, cancel := context.WithCancel(t.Context())
		o, _ := options(db, root)
		commits := -1 // the first call is before any commit
		o.Progress = func(migration.Progress) {
			if commits++; commits == 1 {
				cancel()
			}
		}
		sum, err := migration.OnceUnjoined(ctx, o)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		done = sum.Lines == 0
		total.Messages += sum.Messages
		total.Duplicates += sum.Duplicates
		total.Files += sum.Files
	}
	if runs < 3 {
		t.Errorf("only %d runs: nothing was cancelled", runs)
	}
	wantContents(t, db, want...)
	if total.Messages != 12 || total.Duplicates != 12 || total.Files != 6 {
		t.Errorf("all runs together: %+v", total)
	}
	wantDates(t, db, guildA+" 20260512", guildB+" 20260512")
}

// TestJoinedFiles takes in more files than are committed together, of several
// guilds and with long ones among them, joined and not: the same set, counts, cursors.
func TestJoinedFiles(t *testing.T) {
	root := t.TempDir()
	for day := range 40 {
		var lines []string
		for i := range day * 7 % 11 {
			lines = append(lines, said(fmt.Sprint("line ", i)), "not json", "")
		}
		put(t, root, fmt.Sprintf("%s/%d/info.jsonl", []string{guildA, guildB}[day%2], 20260401+day%30), lines...)
	}
	joined, single := storetest.New(t, store.Options{}), storetest.New(t, store.Options{})
	oj, _ := options(joined, root)
	os, _ := options(single, root)
	commits := -1
	oj.Progress = func(migration.Progress) { commits++ }
	a, err := migration.Once(t.Context(), oj)
	if err != nil {
		t.Fatal(err)
	}
	b, err := migration.OnceUnjoined(t.Context(), os)
	if err != nil {
		t.Fatal(err)
	}
	if commits != 1 {
		t.Errorf("the files took %d commits", commits)
	}
	a.Seconds, b.Seconds = 0, 0
	if !same(a, b) || a.Lines == 0 {
		t.Errorf("joined %+v, one by one %+v", a, b)
	}
	filesA, err := joined.LogFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	filesB, err := single.LogFiles(t.Context())
	if err != nil || !reflect.DeepEqual(filesA, filesB) {
		t.Errorf("cursors differ: %v\n%v\n%v", filesA, filesB, err)
	}
}

// TestStopAfterAnyCommit stops after each single commit, in the middle of files
// too, and goes on as another process would. The set and all counts must be
// those of one run.
func TestStopAfterAnyCommit(t *testing.T) {
	root := t.TempDir()
	var want []string
	for _, name := range []string{"20260510/info.jsonl", "20260511/info.jsonl.gz", "20260512/info.jsonl.zst"} {
		var lines []string
		for i := range 10 {
			want = append(want, fmt.Sprint(name, i))
			lines = append(lines, said(want[len(want)-1]), said(want[0]))
		}
		put(t, root, guildA+"/"+name, strings.TrimSuffix(strings.Join(lines, "junk\n\n"), "\n"))
	}
	whole := storetest.New(t, store.Options{})
	once(t, whole, root)
	for most := 1; most <= 3; most++ {
		db := storetest.New(t, store.Options{})
		o, _ := options(db, root)
		runs := 1
		for ; ; runs++ {
			_, err := migration.RunSteps(t.Context(), o, most, 1)
			if err == nil {
				break
			}
			if err != migration.ErrStopped {
				t.Fatal(err)
			}
		}
		if runs < 60/most {
			t.Errorf("steps of %d: only %d runs", most, runs)
		}
		wantContents(t, db, want...)
		wantDates(t, db, guildA+" 20260512")
		got, err := db.LogFiles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		expected, err := whole.LogFiles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("steps of %d: cursors\n%+v\nwant\n%+v", most, got, expected)
		}
	}
}

// TestBothErasDone: a day with two files is done with the second one.
func TestBothErasDone(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, guildA+"/20260511/bot_log_INFO.jsonl", said("one"))
	put(t, root, guildA+"/20260511/info.jsonl", said("two"))
	o, _ := options(db, root)
	if _, err := migration.RunSteps(t.Context(), o, 10, 1); err != migration.ErrStopped {
		t.Fatal(err)
	}
	wantContents(t, db, "one")
	wantDates(t, db)
	once(t, db, root)
	wantContents(t, db, "one", "two")
	wantDates(t, db, guildA+" 20260511")
}

// TestVanish takes things away while the logs are read: just when the first
// malformed line is named.
func TestVanish(t *testing.T) {
	first, second, next := guildA+"/20260511/bot_log_INFO.jsonl", guildA+"/20260511/info.jsonl", guildA+"/20260512"
	long := strings.Repeat(" \n", 1<<18)
	tests := []struct {
		name string
		take func(t *testing.T, root string)
		want []string
		path string // what the log names
	}{
		{"the next file", func(t *testing.T, root string) { remove(t, root, second) }, []string{"one", "three", "four"}, second},
		{"the next day", func(t *testing.T, root string) { remove(t, root, next) }, []string{"one", "two", "four"}, next},
		{"the guild", func(t *testing.T, root string) { remove(t, root, guildA) }, []string{"one", "four"}, second},
		{"the file itself", func(t *testing.T, root string) { remove(t, root, first) }, []string{"one", "two", "three", "four"}, ""},
		{"most of the file itself", func(t *testing.T, root string) {
			if err := os.Truncate(filepath.Join(root, first), 5); err != nil {
				t.Fatal(err)
			}
		}, []string{"two", "three", "four"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			put(t, root, first, "junk\n", long, said("one"))
			put(t, root, second, said("two"))
			put(t, root, next+"/info.jsonl", said("three"))
			put(t, root, guildB+"/20260511/info.jsonl", saidIn(guildB, "four"))
			o, book := options(db, root)
			o.Log = logger(book, func() { test.take(t, root) }, "malformed line")
			mustOnce(t, o)
			wantContents(t, db, test.want...)
			found := book.Lines("cannot read")
			if test.path == "" && len(found) > 0 || test.path != "" && !strings.Contains(strings.Join(found, ""), "path="+test.path+" ") {
				t.Errorf("the log says %q", found)
			}
			for _, path := range []string{first, second, next} {
				if n := len(book.Lines("cannot read", "path="+path+" ")); n > 1 {
					t.Errorf("%s is named %d times", path, n)
				}
			}
		})
	}
}

func TestBytesOnDisk(t *testing.T) {
	for _, suffix := range []string{"", ".gz", ".zst"} {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		path := guildA + "/20260511/info.jsonl" + suffix
		put(t, root, path, said("one"), said("two"), said("three"))
		o, _ := options(db, root)
		disk, err := migration.RunSteps(t.Context(), o, 1, 3)
		if err != nil {
			t.Fatal(err)
		}
		if size := cursor(t, db, guildA+"/20260511/info.jsonl").Size; disk != size {
			t.Errorf("%q: a file of %d bytes took %d", suffix, size, disk)
		}
	}
}

// TestLargeFile has several commits of one file, and both bounds of a commit.
func TestLargeFile(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	const lines = 120_000
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, `{"timestamp":"2026-05-11T06:30:0%d.%06dZ","channel_or_file":"c","user_id":"%d","action":"receive_message","message":"x"}`+"\n", i/100_000, i%100_000, 1+i%7)
	}
	b.WriteString(strings.Repeat(" ", 5<<20) + "\n")
	b.WriteString(strings.Repeat(strings.Repeat("x", 9<<20)+"\n", 5))
	put(t, root, guildA+"/20260511/info.jsonl", b.String())
	o, _ := options(db, root)
	commits := -1
	o.Progress = func(migration.Progress) { commits++ }
	sum := mustOnce(t, o)
	if want := (migration.Summary{Files: 1, Bytes: int64(b.Len()), Lines: lines + 6, Messages: lines, Skipped: 1, Malformed: 5}); !same(sum, want) {
		t.Errorf("got %+v, want %+v", sum, want)
	}
	if commits < 3 {
		t.Errorf("%d commits", commits)
	}
	f := cursor(t, db, guildA+"/20260511/info.jsonl")
	if want := (store.Counts{Lines: lines + 6, Messages: lines, Skipped: 1, Malformed: 5}); f.Counts != want || f.Offset != int64(b.Len()) || !f.Complete {
		t.Errorf("cursor %+v", f)
	}
}

func TestManyMalformed(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, guildA+"/20260511/info.jsonl", strings.Repeat("x\n", 50_000), said("one"))
	if sum := once(t, db, root); sum.Malformed != 50_000 || sum.Messages != 1 {
		t.Errorf("got %+v", sum)
	}
	quarantine, err := db.Quarantine(t.Context())
	if err != nil || len(quarantine) != 1000 || quarantine[999].Offset != 1998 {
		t.Errorf("%d in quarantine, %v", len(quarantine), err)
	}
}

// TestFullDisk lets the database grow against a limit: the run waits, and goes
// on at the line where it stopped when it may.
func TestFullDisk(t *testing.T) {
	root, path := t.TempDir(), filepath.Join(t.TempDir(), "full.db")
	var want []string
	for day := range 5 {
		var lines []string
		for i := range 200 {
			text := fmt.Sprint(day, " ", i, strings.Repeat(" long", 100))
			lines = append(lines, said(text))
			want = append(want, text)
		}
		put(t, root, fmt.Sprintf("%s/2026051%d/info.jsonl", guildA, day), lines...)
	}
	db, err := store.Open(path, store.Options{MaxSize: 400 << 10})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o, book := options(db, root)
	o.Log = logger(book, func() { cancel() }, "disk is full")
	sum, err := migration.Once(ctx, o)
	if !errors.Is(err, context.Canceled) || sum.Messages >= 1000 {
		t.Errorf("with a full disk: %+v, %v", sum, err)
	}
	if got := book.Lines("disk is full"); len(got) != 1 {
		t.Errorf("the log says: %q", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	once(t, db, root)
	if got := contents(t, db); len(got) != len(want) {
		t.Errorf("%d messages, want %d", len(got), len(want))
	}
	slices.Sort(want)
	wantContents(t, db, want...)
}

// TestStoreError: whatever else the store says ends the run.
func TestStoreError(t *testing.T) {
	root := t.TempDir()
	put(t, root, guildA+"/20260511/info.jsonl", said("one"))
	db, err := store.Open(filepath.Join(t.TempDir(), "closed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	o, _ := options(db, root)
	if _, err := migration.Once(t.Context(), o); err == nil {
		t.Error("Once does not say that the database is closed")
	}
	if err := migration.NewFollower(o).Run(t.Context()); err == nil {
		t.Error("a Follower does not say that the database is closed")
	}
}
