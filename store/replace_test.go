package store_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/store"
)

// replaceBy fills a replacement with the bytes of a file and commits it.
func replaceBy(t *testing.T, path string, content []byte) (kept string, err error) {
	t.Helper()
	r, err := store.Replace(path)
	if err != nil {
		return "", err
	}
	defer r.Discard()
	if _, err := store.Open(path, store.Options{MustExist: true, LockTimeout: 100 * time.Millisecond}); err == nil {
		t.Errorf("another process gets %v while the file is replaced", err)
	}
	if _, err := r.Write(content); err != nil {
		t.Fatal(err)
	}
	return r.Kept, r.Commit()
}

func TestReplace(t *testing.T) {
	whole := filled(t)
	for _, test := range []struct {
		name string
		old  []byte
	}{
		{"a sound file", filled(t)},
		{"a damaged one", flip(flip(whole, 30), 4096+30)},
		{"an empty one", []byte{}},
		{"none", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			if test.old != nil {
				if err := os.WriteFile(path, test.old, 0o640); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := replaceBy(t, path, whole)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read(t, path), whole) {
				t.Error("it is not what it was replaced by")
			}
			if test.old == nil {
				if kept != "" {
					t.Errorf("kept as %q", kept)
				}
				alone(t, path)
				openChecked(t, path)
				return
			}
			if kept != path+store.KeptSuffix || !bytes.Equal(read(t, kept), test.old) {
				t.Errorf("what is kept as %q is not the old file", kept)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v, want that of the old file", info.Mode(), err)
			}
			db, err := store.Open(path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			mustBeSound(t, db)
			if err := db.Close(); err != nil {
				t.Error(err)
			}

			// What is kept is never overwritten.
			if _, err := replaceBy(t, path, whole); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a second time: %v", err)
			}
			if !bytes.Equal(read(t, kept), test.old) {
				t.Error("what was kept has changed")
			}
		})
	}
}

// A restore that was killed between keeping the old file and replacing it is no
// obstacle to the next one.
func TestReplaceAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Link(path, path+store.KeptSuffix), os.WriteFile(path+".new-123", []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	kept, err := replaceBy(t, path, []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if string(read(t, path)) != "new" || string(read(t, kept)) != "old" {
		t.Errorf("it is %q, and %q is kept", read(t, path), read(t, kept))
	}
	if err := os.Remove(kept); err != nil {
		t.Error(err)
	}
	alone(t, path)
}

func TestReplaceRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openChecked(t, path)
	if _, err := replaceBy(t, path, nil); !errors.Is(err, store.ErrLocked) {
		t.Errorf("beside a daemon: %v", err)
	}
	alone(t, path)
	if _, err := db.Put(context.Background(), numbered(0, 1)); err != nil {
		t.Error(err)
	}
	if _, err := replaceBy(t, t.TempDir(), nil); err == nil {
		t.Error("a folder was replaced")
	}
	if _, err := replaceBy(t, filepath.Join(t.TempDir(), "none", "rollcall.db"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// Through a link it is the file that is replaced, not the link.
func TestReplaceThroughALink(t *testing.T) {
	path, link := filepath.Join(t.TempDir(), "rollcall.db"), filepath.Join(t.TempDir(), "link.db")
	if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	if kept, err := replaceBy(t, link, []byte("new")); err != nil || kept != path+store.KeptSuffix {
		t.Errorf("%q is kept, %v", kept, err)
	}
	if string(read(t, path)) != "new" {
		t.Error("the file behind the link is as it was")
	}
	if _, err := os.Readlink(link); err != nil {
		t.Error(err)
	}
}

// Who waits for the lock of a file that is then replaced opens the new one.
func TestOpenWhileReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	whole := filled(t)
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := store.Replace(path)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		db, err := store.Open(path, store.Options{LockTimeout: 10 * time.Second})
		if err == nil {
			err = db.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatal("it was opened while it was replaced: ", err)
	case <-time.After(200 * time.Millisecond):
	}
	if _, err := r.Write(whole); err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}
