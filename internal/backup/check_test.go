package backup_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/backup"
	"rollcall/store"
)

// snapshot is the bytes of a database, without a digest.
func snapshot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := filled(t).Snapshot(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const pageSize = 4096

// circles lets every page below a branch be that branch itself, and returns the
// number of the last branch.
func circles(t *testing.T, file []byte) (last uint64) {
	t.Helper()
	for at := 2 * pageSize; at+pageSize <= len(file); at += pageSize {
		p, id := file[at:], uint64(at/pageSize)
		if binary.NativeEndian.Uint64(p) != id || binary.NativeEndian.Uint16(p[8:]) != 1 {
			continue
		}
		last = id
		for i := range int(binary.NativeEndian.Uint16(p[10:])) {
			binary.NativeEndian.PutUint64(p[16+16*i+8:], id)
		}
	}
	if last == 0 {
		t.Fatal("no branch")
	}
	return last
}

func TestCheck(t *testing.T) {
	ctx := context.Background()
	db := filled(t)
	whole := snapshot(t)
	path := func(b []byte) string { return write(t, filepath.Join(t.TempDir(), "x.db"), b) }
	change := func(f func(b []byte)) string {
		b := bytes.Clone(whole)
		f(b)
		return path(b)
	}
	for _, test := range []struct {
		name, path string
		problem    string // in what the file holds
		err        error
		text       string
	}{
		{"a sound one", path(whole), "", nil, ""},
		{"a changed text", change(func(b []byte) { b[bytes.LastIndex(b, []byte("message 3999"))]++ }), "fails its checksum", nil, ""},
		{"branches in a circle", change(func(b []byte) { circles(t, b) }), "none of a tree", nil, ""},
		// The way to the first bucket that anybody looks into never ends.
		{"a circle that crashes", change(func(b []byte) {
			id := circles(t, b)
			root := binary.NativeEndian.Uint64(b[32:]) // as the first page says
			p := b[root*pageSize : (root+1)*pageSize]
			binary.NativeEndian.PutUint64(p[bytes.Index(p, []byte("meta"))+len("meta"):], id)
		}), "", store.ErrDamaged, "crashed"},
		{"cut off", path(whole[:len(whole)-pageSize]), "", store.ErrDamaged, ""},
		{"text", path([]byte(strings.Repeat("no database\n", 2000))), "", store.ErrDamaged, "not a bbolt file"},
		{"missing", filepath.Join(t.TempDir(), "none"), "", fs.ErrNotExist, ""},
		{"in use", db.Path(), "", store.ErrLocked, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := backup.Check(ctx, test.path, "NAME")
			problems := found.Problems
			if !errors.Is(err, test.err) || err != nil && !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %v and %q", err, test.err, test.text)
			}
			if err != nil && test.err != fs.ErrNotExist && !strings.Contains(err.Error(), `"NAME"`) || err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line that names the file as it was called", err)
			}
			if err == nil && (len(problems) > 0) != (test.problem != "") || len(problems) > 0 && !strings.Contains(problems[0], test.problem) {
				t.Errorf("problems %q, want %q", problems, test.problem)
			}
			if test.problem == "fails its checksum" {
				if err := backup.Sound(ctx, test.path, "NAME"); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("Sound: %v", err)
				}
			}
		})
	}
}

func TestCheckStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := backup.Check(ctx, write(t, filepath.Join(t.TempDir(), "x.db"), snapshot(t)), "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A check is of no use if it changes what it checks.
func TestCheckChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := backup.Make(context.Background(), path, false, backup.Of(filled(t), false)); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.Sound(context.Background(), path, path); err != nil {
		t.Error(err)
	}
	after, err := os.Stat(path)
	if err != nil || !bytes.Equal(before, read(t, path)) || !after.ModTime().Equal(info.ModTime()) {
		t.Errorf("the file has changed, %v", err)
	}
}

// A single problem is enough: such a file is not taken for a backup, restored, or put in
// the place of a database that is compacted.
func TestOneProblemIsEnough(t *testing.T) {
	ctx := context.Background()
	db := filled(t)
	if _, err := db.Put(ctx, store.Batch{Names: []store.Name{{Guild: 1, User: 1, Name: "Ada Lovelace"}}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := db.Snapshot(ctx, &b); err != nil {
		t.Fatal(err)
	}
	damaged := b.Bytes()
	damaged[bytes.LastIndex(damaged, []byte("Ada Lovelace"))]++
	path := write(t, filepath.Join(t.TempDir(), "x.db"), damaged)
	found, err := backup.Check(ctx, path, "NAME")
	if err != nil || len(found.Problems) != 1 {
		t.Fatalf("problems %q, %v, want one alone", found.Problems, err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), found.Problems[0]) {
			t.Errorf("%s: %v, want it to be refused for %q", what, err, found.Problems[0])
		}
	}
	refused("the check", backup.Sound(ctx, path, "NAME"))
	to := filepath.Join(t.TempDir(), "made.db")
	_, err = backup.Make(ctx, to, false, func(_ context.Context, f *os.File) error {
		_, err := f.Write(damaged)
		return err
	})
	refused("a backup", err)
	if left := names(t, filepath.Dir(to)); len(left) != 0 {
		t.Errorf("a backup that was refused leaves %v", left)
	}
	_, err = backup.Restore(ctx, write(t, filepath.Join(t.TempDir(), "rollcall.db"), []byte("what was there")), path)
	refused("a restore", err)
	_, err = db.Compact(ctx, store.CompactOptions{Check: func(ctx context.Context, _ string) error { return backup.Sound(ctx, path, "NAME") }})
	refused("a compaction", err)
}
