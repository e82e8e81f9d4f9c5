package ndjson

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// HeadSize is how many bytes of a file's start Head returns at most.
const HeadSize = 4096

// maxWindow is the largest window (bytes of memory) that a .zst may ask for:
// what the zstd tool itself decompresses without being told to.
const maxWindow = 128 << 20

// Errors that callers tell apart.
var (
	// ErrCorrupt: compressed input is cut short, damaged or not of its format.
	ErrCorrupt = errors.New("corrupt compressed file")
	// ErrNotFile: a folder, a pipe, a socket or a device stands where a file should be.
	ErrNotFile = errors.New("not a file")
	// ErrShort: the file ends before the place asked for.
	ErrShort = errors.New("the file ends before that place")
)

// TrimExt returns name without .gz or .zst, and whether it had one of them.
func TrimExt(name string) (string, bool) {
	for _, ext := range []string{".gz", ".zst"} {
		if base, ok := strings.CutSuffix(name, ext); ok {
			return base, true
		}
	}
	return name, false
}

// File is an open file of lines. It belongs to one goroutine.
type File struct {
	disk   diskReader
	info   fs.FileInfo
	head   []byte
	format string    // "", ".gz" or ".zst"
	src    io.Reader // the decompressed bytes
	gz     *gzip.Reader
	zst    *zstd.Decoder
}

// Open opens a file; the end of its name says how it is compressed. It never
// waits for a pipe's other side. Once ctx is done, reading fails with its error.
func Open(ctx context.Context, name string) (*File, error) {
	// Without O_NONBLOCK the opening of a named pipe waits for a writer.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	base, _ := TrimExt(name)
	f := &File{disk: diskReader{ctx: ctx, file: file}, format: name[len(base):]}
	if err := f.start(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) start() (err error) {
	if f.info, err = f.disk.file.Stat(); err != nil {
		return err
	}
	if err := CheckMode(f.info.Mode()); err != nil {
		return err
	}
	if err := f.rewind(); err != nil {
		return err
	}
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(f.src, head)
	f.head = head[:n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	// A damaged file may still have lines before the damage: whoever reads
	// them meets the error there.
	if n > 0 && errors.Is(err, ErrCorrupt) {
		return nil
	}
	return err
}

// CheckMode returns an error that wraps ErrNotFile and says what stands there,
// unless mode is that of a regular file.
func CheckMode(mode fs.FileMode) error {
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return fmt.Errorf("%w but a folder", ErrNotFile)
	case mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("%w but a named pipe", ErrNotFile)
	case mode&fs.ModeSocket != 0:
		return fmt.Errorf("%w but a socket", ErrNotFile)
	}
	return fmt.Errorf("%w but a device", ErrNotFile)
}

// Close closes the file.
func (f *File) Close() error {
	if f.zst != nil {
		f.zst.Close()
	}
	return f.disk.file.Close()
}

// Info returns the file's size on disk and its times as they were when it was opened.
func (f *File) Info() fs.FileInfo { return f.info }

// Head returns the first HeadSize decompressed bytes, less if the file is shorter.
func (f *File) Head() []byte { return f.head }

// DiskBytes returns how many bytes have been read from the disk since Lines.
func (f *File) DiskBytes() int64 { return f.disk.read }

// Lines returns a reader of the lines from the given offset on, which should
// be the start of a line. A plain file goes there at once, a compressed one has
// to be decompressed up to it. ErrShort if the file ends before. A later call
// takes the file away from the reader of an earlier one.
func (f *File) Lines(offset int64) (*Reader, error) {
	if err := f.rewind(); err != nil {
		return nil, err
	}
	if f.format != "" {
		_, err := io.CopyN(io.Discard, f.src, offset)
		if err == io.EOF {
			err = ErrShort
		}
		if err != nil {
			return nil, err
		}
		return newReader(f.src, offset, blockSize, MaxLine), nil
	}
	info, err := f.disk.file.Stat()
	if err != nil {
		return nil, err
	}
	rest := info.Size() - offset
	if rest < 0 {
		return nil, ErrShort
	}
	if _, err := f.disk.file.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	// The few lines by which a file has grown need no full block.
	return newReader(f.src, offset, int(min(max(rest+1, blockSize/64), blockSize)), MaxLine), nil
}

// Reader returns a reader of the file's decompressed bytes from its start on. It takes
// the file away from readers of lines, and they from it.
func (f *File) Reader() (io.Reader, error) {
	if err := f.rewind(); err != nil {
		return nil, err
	}
	return f.src, nil
}

// rewind goes to the start of the file and makes its decoder ready.
func (f *File) rewind() (err error) {
	if _, err := f.disk.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	f.disk.read = 0
	switch f.format {
	case "":
		f.src = &f.disk
		return nil
	case ".gz":
		raw := bufio.NewReaderSize(&f.disk, blockSize/4)
		if f.gz == nil {
			f.gz, err = gzip.NewReader(raw)
		} else {
			err = f.gz.Reset(raw)
		}
		f.src = decoded{f.gz}
	case ".zst":
		if f.zst == nil {
			// One goroutine, the caller's: nothing decodes ahead of what is wanted.
			f.zst, err = zstd.NewReader(&f.disk, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		} else {
			err = f.zst.Reset(&f.disk)
		}
		f.src = decoded{f.zst}
	}
	if err == io.EOF { // not even a header
		err = io.ErrUnexpectedEOF
	}
	return corrupt(err)
}

// decoded reads from a decoder and tells damage from other errors.
type decoded struct{ io.Reader }

func (d decoded) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	return n, corrupt(err)
}

// corrupt makes an error of a decoder one that wraps ErrCorrupt, unless the
// decoder only passes on what the disk or the context said.
func corrupt(err error) error {
	var disk *fs.PathError
	if err == nil || err == io.EOF || errors.As(err, &disk) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// diskReader reads a file as long as its context is not done, and counts.
type diskReader struct {
	ctx  context.Context
	file *os.File
	read int64
}

func (d *diskReader) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := d.file.Read(p)
	d.read += int64(n)
	return n, err
}
