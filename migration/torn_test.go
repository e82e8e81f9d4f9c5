package migration_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// bare takes the end from a line.
func bare(line string) string { return strings.TrimSuffix(line, "\n") }

// quarantine returns where malformed lines are, as "file offset".
func quarantine(t *testing.T, db *store.DB) (at []string) {
	t.Helper()
	lines, err := db.Quarantine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range lines {
		at = append(at, fmt.Sprint(q.File, " ", q.Offset))
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Quarantined != int64(len(lines)) {
		t.Errorf("%d malformed lines are listed and %d counted, %v", len(lines), stats.Quarantined, err)
	}
	return at
}

func wantQuarantine(t *testing.T, db *store.DB, want ...string) {
	t.Helper()
	if got := quarantine(t, db); !slices.Equal(got, want) {
		t.Errorf("in quarantine: %q, want %q", got, want)
	}
}

// A record behind so many zeros that their line is too long is taken in.
func TestRecordBehindManyZeros(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	path := guildA + "/20260511/info.jsonl"
	zeros := strings.Repeat("\x00", 17<<20)
	put(t, root, path, said("one"), zeros, said("two"), zeros, said("torn")[:200], bare(said("three")))
	two := int64(len(said("one")))
	three := two + int64(len(zeros)+len(said("two")))
	if got := once(t, db, root); got.Lines != 5 || got.Messages != 3 || got.Malformed != 2 {
		t.Errorf("did %+v", got)
	}
	wantContents(t, db, "one", "two", "three")
	wantQuarantine(t, db, fmt.Sprint(path, " ", two), fmt.Sprint(path, " ", three))
	grow(t, root, path, "\n", said("four"))
	if got := once(t, db, root); got.Lines != 1 || got.Messages != 1 {
		t.Errorf("then %+v", got)
	}
	wantContents(t, db, "one", "two", "three", "four")
}

// The rule is one of bytes: a torn line may become an object by what follows, and what is
// malformed otherwise is parted all the same.
func TestRecordWithinAnObject(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	path := guildA + "/20260511/info.jsonl"
	torn := by("bob", said("torn"))
	torn = torn[:strings.Index(torn, `null,"extra"`)]
	put(t, root, path, torn, bare(said("one")), "}\n", said("two"))
	if got := once(t, db, root); got.Lines != 3 || got.Messages != 1 || got.Malformed != 2 {
		t.Errorf("did %+v", got)
	}
	wantContents(t, db, "two")
	wantQuarantine(t, db, path+" 0", fmt.Sprint(path, " ", len(torn)))
}

// What stands behind the last newline is read before it has an end, and grows by a whole
// record, by a torn one, or by garbage.
func TestTornLineGrows(t *testing.T) {
	const old = guildA + "/20260511/info.jsonl"
	torn := said("torn")[:150]
	type after struct {
		lines, messages, malformed int64
		contents                   []string
	}
	for _, test := range []struct {
		name, before string
		then         after
		grown        string
		now          after
		at           []int // the quarantine
	}{
		{"a torn line by a record", torn, after{1, 0, 1, nil}, said("one"), after{2, 1, 1, []string{"one"}}, []int{0}},
		{"a torn line and a record by the end", torn + bare(said("one")), after{2, 1, 1, []string{"one"}}, "\n", after{2, 1, 1, []string{"one"}}, []int{0}},
		{"a torn line and a record by a record", torn + bare(said("one")), after{2, 1, 1, []string{"one"}}, said("two"), after{3, 2, 1, []string{"one", "two"}}, []int{0}},
		{"a torn line and half a record by the rest", torn + said("one")[:100], after{2, 0, 2, nil}, said("one")[100:], after{2, 1, 1, []string{"one"}}, []int{0}},
		{"a record by a record", bare(said("one")), after{1, 1, 0, []string{"one"}}, said("two"), after{2, 2, 0, []string{"one", "two"}}, nil},
		{"half a record by a record", said("one")[:100], after{1, 0, 1, nil}, said("two"), after{2, 1, 1, []string{"two"}}, []int{0}},
		{"half a record by the rest", said("one")[:100], after{1, 0, 1, nil}, said("one")[100:], after{1, 1, 0, []string{"one"}}, nil},
		{"a torn line by two more", torn, after{1, 0, 1, nil}, said("x")[:90] + said("one"), after{2, 1, 1, []string{"one"}}, []int{0}},
		{"blanks by zeros and a record", "  ", after{1, 0, 0, nil}, "\x00" + said("one"), after{2, 1, 1, []string{"one"}}, []int{0}},
		{"blanks by a torn record", "  ", after{1, 0, 0, nil}, said("one")[:90], after{2, 0, 2, nil}, []int{0, 2}},
		{"the start of a record by its rest", `{"times`, after{1, 0, 1, nil}, said("one")[7:], after{1, 1, 0, []string{"one"}}, nil},
		{"a torn line and the start of a record by its rest", torn + `{"times`, after{1, 0, 1, nil}, said("one")[7:], after{2, 1, 1, []string{"one"}}, []int{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			check := func(want after) {
				t.Helper()
				once(t, db, root)
				wantContents(t, db, want.contents...)
				if c := cursor(t, db, old).Counts; c.Lines != want.lines || c.Messages != want.messages || c.Malformed != want.malformed {
					t.Errorf("counted %+v, want %+v", c, want)
				}
				if again := once(t, db, root); !same(again, migration.Summary{}) {
					t.Errorf("a second run did %+v", again)
				}
			}
			put(t, root, old, test.before)
			check(test.then)
			grow(t, root, old, test.grown)
			check(test.now)
			var at []string
			for _, offset := range test.at {
				at = append(at, fmt.Sprint(old, " ", offset))
			}
			wantQuarantine(t, db, at...)
		})
	}
}

// A file that was replaced takes its malformed lines out of the quarantine, under whatever
// suffix they were found.
func TestReplacedFileLeavesQuarantine(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	path, other := guildA+"/20260511/info.jsonl", guildA+"/20260512/info.jsonl"
	put(t, root, path, "junk\n", said("one"), "more junk\n")
	put(t, root, other, "junk\n")
	once(t, db, root)
	wantQuarantine(t, db, path+" 0", fmt.Sprint(path, " ", 5+len(said("one"))), other+" 0")
	put(t, root, path+".gz", "junk\n", said("one"), "more junk\n", "third junk\n")
	remove(t, root, path)
	once(t, db, root)
	if got := quarantine(t, db); len(got) != 4 {
		t.Errorf("compressed and grown: %q", got)
	}
	put(t, root, path+".gz", said("one"), "other junk\n")
	once(t, db, root)
	wantQuarantine(t, db, fmt.Sprint(path, ".gz ", len(said("one"))), other+" 0")
	put(t, root, path+".gz", said("one"))
	once(t, db, root)
	wantQuarantine(t, db, other+" 0")
}

// A person is taken out of torn files, at random, that are in a database already: it reads
// them on without a line of anybody else's twice or lost, and as it would from the start.
func TestScrubTornBesideTheMigration(t *testing.T) {
	const path = "777/20260511/info.jsonl"
	r := rand.New(rand.NewPCG(10, 13))
	for i := range 40 {
		choice := make([]byte, 3+r.IntN(30))
		for i := range choice {
			choice[i] = byte(r.Uint32())
		}
		text := migration.Pieces(choice, r.Uint64())
		file := path + []string{"", ".gz", ".zst"}[i%3]
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		put(t, root, file, text)
		once(t, db, root)
		all, counts := migration.Messages(text)
		if c := cursor(t, db, path).Counts; c.Lines != counts.Lines || c.Messages+c.Duplicates != counts.Messages || c.Malformed != counts.Malformed {
			t.Errorf("counted %+v, want %+v of %q", c, counts, text)
		}
		if _, err := db.Forget(t.Context(), store.Person{User: 7}); err != nil {
			t.Fatal(err)
		}
		scrub(t, root, store.Person{User: 7}, true)
		sum := once(t, db, root)
		rest, _ := migration.Messages(decompressed(t, root, file))
		want := map[store.Record]bool{}
		for _, r := range append(all, rest...) {
			if want[r] = true; r.User == 7 {
				delete(want, r)
			}
		}
		if have := records(t, db); len(have) != len(want) {
			t.Errorf("%d records, want %d; the second run did %+v, of %q", len(have), len(want), sum, text)
		}
		if again := once(t, db, root); again.Lines > 0 {
			t.Errorf("a further run did %+v", again)
		}
	}
}
