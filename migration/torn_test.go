package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
	db, root := openDB(t), t.TempDir()
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
		{"the start of a record by its rest", `{"times`, after{1, 0, 1, nil}, said("one")[7:], after{1, 1, 0, []string{"one"}}, nil},
		{"a torn line and the start of a record by its rest", torn + `{"times`, after{1, 0, 1, nil}, said("one")[7:], after{2, 1, 1, []string{"one"}}, []int{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, root := openDB(t), t.TempDir()
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
	db, root := openDB(t), t.TempDir()
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

// outcomes is what LOG-FORMAT makes of a file's bytes, said the obvious way.
type outcomes struct {
	counts     store.Counts
	contents   []string
	quarantine []int
}

// model reads a file of an earlier day: a line that is malformed ends where a record
// starts last.
func model(text string) (o outcomes) {
	const folder = 111111111111111111 // guildA
	at := 0
	if strings.HasPrefix(text, "\ufeff") {
		at = len("\ufeff")
	}
	seen := map[store.Record]bool{}
	count := func(line string, at int) (malformed bool) {
		what, r := migration.Oracle(line, folder)
		o.counts.Lines++
		switch what {
		case "message":
			if seen[r] {
				o.counts.Duplicates++
				return false
			}
			seen[r] = true
			o.counts.Messages++
			o.contents = append(o.contents, r.Content)
		case "skipped":
			o.counts.Skipped++
		default:
			o.counts.Malformed++
			o.quarantine = append(o.quarantine, at)
			return true
		}
		return false
	}
	for at < len(text) {
		line, _, ended := strings.Cut(text[at:], "\n")
		next := at + len(line)
		if ended {
			next++
			line = strings.TrimSuffix(line, "\r")
		}
		what, _ := migration.Oracle(line, folder)
		if i := strings.LastIndex(line, `{"timestamp":"`); what == "malformed" && i > 0 {
			o.counts.Lines++
			o.counts.Malformed++
			o.quarantine = append(o.quarantine, at)
			count(line[i:], at+i)
		} else {
			count(line, at)
		}
		at = next
	}
	slices.Sort(o.contents)
	return o
}

var fuzzContents = []string{"one", "two", `with {"timestamp":" and "user_id":"7" in it`, "\x00\n"}

// withNaN is the record of a message with words of Python in it.
func withNaN(content string) string {
	return strings.Replace(bare(said(content)), `"trace_id":null`, `"trace_id":NaN,"x":[Infinity,-Infinity]`, 1)
}

// pieces makes a file of the bytes of a fuzzer: each chooses a piece.
func pieces(choice []byte) string {
	var b strings.Builder
	for i, c := range choice {
		content := fuzzContents[int(c>>4)%len(fuzzContents)]
		record := bare(said(content))
		switch c & 15 {
		case 0, 1, 2:
			b.WriteString(record + "\n")
		case 3:
			b.WriteString(record)
		case 4, 5:
			b.WriteString(record[:1+(int(c)*7+i*31)%(len(record)-1)])
		case 6:
			b.WriteString(strings.Repeat("\x00", 1+int(c>>4)))
		case 7:
			b.WriteString("\ufeff")
		case 8:
			b.WriteString("\n")
		case 9:
			b.WriteString("\r\n")
		case 10:
			b.WriteString(withNaN(content) + "\n")
		case 11:
			b.WriteString(`{"action":"other"}` + "\n")
		case 12:
			b.WriteString(record[(int(c)*13+i*17)%len(record):])
		case 13:
			b.WriteString(" ")
		case 14:
			b.WriteString("garbage{}")
		case 15:
			b.WriteString(record + "\r\n")
		}
	}
	return b.String()
}

// FuzzTorn takes a file of records, torn ones, zeros, byte order marks and words of Python
// in, all of it at once and as it grows over midnight: each line counts as the model says,
// and is listed where it is.
func FuzzTorn(f *testing.F) {
	for _, seed := range []string{"\x00", "\x04\x00", "\x06\x00\x07\x00", "\x07\x00\x10", "\x04\x14\x24\x00", "\x03\x00", "\x0a\x1a", "\x05\x08\x06\x06\x20\x0c\x30", "\x04\x0f\x0d\x03", "\x0e\x02\x0b\x0c", "\x24\x23\x30"} {
		f.Add([]byte(seed), uint16(100))
	}
	f.Fuzz(func(t *testing.T, choice []byte, at uint16) {
		text := pieces(choice[:min(len(choice), 40)])
		want := model(text)
		cut := int(at) % (len(text) + 1)
		for _, growing := range []bool{false, true} {
			db, root := openDB(t), t.TempDir()
			path := guildA + "/20260511/info.jsonl"
			o, _ := options(db, root)
			o.Now = func() time.Time { return noon().AddDate(0, 0, -3) }
			if growing { // of today: what has no end yet is no line
				put(t, root, path, text[:cut])
				mustOnce(t, o)
				grow(t, root, path, text[cut:])
				mustOnce(t, o)
			} else {
				put(t, root, path, text)
			}
			o.Now = noon
			mustOnce(t, o)
			wantContents(t, db, want.contents...)
			if got := cursor(t, db, path).Counts; got != want.counts {
				t.Errorf("growing %t: counted %+v, want %+v of %q", growing, got, want.counts, text)
			}
			var places []string
			for _, offset := range want.quarantine {
				places = append(places, fmt.Sprint(path, " ", offset))
			}
			if got := quarantine(t, db); !slices.Equal(got, places) {
				t.Errorf("growing %t: in quarantine %q, want %q of %q", growing, got, places, text)
			}
		}
	})
}
