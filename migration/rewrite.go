package migration

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/ndjson"
)

// scrubPrefix begins the names of files that are not whole yet.
const scrubPrefix = ".rollcall-scrub-"

var errChanged = errors.New("it was written to meanwhile: repeat this")

// rewrite replaces a file by one without the given parts, which are in order. before
// is what the file looked like when they were found. A crash leaves the one or the
// other, whole and synced, and perhaps a file with scrubPrefix.
func rewrite(ctx context.Context, name string, before fs.FileInfo, cuts []cut) (err error) {
	src, err := ndjson.Open(ctx, name)
	if err != nil {
		return err
	}
	defer src.Close()
	if !same(before, src.Info()) {
		return errChanged
	}
	from, err := src.Reader()
	if err != nil {
		return err
	}
	to, err := os.CreateTemp(filepath.Dir(name), scrubPrefix)
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) // which it has no more if all went well
	defer to.Close()
	if err := copyRest(to, from, cuts, filepath.Ext(name)); err != nil {
		return err
	}
	if err := errors.Join(to.Chmod(before.Mode().Perm()), keepOwner(to, before), to.Sync(), to.Close()); err != nil {
		return err
	}
	src.Close() // Windows replaces no file that is open
	after, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !same(before, after) {
		return errChanged
	}
	if err := os.Rename(to.Name(), name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// same says whether nobody has written to a file, or replaced it.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// copyRest copies what lies outside of the cuts, compressed as the file's name says.
func copyRest(to io.Writer, from io.Reader, cuts []cut, ext string) error {
	out, err := compressor(to, ext)
	if err != nil {
		return err
	}
	at := int64(0)
	for _, c := range cuts {
		if _, err := io.CopyN(out, from, c.from-at); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, from, c.to-c.from); err != nil {
			return err
		}
		at = c.to
	}
	if _, err := io.Copy(out, from); err != nil {
		return err
	}
	return out.Close()
}

func compressor(to io.Writer, ext string) (io.WriteCloser, error) {
	switch ext {
	case ".gz":
		return gzip.NewWriter(to), nil
	case ".zst":
		return zstd.NewWriter(to, zstd.WithEncoderConcurrency(1))
	}
	return plainWriter{to}, nil
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

func syncFolder(name string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
