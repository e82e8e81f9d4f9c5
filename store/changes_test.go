package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

func mustPut(t testing.TB, db *store.DB, b store.Batch) {
	t.Helper()
	if _, err := db.Put(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func mustImport(t *testing.T, db *store.DB, records ...store.Record) store.Imported {
	t.Helper()
	done, err := storetest.Import(context.Background(), db, store.LogBatch{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// of is a change of a message, which is told as Discord does it: to the millisecond.
func of(r store.Record, action store.Action) store.Change {
	return store.Change{Guild: r.Guild, Message: r.Message, Time: r.Time - r.Time%1e3, Action: action}
}

// What has happened to a message stays so, from whichever side the message comes again.
func TestChanges(t *testing.T) {
	said := live(1, 2, 0, "first words")
	said.Time += 123_456
	line := logged(1, 2, 1, "general", "first words")
	again := said
	again.Source = store.SourceBackfill
	edited := of(said, store.Edit)
	edited.Content, edited.Edited = "second thoughts", said.Time+5e6
	known := edited
	known.User = said.User
	late := edited
	late.Content, late.Edited = "an older version", said.Time+1e6
	alone := of(said, store.Remove)
	alone.Message++
	redacted, changed := said, said
	redacted.Content, redacted.Redacted = "", true
	changed.Content, changed.Edited = edited.Content, edited.Edited
	both := redacted
	both.Edited = edited.Edited
	for name, test := range map[string]struct {
		changes []store.Change
		want    *store.Record // nil: nothing is left
	}{
		"nothing":                      {nil, &said},
		"redact":                       {[]store.Change{of(said, store.Redact)}, &redacted},
		"remove":                       {[]store.Change{of(said, store.Remove)}, nil},
		"edit":                         {[]store.Change{edited}, &changed},
		"edit, the author is known":    {[]store.Change{known}, &changed},
		"edit twice, in a wrong order": {[]store.Change{edited, late}, &changed},
		"edit, then redact":            {[]store.Change{edited, of(said, store.Redact)}, &both},
		"redact, then edit":            {[]store.Change{of(said, store.Redact), edited}, &redacted},
		"redact, then remove":          {[]store.Change{of(said, store.Redact), of(said, store.Remove)}, nil},
		"edit, then remove, then edit": {[]store.Change{edited, of(said, store.Remove), known}, nil},
		"another message":              {[]store.Change{alone}, &said},
		"another guild":                {[]store.Change{{Guild: 9, Message: said.Message, Time: said.Time, Action: store.Remove}}, &said},
	} {
		for when, do := range map[string]func(db *store.DB){
			"with the message": func(db *store.DB) {
				mustPut(t, db, store.Batch{Records: []store.Record{said}, Changes: test.changes})
				mustImport(t, db, line)
			},
			"after it": func(db *store.DB) {
				mustPut(t, db, store.Batch{Records: []store.Record{said}})
				mustPut(t, db, store.Batch{Changes: test.changes})
				mustImport(t, db, line)
			},
			"after its line": func(db *store.DB) {
				mustImport(t, db, line)
				mustPut(t, db, store.Batch{Records: []store.Record{said}})
				mustPut(t, db, store.Batch{Changes: test.changes})
			},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				db := openTemp(t)
				do(db)
				var want []store.Record
				if test.want != nil {
					r := *test.want
					r.InLogs = true
					want = append(want, r)
				}
				for round := range 2 {
					if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
						t.Fatalf("round %d: have %+v\nwant %+v", round, have, want)
					}
					mustPut(t, db, store.Batch{Records: []store.Record{again, said}})
					if done := mustImport(t, db, line); done.Messages != 0 || done.Duplicates != 1 {
						t.Errorf("its line again: %+v", done)
					}
				}
			})
		}
	}
}

// A message is found by its time in a lively quarter hour, and at the ends of one.
func TestChangesInACrowd(t *testing.T) {
	db := openTemp(t)
	var records []store.Record
	for i := range 3000 {
		r := live(1, store.ID(1+i%7), 0, fmt.Sprint("text ", i))
		r.Message, r.Time = store.ID(1+i), store.Micros(1_700_000_000e6+int64(i)*700e3)
		records = append(records, r)
	}
	mustPut(t, db, store.Batch{Records: records})
	var changes []store.Change
	want := map[store.ID]bool{}
	for i := 0; i < len(records); i += 13 {
		changes = append(changes, of(records[len(records)-1-i], store.Redact))
		want[records[len(records)-1-i].Message] = true
	}
	mustPut(t, db, store.Batch{Changes: changes})
	for _, r := range all(t, db, store.Query{}) {
		if r.Redacted != want[r.Message] || r.Redacted != (r.Content == "") {
			t.Fatalf("message %d: %+v", r.Message, r)
		}
	}
}

// Lines whose messages were removed stay away where no message is left, too.
func TestRemovedLines(t *testing.T) {
	db := openTemp(t)
	lines := []store.Record{logged(1, 2, 0, "general", "a"), logged(1, 2, 1, "general", "b"), logged(1, 2, 100, "general", "c")}
	for i := range lines {
		lines[i].Channel.ID = store.ID(5 + i%2)
	}
	mustImport(t, db, lines...)
	mustPut(t, db, store.Batch{Deleted: []store.DeletedChannel{{Guild: 1, Channel: 5, Action: store.Remove}}})
	finish(t, db)
	want := all(t, db, store.Query{})
	if len(want) != 1 || want[0].Content != "b" {
		t.Errorf("left: %+v", want)
	}
	if done := mustImport(t, db, lines...); done.Messages != 0 || done.Duplicates != 3 {
		t.Errorf("again: %+v", done)
	}
	if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
		t.Errorf("again: %+v", have)
	}
}

// finish does all tasks and returns how many steps that took.
func finish(t *testing.T, db *store.DB) (steps int) {
	t.Helper()
	tasks, err := db.Tasks(context.Background())
	for _, task := range tasks {
		for done := false; err == nil && !done; steps++ {
			_, done, err = db.Step(context.Background(), task)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// A deleted channel's messages go in several steps, under whatever names it had, and no
// others do.
func TestDeletedChannel(t *testing.T) {
	for action, name := range map[store.Action]string{store.Redact: "redact", store.Remove: "remove"} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			var records []store.Record
			for i := range 4000 {
				r := live(1, store.ID(1+i%3), i*300, fmt.Sprint("text ", i))
				r.Channel = store.Channel{ID: store.ID(5 + i/3%2), Name: []string{"old", "new"}[i/2000]}
				records = append(records, r)
			}
			mustPut(t, db, store.Batch{Records: records, Changes: []store.Change{of(records[0], store.Redact)}})
			mustPut(t, db, store.Batch{Deleted: []store.DeletedChannel{{Guild: 1, Channel: 5, Action: action}, {Guild: 1, Channel: 99, Action: action}, {Guild: 9, Channel: 5, Action: action}}})
			if steps := finish(t, db); steps < 5 {
				t.Errorf("%d steps", steps)
			}
			var want []store.Record
			for _, r := range records {
				if r.Channel.ID == 5 {
					if action == store.Remove {
						continue
					}
					r.Content, r.Redacted = "", true
				}
				want = append(want, r)
			}
			slices.SortFunc(want, func(a, b store.Record) int { return int(int64(a.User)-int64(b.User))<<40 + int(a.Time-b.Time)>>10 })
			if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
				t.Errorf("%d records, want %d, or they are others", len(have), len(want))
			}
			mustPut(t, db, store.Batch{Records: records})
			if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
				t.Errorf("again: %d records, want %d, or they are others", len(have), len(want))
			}
		})
	}
}

// Of a text that has gone nothing is left in the bytes of the compacted file, and of a
// person who is forgotten not even the traces.
func TestGoneBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const id = 0x1122334455667788
	var records []store.Record
	var changes []store.Change
	for i := range 300 {
		r := live(1, 2, i, fmt.Sprint("public ", i))
		if i%3 > 0 {
			r.Content = fmt.Sprint("secret ", i)
			changes = append(changes, of(r, []store.Action{store.Redact, store.Remove}[i%2]))
		}
		if i%3 == 2 {
			r.User = id
		}
		if i%10 == 0 {
			r.Content, r.Redacted = "secret from the first", true
		}
		records = append(records, r)
	}
	mustPut(t, db, store.Batch{Records: records, Changes: changes})
	if _, err := db.Forget(context.Background(), store.Person{User: id}); err != nil {
		t.Fatal(err)
	}
	mustBeSound(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	compacted := bytesOf(t, path)
	for _, what := range []string{"secret", "\x11\x22\x33\x44\x55\x66\x77\x88"} {
		if bytes.Contains(compacted, []byte(what)) {
			t.Errorf("the compacted file holds %q", what)
		}
	}
	if !bytes.Contains(compacted, []byte("public")) {
		t.Error("it does not hold what is public: this test sees nothing")
	}
	if whole, err := os.ReadFile(path); err != nil || !bytes.Contains(whole, []byte("public")) {
		t.Error(err)
	}
}
