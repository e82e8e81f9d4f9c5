package store_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"rollcall/store"
)

// backUp makes a backup and returns its path.
func backUp(t *testing.T, db *store.DB, compact bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := int64(0)
	if compact {
		size, err = db.BackupCompact(context.Background(), path)
	} else {
		size, err = db.Backup(context.Background(), f)
	}
	if err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != size {
		t.Errorf("%d bytes, %v, want %d", info.Size(), err, size)
	}
	return path
}

var kinds = map[string]bool{"plain": false, "compact": true}

func TestBackup(t *testing.T) {
	ctx := context.Background()
	for name, compact := range kinds {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			holey(t, db)
			path := backUp(t, db, compact)
			if found, err := store.CheckDigest(ctx, path); err != nil || !found {
				t.Errorf("%v, %v, want a digest that is right", found, err)
			}
			if found, err := store.CheckDigest(ctx, db.Path()); err != nil || found {
				t.Errorf("%v, %v, want none for the database itself", found, err)
			}
			if has := bytes.Contains(read(t, path), []byte(secret)); has == compact {
				t.Errorf("that deleted text is in it is %v", has)
			}

			// Whoever reads it leaves it as it is, whoever writes to it takes the digest away.
			before := read(t, path)
			reader, err := store.Open(path, store.Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			mustBeSound(t, reader)
			if !reflect.DeepEqual(all(t, reader, store.Query{}), all(t, db, store.Query{})) {
				t.Error("it holds other records")
			}
			if _, err := reader.Put(ctx, numbered(5000, 1)); err == nil {
				t.Error("it can be written to")
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			writer, err := store.Open(path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("opening it has changed it")
			}
			if _, err := writer.Put(ctx, numbered(5000, 1)); err != nil {
				t.Error(err)
			}
			mustBeSound(t, writer)
			if err := writer.Close(); err != nil {
				t.Error(err)
			}
			if found, err := store.CheckDigest(ctx, path); err != nil || found {
				t.Errorf("%v, %v, want no digest any more", found, err)
			}
		})
	}
}

// A flipped byte anywhere in a backup is found: on pages that are used and on those
// that are not, between what is stored, and in the digest itself.
func TestFlippedByteInABackup(t *testing.T) {
	for name, compact := range kinds {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			for i := range 30 { // the pages of the earlier commits are free afterwards
				if _, err := db.Put(context.Background(), numbered(i*20, 20)); err != nil {
					t.Fatal(err)
				}
			}
			path := backUp(t, db, compact)
			whole := read(t, path)
			random := rand.New(rand.NewPCG(1, 2))
			var places []int
			for page := 0; page < len(whole); page += 4096 * (1 + len(whole)/4096/150) {
				places = append(places, page+random.IntN(min(4096, len(whole)-page)))
			}
			for at := len(whole) - 100; at < len(whole); at++ {
				places = append(places, at)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, at := range places {
				if _, err := f.WriteAt([]byte{whole[at] ^ 1<<random.IntN(8)}, int64(at)); err != nil {
					t.Fatal(err)
				}
				if found, err := store.CheckDigest(context.Background(), path); !found || !errors.Is(err, store.ErrDamaged) {
					t.Errorf("byte %d of %d: %v, %v", at, len(whole), found, err)
				}
				if _, err := f.WriteAt(whole[at:at+1], int64(at)); err != nil {
					t.Fatal(err)
				}
			}
			if found, err := store.CheckDigest(context.Background(), path); !found || err != nil {
				t.Errorf("the whole one: %v, %v", found, err)
			}
		})
	}
}

// Backups that are made while others write hold what was committed up to a moment:
// all of the first batches, nothing of the later ones.
func TestBackupIsAPrefix(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	running, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	const batch = 7
	wait.Go(func() {
		for i := 0; running.Err() == nil; i += batch {
			if _, err := db.Put(ctx, numbered(i, batch)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	seen := 0
	for i := range 12 {
		path := backUp(t, db, i%3 == 2)
		copied, err := store.Open(path, store.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		mustBeSound(t, copied)
		numbers := map[store.ID]bool{}
		for _, r := range all(t, copied, store.Query{}) {
			numbers[r.Message-1000] = true
		}
		n := len(numbers)
		if n%batch != 0 || n < seen || n > 0 && slices.Max(slices.Collect(maps.Keys(numbers))) != store.ID(n-1) {
			t.Errorf("backup %d holds %d messages after one of %d", i, n, seen)
		}
		if cursors, err := copied.Cursors(ctx, 1); err != nil || n > 0 && cursors[5] != store.ID(1000+n-1) {
			t.Errorf("backup %d of %d messages: cursors %v, %v", i, n, cursors, err)
		}
		seen = n
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	wait.Wait()
	if seen == 0 {
		t.Error("nothing was written meanwhile")
	}
}

func TestBackupStops(t *testing.T) {
	db := openTemp(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := db.Backup(ctx, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BackupCompact(ctx, path); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Of a file of an older format that is opened for reading alone, copies can be made. It
// stays as it is.
func TestReadOnlyDoesNotUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Put(context.Background(), numbered(0, 10)); err != nil {
		t.Fatal(err)
	}
	want := all(t, db, store.Query{})
	if err := errors.Join(store.MakeFormatOne(db), db.Close()); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	for range 2 { // beside each other
		db, err := store.Open(path, store.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if problems, err := db.CheckPages(context.Background()); err != nil || len(problems) > 0 || !db.OldFormat() {
			t.Errorf("old %v: %v, %v", db.OldFormat(), problems, err)
		}
		if _, err := db.Check(context.Background()); err == nil {
			t.Error("it was checked for what it does not have yet")
		}
		for _, compact := range kinds {
			upgraded := openChecked(t, backUp(t, db, compact))
			if have := all(t, upgraded, store.Query{}); !reflect.DeepEqual(have, want) {
				t.Errorf("the copy holds %v, want %v", have, want)
			}
		}
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the file has changed")
	}
}
