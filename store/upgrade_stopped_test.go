package store_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/store"
)

// fixture unpacks a file of testdata/formats into one of the test's own.
func fixture(t *testing.T, name string) (path string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", "formats", name+".db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name+".db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An upgrade that is stopped after any of its transactions goes on when the file is opened
// again, and comes to the same as one that was not. Until then the file is of no format that
// an older build would open, and, opened for reading alone, is said to be of an old one.
func TestUpgradeStopped(t *testing.T) {
	for _, test := range []struct {
		name string
		key  store.Key
	}{{"format1", store.Key{}}, {"format2-encrypted", key(t, 0x2a)}, {"format4", store.Key{}}, {"format4-encrypted", key(t, 0x2a)}} {
		t.Run(test.name, func(t *testing.T) {
			path := fixture(t, test.name)
			old := readFile(t, path)
			db := openWith(t, path, store.Options{Key: test.key})
			want := dump(t, db, test.key.IsSet())
			mustClose(t, db)
			const keys = 3
			for n := 1; ; n++ {
				if err := os.WriteFile(path, old, 0o600); err != nil {
					t.Fatal(err)
				}
				done, err := store.UpgradePartly(path, test.key, n, keys)
				if err != nil {
					t.Fatal(err)
				}
				stopped := openWith(t, path, store.Options{Key: test.key, ReadOnly: true})
				if stopped.OldFormat() == done {
					t.Errorf("after %d transactions it is of an old format: %v, done %v", n, stopped.OldFormat(), done)
				}
				mustClose(t, stopped)
				db := openWith(t, path, store.Options{Key: test.key})
				if have := dump(t, db, test.key.IsSet()); !maps.Equal(have, want) {
					t.Errorf("stopped after %d transactions, it holds %d values that differ", n, different(have, want))
				}
				mustBeSound(t, db)
				mustClose(t, db)
				if done {
					if least := 5; n < least {
						t.Errorf("it took %d transactions, want at least %d", n, least)
					}
					return
				}
			}
		})
	}
}

// dump is store.Dump, without the texts that the upgrade itself encrypts: each has a nonce of
// its own.
func dump(t *testing.T, db *store.DB, encrypted bool) map[string]string {
	t.Helper()
	values := store.Dump(t, db)
	for key := range values {
		if encrypted && strings.HasPrefix(key, "state/known/") {
			values[key] = ""
		}
	}
	return values
}

func different(a, b map[string]string) (n int) {
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			n++
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			n++
		}
	}
	return n
}

// Of the step to format 5 no transaction sees to more keys than it may, so the memory it
// needs does not grow with the file.
func TestUpgradeIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	var batch store.Batch
	for i := range 500 {
		batch.Uncounted = append(batch.Uncounted, live(1, store.ID(2+i%9), i, "a join"))
		batch.Gaps = append(batch.Gaps, store.Gap{Guild: 1, Channel: store.ID(10 + i), Until: 5, State: store.GapOpen, Kind: store.GapHistory, Reason: "before we listened"})
		batch.Floors = append(batch.Floors, store.ChannelCursor{Guild: 1, Channel: store.ID(10 + i), Last: 7})
		batch.GuildCursors = append(batch.GuildCursors, store.GuildCursor{Guild: store.ID(i + 1), GuildCursors: store.GuildCursors{Seen: 1, Heard: 2, Away: 3, Rechecked: 4}})
	}
	mustPut(t, db, batch)
	want := store.Dump(t, db)
	if err := errors.Join(store.MakeFormatFour(db), db.Close()); err != nil {
		t.Fatal(err)
	}
	const keys = 100
	for moved := map[string]bool{}; ; {
		done, err := store.UpgradePartly(path, store.Key{}, 1, keys)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		now := map[string]bool{}
		err = raw.View(func(tx *bbolt.Tx) error {
			if format := binary.BigEndian.Uint32(tx.Bucket([]byte("meta")).Get([]byte("format"))); format != 5 {
				t.Errorf("it says that it is of format %d", format)
			}
			for _, name := range []string{"markers", "floors"} {
				if err := tx.Bucket([]byte("state")).Bucket([]byte(name)).ForEach(func(key, _ []byte) error {
					now[name+string(key)] = true
					return nil
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(err, raw.Close()); err != nil {
			t.Fatal(err)
		}
		if len(now)-len(moved) > keys {
			t.Errorf("a transaction moved %d keys, want at most %d", len(now)-len(moved), keys)
		}
		if moved = now; done {
			if len(moved) != 1000 {
				t.Errorf("it moved %d keys, want 1000", len(moved))
			}
			break
		}
	}
	db = openChecked(t, path)
	if have := store.Dump(t, db); !maps.Equal(have, want) {
		t.Errorf("%d values differ", different(have, want))
	}
}

// What was damaged before the step to format 5 is damaged after it: it neither stops the step
// nor is taken for something else.
func TestUpgradeLeavesDamage(t *testing.T) {
	path := fixture(t, "format4")
	raw, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Update(func(tx *bbolt.Tx) error {
		state := tx.Bucket([]byte("state"))
		for _, at := range []struct {
			bucket string
			prefix []byte
		}{{"tombstones", []byte{3}}, {"gaps", nil}, {"channels", guildChannel(111111111111111111, 1)}} {
			b := state.Bucket([]byte(at.bucket))
			key, value := b.Cursor().Seek(at.prefix)
			bad := slices.Clone(value)
			bad[0] ^= 1
			if err := b.Put(slices.Clone(key), bad); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	db := openWith(t, path, store.Options{})
	defer mustClose(t, db)
	problems, err := db.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"state/markers", "state/gaps", "state/guild_cursors"} {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, bucket) }) {
			t.Errorf("nothing is said of %s: %q", bucket, problems)
		}
	}
	if c, err := db.GuildCursors(t.Context(), 111111111111111111); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("the cursors of the guild are %+v, %v", c, err)
	}
}

// A task of format 4 that had come as far as the deletion markers goes on from there.
func TestUpgradeOfATaskAmongMarkers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	if err := errors.Join(store.MakeFormatFour(db), db.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	task := append([]byte{5}, guildChannel(1, 7)...)
	marker := slices.Concat(guildChannel(1, 2), guildChannel(3, 4))
	err = raw.Update(func(tx *bbolt.Tx) error {
		key := append([]byte{2}, task...)
		return tx.Bucket([]byte("state")).Bucket([]byte("tombstones")).Put(key, store.Seal(key, append([]byte{3}, marker...)))
	})
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	db = openChecked(t, path)
	if have := store.Dump(t, db)["state/tasks/"+string(task)]; have != string(marker) {
		t.Errorf("it goes on from %x, want %x", have, marker)
	}
}

func guildChannel(guild, channel uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, guild), channel)
}
