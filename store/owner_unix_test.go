//go:build unix

package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// What root restores or compacts still belongs to whom it belonged to.
func TestOwnerStays(t *testing.T) {
	if os.Geteuid() != 0 {
		storetest.Requires(t, errors.New("only root may give files away"))
	}
	const nobody = 65534
	owner := func(path string) uint32 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	path := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.WriteFile(path, filled(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	db := openChecked(t, path)
	if _, err := db.Compact(context.Background(), store.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if owner(path) != nobody {
		t.Errorf("after compact it belongs to %d", owner(path))
	}

	restored := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.Chown(filepath.Dir(restored), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	for range 2 { // into the folder, over the file
		os.Remove(restored + store.KeptSuffix)
		if _, err := replaceBy(t, restored, filled(t)); err != nil {
			t.Fatal(err)
		}
		if owner(restored) != nobody {
			t.Errorf("after restore it belongs to %d", owner(restored))
		}
	}
}
