package boltfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"go.etcd.io/bbolt"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/kv"
)

// A backup is a database like any other, and behind its last page stands a digest:
//
//	"rollcall backup\n" · size of what is before, u64 · SHA-256 of all before itself
//
// Checksums of values find damage to what is stored, and not to the pages around
// it, which the digest covers to the last byte. A file that ends so is told by its
// size: that of every other is a multiple of its page's, which is one of 512. The
// first write to the file takes the digest away.
const (
	digestMark = "rollcall backup\n"
	digestSize = len(digestMark) + 8 + sha256.Size
)

func hasDigest(size int64) bool { return size%512 == int64(digestSize) }

// Backup writes a consistent copy of the database as it is now, with a digest, and
// returns its size. It holds a read transaction until w has taken everything: give
// it a local file, never a slow reader.
func (f *File) Backup(ctx context.Context, w io.Writer) (size int64, err error) {
	sum := sha256.New()
	size, err = f.Snapshot(ctx, io.MultiWriter(w, sum))
	if err != nil {
		return size, err
	}
	n, err := w.Write(appendDigest(size, sum))
	return size + int64(n), err
}

// BackupSize returns the size that a Backup would have now. A compact one is smaller.
func (f *File) BackupSize(ctx context.Context) (size int64, err error) {
	err = f.View(ctx, func(tx *bbolt.Tx) error {
		size = tx.Size() + int64(digestSize)
		return nil
	})
	return size, err
}

// BackupCompact makes a copy of the database as it is now, without free pages and
// with a digest, in the empty file at path, and returns its size. The file is synced.
func (f *File) BackupCompact(ctx context.Context, path string) (size int64, err error) {
	if err := f.copyTo(ctx, path); err != nil {
		return 0, err
	}
	made, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("file %q: %w", path, atomicfile.Plain(err))
	}
	defer made.Close()
	sum := sha256.New()
	if size, err = io.Copy(sum, &cancelReader{ctx, made}); err != nil {
		return 0, err
	}
	n, err := made.Write(appendDigest(size, sum))
	if err == nil {
		err = made.Sync()
	}
	return size + int64(n), err
}

func appendDigest(size int64, sum hash.Hash) []byte {
	b := kv.U64([]byte(digestMark), uint64(size))
	sum.Write(b)
	return sum.Sum(b)
}

// CheckDigest compares a file with the digest that it ends with. It returns false
// if there is none, as in every database that is no backup, and an error that wraps
// kv.ErrDamaged if a single byte of it has changed.
func CheckDigest(ctx context.Context, path string) (found bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("file %q: %w", path, atomicfile.Plain(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("file %q: %w", path, atomicfile.Plain(err))
	}
	if !hasDigest(info.Size()) {
		return false, nil
	}
	sum := sha256.New()
	size := info.Size() - int64(digestSize)
	if _, err := io.CopyN(sum, &cancelReader{ctx, f}, size); err != nil {
		return true, fmt.Errorf("file %q: %w", path, atomicfile.Plain(err))
	}
	have := make([]byte, digestSize)
	if _, err := io.ReadFull(f, have); err != nil {
		return true, fmt.Errorf("file %q: %w", path, atomicfile.Plain(err))
	}
	if string(have) != string(appendDigest(size, sum)) {
		return true, fmt.Errorf("file %q: %w: its bytes have changed since the backup was made, or it was cut off", path, kv.ErrDamaged)
	}
	return true, nil
}

// dropDigest takes away the digest of a backup that is about to be written to. The
// caller holds writing.
func (f *File) dropDigest() error {
	if !f.digest || f.options.ReadOnly {
		return nil
	}
	info, err := f.current.file.Stat()
	if err == nil && hasDigest(info.Size()) { // Windows has made the file as large as its map
		err = f.current.file.Truncate(info.Size() - int64(digestSize))
	}
	if err == nil {
		err = f.current.file.Sync() // before what it vouches for changes
	}
	if err != nil {
		return fmt.Errorf("take the digest away: %w", atomicfile.Plain(err))
	}
	f.digest = false
	return nil
}

// Snapshot writes a consistent copy of the file as it is now and returns its
// size. It holds a read transaction until w has taken everything: give it a local
// file, never a slow reader.
func (f *File) Snapshot(ctx context.Context, w io.Writer) (n int64, err error) {
	err = f.View(ctx, func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(&cancelWriter{ctx, w})
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: the file was cut off", kv.ErrDamaged)
		}
		return err
	})
	return n, err
}

type cancelWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
