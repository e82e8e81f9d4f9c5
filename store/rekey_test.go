package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/store"
)

// rekeys is an odyssey of a database through keys.
func rekeys(t testing.TB) []store.Key {
	return []store.Key{{}, key(t, 1), key(t, 2), {}, key(t, 3), key(t, 1)}
}

// A key is added, changed, removed; what the database answers stays, its keys stay,
// and without a key it is again as it was, byte for byte.
func TestRekey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	fillSecrets(t, db)
	want, plain := contentsOf(t, db), store.Dump(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	list := rekeys(t)
	for i, to := range list[1:] {
		from := list[i]
		calls, last := 0, int64(0)
		o := store.RekeyOptions{Key: from, New: to, Progress: func(done, total int64) {
			if done <= last || done > total {
				t.Errorf("%d of %d are done, before it was %d", done, total, last)
			}
			calls, last = calls+1, done
		}}
		done, err := store.RekeyBy(t.Context(), path, o, 50)
		if err != nil || done.Texts < 700 || calls < 10 {
			t.Fatalf("%s to %s: %+v, %v, %d steps", from, to, done, err, calls)
		}
		if again, err := store.Rekey(t.Context(), path, o); err != nil || again.Texts != 0 || again.To != done.To {
			t.Errorf("again: %+v, %v", again, err)
		}
		db := openWith(t, path, store.Options{Key: to})
		mustAnswer(t, db, want)
		mustBeSound(t, db)
		dump := store.Dump(t, db)
		if !slices.Equal(slices.Sorted(maps.Keys(dump)), slices.Sorted(maps.Keys(plain))) {
			t.Errorf("%s to %s: there are other keys", from, to)
		}
		if !to.IsSet() && !maps.Equal(dump, plain) {
			t.Errorf("%s to none: the values are not what they were", from)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if to.IsSet() {
			mustHide(t, path, nil)
		}
	}
}

// A rekey that was broken off, anywhere, goes on when it is called again, and until
// then the database opens for nobody and no other key is taken.
func TestRekeyResumes(t *testing.T) {
	folder := t.TempDir()
	list := rekeys(t)
	for i, to := range list[1:] {
		from := list[i]
		path := filepath.Join(folder, fmt.Sprint(i, ".db"))
		db := openWith(t, path, store.Options{Key: from})
		fillSecrets(t, db)
		want := contentsOf(t, db)
		db.Close()
		// Nobody else writes and each step is synced, so this is what a kill leaves.
		var left [][]byte
		o := store.RekeyOptions{Key: from, New: to, Progress: func(done, total int64) { left = append(left, readFile(t, path)) }}
		if _, err := store.RekeyBy(t.Context(), path, o, 90); err != nil || len(left) < 5 {
			t.Fatalf("%d steps, %v", len(left), err)
		}
		for n, state := range left[:len(left)-1] {
			if err := os.WriteFile(path, state, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, k := range []store.Key{from, to} {
				_, err := store.Open(path, store.Options{Key: k})
				if !errors.Is(err, store.ErrRekeying) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("step %d: opens with key %q: %v", n, k, err)
				}
			}
			blind := openWith(t, path, store.Options{ReadOnly: true, SkipDecrypt: true, Key: to})
			if !errors.Is(blind.DecryptErr(), store.ErrRekeying) {
				t.Errorf("step %d: opens its texts: %v", n, blind.DecryptErr())
			}
			mustBeSound(t, blind)
			blind.Close()
			if _, err := store.Rekey(t.Context(), path, store.RekeyOptions{Key: from, New: key(t, 9)}); !errors.Is(err, store.ErrRekeying) {
				t.Errorf("step %d: another key: %v", n, err)
			}
			if from.IsSet() {
				if _, err := store.Rekey(t.Context(), path, store.RekeyOptions{New: to}); !errors.Is(err, store.ErrKeyMissing) {
					t.Errorf("step %d: without the old key: %v", n, err)
				}
				if _, err := store.Rekey(t.Context(), path, store.RekeyOptions{Key: key(t, 9), New: to}); !errors.Is(err, store.ErrKeyWrong) {
					t.Errorf("step %d: with another old key: %v", n, err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			o := store.RekeyOptions{Key: from, New: to, Progress: func(done, total int64) { cancel() }} // and stops once more
			if _, err := store.RekeyBy(ctx, path, o, 90); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			o.Progress = nil
			if _, err := store.Rekey(t.Context(), path, o); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
			db := openWith(t, path, store.Options{Key: to})
			mustAnswer(t, db, want)
			mustBeSound(t, db)
			db.Close()
		}
	}
}

// Values that cannot be read do not hold up the others.
func TestRekeyLeavesDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	fillSecrets(t, db)
	count := len(all(t, db, store.Query{}))
	db.Close()
	b := readFile(t, path)
	for _, text := range []string{"Unmistakable 124", "Edelweiss 9"} { // each may be on a free page, too
		for at := bytes.Index(b, []byte(text)); at >= 0; {
			b[at] ^= 1
			at = bytes.Index(b, []byte(text))
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := store.RekeyBy(t.Context(), path, store.RekeyOptions{New: key(t, 1)}, 100)
	if err != nil || done.Damaged < 2 || done.Damaged > 6 || done.Texts < int64(count) {
		t.Fatalf("have %+v, %v", done, err)
	}
	db = openWith(t, path, store.Options{Key: key(t, 1)})
	read := 0
	for _, err := range db.Records(t.Context(), store.Query{}) {
		if err == nil {
			read++
		} else if !errors.Is(err, store.ErrDamaged) {
			t.Error(err)
		}
	}
	if read < count-3 || read == count {
		t.Errorf("%d records of %d are read", read, count)
	}
}

// A name may be any bytes, those that look like an encrypted one among them.
func TestAnyName(t *testing.T) {
	ctx := context.Background()
	names := []string{"\xff", "\xff\x00", "\xff\x01", "\xff" + strings.Repeat("x", 40), "\x00", strings.Repeat("n", 1<<10)}
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	for i, name := range names {
		r := live(1, store.ID(i+1), i, "x")
		r.Channel.Name = name
		if _, err := db.Put(ctx, store.Batch{Records: []store.Record{r}, Names: []store.Name{{Guild: 1, User: r.User, Name: name}}}); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	for _, k := range []store.Key{{}, key(t, 1), {}} {
		if _, err := store.Rekey(ctx, path, store.RekeyOptions{Key: key(t, 1), New: k}); err != nil {
			t.Fatal(err)
		}
		db := openWith(t, path, store.Options{Key: k})
		have, err := db.Names(ctx, 1)
		for i, r := range all(t, db, store.Query{}) {
			if err != nil || have[r.User] != names[i] || r.Channel.Name != names[i] {
				t.Errorf("key %q: %q comes back as %q and %q, %v", k, names[i], have[r.User], r.Channel.Name, err)
			}
		}
		mustBeSound(t, db)
		db.Close()
	}
}

// A change of the key that stops after each step goes on in the run where it was,
// whatever bytes the run's name has.
func TestRekeyInRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	const guild = 1<<64 - 0x7f00ff
	for place := range 3 {
		var batch store.Batch
		for i := range 120 {
			batch.Records = append(batch.Records, live(guild, store.ID(1+i), 3*i+place, strings.Repeat("Unmistakable ", 5)))
		}
		mustPut(t, db, batch)
	}
	want := all(t, db, store.Query{})
	if shape := shapeOf(t, db, guild); len(shape.Runs) != 3 || shape.Blocks > 0 {
		t.Fatalf("%+v", shape)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	steps, texts := 0, int64(0)
	for finished := false; !finished; steps++ {
		ctx, stop := context.WithCancel(t.Context())
		done, err := store.RekeyBy(ctx, path, store.RekeyOptions{New: key(t, 1), Progress: func(_, _ int64) { stop() }}, 50)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		texts += done.Texts
		finished = err == nil
	}
	db = openWith(t, path, store.Options{Key: key(t, 1)})
	if have := all(t, db, store.Query{}); !slices.Equal(have, want) || steps < 6 || texts < int64(len(want)) {
		t.Errorf("%d steps, %d texts, %d records of %d", steps, texts, len(have), len(want))
	}
	mustBeSound(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	mustHide(t, path, nil)
}
