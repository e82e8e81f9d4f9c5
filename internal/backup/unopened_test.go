package backup_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/internal/backup"
	"rollcall/store"
)

// To check and restore an encrypted backup takes no key, whichever build made it; what no key
// is needed for is checked all the same.
func TestOlderFormatsTakeNoKey(t *testing.T) {
	for _, format := range []string{"format2", "format3", "format4"} {
		t.Run(format, func(t *testing.T) {
			path := fixture(t, format+"-encrypted")
			before := read(t, path)
			found, err := backup.Check(t.Context(), path, "NAME")
			if err != nil || len(found.Problems) > 0 || !strings.Contains(found.Unopened, "it is encrypted, with key ") {
				t.Errorf("check: %+v, %v", found, err)
			}
			if !bytes.Equal(read(t, path), before) {
				t.Error("the check has changed the file")
			}
			made := filepath.Join(t.TempDir(), "made.db")
			old, err := store.Open(path, store.Options{ReadOnly: true, SkipDecrypt: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Make(t.Context(), made, false, backup.Of(old, false)); err != nil {
				t.Errorf("backup: %v", err)
			}
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "rollcall.db")
			if _, err := backup.Restore(t.Context(), to, path); err != nil {
				t.Fatalf("restore: %v", err)
			}
			if !bytes.Equal(read(t, to), before) {
				t.Error("what was restored differs from the backup")
			}

			damageValue(t, path, "profiles")
			if found, err = backup.Check(t.Context(), path, "NAME"); err != nil || len(found.Problems) == 0 {
				t.Errorf("a damaged file: %+v, %v", found, err)
			}
			if err := backup.Sound(t.Context(), path, "NAME"); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("a damaged file: %v", err)
			}
		})
	}
}

// damageValue changes the first value in a bucket of buckets.
func damageValue(t *testing.T, path, in string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		name, _ := tx.Bucket([]byte(in)).Cursor().First()
		b := tx.Bucket([]byte(in)).Bucket(name)
		key, value := b.Cursor().First()
		value = bytes.Clone(value)
		value[len(value)-1] ^= 1
		return b.Put(bytes.Clone(key), value)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// fixture unpacks a file of store/testdata/formats.
func fixture(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "store", "testdata", "formats", name+".db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "old.db"), b)
}
