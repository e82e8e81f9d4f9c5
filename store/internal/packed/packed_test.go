package packed_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
)

func decode(first snowflake.ID, b []byte) (entries []packed.Entry, err error) {
	err = packed.Each(kv.U64(nil, uint64(first)), b, func(user snowflake.ID, value []byte) error {
		entries = append(entries, packed.Entry{User: user, Value: value})
		return nil
	})
	return entries, err
}

// FuzzEach takes any bytes for a chunk. What decodes encodes to what decodes to the same.
func FuzzEach(f *testing.F) {
	f.Add(uint64(0), []byte("\x07\x02ab\x01\x00\x80\x01\x01c"))
	f.Add(uint64(1<<64-2), []byte("\x01\x01x"))
	f.Fuzz(func(t *testing.T, first uint64, b []byte) {
		entries, err := decode(snowflake.ID(first), b)
		if err != nil {
			return
		}
		once := packed.Append(nil, snowflake.ID(first), entries)
		again, err := decode(snowflake.ID(first), once)
		if err != nil || !bytes.Equal(packed.Append(nil, snowflake.ID(first), again), once) {
			t.Errorf("%x becomes %x, which does not stay: %v", b, once, err)
		}
	})
}

// TestUpdate changes users at random under two prefixes and compares with a map.
func TestUpdate(t *testing.T) {
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "file"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	random := rand.New(rand.NewPCG(3, 4))
	prefixes := [][]byte{[]byte("a"), []byte("b")}
	want := map[string]map[snowflake.ID]string{"a": {}, "b": {}}
	for round := range 200 {
		prefix := prefixes[random.IntN(2)]
		users := map[snowflake.ID]bool{}
		for range 1 + random.IntN(60) {
			users[snowflake.ID(1+random.IntN(2000))] = true
		}
		sorted := slices.Sorted(maps.Keys(users))
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("packed"))
			if err != nil {
				return err
			}
			w := packed.NewWriter(b, new(kv.Arena))
			return w.Update(prefix, len(sorted), func(i int) snowflake.ID { return sorted[i] }, func(i int, old, to []byte) ([]byte, error) {
				have, known := want[string(prefix)][sorted[i]]
				if known != (old != nil) || string(old) != have {
					t.Errorf("round %d: user %d had %q, want %q", round, sorted[i], old, have)
				}
				if random.IntN(3) == 0 {
					delete(want[string(prefix)], sorted[i])
					return to, nil
				}
				value := bytes.Repeat([]byte{byte(round)}, 1+random.IntN(40))
				want[string(prefix)][sorted[i]] = string(value)
				return append(to, value...), nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err = db.View(func(tx *bbolt.Tx) error {
		for _, prefix := range prefixes {
			for user := range snowflake.ID(2001) {
				have, err := packed.Get(tx.Bucket([]byte("packed")), prefix, user)
				if err != nil || string(have) != want[string(prefix)][user] {
					t.Errorf("%s: user %d has %q, want %q: %v", prefix, user, have, want[string(prefix)][user], err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
