package store_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"go.etcd.io/bbolt"

	"rollcall/store"
)

// extras are messages that say something without content, or beside it.
func extras() []store.Record {
	records := []store.Record{
		live(1, 2, 0, ""), live(1, 2, 1, ""), live(1, 3, 2, "look at this"), live(1, 3, 3, ""), live(1, 4, 4, "你好"), live(1, 4, 5, "plain"), live(1, 5, 6, ""),
	}
	for i, x := range []*store.Extra{
		{Forwarded: &store.Forwarded{Content: "somebody else's 话", Attachments: 2}},
		{Poll: &store.Poll{Question: "Where shall we eat?", Answers: []string{"Pizza", "火锅", ""}}},
		{Stickers: []string{"Wavingcat", "开心"}},
		{Forwarded: &store.Forwarded{Attachments: 1}},
		{Forwarded: &store.Forwarded{Content: "all"}, Poll: &store.Poll{Question: "", Answers: []string{}}, Stickers: []string{"Wavingcat"}},
		nil,
		{Forwarded: &store.Forwarded{}},
	} {
		records[i].Extra = x
	}
	records[2].Attachments = 3
	return records
}

// extraTexts are found in the bytes of a file that has the texts of extras.
func extraTexts() []string {
	return []string{"somebody else's", "Where shall we eat", "Pizza", "火锅", "Wavingcat", "开心"}
}

// mustLack fails if one of the values holds a text of extras.
func mustLack(t *testing.T, db *store.DB, what string) {
	t.Helper()
	for at, value := range store.Dump(t, db) {
		for _, text := range extraTexts() {
			if strings.Contains(value, text) {
				t.Errorf("%s: %q is in the value under %q", what, text, at)
			}
		}
	}
}

func mustRecord(t *testing.T, db *store.DB, want []store.Record) {
	t.Helper()
	sameRecords(t, "records", all(t, db, store.Query{}), want)
}

func extraOf(r store.Record) string {
	if r.Extra == nil {
		return "nothing else"
	}
	return fmt.Sprintf("forwarded %+v poll %+v stickers %q", r.Extra.Forwarded, r.Extra.Poll, r.Extra.Stickers)
}

func TestExtra(t *testing.T) {
	for name, k := range map[string]store.Key{"plain": {}, "encrypted": key(t, 1)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{Key: k})
			mustPut(t, db, store.Batch{Records: extras()})
			mustRecord(t, db, extras())
			mustPut(t, db, store.Batch{Records: extras()}) // changes nothing
			mustRecord(t, db, extras())
			mustBeSound(t, db)
			if k.IsSet() {
				mustLack(t, db, "encrypted")
			}
			mustClose(t, db)
			db = openWith(t, path, store.Options{Key: k})
			mustRecord(t, db, extras())
			newest, _, err := db.Newest(context.Background(), store.Query{Guild: 1}, nil, 1)
			if want := extras()[6]; err != nil || len(newest) != 1 || !reflect.DeepEqual(newest[0], want) {
				t.Errorf("the newest is %+v, %v", newest, err)
			}
			mustClose(t, db)
			if !k.IsSet() {
				return
			}
			blind := openWith(t, path, store.Options{ReadOnly: true, SkipDecrypt: true})
			for _, r := range all(t, blind, store.Query{}) {
				if r.Content != "" || r.Extra != nil && (r.Extra.Poll != nil || r.Extra.Stickers != nil || r.Extra.Forwarded.Content != "") {
					t.Errorf("without its key it says %+v", r)
				}
			}
			if problems, err := blind.Check(context.Background()); err != nil || len(problems) > 0 {
				t.Errorf("check without the key: %q, %v", problems, err)
			}
		})
	}
}

// What a record says besides its content goes with it, by whichever way that goes.
func TestExtraGoes(t *testing.T) {
	gone := extras()
	for i := range gone {
		gone[i].Content, gone[i].Redacted = "", true
		if x := gone[i].Extra; x != nil && x.Forwarded != nil { // how many files there were is no text
			gone[i].Extra = &store.Extra{Forwarded: &store.Forwarded{Attachments: x.Forwarded.Attachments}}
		} else {
			gone[i].Extra = nil
		}
	}
	changes := func(action store.Action) (list []store.Change) {
		for _, r := range extras() {
			list = append(list, of(r, action))
		}
		return list
	}
	swept := extras()
	for i, r := range swept {
		if r.Content != "" || r.Extra != nil && r.Extra.Forwarded == nil || r.Extra != nil && r.Extra.Forwarded.Content != "" {
			swept[i] = gone[i]
		}
	}
	for name, test := range map[string]struct {
		do   func(db *store.DB) error
		want []store.Record
	}{
		"not kept from the start": {func(db *store.DB) error {
			records := extras()
			for i := range records {
				records[i].Redacted = true
			}
			_, err := db.Put(context.Background(), store.Batch{Records: records})
			return err
		}, gone},
		"redacted": {func(db *store.DB) error {
			_, err := db.Put(context.Background(), store.Batch{Records: extras(), Changes: changes(store.Redact)})
			return err
		}, gone},
		"removed": {func(db *store.DB) error {
			_, err := db.Put(context.Background(), store.Batch{Records: extras(), Changes: changes(store.Remove)})
			return err
		}, nil},
		"too old": {func(db *store.DB) error {
			mustPut(t, db, store.Batch{Records: extras()})
			_, _, err := db.SweepTexts(context.Background(), extras()[0].Time+2*900e6)
			return err
		}, swept},
		"forgotten": {func(db *store.DB) error {
			mustPut(t, db, store.Batch{Records: extras()})
			for user := range store.ID(4) {
				if _, err := db.Forget(context.Background(), store.Person{User: user + 2}); err != nil {
					return err
				}
			}
			return nil
		}, nil},
		"redacted, and edited afterwards": {func(db *store.DB) error {
			mustPut(t, db, store.Batch{Records: extras(), Changes: changes(store.Redact)})
			edits := changes(store.Edit)
			for i := range edits {
				edits[i].Content, edits[i].Edited, edits[i].Extra = "back", extras()[i].Time+1e6, extras()[i].Extra
			}
			_, err := db.Put(context.Background(), store.Batch{Changes: edits})
			return err
		}, gone},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			if err := test.do(db); err != nil {
				t.Fatal(err)
			}
			mustRecord(t, db, test.want)
			mustLack(t, db, name)
			mustPut(t, db, store.Batch{Records: extras()}) // it does not come back
			if name != "forgotten" && name != "removed" {
				mustRecord(t, db, test.want)
			}
			mustLack(t, db, "put again")
		})
	}
}

// Edits tell of attachments, and may tell of the rest; what they do not tell of stays.
func TestEditExtra(t *testing.T) {
	db := openTemp(t)
	records := extras()
	mustPut(t, db, store.Batch{Records: records})
	number := func(n int) *int { return &n }
	edit := func(i int, content string, seconds int, attachments *int, x *store.Extra) store.Change {
		c := of(records[i], store.Edit)
		c.Content, c.Edited, c.Attachments, c.Extra = content, records[i].Time+store.Micros(seconds)*1e6, attachments, x
		return c
	}
	poll := &store.Extra{Poll: &store.Poll{Question: "And now?", Answers: []string{"yes"}}}
	mustPut(t, db, store.Batch{Changes: []store.Change{
		edit(0, "", 9, nil, nil),                            // nothing is new but when
		edit(2, "look at this", 20, number(1), nil),         // an attachment was taken away
		edit(2, "look at this", 10, number(2), nil),         // an older edit, which comes later
		edit(4, "再见", 10, nil, nil),                         // another text
		edit(5, "plain", 10, number(0), poll),               // what was withheld at first
		edit(6, "", 10, number(-1), nil),                    // no number
		edit(3, "", 10, number(7), &store.Extra{}),          // no forward after all
		edit(1, "content", 10, number(1), records[1].Extra), // all of it again
	}})
	want := extras()
	at := func(i, seconds int) store.Micros { return records[i].Time + store.Micros(seconds)*1e6 }
	want[0].Edited, want[6].Edited = at(0, 9), at(6, 10)
	want[2].Attachments, want[2].Edited = 1, at(2, 20)
	want[4].Content, want[4].Edited = "再见", at(4, 10)
	want[5].Extra, want[5].Edited = poll, at(5, 10)
	want[3].Extra, want[3].Attachments, want[3].Edited = nil, 7, at(3, 10)
	want[1].Content, want[1].Attachments, want[1].Edited = "content", 1, at(1, 10)
	mustRecord(t, db, want)
}

// The matching with log lines sees content alone, and a pair keeps what else was said.
func TestExtraAndLines(t *testing.T) {
	lines := func() (lines []store.Record) {
		for i, r := range extras() {
			lines = append(lines, logged(1, r.User, i, "general", r.Content))
		}
		return lines
	}
	want := extras()
	for i := range want {
		want[i].InLogs = true
	}
	for name, k := range map[string]store.Key{"plain": {}, "encrypted": key(t, 1)} {
		t.Run(name, func(t *testing.T) {
			for _, linesFirst := range []bool{true, false} {
				db := openWith(t, filepath.Join(t.TempDir(), "rollcall.db"), store.Options{Key: k})
				if linesFirst {
					mustImport(t, db, lines()...)
				}
				mustPut(t, db, store.Batch{Records: extras()})
				if done := mustImport(t, db, lines()...); linesFirst && done.Messages != 0 {
					t.Errorf("%d lines are new that are there", done.Messages)
				}
				mustRecord(t, db, want)
				mustBeSound(t, db)
				mustClose(t, db)
			}
		})
	}
}

// A change of the key takes all texts along.
func TestRekeyExtra(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	mustPut(t, db, store.Batch{Records: extras()})
	mustClose(t, db)
	list := rekeys(t)
	for i, to := range list[1:] {
		if _, err := store.Rekey(t.Context(), path, store.RekeyOptions{Key: list[i], New: to}); err != nil {
			t.Fatal(err)
		}
		db := openWith(t, path, store.Options{Key: to})
		mustRecord(t, db, extras())
		mustBeSound(t, db)
		if to.IsSet() {
			mustLack(t, db, "encrypted")
		}
		mustClose(t, db)
	}
}

func TestExtraIsBounded(t *testing.T) {
	db := openTemp(t)
	long := strings.Repeat("长", 100_000)
	r := live(1, 2, 0, "")
	r.Extra = &store.Extra{
		Forwarded: &store.Forwarded{Content: long, Attachments: 1 << 40}, Poll: &store.Poll{Question: long}, Stickers: []string{long},
	}
	for range 1000 {
		r.Extra.Poll.Answers = append(r.Extra.Poll.Answers, long)
		r.Extra.Stickers = append(r.Extra.Stickers, "s")
	}
	mustPut(t, db, store.Batch{Records: []store.Record{r}})
	x := all(t, db, store.Query{})[0].Extra
	if x.Forwarded.Attachments != 1<<31-1 || len(x.Poll.Answers) != 32 || len(x.Stickers) != 16 {
		t.Errorf("it has %d attachments, %d answers, %d stickers", x.Forwarded.Attachments, len(x.Poll.Answers), len(x.Stickers))
	}
	for _, text := range []struct {
		text string
		most int
	}{{x.Forwarded.Content, 64 << 10}, {x.Poll.Question, 4 << 10}, {x.Poll.Answers[31], 1 << 10}, {x.Stickers[0], 512}} {
		if len(text.text) > text.most || len(text.text) < text.most-2 || !utf8.ValidString(text.text) {
			t.Errorf("a text of %d bytes, want at most %d and whole characters", len(text.text), text.most)
		}
	}
}

// Texts are looked through one by one.
func TestSearchExtra(t *testing.T) {
	db := openTemp(t)
	mustPut(t, db, store.Batch{Records: extras()})
	for text, want := range map[string]int{"Pizza": 1, "Wavingcat": 2, "somebody": 1, "eat": 1, "火锅": 1, "look": 1, "eat?Pizza": 0, "atWaving": 0, "Pizz火": 0} {
		found := all(t, db, store.Query{Guild: 1, Text: func(b []byte) bool { return bytes.Contains(b, []byte(text)) }})
		if len(found) != want {
			t.Errorf("%d records have %q, want %d", len(found), text, want)
		}
	}
}

// Check finds texts that pass their checksum and are not as they should be.
func TestCheckExtra(t *testing.T) {
	const packed = "\x02\x08Question\x03\x06Answer\x04\x01s"
	for name, bad := range map[string]string{
		"not UTF-8":                 "\x02\x08Quest\xff\xfen\x03\x06Answer\x04\x01s",
		"too long":                  "\x02\x7fQuestion\x03\x06Answer\x04\x01s",
		"out of order":              "\x04\x08Question\x03\x06Answer\x04\x01s",
		"an answer and no question": "\x03\x08Question\x03\x06Answer\x04\x01s",
		"two questions":             "\x02\x08Question\x02\x06Answer\x04\x01s",
		"of no forward":             "\x01\x08Question\x03\x06Answer\x04\x01s",
		"no tag":                    "\x00\x08Question\x03\x06Answer\x04\x01s",
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			r := live(1, 2, 0, "")
			r.Extra = &store.Extra{Poll: &store.Poll{Question: "Question", Answers: []string{"Answer"}}, Stickers: []string{"s"}}
			mustPut(t, db, store.Batch{Records: []store.Record{r}})
			if err := store.Raw(db, func(tx *bbolt.Tx) error { return swap(tx, packed, bad) }); err != nil {
				t.Fatal(err)
			}
			problems, err := db.Check(context.Background())
			if err != nil || len(problems) == 0 || !strings.Contains(problems[0], "besides its content") {
				t.Errorf("check finds %q, %v", problems, err)
			}
			for _, p := range problems {
				if strings.Contains(p, "Quest") || strings.Contains(p, "Answer") {
					t.Errorf("%q tells what was said", p)
				}
			}
		})
	}
}

// swap puts other bytes in the place of some in the value of the only record of a run.
func swap(tx *bbolt.Tx, old, new string) error {
	runs := tx.Bucket([]byte("recent"))
	return runs.ForEachBucket(func(name []byte) error {
		b := runs.Bucket(name)
		key, value := b.Cursor().First()
		payload := bytes.Replace(value[:len(value)-4], []byte(old), []byte(new), 1)
		return b.Put(key, store.Seal(key, payload))
	})
}
