package store_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/store"
)

// TestFollow changes buckets at random in every way that bbolt knows, and wants a
// copy that follows to hold the same after all of it, and to be sound.
func TestFollow(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			db := openTemp(t)
			random := rand.New(rand.NewPCG(seed, 1))
			scratch := &scratch{random: random, most: []int{30, 300, 2000, 8000}[seed%4]}
			if err := store.Raw(db, scratch.change); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "copy")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			var changes []func(*bbolt.Tx) error
			for range 6 {
				changes = append(changes, scratch.change)
			}
			if err := store.Follow(context.Background(), db, path, changes...); err != nil {
				t.Fatal(err)
			}
			original := filepath.Join(t.TempDir(), "original")
			snapshot(t, db, original)
			have, want := dump(t, path), dump(t, original)
			if !maps.Equal(have, want) {
				t.Errorf("the copy holds %d keys, the original %d", len(have), len(want))
				for key, value := range want {
					if have[key] != value {
						t.Fatalf("%q is %.40q, want %.40q", key, have[key], value)
					}
				}
			}
			if err := store.Raw(db, func(tx *bbolt.Tx) error { return store.DeleteBucket(tx.Cursor().Bucket(), []byte("scratch")) }); err != nil {
				t.Fatal(err) // what the check at the end would not know
			}
		})
	}
}

// scratch is a bucket of its own in which things are changed.
type scratch struct {
	random *rand.Rand
	most   int // changes in one transaction
}

func (s *scratch) change(tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists([]byte("scratch"))
	if err != nil {
		return err
	}
	for range s.random.IntN(s.most) {
		if err := s.one(b, 0); err != nil {
			return err
		}
	}
	return nil
}

// one changes one thing in a bucket or in those below it.
func (s *scratch) one(b *bbolt.Bucket, depth int) error {
	name := fmt.Appendf(nil, "bucket %d", s.random.IntN(5))
	key := binary.BigEndian.AppendUint32(nil, uint32(s.random.IntN(s.most*2)))
	switch n := s.random.IntN(100); {
	case depth < 2 && n < 60:
		child, err := b.CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		return s.one(child, depth+1)
	case n < 61 && b.Bucket(name) != nil && s.random.IntN(20) == 0:
		return store.DeleteBucket(b, name)
	case n < 63:
		_, err := b.NextSequence()
		return err
	case n < 64: // all of a stretch
		c := b.Cursor()
		for k, v := c.Seek(key); k != nil && v != nil && s.random.IntN(200) > 0; k, v = c.Next() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	case n < 75:
		return b.Delete(key)
	case n < 76:
		return b.Put(key, make([]byte, s.random.IntN(30_000)))
	case n < 78:
		return b.Put(key, nil)
	}
	value := make([]byte, s.random.IntN(80))
	for i := range value {
		value[i] = byte(s.random.Uint32())
	}
	return b.Put(key, value)
}

// dump returns all keys of a bbolt file under their buckets, with the buckets' sequences.
func dump(t *testing.T, path string) map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]string{}
	var enter func(path string, b *bbolt.Bucket) error
	enter = func(path string, b *bbolt.Bucket) error {
		all[path] = fmt.Sprint(b.Sequence())
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return enter(path+"/"+string(k), b.Bucket(k))
			}
			all[path+"/"+string(k)+"="] = string(v)
			return nil
		})
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return enter("", tx.Cursor().Bucket())
	}); err != nil {
		t.Fatal(err)
	}
	return all
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
