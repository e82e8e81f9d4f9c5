package boltfile_test

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

	"rollcall/store/internal/boltfile"
	"rollcall/store/internal/boltfile/boltfiletest"
	"rollcall/store/internal/kv"
)

// TestFollow changes buckets at random in every way that bbolt knows, and wants a
// copy that follows to hold the same after all of it, and to be sound.
func TestFollow(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := openTemp(t)
			random := rand.New(rand.NewPCG(seed, 1))
			scratch := &scratch{random: random, most: []int{30, 300, 2000, 8000}[seed%4]}
			if err := f.Update(context.Background(), scratch.change); err != nil {
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
			if err := boltfile.Follow(context.Background(), f, path, changes...); err != nil {
				t.Fatal(err)
			}
			original := filepath.Join(t.TempDir(), "original")
			snapshot(t, f, original)
			have, want := boltfiletest.Dump(t, path), boltfiletest.Dump(t, original)
			if !maps.Equal(have, want) {
				t.Errorf("the copy holds %d keys, the original %d", len(have), len(want))
				for key, value := range want {
					if have[key] != value {
						t.Fatalf("%q is %.40q, want %.40q", key, have[key], value)
					}
				}
			}
			if problems, err := f.CheckPages(context.Background(), 10); err != nil || len(problems) > 0 {
				t.Errorf("the pages of the original: %v, %v", problems, err)
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
		return kv.DeleteBucket(b, name)
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

func snapshot(t testing.TB, file *boltfile.File, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := file.Snapshot(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// openTemp creates a file in a temporary folder, which the test closes at its end.
func openTemp(t testing.TB) *boltfile.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	err := boltfile.Create(path, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("first"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := boltfile.Open(path, boltfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}
