package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rollcall/store"
)

// A backup of an older format loses its digest when it is brought up to date: one that
// stayed would call the file damaged, and with it each backup that is restored after an
// upgrade.
func TestUpgradeTakesTheDigestAway(t *testing.T) {
	ctx := context.Background()
	for name, make := range map[string]func(*store.DB) error{
		"format 1": store.MakeFormatOne, "format 2": store.MakeFormatTwo, "format 3": store.MakeFormatThree, "format 4": store.MakeFormatFour,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{})
			mustPut(t, db, store.Batch{Records: []store.Record{live(1, 2, 0, "hello"), live(1, 3, 1, "hi")}})
			if err := errors.Join(make(db), db.Close()); err != nil {
				t.Fatal(err)
			}
			old := openWith(t, path, store.Options{ReadOnly: true})
			backup := filepath.Join(t.TempDir(), "backup.db")
			f, err := os.Create(backup)
			if err != nil {
				t.Fatal(err)
			}
			_, err = old.Backup(ctx, f)
			if err := errors.Join(err, f.Close(), old.Close()); err != nil {
				t.Fatal(err)
			}
			if found, err := store.CheckDigest(ctx, backup); !found || err != nil {
				t.Fatalf("the backup has a digest: %v, %v", found, err)
			}
			db = openWith(t, backup, store.Options{})
			if n := len(all(t, db, store.Query{})); n != 2 {
				t.Errorf("%d records, want 2", n)
			}
			mustBeSound(t, db)
			mustClose(t, db)
			if found, err := store.CheckDigest(ctx, backup); found || err != nil {
				t.Errorf("after the upgrade it has a digest: %v, %v", found, err)
			}
		})
	}
}
