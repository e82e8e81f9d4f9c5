package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/internal/backup"
	"rollcall/store"
)

func TestMake(t *testing.T) {
	ctx := context.Background()
	db := filled(t)
	for _, test := range []struct {
		name    string
		compact bool
	}{{"plain.db", false}, {"compact.db", true}, {"plain.db.zst", false}, {"compact.db.zst", true}} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), test.name)
			made, err := backup.Make(ctx, path, false, backup.Of(db, test.compact))
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Size() != made.Size || info.Mode().Perm() != 0o600 || made.Path != path || made.Took <= 0 {
				t.Errorf("%+v, the file has %d bytes, mode %v, %v", made, info.Size(), info.Mode(), err)
			}
			if have := names(t, filepath.Dir(path)); !slices.Equal(have, []string{test.name}) {
				t.Errorf("left behind: %v", have)
			}
			plain := path
			if filepath.Ext(path) == ".zst" {
				if !backup.IsCompressed(path) {
					t.Error("it is not compressed")
				}
				var b bytes.Buffer
				if err := backup.Unpack(ctx, path, &b); err != nil {
					t.Fatal(err)
				}
				plain = write(t, filepath.Join(t.TempDir(), "plain.db"), b.Bytes())
			} else if backup.IsCompressed(path) {
				t.Error("it is compressed")
			}
			if found, err := store.CheckDigest(ctx, plain); !found || err != nil {
				t.Errorf("%v, %v, want a digest", found, err)
			}
			if n := messages(t, plain); n != 4000 {
				t.Errorf("%d messages", n)
			}

			// A second one does not replace it unless it is meant to.
			before := read(t, path)
			if _, err := backup.Make(ctx, path, false, backup.Of(db, !test.compact)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%v, want ErrExist", err)
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file has changed")
			}
			if _, err := backup.Make(ctx, path, true, backup.Of(db, !test.compact)); err != nil {
				t.Error(err)
			}
			if bytes.Equal(before, read(t, path)) {
				t.Error("the file has not changed")
			}
		})
	}
}

// What fails leaves nothing, and what was there before as it was.
func TestMakeFails(t *testing.T) {
	db := filled(t)
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, test := range []struct {
		name   string
		source backup.Source
		want   error
	}{
		{"the source", func(_ context.Context, f *os.File) error {
			f.WriteString("half")
			return broken
		}, broken},
		{"a copy with another byte", func(ctx context.Context, f *os.File) error {
			if _, err := db.Backup(ctx, f); err != nil {
				return err
			}
			_, err := f.WriteAt([]byte("x"), 9999)
			return err
		}, store.ErrDamaged},
		{"a copy that was cut off", func(ctx context.Context, f *os.File) error {
			n, err := db.Backup(ctx, f)
			return errors.Join(err, f.Truncate(n/2))
		}, store.ErrDamaged},
		{"no database at all", func(_ context.Context, f *os.File) error {
			_, err := io.WriteString(f, "nonsense")
			return err
		}, store.ErrDamaged},
		{"nothing", func(context.Context, *os.File) error { return nil }, store.ErrDamaged},
		{"cancelled", func(ctx context.Context, f *os.File) error {
			cancel()
			return backup.Of(db, false)(ctx, f)
		}, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "b.db.zst")
			ctx := ctx
			if test.want != context.Canceled {
				ctx = context.Background()
			}
			if _, err := backup.Make(ctx, path, false, test.source); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if have := names(t, filepath.Dir(path)); len(have) > 0 {
				t.Errorf("left behind: %v", have)
			}
			write(t, path, []byte("an older one"))
			if _, err := backup.Make(ctx, path, true, test.source); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if string(read(t, path)) != "an older one" {
				t.Error("the older one has changed")
			}
		})
	}
	if _, err := backup.Make(context.Background(), filepath.Join(t.TempDir(), "none", "b.db"), false, backup.Of(db, false)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v", err)
	}
}

func TestCopy(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	db := filled(t)
	var b bytes.Buffer
	if err := backup.Copy(context.Background(), backup.Of(db, false), func(f *os.File) error {
		_, err := io.Copy(&b, f)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := messages(t, write(t, filepath.Join(t.TempDir(), "b.db"), b.Bytes())); n != 4000 {
		t.Errorf("%d messages", n)
	}
	broken := errors.New("broken")
	if err := backup.Copy(context.Background(), backup.Of(db, false), func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if have := names(t, os.Getenv("TMPDIR")); len(have) > 0 {
		t.Errorf("left behind: %v", have)
	}
}
