package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// A village is two guilds in which users 1 to 4 talk, answer each other, and are in
// the logs too. What user u says holds "secretu".
type village struct {
	records []store.Record // with ids
	lines   []store.Record
	names   []store.Name
}

// newVillage makes one whose user 3 has enough records for several steps.
func newVillage() (v village) {
	for i := range 4_000 {
		user := store.ID(1 + i%4)
		if i > 400 && user != 3 {
			continue
		}
		r := live(store.ID(1+i/4%2), user, i*700, fmt.Sprintf("secret%d %d", user, i))
		if user != 3 {
			r.ReplyToUser, r.ReplyTo = 3, r.Message-1
		}
		line := r
		line.Time += 200e3
		line.Message, line.Source, line.Channel.ID, line.ReplyTo, line.ReplyToUser = 0, store.SourceLog, 0, 0, 0
		switch i / 8 % 3 { // the logs alone, we alone, both
		case 0:
			v.lines = append(v.lines, line)
		case 1:
			v.records = append(v.records, r)
		case 2:
			v.records, v.lines = append(v.records, r), append(v.lines, line)
		}
	}
	for user := store.ID(1); user <= 4; user++ {
		for guild := store.ID(1); guild <= 2; guild++ {
			v.names = append(v.names, store.Name{Guild: guild, User: user, Name: fmt.Sprintf("secret%d by name", user)})
		}
	}
	return v
}

// move puts everything into a database, as if live, history and logs all came again.
func (v village) move(t *testing.T, db *store.DB) (stored int, done store.Imported) {
	t.Helper()
	stored, err := db.Put(context.Background(), store.Batch{Records: v.records, Names: v.names})
	if err != nil {
		t.Fatal(err)
	}
	done, err = storetest.Import(context.Background(), db, store.LogBatch{Records: v.lines, File: store.LogFile{Key: "f", Path: "f"}})
	if err != nil {
		t.Fatal(err)
	}
	return stored, done
}

// without returns what is left of a village when a person is forgotten.
func without(records []store.Record, p store.Person) (left []store.Record) {
	for _, r := range records {
		if p.Guild == 0 || p.Guild == r.Guild {
			if r.User == p.User {
				continue
			}
			if r.ReplyToUser == p.User {
				r.ReplyTo, r.ReplyToUser = 0, 0
			}
		}
		left = append(left, r)
	}
	return left
}

func namesOf(t *testing.T, db *store.DB, user store.ID) (names []string) {
	t.Helper()
	for guild := store.ID(1); guild <= 2; guild++ {
		name, err := db.Name(context.Background(), guild, user)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// Whatever is forgotten is gone, nothing else is, and nothing brings it back until it
// is remembered.
func TestForget(t *testing.T) {
	ctx := context.Background()
	v := newVillage()
	for name, test := range map[string]struct {
		person store.Person
		names  []string // of user 3 in guilds 1 and 2
	}{
		"everywhere":   {store.Person{User: 3}, []string{"", ""}},
		"in one guild": {store.Person{User: 3, Guild: 2}, []string{"secret3 by name", ""}},
		"a stranger":   {store.Person{User: 99}, []string{"secret3 by name", "secret3 by name"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openChecked(t, path)
			_, whole := v.move(t, db)
			before := all(t, db, store.Query{})
			want := without(before, test.person)
			erased, err := db.Forget(ctx, test.person)
			if err != nil {
				t.Fatal(err)
			}
			if gone := len(before) - len(want); int(erased.Messages) != gone {
				t.Errorf("erased %+v, want %d messages", erased, gone)
			}
			if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
				t.Errorf("%d records are left, want %d, or they are others", len(have), len(want))
			}
			if have := namesOf(t, db, 3); !slices.Equal(have, test.names) {
				t.Errorf("names %q, want %q", have, test.names)
			}
			mustBeSound(t, db)

			stored, again := v.move(t, db)
			if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) || stored != 0 || again.Messages != 0 {
				t.Errorf("put again: %d records, want %d; %d messages and %d lines are new", len(have), len(want), stored, again.Messages)
			}
			skipped := int64(0)
			for _, l := range v.lines {
				if len(without([]store.Record{l}, test.person)) == 0 {
					skipped++
				}
			}
			if again.Skipped != skipped || again.Duplicates != whole.Messages-skipped || again.File.Counts != (store.Counts{Skipped: skipped, Duplicates: again.Duplicates}) {
				t.Errorf("put again: %+v, want %d lines skipped and the others known", again, skipped)
			}
			if have := namesOf(t, db, 3); !slices.Equal(have, test.names) {
				t.Errorf("put again: names %q, want %q", have, test.names)
			}
			if erased, err := db.Forget(ctx, test.person); err != nil || erased != (store.Erased{}) {
				t.Errorf("forgotten again: %+v, %v", erased, err)
			}

			if was, err := db.Remember(ctx, test.person); err != nil || !was {
				t.Errorf("remember: %v, %v", was, err)
			}
			if was, err := db.Remember(ctx, test.person); err != nil || was {
				t.Errorf("remember again: %v, %v", was, err)
			}
			v.move(t, db)
			if have := all(t, db, store.Query{User: 3}); len(have) != len(slices.DeleteFunc(before, func(r store.Record) bool { return r.User != 3 })) {
				t.Errorf("after remember %d records are back", len(have))
			}
		})
	}
}

// Forgetting goes on after a kill between any two of its transactions, whoever goes
// on with it, and from the first one on nothing comes back.
func TestForgetPartly(t *testing.T) {
	ctx := context.Background()
	v := newVillage()
	p := store.Person{User: 3}
	path := filepath.Join(t.TempDir(), "whole.db")
	db := openChecked(t, path)
	v.move(t, db)
	want := without(all(t, db, store.Query{}), p)
	finishTasks := func(db *store.DB) error {
		tasks, err := db.Tasks(ctx)
		for _, task := range tasks {
			for done := false; err == nil && !done; {
				_, done, err = db.Step(ctx, task)
			}
		}
		return err
	}
	for n, done := 1, false; !done; n++ {
		path := filepath.Join(t.TempDir(), "rollcall.db")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Snapshot(ctx, f); err != nil {
			t.Fatal(err)
		}
		f.Close()
		killed, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if done, err = store.ForgetPartly(ctx, killed, p, n); err != nil {
			t.Fatal(err)
		}
		mustBeSound(t, killed)
		if err := killed.Close(); err != nil {
			t.Fatal(err)
		}
		again := openChecked(t, path)
		before := len(all(t, again, store.Query{}))
		if stored, imported := v.move(t, again); stored != 0 || imported.Messages != 0 || len(all(t, again, store.Query{})) != before {
			t.Fatalf("killed after %d transactions: %d messages and %d lines come back", n, stored, imported.Messages)
		}
		if n%2 == 0 {
			err = finishTasks(again)
		} else {
			_, err = again.Forget(ctx, p)
		}
		if err != nil {
			t.Fatal(err)
		}
		if have := all(t, again, store.Query{}); !reflect.DeepEqual(have, want) {
			t.Errorf("killed after %d transactions: %d records are left, want %d, or they are others", n, len(have), len(want))
		}
		if tasks, err := again.Tasks(ctx); err != nil || len(tasks) != 0 {
			t.Errorf("killed after %d transactions: left to do %v, %v", n, tasks, err)
		}
		if done && n < 5 {
			t.Errorf("all of it took %d transactions: too few to stop between", n)
		}
	}
}

// Live traffic while somebody is being forgotten leaves nothing of theirs.
func TestForgetWhileTheyTalk(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	v := newVillage()
	v.move(t, db)
	begun, over := make(chan struct{}), make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		for i := 0; ; i++ {
			r := live(1, 3, 10_000_000+i, "still here")
			other := live(1, 2, 20_000_000+i, "who, them?")
			other.ReplyTo, other.ReplyToUser = r.Message, 3
			if _, err := db.Put(ctx, store.Batch{Records: []store.Record{r, other}, Names: v.names}); err != nil {
				t.Error(err)
			}
			if i == 3 {
				close(begun)
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	<-begun
	if _, err := db.Forget(ctx, store.Person{User: 3}); err != nil {
		t.Error(err)
	}
	close(over)
	talking.Wait()
	for _, r := range all(t, db, store.Query{}) {
		if r.User == 3 || r.ReplyToUser == 3 {
			t.Fatalf("left: %+v", r)
		}
	}
	if have := namesOf(t, db, 3); !slices.Equal(have, []string{"", ""}) {
		t.Errorf("names %q", have)
	}
}

// A guild cannot remember whom all have forgotten; remembering everywhere includes
// the guilds that had forgotten somebody each for itself.
func TestRemember(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	everywhere, here, there := store.Person{User: 3}, store.Person{User: 3, Guild: 1}, store.Person{User: 3, Guild: 2}
	forgotten := func(what string, want ...bool) {
		t.Helper()
		if have := []bool{db.Forgotten(everywhere), db.Forgotten(here), db.Forgotten(there), db.Forgotten(store.Person{User: 4})}; !slices.Equal(have, want) {
			t.Errorf("%s: forgotten everywhere, here, there, another: %v, want %v", what, have, want)
		}
	}
	forget := func(p store.Person) {
		t.Helper()
		if _, err := db.Forget(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	forgotten("at first", false, false, false, false)
	forget(here)
	forgotten("here", false, true, false, false)
	forget(everywhere)
	forgotten("everywhere", true, true, true, false)
	if _, err := db.Remember(ctx, there); !errors.Is(err, store.ErrStillForgotten) {
		t.Errorf("one guild remembers: %v", err)
	}
	if was, err := db.Remember(ctx, everywhere); !was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
	forgotten("remembered", false, false, false, false)
	for _, err := range []error{
		func() error { _, err := db.Forget(ctx, store.Person{Guild: 1}); return err }(),
		func() error { _, err := db.Remember(ctx, store.Person{Guild: 1}); return err }(),
	} {
		if !errors.Is(err, store.ErrBadID) {
			t.Errorf("nobody: %v", err)
		}
	}
}

// After compaction the file holds no byte of what was forgotten: no text, no name,
// and no id.
func TestForgottenBytes(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	path := filepath.Join(folder, "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := newVillage()
	const id = 0x1122334455667788
	of := func(list []store.Record) {
		for i := range list {
			if list[i].User == 3 {
				list[i].User = id
			}
			if list[i].ReplyToUser == 3 {
				list[i].ReplyToUser = id
			}
		}
	}
	of(v.records)
	of(v.lines)
	for i := range v.names {
		if v.names[i].User == 3 {
			v.names[i].User = id
		}
	}
	v.move(t, db)
	if _, err := db.Forget(ctx, store.Person{User: id}); err != nil {
		t.Fatal(err)
	}
	v.move(t, db)
	mustBeSound(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	compacted := bytesOf(t, path)
	for _, what := range []string{"secret3", "\x11\x22\x33\x44\x55\x66\x77\x88"} {
		if bytes.Contains(compacted, []byte(what)) {
			t.Errorf("the compacted file holds %q", what)
		}
	}
	if !bytes.Contains(compacted, []byte("secret2")) {
		t.Error("the compacted file does not hold what the others said: this test sees nothing")
	}
}

// In an encrypted database it is the same: what others said still opens, after their
// records were changed, and what has gone is not in the way of another key.
func TestForgetEncrypted(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{Key: key(t, 1)})
	v := newVillage()
	v.move(t, db)
	mustPut(t, db, store.Batch{Changes: []store.Change{of(v.records[0], store.Redact), of(v.records[1], store.Remove)}})
	edit := of(v.records[3], store.Edit)
	edit.Content, edit.Edited = "second thoughts", 2_000_000_000e6
	mustPut(t, db, store.Batch{Changes: []store.Change{edit}})
	want := without(all(t, db, store.Query{}), store.Person{User: 3})
	if _, err := db.Forget(ctx, store.Person{User: 3}); err != nil {
		t.Fatal(err)
	}
	sweep(t, db, v.records[10].Time)
	for i := range want {
		if r := &want[i]; r.Time < v.records[10].Time-900e6 && r.Content != "" {
			r.Content, r.Redacted = "", true
		}
	}
	for round := range 2 {
		mustBeSound(t, db)
		if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
			t.Errorf("round %d: %d records are left, want %d, or they are others", round, len(have), len(want))
		}
		v.move(t, db)
		if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
			t.Errorf("round %d: put again, %d records are left, want %d, or they are others", round, len(have), len(want))
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Rekey(ctx, path, store.RekeyOptions{Key: key(t, 1), New: key(t, 2)}); err != nil {
			t.Fatal(err)
		}
		db = openWith(t, path, store.Options{Key: key(t, 2)})
		if !db.Forgotten(store.Person{User: 3}) {
			t.Error("with another key they are remembered")
		}
	}
	db.Close()
}

// In a crowd, whose counts share values with their neighbours', no id stays behind.
func TestForgottenInACrowd(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	var records []store.Record
	for i := range 3000 {
		user := store.ID(random.Uint64())
		for k := range 3 {
			records = append(records, live(1, user, 3*i+k, "hi"))
		}
	}
	mustPut(t, db, store.Batch{Records: records})
	gone := map[store.ID]bool{}
	for i := 0; i < len(records); i += 90 {
		user := records[i].User
		gone[user] = true
		if _, err := db.Forget(ctx, store.Person{User: user}); err != nil {
			t.Fatal(err)
		}
	}
	mustBeSound(t, db)
	mustPut(t, db, store.Batch{Records: records})
	mustBeSound(t, db)
	if have := len(all(t, db, store.Query{})); have != len(records)-3*len(gone) {
		t.Errorf("%d records are left", have)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	compacted := bytesOf(t, path)
	for user := range gone {
		if bytes.Contains(compacted, binary.BigEndian.AppendUint64(nil, uint64(user))) {
			t.Errorf("the compacted file holds the id of user %d", user)
		}
	}
}

// bytesOf returns the bytes of a compacted copy of a database.
func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "compact.db")
	compactInto(t, path, name)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Check finds records of somebody who is forgotten.
func TestCheckFindsTheForgotten(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	newVillage().move(t, db)
	if err := store.BuryAlive(db, store.Person{User: 3, Guild: 2}); err != nil {
		t.Fatal(err)
	}
	problems, err := db.Check(ctx)
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0], "user 3 is forgotten and has records") {
		t.Errorf("%q, %v", problems, err)
	}
}
