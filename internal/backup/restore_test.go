package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/internal/backup"
	"rollcall/store"
)

func TestRestore(t *testing.T) {
	ctx := context.Background()
	db := filled(t)
	for _, name := range []string{"b.db", "b.db.zst"} {
		from := filepath.Join(t.TempDir(), name)
		if _, err := backup.Make(ctx, from, false, backup.Of(db, false)); err != nil {
			t.Fatal(err)
		}
		for what, old := range map[string][]byte{"over a damaged one": []byte("nonsense"), "where there is none": nil} {
			t.Run(name+" "+what, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "rollcall.db")
				want := []string{"rollcall.db"}
				if old != nil {
					write(t, path, old)
					want = append(want, "rollcall.db"+store.KeptSuffix)
				}
				done, err := backup.Restore(ctx, path, from)
				if err != nil {
					t.Fatal(err)
				}
				if have := names(t, filepath.Dir(path)); !slices.Equal(have, want) {
					t.Errorf("there are %v, want %v", have, want)
				}
				if info, err := os.Stat(path); err != nil || info.Size() != done.Size || done.Took <= 0 {
					t.Errorf("%+v of %d bytes, %v", done, info.Size(), err)
				}
				if old != nil && (done.Kept == "" || !bytes.Equal(read(t, done.Kept), old)) {
					t.Errorf("what is kept as %q is not the old file", done.Kept)
				}
				if n := messages(t, path); n != 4000 {
					t.Errorf("%d messages", n)
				}
				restored, err := store.Open(path, store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				put(t, restored, 4000, 1)
				if err := restored.Close(); err != nil {
					t.Error(err)
				}
				if err := backup.Sound(ctx, path, path); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// What cannot be restored changes nothing.
func TestRestoreRefuses(t *testing.T) {
	ctx := context.Background()
	db := filled(t)
	folder := t.TempDir()
	sound, packed := filepath.Join(folder, "b.db"), filepath.Join(folder, "b.db.zst")
	for _, path := range []string{sound, packed} {
		if _, err := backup.Make(ctx, path, false, backup.Of(db, false)); err != nil {
			t.Fatal(err)
		}
	}
	flipped := func(path string, at int) string {
		b := read(t, path)
		b[at] ^= 4
		return write(t, filepath.Join(t.TempDir(), filepath.Base(path)), b)
	}
	cut := func(path string, n int) string {
		return write(t, filepath.Join(t.TempDir(), filepath.Base(path)), read(t, path)[:n])
	}
	for _, test := range []struct {
		name, from string
		want       error
	}{
		{"a flipped byte", flipped(sound, 20_000), store.ErrDamaged},
		{"a flipped byte of the digest", flipped(sound, len(read(t, sound))-1), store.ErrDamaged},
		{"cut off", cut(sound, 50_000), store.ErrDamaged},
		{"empty", cut(sound, 0), store.ErrDamaged},
		{"a flipped compressed byte", flipped(packed, 3000), store.ErrDamaged},
		{"compressed and cut off", cut(packed, 3000), store.ErrDamaged},
		{"compressed and cut to its first bytes", cut(packed, 5), store.ErrDamaged},
		{"missing", filepath.Join(folder, "none"), fs.ErrNotExist},
		{"a folder", folder, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "rollcall.db"), []byte("what was there"))
			if _, err := backup.Restore(ctx, path, test.from); err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if string(read(t, path)) != "what was there" || len(names(t, filepath.Dir(path))) != 1 {
				t.Errorf("there are %v", names(t, filepath.Dir(path)))
			}
		})
	}
	if _, err := backup.Restore(ctx, db.Path(), sound); !errors.Is(err, store.ErrLocked) {
		t.Errorf("beside a daemon: %v", err)
	}
	if _, err := backup.Restore(ctx, sound, sound); err == nil {
		t.Error("a file was restored over itself")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := backup.Restore(cancelled, filepath.Join(folder, "new.db"), sound); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if have := names(t, folder); !slices.Equal(have, []string{"b.db", "b.db.zst"}) {
		t.Errorf("left behind: %v", have)
	}
}
