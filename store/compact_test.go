package store_test

import (
	"bytes"
	"context"
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
	"time"

	"go.etcd.io/bbolt"

	"rollcall/internal/storetest"
	"rollcall/store"
	"rollcall/store/internal/boltfile/boltfiletest"
)

// secret is what was deleted and is to be gone for good.
const secret = "the words that nobody is to find again"

// holey fills a database and deletes most of what it holds, so that its free pages
// are full of what was.
func holey(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := context.Background()
	if err := store.Raw(db, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("scratch"))
		if err != nil {
			return err
		}
		for i := range 3000 {
			if err := b.Put(fmt.Appendf(nil, "%08d", i), []byte(strings.Repeat(secret, 300))); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := db.Put(ctx, numbered(i*50, 50)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Raw(db, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("scratch")) }); err != nil {
		t.Fatal(err)
	}
}

// numbered is a batch of n messages from number i on, with a cursor and a gap.
func numbered(i, n int) (b store.Batch) {
	for k := i; k < i+n; k++ {
		b.Records = append(b.Records, live(store.ID(1+k%3), store.ID(1+k%40), k, fmt.Sprint("message ", k, strings.Repeat(" and on", k%30))))
	}
	last := b.Records[n-1].Message
	b.Cursors = []store.ChannelCursor{{Guild: 1, Channel: 5, Last: last}}
	b.Gaps = []store.Gap{{Guild: 1, Channel: 5, Until: last, State: store.GapFilled}}
	return b
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// alone wants no other file beside a database.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestCompact(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openChecked(t, path)
	holey(t, db)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	before := all(t, db, store.Query{})
	gaps, err := db.Gaps(ctx, false)
	if err != nil || len(gaps) != 20 {
		t.Fatalf("%d gaps, %v", len(gaps), err)
	}
	if !bytes.Contains(read(t, path), []byte(secret)) {
		t.Fatal("the deleted text is not in the file, so that it cannot be missed later")
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var told []int64
	done, err := db.Compact(ctx, store.CompactOptions{Progress: func(n, most int64) error {
		told = append(told, n, most)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != done.After || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v, want %d bytes and mode 640", info, err, done.After)
	}
	if done.After >= done.Before/2 || done.Paused <= 0 {
		t.Errorf("%+v", done)
	}
	if bytes.Contains(read(t, path), []byte(secret)) {
		t.Error("the deleted text is still in the file")
	}
	if now, err := os.Stat(path); err != nil {
		t.Error(err)
	} else if was, err := old.Stat(); err != nil || os.SameFile(now, was) {
		t.Errorf("it is the same file, %v", err)
	}
	alone(t, path)

	// It is the same, and goes on as before.
	if after := all(t, db, store.Query{}); !reflect.DeepEqual(before, after) {
		t.Errorf("%d records, want %d", len(after), len(before))
	}
	if _, err := store.Open(path, store.Options{LockTimeout: 100 * time.Millisecond}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second process gets %v, want ErrLocked", err)
	}
	if _, err := db.Put(ctx, numbered(1000, 5)); err != nil {
		t.Fatal(err)
	}
	if gaps, err = db.Gaps(ctx, false); err != nil || len(gaps) != 21 || gaps[20].Seq != 21 {
		t.Errorf("gaps %v, %v, want the next one to have the number 21", gaps, err)
	}
}

// Compact while others read and write, again and again: nothing of what was
// acknowledged is lost, and whoever reads sees one state from beginning to end.
func TestCompactBesideTraffic(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openChecked(t, path)
	holey(t, db)
	running, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	put := 1000
	wait.Go(func() {
		for running.Err() == nil {
			if _, err := db.Put(ctx, numbered(put, 10)); err != nil {
				t.Error(err)
				return
			}
			put += 10
		}
	})
	for range 2 {
		wait.Go(func() {
			for running.Err() == nil {
				problems, err := db.Check(ctx) // reads all of it in one transaction
				if err != nil || len(problems) > 0 {
					t.Errorf("%v, %v", problems, err)
					return
				}
			}
		})
	}
	for range 5 {
		check := func(ctx context.Context, path string) error {
			copied, err := store.Open(path, store.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			mustBeSound(t, copied)
			return copied.Close()
		}
		if _, err := db.Compact(ctx, store.CompactOptions{Check: check}); err != nil {
			t.Error(err)
		}
	}
	stop()
	wait.Wait()
	alone(t, path)
	if have := len(all(t, db, store.Query{})); have != put {
		t.Errorf("%d records, want %d", have, put)
	}
	if cursors, err := db.Cursors(ctx, 1); err != nil || cursors[5] != store.ID(1000+put-1) {
		t.Errorf("cursor %v, %v", cursors, err)
	}
}

// What is written between the copy and the end is in the new file: the same writes
// leave the same in a database that is compacted meanwhile and in one that is not.
func TestCompactCatchesUp(t *testing.T) {
	ctx := context.Background()
	compacted, calm := openTemp(t), openTemp(t)
	holey(t, compacted)
	holey(t, calm)
	for round := range uint64(3) {
		write := func(db *store.DB, part uint64) error {
			random := rand.New(rand.NewPCG(round, part))
			for range 1 + random.IntN(15) {
				i := random.IntN(20_000)
				_, err := db.Put(ctx, numbered(i, 1+random.IntN(30)))
				if err != nil {
					return err
				}
				_, err = storetest.Import(ctx, db, store.LogBatch{
					Records: []store.Record{logged(store.ID(1+i%5), store.ID(1+i%40), i, "general", fmt.Sprint("line ", i))},
					File:    store.LogFile{Key: fmt.Sprint("file ", i), Path: "f"}, Quarantine: []store.Quarantined{{File: "f", Offset: int64(i), Reason: "r"}},
				})
				if err != nil {
					return err
				}
			}
			return nil
		}
		if err := errors.Join(write(calm, 1), write(calm, 2), write(compacted, 1)); err != nil {
			t.Fatal(err)
		}
		check := func(context.Context, string) error { return write(compacted, 2) }
		if _, err := compacted.Compact(ctx, store.CompactOptions{Check: check}); err != nil {
			t.Fatal(err)
		}
		have, want := filepath.Join(t.TempDir(), "have"), filepath.Join(t.TempDir(), "want")
		snapshot(t, compacted, have)
		snapshot(t, calm, want)
		if err := sameBut(boltfiletest.Dump(t, have), boltfiletest.Dump(t, want), "/meta/", "/user_stats/", "/recent/", "/channels/"); err != nil { // their keys are made with the salt
			t.Errorf("round %d: %v", round, err)
		}
		if !reflect.DeepEqual(all(t, calm, store.Query{}), all(t, compacted, store.Query{})) {
			t.Errorf("round %d: other records", round)
		}
	}
}

func snapshot(t *testing.T, db *store.DB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := db.Snapshot(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// sameBut compares two files, but for buckets in which they have to differ.
func sameBut(have, want map[string]string, differ ...string) error {
	for key, value := range want {
		if have[key] != value && !slices.ContainsFunc(differ, func(d string) bool { return strings.HasPrefix(key, d) }) {
			return fmt.Errorf("%q is %.60q, want %.60q", key, have[key], value)
		}
	}
	if len(have) != len(want) {
		return fmt.Errorf("%d keys, want %d", len(have), len(want))
	}
	return nil
}

// A compaction that does not come to its end leaves everything as it was.
func TestCompactGivesUp(t *testing.T) {
	refused := errors.New("refused")
	for _, test := range []struct {
		name string
		o    func(cancel func()) store.CompactOptions
		want error
	}{
		{"refused", func(func()) store.CompactOptions {
			return store.CompactOptions{Check: func(context.Context, string) error { return refused }}
		}, refused},
		{"stopped while it copies", func(func()) store.CompactOptions {
			return store.CompactOptions{Progress: func(int64, int64) error { return refused }}
		}, refused},
		{"cancelled while it copies", func(cancel func()) store.CompactOptions {
			return store.CompactOptions{Progress: func(int64, int64) error { cancel(); return nil }}
		}, context.Canceled},
		{"cancelled while it is checked", func(cancel func()) store.CompactOptions {
			return store.CompactOptions{Check: func(context.Context, string) error { cancel(); return nil }}
		}, context.Canceled},
		{"cut off while it is checked", func(func()) store.CompactOptions {
			return store.CompactOptions{Check: func(_ context.Context, path string) error { return os.Truncate(path, 4*4096) }}
		}, store.ErrDamaged},
		{"gone while it is checked", func(func()) store.CompactOptions {
			return store.CompactOptions{Check: func(_ context.Context, path string) error { return os.Remove(path) }}
		}, os.ErrNotExist},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openChecked(t, path)
			large := numbered(0, 1000) // more than one batch of the copy
			for i := range large.Records {
				large.Records[i].Content = strings.Repeat(large.Records[i].Content, 10_000/len(large.Records[i].Content))
			}
			if _, err := db.Put(context.Background(), large); err != nil {
				t.Fatal(err)
			}
			before := read(t, path)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if _, err := db.Compact(ctx, test.o(cancel)); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			alone(t, path)
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file has changed")
			}
			if _, err := db.Put(context.Background(), numbered(50_000, 1)); err != nil {
				t.Error(err)
			}
			if _, err := db.Compact(context.Background(), store.CompactOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// One at a time, and Close waits for it.
func TestCompactAlone(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	closed := make(chan error)
	_, err = db.Compact(ctx, store.CompactOptions{Check: func(context.Context, string) error {
		if _, err := db.Compact(ctx, store.CompactOptions{}); !errors.Is(err, store.ErrBusy) {
			t.Errorf("a second one: %v, want ErrBusy", err)
		}
		cancel()
		go func() { closed <- db.Close() }()
		return nil
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
