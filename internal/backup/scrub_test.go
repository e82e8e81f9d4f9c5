package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rollcall/internal/backup"
	"rollcall/store"
)

// A backup can be made one in which somebody is forgotten, and stays so when it is
// restored; what others said is there.
func TestScrub(t *testing.T) {
	ctx := context.Background()
	db := filled(t)
	for _, ending := range []string{".db", ".db.zst"} {
		t.Run(ending, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "rollcall-20260511T063000Z"+ending)
			if _, err := backup.Make(ctx, path, false, backup.Of(db, false)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(folder, "rollcall-scrub-123", "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := backup.RemoveScrubs(folder); err != nil {
				t.Fatal(err)
			}
			for round, want := range []bool{true, false} {
				changed, err := backup.Scrub(ctx, path, store.Key{}, store.Person{User: 7})
				if err != nil || changed != want {
					t.Fatalf("round %d: changed %v, %v", round, changed, err)
				}
			}
			if err := backup.Sound(ctx, plainCopy(t, path), path); err != nil {
				t.Error(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			if left := names(t, folder); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
			restored := filepath.Join(t.TempDir(), "rollcall.db")
			if _, err := backup.Restore(ctx, restored, path); err != nil {
				t.Fatal(err)
			}
			content := read(t, restored)
			for k := range 4000 { // user 7 wrote number 6, 56, 106, …
				has := bytes.Contains(content, fmt.Appendf(nil, "message %d", k)) // of few digits: or a longer number
				if k%50 == 6 && k > 999 && has {
					t.Fatalf("message %d is in the scrubbed backup", k)
				}
				if k%50 != 6 && !has {
					t.Fatalf("message %d of another is not", k)
				}
			}
			again, err := store.Open(restored, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if !again.Forgotten(store.Person{User: 7}) {
				t.Error("once restored, they are not forgotten")
			}
		})
	}
}

// plainCopy unpacks a backup into a folder of its own.
func plainCopy(t *testing.T, path string) string {
	t.Helper()
	var plain bytes.Buffer
	if err := backup.Unpack(context.Background(), path, &plain); err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "plain.db"), plain.Bytes())
}

// What is no backup, or has another key, stays as it is.
func TestScrubRefuses(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{Key: store.NewKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	folder := t.TempDir()
	encrypted := filepath.Join(folder, "encrypted.db")
	var b bytes.Buffer
	if _, err := db.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	write(t, encrypted, b.Bytes())
	garbage := write(t, filepath.Join(folder, "garbage.db"), []byte("garbage"))
	for path, want := range map[string]error{encrypted: store.ErrKeyMissing, garbage: store.ErrDamaged, filepath.Join(folder, "none.db"): os.ErrNotExist} {
		before, _ := os.ReadFile(path)
		if changed, err := backup.Scrub(ctx, path, store.Key{}, store.Person{User: 7}); changed || !errors.Is(err, want) {
			t.Errorf("%s: changed %v, %v, want %v", filepath.Base(path), changed, err, want)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s: was changed", filepath.Base(path))
		}
	}
	if left := names(t, folder); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}
