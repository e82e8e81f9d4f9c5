package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

const archiveEpoch store.Micros = 1_750_000_000_000_000

func archived(id store.ID, content string) store.Record {
	return store.Record{
		Guild: 1, User: 5, Time: archiveEpoch + store.Micros(id)*1000, Message: id, Channel: store.Channel{ID: 9, Name: "chat"}, Content: content, Source: store.SourceImport,
	}
}

func putArchive(t *testing.T, db *store.DB, b store.ArchiveBatch) store.ArchiveOutcome {
	t.Helper()
	fates, err := db.PreviewArchive(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	before := store.Dump(t, db)
	if _, err := db.PreviewArchive(t.Context(), b); err != nil || !reflect.DeepEqual(before, store.Dump(t, db)) {
		t.Error("the preview changed something", err)
	}
	out, err := db.PutArchive(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	var told store.ArchiveOutcome
	seen := map[store.ID]bool{}
	for i, f := range fates {
		switch {
		case f == store.FateForgotten:
			told.Forgotten++
		case f == store.FateNew && !seen[b.Records[i].Message]:
			told.Messages++
		default:
			told.Known++
		}
		if f == store.FateUpdated {
			told.Updated++
		}
		seen[b.Records[i].Message] = true
	}
	if told != out {
		t.Errorf("the preview told %+v, and then %+v", told, out)
	}
	return out
}

func TestPutArchive(t *testing.T) {
	edited := func(r store.Record, at store.Micros) store.Record { r.Edited = archiveEpoch + at; return r }
	formatted := func(r store.Record) store.Record { r.Formatted = true; return r }
	from := func(r store.Record, s store.Source) store.Record { r.Source = s; return r }
	raw := archived(1, "<@5> look")
	seen := formatted(archived(1, "@mara look"))
	answer := archived(1, "yes")
	answer.ReplyTo, answer.ReplyToUser = 7, 8
	files := archived(1, "yes")
	files.Attachments, files.Extra = 2, &store.Extra{Stickers: []string{"wave"}}
	moved := archived(1, "hi")
	moved.Time += 456
	deleted := archived(1, "hi")
	deleted.User = 456226577798135808
	elsewhere := archived(1, "hi")
	elsewhere.Channel = store.Channel{ID: 10, Name: "other"}
	live := from(archived(1, "hi"), store.SourceLive)
	tests := map[string]struct {
		first, then store.Record
		updated     bool
		want        store.Record
	}{
		"the same":                      {archived(1, "hi"), archived(1, "hi"), false, archived(1, "hi")},
		"an edit":                       {archived(1, "hi"), edited(archived(1, "hello"), 9), true, edited(archived(1, "hello"), 9)},
		"an older edit":                 {edited(archived(1, "hello"), 9), edited(archived(1, "hullo"), 8), false, edited(archived(1, "hello"), 9)},
		"without the edit":              {edited(archived(1, "hello"), 9), archived(1, "hi"), false, edited(archived(1, "hello"), 9)},
		"another text":                  {archived(1, "hi"), archived(1, "ho"), false, archived(1, "hi")},
		"the raw text":                  {seen, raw, true, raw},
		"the formatted text":            {raw, seen, false, raw},
		"a formatted text edited later": {raw, edited(seen, 9), false, raw},
		"an edit of what was said live": {live, edited(archived(1, "hello"), 9), true, from(edited(archived(1, "hello"), 9), store.SourceLive)},
		"another text than live":        {live, archived(1, "ho"), false, live},
		"whom it answers":               {archived(1, "yes"), answer, true, answer},
		"files and stickers":            {archived(1, "yes"), files, true, files},
		"a time of other digits":        {archived(1, "hi"), moved, false, archived(1, "hi")},
		"a time cut to milliseconds":    {moved, archived(1, "hi"), false, moved},
		"under the id of nobody":        {archived(1, "hi"), deleted, false, archived(1, "hi")},
		"no longer under nobody's":      {deleted, archived(1, "hi"), false, deleted},
		"in another channel":            {archived(1, "hi"), elsewhere, false, archived(1, "hi")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, together := range []bool{false, true} {
				db := openTemp(t)
				if test.first.Source == store.SourceLive {
					if together {
						continue
					}
					if _, err := db.Put(t.Context(), store.Batch{Records: []store.Record{test.first}}); err != nil {
						t.Fatal(err)
					}
				} else if !together {
					if out := putArchive(t, db, store.ArchiveBatch{Records: []store.Record{test.first}}); out != (store.ArchiveOutcome{Messages: 1}) {
						t.Errorf("first: %+v", out)
					}
				}
				if together {
					if test.first.Time != test.then.Time || test.first.User != test.then.User || test.updated {
						continue
					}
					if out, err := db.PutArchive(t.Context(), store.ArchiveBatch{Records: []store.Record{test.first, test.then}}); err != nil || out != (store.ArchiveOutcome{Messages: 1, Known: 1}) {
						t.Errorf("together: %+v, %v", out, err)
					}
				} else {
					want := store.ArchiveOutcome{Known: 1}
					if test.updated {
						want.Updated = 1
					}
					if out := putArchive(t, db, store.ArchiveBatch{Records: []store.Record{test.then}}); out != want {
						t.Errorf("then: %+v, want %+v", out, want)
					}
				}
				test.want.Formatted = false
				if got := all(t, db, store.Query{}); len(got) != 1 || !reflect.DeepEqual(got[0], test.want) {
					t.Errorf("there is %+v, want %+v", got, test.want)
				}
			}
		})
	}
}

// Where edits are not followed, an archive's are not, either.
func TestArchiveKeepsEdited(t *testing.T) {
	db := openTemp(t)
	putArchive(t, db, store.ArchiveBatch{Records: []store.Record{archived(1, "hi")}})
	edited := archived(1, "hello")
	edited.Edited = archiveEpoch
	if out := putArchive(t, db, store.ArchiveBatch{Records: []store.Record{edited}, KeepEdited: true}); out != (store.ArchiveOutcome{Known: 1}) {
		t.Errorf("%+v", out)
	}
	if got := all(t, db, store.Query{}); len(got) != 1 || got[0].Content != "hi" || got[0].Edited != 0 {
		t.Errorf("%+v", got)
	}
}

// What Discord itself tells afterwards replaces what an archive only had as it was shown.
func TestHistoryCorrectsAnArchive(t *testing.T) {
	db := openTemp(t)
	seen := archived(1, "@mara look")
	seen.Formatted = true
	putArchive(t, db, store.ArchiveBatch{Records: []store.Record{seen}})
	raw := archived(1, "<@5> look")
	raw.Source = store.SourceBackfill
	if n, err := db.Put(t.Context(), store.Batch{Records: []store.Record{raw}}); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if got := all(t, db, store.Query{}); len(got) != 1 || got[0].Content != raw.Content {
		t.Errorf("%+v", got)
	}
}

// What is gone does not come back, and nothing is stored of who is forgotten.
func TestArchiveOfWhatIsGone(t *testing.T) {
	for _, action := range []store.Action{store.Redact, store.Remove} {
		db := openTemp(t)
		putArchive(t, db, store.ArchiveBatch{Records: []store.Record{archived(1, "hi"), archived(2, "ho")}})
		gone := store.Change{Guild: 1, Message: 1, User: 5, Time: archived(1, "").Time, Action: action}
		if _, err := db.PutArchive(t.Context(), store.ArchiveBatch{Changes: []store.Change{gone}}); err != nil {
			t.Fatal(err)
		}
		later := archived(1, "hello")
		later.Edited = archiveEpoch + 9
		if out := putArchive(t, db, store.ArchiveBatch{Records: []store.Record{later}}); out != (store.ArchiveOutcome{Known: 1}) {
			t.Errorf("%+v", out)
		}
		for _, r := range all(t, db, store.Query{}) {
			if r.Message == 1 && (action == store.Remove || r.Content != "" || !r.Redacted) {
				t.Errorf("%+v", r)
			}
		}
		if _, err := db.Forget(t.Context(), store.Person{User: 5}); err != nil {
			t.Fatal(err)
		}
		if out := putArchive(t, db, store.ArchiveBatch{Records: []store.Record{archived(1, "hi"), archived(3, "hu")}, Names: []store.ArchiveName{{Name: store.Name{Guild: 1, User: 5, Name: "mara"}}}}); out != (store.ArchiveOutcome{Forgotten: 2}) {
			t.Errorf("%+v", out)
		}
		if names, err := db.Names(t.Context(), 1); err != nil || names[5] != "" {
			t.Error(names, err)
		}
	}
}

func TestArchiveNames(t *testing.T) {
	db := openTemp(t)
	last := archived(100, "hi").Time
	steps := []struct {
		name string
		at   store.Micros
		want string
	}{{"first", 0, "first"}, {"of no time", 0, "first"}, {"older", last - 1, "first"}, {"newer", last + 1, "newer"}}
	putArchive(t, db, store.ArchiveBatch{Records: []store.Record{archived(1, "hi"), archived(100, "hi")}})
	for _, s := range steps {
		putArchive(t, db, store.ArchiveBatch{Names: []store.ArchiveName{
			{Name: store.Name{Guild: 1, User: 5, Name: s.name}, At: s.at}, {Name: store.Name{Guild: 1, Name: s.name}, At: s.at},
		}})
		if names, err := db.Names(t.Context(), 1); err != nil || names[5] != s.want || names[0] != s.want {
			t.Errorf("%s: %v, %v", s.name, names, err)
		}
	}
}

// Several archives, live, history and logs, in any order and in pieces: one record each.
func TestArchivesInAnyOrder(t *testing.T) {
	const n = 120
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			db := openTemp(t)
			var puts []func() error
			add := func(records []store.Record, put func([]store.Record) error) {
				for len(records) > 0 {
					k := 1 + r.IntN(len(records))
					part := records[:k]
					puts = append(puts, func() error { return put(part) })
					records = records[k:]
				}
			}
			message := func(id store.ID, source store.Source) store.Record {
				m := archived(id*20_000, fmt.Sprint("text ", id)) // 20 s apart
				m.User, m.Source = 5+id%3, source
				return m
			}
			for source := range 5 {
				var records []store.Record
				for id := store.ID(1); id <= n; id++ {
					if r.IntN(4) == 0 {
						continue
					}
					switch source {
					case 0:
						records = append(records, message(id, store.SourceLive))
					case 1:
						m := message(id, store.SourceLog)
						m.Message, m.Time, m.Channel.ID = 0, m.Time+store.Micros(r.IntN(2_000_000)), 0
						records = append(records, m)
					default:
						records = append(records, message(id, store.SourceImport))
					}
				}
				switch source {
				case 0:
					add(records, func(part []store.Record) error {
						_, err := db.Put(t.Context(), store.Batch{Records: part})
						return err
					})
				case 1:
					add(records, func(part []store.Record) error {
						_, err := storetest.Import(t.Context(), db, store.LogBatch{Records: part, File: store.LogFile{Key: "x"}})
						return err
					})
				default:
					add(records, func(part []store.Record) error {
						_, err := db.PutArchive(t.Context(), store.ArchiveBatch{Records: part})
						return err
					})
				}
			}
			r.Shuffle(len(puts), func(i, k int) { puts[i], puts[k] = puts[k], puts[i] })
			for range 2 { // and all of it again
				for _, put := range puts {
					if err := put(); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := map[string]int{}
			for _, rec := range all(t, db, store.Query{}) {
				got[rec.Content]++
			}
			for content, count := range got {
				if count != 1 {
					t.Errorf("%q is there %d times", content, count)
				}
			}
			if len(got) < n*9/10 {
				t.Errorf("%d messages", len(got))
			}
		})
	}
}

// A text as it was shown is the log line's all the same, whichever comes first.
func TestFormattedTextTakesItsLine(t *testing.T) {
	line := archived(1, "<@5> look")
	line.Message, line.Source, line.Time, line.Channel.ID = 0, store.SourceLog, line.Time+800_000, 0
	other := line // somebody says something else in the same seconds, elsewhere
	other.Content, other.Channel.Name = "elsewhere", "other"
	seen, raw := archived(1, "@mara look"), archived(1, "<@5> look")
	seen.Formatted = true
	logs := func(db *store.DB) error {
		_, err := storetest.Import(t.Context(), db, store.LogBatch{Records: []store.Record{line, other}, File: store.LogFile{Key: "x"}})
		return err
	}
	put := func(r store.Record) func(*store.DB) error {
		return func(db *store.DB) error {
			_, err := db.PutArchive(t.Context(), store.ArchiveBatch{Records: []store.Record{r}})
			return err
		}
	}
	for name, steps := range map[string][]func(*store.DB) error{
		"logs first":              {logs, put(seen)},
		"the archive first":       {put(seen), logs},
		"the raw text afterwards": {put(seen), logs, put(raw)},
		"the raw text before":     {put(seen), put(raw), logs},
		"and again":               {logs, put(seen), logs, put(seen), put(raw), logs},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			for _, step := range steps {
				if err := step(db); err != nil {
					t.Fatal(err)
				}
			}
			got := all(t, db, store.Query{})
			if len(got) != 2 {
				t.Errorf("there are %+v", got)
			}
			for _, r := range got {
				if r.Message == 1 && !r.InLogs {
					t.Errorf("it has no line: %+v", r)
				}
			}
		})
	}
}
