package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Magic is what every SQLite database begins with, unless it is encrypted.
const Magic = "SQLite format 3\x00"

// companions are the files beside a database without which it is not whole.
var companions = []string{"-wal", "-journal"}

// copyTries is how often a copy is begun again while the database is being written.
const copyTries = 3

// ErrChanging says that a database was written whenever it was copied.
var ErrChanging = errors.New("it is being written: stop the program that does, and try again")

// Copy copies the database at path into folder and returns the copy's path.
func Copy(ctx context.Context, path, folder string) (string, error) {
	to := filepath.Join(folder, "copy.sqlite")
	for range copyTries {
		before, err := state(path)
		if err != nil {
			return "", err
		}
		if err := copyFile(ctx, path, to); err != nil {
			return "", err
		}
		for _, c := range companions {
			if err := copyFile(ctx, path+c, to+c); errors.Is(err, fs.ErrNotExist) {
				os.Remove(to + c)
			} else if err != nil {
				return "", err
			}
		}
		after, err := state(path)
		if err != nil {
			return "", err
		}
		if before == after {
			return to, nil
		}
	}
	return "", ErrChanging
}

// fileState tells one state of a database's files from another.
type fileState [3]struct {
	size     int64
	modified time.Time
}

func state(path string) (s fileState, err error) {
	for i, suffix := range append([]string{""}, companions...) {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) && suffix != "" {
			continue
		}
		if err != nil {
			return s, err
		}
		s[i].size, s[i].modified = info.Size(), info.ModTime()
	}
	return s, nil
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return Write(ctx, in, to)
}

// Write writes a file that only its owner may read.
func Write(ctx context.Context, in io.Reader, to string) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, untilDone{ctx, in})
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy (TMPDIR says where to): %w", err)
	}
	return nil
}

// untilDone reads until ctx is done.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (r untilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
