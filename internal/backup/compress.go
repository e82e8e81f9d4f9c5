package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"rollcall/internal/atomicfile"
	"rollcall/store"
)

// compressedEnding ends the names of compressed backups.
const compressedEnding = ".zst"

// maxWindow is the largest window (bytes of memory) that a compressed backup may ask
// for: what the zstd tool itself decompresses without being told to.
const maxWindow = 128 << 20

// compress writes a compressed copy of a file, which is to be called path, and reads
// it back to see that it is one.
func compress(ctx context.Context, f *os.File, path string) (_ *atomicfile.PendingFile, err error) {
	packed, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			packed.Discard()
		}
	}()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	out, err := zstd.NewWriter(Throttled(ctx, packed.File), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	plain := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, plain), reader{ctx, f})
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	if err := packed.Sync(); err != nil {
		return nil, err
	}
	back := sha256.New()
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := unpack(ctx, packed.File, back); err != nil {
		return nil, err
	}
	if !bytes.Equal(plain.Sum(nil), back.Sum(nil)) {
		return nil, errors.New("what was compressed is not what it decompresses to")
	}
	return packed, nil
}

// Unpack writes the bytes of the backup at path, decompressed if it is compressed,
// which its first bytes say.
func Unpack(ctx context.Context, path string, to io.Writer) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unpack(ctx, f, to); err != nil {
		return fmt.Errorf("backup %q: %w", path, err)
	}
	return nil
}

func open(path string) (*os.File, error) {
	info, err := os.Stat(path) // first, since opening a pipe waits for a writer
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("backup %q: it is not a regular file", path)
	}
	f, err := os.Open(path)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if err != nil {
		return nil, fmt.Errorf("backup %q: %w", path, err)
	}
	return f, nil
}

func unpack(ctx context.Context, from io.Reader, to io.Writer) error {
	in := bufio.NewReaderSize(reader{ctx, from}, 1<<20)
	if !isCompressed(in) {
		_, err := io.Copy(to, in)
		return err
	}
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = io.Copy(to, damageReader{d})
	return err
}

// isCompressed looks at the first bytes, the magic number of RFC 8878.
func isCompressed(in *bufio.Reader) bool {
	head, _ := in.Peek(4)
	return string(head) == "\x28\xb5\x2f\xfd"
}

// IsCompressed reports whether the file at path is a compressed backup.
func IsCompressed(path string) bool {
	f, err := open(path)
	if err != nil {
		return false // who reads it says so
	}
	defer f.Close()
	return isCompressed(bufio.NewReader(f))
}

// damageReader tells what a decoder finds wrong as damage, and leaves alone what the
// file underneath says.
type damageReader struct{ d *zstd.Decoder }

func (r damageReader) Read(p []byte) (int, error) {
	n, err := r.d.Read(p)
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	if _, ok := errors.AsType[*os.PathError](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return n, err
	}
	return n, fmt.Errorf("%w: it cannot be decompressed (%v)", store.ErrDamaged, err)
}

// reader reads until ctx is done.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
