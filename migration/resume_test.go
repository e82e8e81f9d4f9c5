package migration_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// stage is a change of the logs, and what a run after it has done.
type stage struct {
	change   func(t *testing.T, root string)
	now      string // the day, if it is another one from here on
	run      migration.Summary
	contents []string // all that is stored then
	counts   store.Counts
	last     string // last date of guild A
}

func TestStages(t *testing.T) {
	const (
		old   = guildA + "/20260511/info.jsonl"
		today = guildA + "/20260514/info.jsonl"
	)
	size := func(lines ...string) int64 { return int64(len(strings.Join(lines, ""))) }
	half := func(line string) (string, string) { return line[:len(line)/2], line[len(line)/2:] }
	bare := func(line string) string { return strings.TrimSuffix(line, "\n") }
	two1, two2 := half(said("two"))
	noise := strings.Repeat(" \n", 5000) // more than a fingerprint

	tests := []struct {
		name   string
		file   string // whose counts are compared
		stages []stage
	}{
		{"today's file grows", today, []stage{
			{change: func(t *testing.T, root string) { put(t, root, today, said("one"), two1) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) {},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) { grow(t, root, today, two2, "junk") },
				run:      migration.Summary{Files: 1, Bytes: size(said("two")), Lines: 1, Messages: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}},
			{change: func(t *testing.T, root string) {}, now: "20260515",
				run:      migration.Summary{Files: 1, Bytes: 4, Lines: 1, Malformed: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 3, Messages: 2, Malformed: 1}, last: "20260514"},
		}},
		{"today's file is all there when its day ends", today, []stage{
			{change: func(t *testing.T, root string) { put(t, root, today, said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) {}, now: "20260515",
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260514"},
		}},
		{"an old file grows", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) { grow(t, root, old, said("two"), said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("two"), said("one")), Lines: 2, Messages: 1, Duplicates: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 3, Messages: 2, Duplicates: 1}, last: "20260511"},
		}},
		{"the last line of an old file is ended later", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one"), bare(said("two"))) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one"), bare(said("two"))), Lines: 2, Messages: 2},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { grow(t, root, old, "\n") },
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { grow(t, root, old, said("three")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("three")), Lines: 1, Messages: 1},
				contents: []string{"one", "two", "three"}, counts: store.Counts{Lines: 3, Messages: 3}, last: "20260511"},
		}},
		{"the last line of an old file is ended as on Windows, and more comes", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, bare(said("one"))+"\r") },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) { grow(t, root, old, "\n", bare(said("two"))) },
				run:      migration.Summary{Files: 1, Bytes: size(bare(said("two"))), Lines: 1, Messages: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
		}},
		{"an old file was read in the middle of a line", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one"), two1) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one"), two1), Lines: 2, Messages: 1, Malformed: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 2, Messages: 1, Malformed: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) { grow(t, root, old, two2, said("three")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("two"), said("three")), Lines: 2, Messages: 2},
				contents: []string{"one", "two", "three"}, counts: store.Counts{Lines: 3, Messages: 3}, last: "20260511"},
		}},
		{"an old file was read in the middle of a blank line", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, " ") },
				run:    migration.Summary{Files: 1, Bytes: 1, Lines: 1, Skipped: 1},
				counts: store.Counts{Lines: 1, Skipped: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) { grow(t, root, old, said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")) + 1, Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
		}},
		{"a file shrinks", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, noise, said("one"), said("two"), said("three")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("one"), said("two"), said("three")), Lines: 5003, Messages: 3, Skipped: 5000},
				contents: []string{"one", "two", "three"}, counts: store.Counts{Lines: 5003, Messages: 3, Skipped: 5000}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, noise, said("one"), said("four")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("one"), said("four")), Lines: 5002, Messages: 1, Duplicates: 1, Skipped: 5000},
				contents: []string{"one", "two", "three", "four"}, counts: store.Counts{Lines: 5002, Messages: 1, Duplicates: 1, Skipped: 5000}, last: "20260511"},
		}},
		{"a file with an unfinished line shrinks by a part of it", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, noise, bare(said("two"))) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, bare(said("two"))), Lines: 5001, Messages: 1, Skipped: 5000},
				contents: []string{"two"}, counts: store.Counts{Lines: 5001, Messages: 1, Skipped: 5000}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, noise, two1) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, two1), Lines: 5001, Malformed: 1, Skipped: 5000},
				contents: []string{"two"}, counts: store.Counts{Lines: 5001, Malformed: 1, Skipped: 5000}, last: "20260511"},
		}},
		{"a compressed file shrinks", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old+".gz", noise, said("one"), said("two")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("one"), said("two")), Lines: 5002, Messages: 2, Skipped: 5000},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 5002, Messages: 2, Skipped: 5000}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old+".gz", noise, said("two")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("two")), Lines: 5001, Duplicates: 1, Skipped: 5000},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 5001, Duplicates: 1, Skipped: 5000}, last: "20260511"},
		}},
		{"a file is emptied", today, []stage{
			{change: func(t *testing.T, root string) { put(t, root, today, said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) { put(t, root, today) },
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) { put(t, root, today, said("two")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("two")), Lines: 1, Messages: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 1, Messages: 1}},
		}},
		{"a file is replaced by a larger one", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one"), said("two")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one"), said("two")), Lines: 2, Messages: 2},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, said("zero"), said("one"), said("two"), "\n") },
				run:      migration.Summary{Files: 1, Bytes: size(said("zero"), said("one"), said("two"), "\n"), Lines: 4, Messages: 1, Duplicates: 2, Skipped: 1},
				contents: []string{"zero", "one", "two"}, counts: store.Counts{Lines: 4, Messages: 1, Duplicates: 2, Skipped: 1}, last: "20260511"},
		}},
		{"a line is cut out of the middle of a file that grows", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, noise, said("one"), said("two"), said("three")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("one"), said("two"), said("three")), Lines: 5003, Messages: 3, Skipped: 5000},
				contents: []string{"one", "two", "three"}, counts: store.Counts{Lines: 5003, Messages: 3, Skipped: 5000}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, noise, said("two"), said("three"), said("four")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("two"), said("three"), said("four")), Lines: 5003, Messages: 1, Duplicates: 2, Skipped: 5000},
				contents: []string{"one", "two", "three", "four"}, counts: store.Counts{Lines: 5003, Messages: 1, Duplicates: 2, Skipped: 5000}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, noise, said("three"), said("four")) },
				run:      migration.Summary{Files: 1, Bytes: size(noise, said("three"), said("four")), Lines: 5002, Duplicates: 2, Skipped: 5000},
				contents: []string{"one", "two", "three", "four"}, counts: store.Counts{Lines: 5002, Duplicates: 2, Skipped: 5000}, last: "20260511"},
		}},
		{"a file is replaced by one that begins otherwise and goes on as it did", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one"), said("two")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one"), said("two")), Lines: 2, Messages: 2},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, said("six"), said("two"), said("four")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("six"), said("two"), said("four")), Lines: 3, Messages: 2, Duplicates: 1},
				contents: []string{"one", "two", "six", "four"}, counts: store.Counts{Lines: 3, Messages: 2, Duplicates: 1}, last: "20260511"},
		}},
		{"a file is compressed, again otherwise, and grows", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) {
				put(t, root, old+".gz", said("one"))
				remove(t, root, old)
			},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) {
				put(t, root, old+".zst", said("one"), said("two"))
				remove(t, root, old+".gz")
			},
				run:      migration.Summary{Files: 1, Bytes: size(said("two")), Lines: 1, Messages: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { put(t, root, old, said("one"), said("two"), said("three")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("three")), Lines: 1, Messages: 1},
				contents: []string{"one", "two", "three"}, counts: store.Counts{Lines: 3, Messages: 3}, last: "20260511"},
		}},
		{"a compressed file is damaged, then whole", old, []stage{
			{change: func(t *testing.T, root string) {
				whole := compress(t, "x.gz", said("one")+noise+said("two"))
				put(t, root, old, string(whole[:len(whole)-8])) // all of the data, no checksum
				rename(t, root, old, old+".gz")
			},
				run: migration.Summary{Files: 1, Bytes: size(said("one"), noise, said("two")), Lines: 5002, Messages: 2, Skipped: 5000,
					IncompleteFiles: []string{old + ".gz"}, Incomplete: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 5002, Messages: 2, Skipped: 5000}},
			{change: func(t *testing.T, root string) {
				put(t, root, old+".gz", said("one"), noise, said("two"), said("three"))
			},
				run:      migration.Summary{Files: 1, Bytes: size(said("three")), Lines: 1, Messages: 1},
				contents: []string{"one", "two", "three"}, counts: store.Counts{Lines: 5003, Messages: 3, Skipped: 5000}, last: "20260511"},
		}},
		{"a file is only touched", old, []stage{
			{change: func(t *testing.T, root string) { put(t, root, old, said("one"), bare(said("two"))) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one"), bare(said("two"))), Lines: 2, Messages: 2},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { putAt(t, root, old, noon(), said("one"), bare(said("two"))) },
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
		}},
		{"a complete file that looks as it did is not opened", old, []stage{
			{change: func(t *testing.T, root string) { putAt(t, root, old, noon(), said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) { putAt(t, root, old, noon(), said("two")) },
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
		}},
		{"a complete file has another size, or another time", old, []stage{
			{change: func(t *testing.T, root string) { putAt(t, root, old, noon(), said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
			{change: func(t *testing.T, root string) { putAt(t, root, old, noon(), said("one"), said("two")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("two")), Lines: 1, Messages: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Messages: 2}, last: "20260511"},
			{change: func(t *testing.T, root string) { putAt(t, root, old, noon().Add(1), said("two"), said("one")) },
				run:      migration.Summary{Files: 1, Bytes: size(said("one"), said("two")), Lines: 2, Duplicates: 2},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 2, Duplicates: 2}, last: "20260511"},
		}},
		{"both eras in a day, one of them a folder at first", old, []stage{
			{change: func(t *testing.T, root string) {
				put(t, root, old, said("one"))
				put(t, root, guildA+"/20260511/bot_log_INFO.jsonl/x", "")
			},
				run: migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1, UnsupportedFiles: 1,
					IncompleteFiles: []string{guildA + "/20260511/bot_log_INFO.jsonl"}, Incomplete: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) {
				remove(t, root, guildA+"/20260511/bot_log_INFO.jsonl")
				put(t, root, guildA+"/20260511/bot_log_INFO.jsonl", said("two"))
			},
				run:      migration.Summary{Files: 1, Bytes: size(said("two")), Lines: 1, Messages: 1},
				contents: []string{"one", "two"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
		}},
		{"the guild of a name is known from lines read before", "Name/20260511/info.jsonl", []stage{
			{change: func(t *testing.T, root string) {
				whole := compress(t, "x.gz", said("one"))
				put(t, root, "Name/20260511/x", string(whole[:len(whole)-8]))
				rename(t, root, "Name/20260511/x", "Name/20260511/info.jsonl.gz")
			},
				run: migration.Summary{Files: 1, Bytes: size(said("one")), Lines: 1, Messages: 1,
					IncompleteFiles: []string{"Name/20260511/info.jsonl.gz"}, Incomplete: 1},
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}},
			{change: func(t *testing.T, root string) { put(t, root, "Name/20260511/info.jsonl", said("one")) },
				contents: []string{"one"}, counts: store.Counts{Lines: 1, Messages: 1}, last: "20260511"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			o, _ := options(db, root)
			for i, stage := range test.stages {
				stage.change(t, root)
				if stage.now != "" {
					day, err := time.Parse("20060102", stage.now)
					if err != nil {
						t.Fatal(err)
					}
					o.Now = func() time.Time { return day }
				}
				if got := mustOnce(t, o); !same(got, stage.run) {
					t.Errorf("stage %d: did %+v\nwant %+v", i, got, stage.run)
				}
				wantContents(t, db, stage.contents...)
				if got := cursor(t, db, test.file).Counts; got != stage.counts {
					t.Errorf("stage %d: counts of the file %+v\nwant %+v", i, got, stage.counts)
				}
				if stage.last == "" {
					wantDates(t, db)
				} else {
					wantDates(t, db, guildA+" "+stage.last)
				}
				if got := mustOnce(t, o); !same(got, migration.Summary{UnsupportedFiles: stage.run.UnsupportedFiles, IncompleteFiles: stage.run.IncompleteFiles, Incomplete: stage.run.Incomplete}) {
					t.Errorf("stage %d: a second run did %+v", i, got)
				}
			}
		})
	}
}
