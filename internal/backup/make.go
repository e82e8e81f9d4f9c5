package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/atomicfile"
	"rollcall/store"
)

// Source writes a backup into an empty file that is open for reading and writing.
type Source func(ctx context.Context, f *os.File) error

// Of returns the source that is an open database, without its free pages if compact
// is set.
func Of(db *store.DB, compact bool) Source {
	return func(ctx context.Context, f *os.File) error {
		if compact {
			_, err := db.BackupCompact(ctx, f.Name())
			return err
		}
		_, err := db.Backup(ctx, Throttled(ctx, f))
		return err
	}
}

// Made is a backup that was made.
type Made struct {
	Path string
	Size int64         // bytes of the file
	Took time.Duration // all of it
}

// Make makes a backup at path, compressed if that ends in .zst. A file that is there
// is left alone (fs.ErrExist), or replaced if replace is set. After an error nothing
// is there that was not before; after a kill it is called path, ".part-" and digits.
func Make(ctx context.Context, path string, replace bool, source Source) (Made, error) {
	began := time.Now()
	size, err := place(ctx, path, replace, source)
	if err != nil {
		if ctx.Err() != nil {
			return Made{}, ctx.Err()
		}
		return Made{}, fmt.Errorf("backup %q: %w", path, err)
	}
	return Made{path, size, time.Since(began)}, nil
}

func place(ctx context.Context, path string, replace bool, source Source) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil && !replace {
		return 0, fs.ErrExist
	}
	f, err := checked(ctx, path, source)
	if err != nil {
		return 0, err
	}
	defer f.Discard()
	if strings.HasSuffix(path, compressedEnding) {
		packed, err := compress(ctx, f.File, path)
		if err != nil {
			return 0, err
		}
		defer packed.Discard()
		f = packed
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), f.Commit(replace)
}

// checked returns the file, synced and found sound, before it has its name.
func checked(ctx context.Context, path string, source Source) (_ *atomicfile.PendingFile, err error) {
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Discard()
		}
	}()
	if err := source(ctx, f.File); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := Sound(ctx, f.Name(), path); err != nil {
		return nil, fmt.Errorf("the copy is not sound: %w", err)
	}
	return f, nil
}

// Copy gives the bytes of a backup that is sound to take, once they are in a
// temporary file, which is removed afterwards. It is for those who take them slowly,
// or cannot give them back.
func Copy(ctx context.Context, source Source, take func(f *os.File) error) (err error) {
	folder, err := os.MkdirTemp("", "rollcall-backup-")
	if err != nil {
		return fmt.Errorf("make a folder for the backup (TMPDIR says where): %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	f, err := checked(ctx, filepath.Join(folder, "rollcall.db"), source)
	if err != nil {
		return fmt.Errorf("backup in %q (TMPDIR says where): %w", folder, err)
	}
	defer f.Discard()
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	return take(f.File)
}
