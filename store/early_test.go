package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"rollcall/store"
)

// Whatever happens to a message, in whichever order and however often its events are
// told, and whatever is killed in between: in the end it is as Discord has it.
func TestEventsInAnyOrder(t *testing.T) {
	const messages = 40
	for _, onDelete := range []store.Action{store.Redact, store.Remove} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprint(onDelete, "/", seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, uint64(onDelete)))
				path := filepath.Join(t.TempDir(), "rollcall.db")
				db := openWith(t, path, store.Options{})
				type end struct {
					text    string
					deleted bool
				}
				ends := map[store.ID]end{}
				var events []store.Batch
				for i := range messages {
					r := live(1, store.ID(1+i%3), 7*i, fmt.Sprint("first ", i))
					r.Source = []store.Source{store.SourceLive, store.SourceBackfill, store.SourceImport}[rng.IntN(3)]
					e := end{text: r.Content}
					create := r
					for n := range rng.IntN(4) {
						c := of(r, store.Edit)
						c.Content, c.Edited = fmt.Sprint("edit ", n, " of ", i), r.Time+store.Micros(1+n)*1e6
						if rng.IntN(2) == 0 {
							c.User = r.User
						}
						e.text = c.Content
						if r.Source != store.SourceLive && rng.IntN(3) == 0 { // history tells the last one
							create.Content, create.Edited = c.Content, c.Edited
						}
						events = append(events, store.Batch{Changes: []store.Change{c}})
					}
					if e.deleted = rng.IntN(2) == 0; e.deleted {
						events = append(events, store.Batch{Changes: []store.Change{of(r, onDelete)}})
					}
					events = append(events, store.Batch{Records: []store.Record{create}})
					ends[r.Message] = e
				}
				for range len(events) / 2 { // some are told again
					events = append(events, events[rng.IntN(len(events))])
				}
				rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				for len(events) > 0 {
					var b store.Batch
					for range min(1+rng.IntN(3), len(events)) { // some in one transaction
						b.Records, b.Changes = append(b.Records, events[0].Records...), append(b.Changes, events[0].Changes...)
						events = events[1:]
					}
					mustPut(t, db, b)
					if rng.IntN(8) == 0 {
						if err := db.Close(); err != nil {
							t.Fatal(err)
						}
						db = openWith(t, path, store.Options{})
					}
				}
				count := 0
				for _, r := range all(t, db, store.Query{}) {
					count++
					e := ends[r.Message]
					switch {
					case e.deleted && (onDelete == store.Remove || !r.Redacted || r.Content != ""):
						t.Errorf("message %v was deleted, and is %+v", r.Message, r)
					case !e.deleted && (r.Redacted || r.Content != e.text):
						t.Errorf("message %v says %q, want %q", r.Message, r.Content, e.text)
					}
				}
				want := 0
				for _, e := range ends {
					if !e.deleted || onDelete == store.Redact {
						want++
					}
				}
				if count != want {
					t.Errorf("%d messages, want %d", count, want)
				}
				// What waited has been done; what was told again after that waits for nothing.
				if file, memory, err := store.EarlyCount(db); err != nil || file != memory {
					t.Errorf("%d entries in the file, %d in memory, %v", file, memory, err)
				}
				mustBeSound(t, db)
			})
		}
	}
}

// What has happened to messages that never come is kept for a time, and not without end.
func TestEarlyChangesAreBounded(t *testing.T) {
	db := openTemp(t)
	edit := of(live(1, 2, 0, ""), store.Edit)
	edit.Content, edit.Edited = "early", edit.Time+1e6
	mustPut(t, db, store.Batch{Changes: []store.Change{edit}})
	const step = 2000
	for n := 1; n <= store.EarlyMost+2*step; n += step {
		var b store.Batch
		for i := range step {
			b.Changes = append(b.Changes, of(live(1, 2, n+i, ""), store.Redact))
		}
		mustPut(t, db, b)
	}
	for range 20 { // it catches up step by step
		mustPut(t, db, store.Batch{Changes: []store.Change{of(live(1, 2, 1, ""), store.Redact)}})
	}
	if file, memory, err := store.EarlyCount(db); err != nil || file != memory || file > store.EarlyMost {
		t.Errorf("%d entries in the file, %d in memory, %v", file, memory, err)
	}
	mustPut(t, db, store.Batch{Records: []store.Record{live(1, 2, 0, "the oldest is forgotten"), live(1, 2, store.EarlyMost, "a late one is not")}})
	if have := all(t, db, store.Query{}); len(have) != 2 || have[0].Content != "the oldest is forgotten" || !have[1].Redacted {
		t.Errorf("have %+v", have)
	}
	if err := store.AgeEarly(db, store.EarlyFor+1e6); err != nil {
		t.Fatal(err)
	}
	for range store.EarlyMost/500 + 2 {
		mustPut(t, db, store.Batch{Changes: []store.Change{of(live(1, 2, 1, ""), store.Redact)}})
	}
	if file, memory, err := store.EarlyCount(db); err != nil || file != 1 || memory != 1 {
		t.Errorf("after its time: %d entries in the file, %d in memory, %v", file, memory, err)
	}
}

// optedOut is a gate as the operator's rules are one.
func optedOut(users ...store.ID) store.Gate {
	return func(r *store.Record) (bool, error) {
		for _, u := range users {
			if r.User == u || r.User == 0 {
				return false, nil
			}
		}
		return true, nil
	}
}

// No text of somebody who is to be left out gets in, whichever way it comes.
func TestGate(t *testing.T) {
	const secret = "Unmistakable"
	said := live(1, 2, 0, "before")
	line := logged(1, 2, 30, "general", secret)
	edit := func(r store.Record) store.Change {
		c := of(r, store.Edit)
		c.Content, c.Edited = secret, r.Time+5e6
		return c
	}
	known := func(c store.Change) store.Change {
		c.User = 2
		return c
	}
	source := func(s store.Source) func(*testing.T, *store.DB) {
		r := live(1, 2, 60, secret)
		r.Source = s
		return func(t *testing.T, db *store.DB) { mustPut(t, db, store.Batch{Records: []store.Record{r}}) }
	}
	change := func(changes ...store.Change) func(*testing.T, *store.DB) {
		return func(t *testing.T, db *store.DB) { mustPut(t, db, store.Batch{Changes: changes}) }
	}
	ways := map[string]func(*testing.T, *store.DB){
		"live": source(store.SourceLive), "from history": source(store.SourceBackfill), "imported": source(store.SourceImport),
		"from logs": func(t *testing.T, db *store.DB) {
			if done := mustImport(t, db, line); done.Skipped != 1 || done.Messages != 0 {
				t.Errorf("%+v", done)
			}
		},
		"an edit":                                  change(known(edit(said))),
		"an edit without its author":               change(edit(said)),
		"an edit before its message":               change(known(edit(live(1, 2, 90, "")))),
		"... without its author":                   change(edit(live(1, 2, 90, ""))),
		"... in a guild of which nothing is known": change(edit(live(9, 2, 90, "")), known(edit(live(9, 2, 91, "")))),
		"an edit in its message's own transaction": func(t *testing.T, db *store.DB) {
			r := live(1, 2, 120, "x")
			mustPut(t, db, store.Batch{Records: []store.Record{r}, Changes: []store.Change{edit(r), known(edit(r))}})
		},
	}
	gates := map[string]func(*testing.T, *store.DB){
		"opted out": func(t *testing.T, db *store.DB) { db.Guard(optedOut(2)) },
		"no texts": func(t *testing.T, db *store.DB) {
			db.Guard(func(r *store.Record) (bool, error) { r.Redacted = true; return true, nil })
		},
		"cannot tell": func(t *testing.T, db *store.DB) {
			db.Guard(func(r *store.Record) (bool, error) { return true, errors.New("unreadable") })
		},
		"forgotten": func(t *testing.T, db *store.DB) {
			if _, err := db.Forget(context.Background(), store.Person{User: 2}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for gate, set := range gates {
		for way, put := range ways {
			t.Run(gate+"/"+way, func(t *testing.T) {
				if gate == "no texts" && way == "from logs" {
					return // the line counts
				}
				path := filepath.Join(t.TempDir(), "rollcall.db")
				db := openWith(t, path, store.Options{})
				mustPut(t, db, store.Batch{Records: []store.Record{said, live(1, 3, 500, "of somebody else")}})
				set(t, db)
				put(t, db)
				for _, r := range all(t, db, store.Query{}) {
					if r.Content == secret {
						t.Errorf("it can be read: %+v", r)
					}
				}
				mustBeSound(t, db)
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(readFile(t, path), []byte(secret)) {
					t.Error("it is in the file")
				}
			})
		}
	}
}

// An edit without its author is one of whoever wrote the message: that others have
// opted out does not lose it.
func TestEditWithoutAuthor(t *testing.T) {
	db := openTemp(t)
	db.Guard(optedOut(2))
	said := live(1, 3, 0, "before")
	mustPut(t, db, store.Batch{Records: []store.Record{said}})
	edit := of(said, store.Edit)
	edit.Content, edit.Edited = "after", said.Time+1e6
	mustPut(t, db, store.Batch{Changes: []store.Change{edit}})
	if have := all(t, db, store.Query{}); len(have) != 1 || have[0].Content != "after" {
		t.Errorf("have %+v", have)
	}
}

// An early text is a text: it goes with its author, its guild and its time, and is
// encrypted like all others.
func TestEarlyTextsGo(t *testing.T) {
	const secret = "Unmistakable"
	r := live(1, 2, 0, "")
	anonymous, signed := of(r, store.Edit), of(live(1, 2, 1, ""), store.Edit)
	anonymous.Content, anonymous.Edited = secret, r.Time+1e6
	signed.Content, signed.Edited, signed.User = secret, r.Time+1e6, 2
	deletion := of(live(1, 2, 2, ""), store.Redact)
	ctx := context.Background()
	for name, test := range map[string]struct {
		gone func(*store.DB) error
		left int
	}{
		"forgotten": {func(db *store.DB) error { _, err := db.Forget(ctx, store.Person{User: 2}); return err }, 1},
		"too old": {func(db *store.DB) error {
			for done := false; !done; {
				var err error
				if _, done, err = db.SweepTexts(ctx, r.Time+60e6); err != nil {
					return err
				}
			}
			return nil
		}, 1},
		"the guild was left": {func(db *store.DB) error {
			mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: 1}}})
			for done := false; !done; {
				var err error
				if _, done, err = db.RemoveGuild(ctx, 1, store.MicrosOf(time.Now())); err != nil {
					return err
				}
			}
			return nil
		}, 0},
		"it is deleted": {func(db *store.DB) error {
			mustPut(t, db, store.Batch{Changes: []store.Change{of(r, store.Redact), of(live(1, 2, 1, ""), store.Redact)}})
			return nil
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{})
			mustPut(t, db, store.Batch{Records: []store.Record{live(1, 3, 500, "of somebody else")}, Changes: []store.Change{anonymous, signed, deletion}})
			if file, _, err := store.EarlyCount(db); err != nil || file != 3 {
				t.Fatalf("%d entries, %v", file, err)
			}
			if err := test.gone(db); err != nil {
				t.Fatal(err)
			}
			if file, _, err := store.EarlyCount(db); err != nil || file != test.left {
				t.Errorf("%d entries are left, want %d, %v", file, test.left, err)
			}
			if _, err := db.Compact(ctx, store.CompactOptions{}); err != nil {
				t.Fatal(err)
			}
			mustBeSound(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(readFile(t, path), []byte(secret)) {
				t.Error("the text is in the file")
			}
		})
	}
	t.Run("encrypted", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "rollcall.db")
		o := store.Options{Key: key(t, 1)}
		db := openWith(t, path, o)
		mustPut(t, db, store.Batch{Changes: []store.Change{anonymous, signed, deletion}})
		mustBeSound(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(readFile(t, path), []byte(secret)) {
			t.Error("the text is in the file")
		}
		db = openWith(t, path, o)
		mustPut(t, db, store.Batch{Records: []store.Record{live(1, 2, 0, "x"), live(1, 2, 1, "x"), live(1, 2, 2, "x")}})
		have := all(t, db, store.Query{})
		if len(have) != 3 || have[0].Content != secret || have[1].Content != secret || !have[2].Redacted {
			t.Errorf("have %+v", have)
		}
		mustBeSound(t, db)
	})
}

func FuzzEarly(f *testing.F) {
	f.Add(make([]byte, 33))
	f.Add(append(bytes.Repeat([]byte{1}, 33), "text"...))
	f.Fuzz(func(t *testing.T, payload []byte) {
		again, err := store.RoundTripEarly(payload)
		if err == nil && !bytes.Equal(again, payload) {
			t.Errorf("%x becomes %x", payload, again)
		}
	})
}

// A message whose text was withheld gets it when it is told, from Discord or from an
// archive, once; and nothing takes it away.
func TestTextThatWasWithheld(t *testing.T) {
	blank := live(1, 2, 0, "")
	blank.Formatted = true // what was written is not known
	told, again, nothing := blank, blank, blank
	told.Content, told.Formatted, told.Attachments, told.Source = "what was written", false, 2, store.SourceBackfill
	again.Content, again.Formatted = "something else", false
	db := openTemp(t)
	for _, r := range []store.Record{blank, nothing, told, again, nothing} {
		mustPut(t, db, store.Batch{Records: []store.Record{r}})
	}
	have := all(t, db, store.Query{})
	if len(have) != 1 || have[0].Content != told.Content || have[0].Attachments != 2 || have[0].Source != store.SourceLive {
		t.Errorf("have %+v", have)
	}
	// A line of its author in its channel is the message's, whatever it says.
	other := live(1, 3, 100, "")
	other.Formatted = true
	mustPut(t, db, store.Batch{Records: []store.Record{other}})
	if done := mustImport(t, db, logged(1, 3, 101, "general", "what the logs know")); done.Messages != 1 {
		t.Errorf("%+v", done)
	}
	if have := all(t, db, store.Query{Guild: 1, User: 3}); len(have) != 1 || !have[0].InLogs {
		t.Errorf("have %+v", have)
	}
}
