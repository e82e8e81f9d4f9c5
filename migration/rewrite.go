package migration

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/atomicfile"
	"rollcall/internal/ndjson"
)

// halfWritten is what a kill leaves of a file that was to be rewritten.
var halfWritten = regexp.MustCompile(`\.jsonl(\.gz|\.zst)?\.part-[0-9]+$`)

var errChanged = errors.New("it was written to meanwhile: repeat this")

// rewrite replaces a file by one without the given parts, which are in order. before
// is what the file looked like when they were found. A crash leaves the one or the
// other, whole and synced, and perhaps a file that is halfWritten.
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
	to, err := atomicfile.Create(name)
	if err != nil {
		return err
	}
	defer to.Discard()
	if err := copyRest(to, from, cuts, filepath.Ext(name)); err != nil {
		return err
	}
	// Synced already here, so that there is little time between the last look at the
	// file and its end.
	if err := errors.Join(atomicfile.InheritOwner(to.File, before), to.Sync()); err != nil {
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
	return to.Commit(true)
}

// same reports whether nobody has written to a file, or replaced it.
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
