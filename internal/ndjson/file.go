package ndjson

import (
	"bufio"
	"bytes"
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
	// ErrCorrupt: compressed input is empty, cut short, damaged or not of its format.
	ErrCorrupt = errors.New("corrupt compressed file")
	// ErrWindow: a .zst asks for more memory than a reader gives it.
	ErrWindow = errors.New("zstd window above 128 MiB: repack it without --long")
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
	gz     *members
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
	// Both formats write a header even for nothing, and a copy that was cut off at
	// once looks like this. The decoder of zstd takes it for a whole file.
	if f.format != "" && f.info.Size() == 0 {
		return fmt.Errorf("%w: it has no bytes", ErrCorrupt)
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
	if n > 0 && (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrWindow)) {
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

// byteOrderMark may stand at a file's start, where it belongs to no line.
const byteOrderMark = "\ufeff"

// Lines returns a reader of the lines from the given offset on, which should
// be the start of a line. From 0 on it begins behind a byte order mark. A plain file goes there at once, a compressed one has
// to be decompressed up to it. ErrShort if the file ends before. A later call
// takes the file away from the reader of an earlier one.
func (f *File) Lines(offset int64) (*Reader, error) {
	if err := f.rewind(); err != nil {
		return nil, err
	}
	if offset == 0 && bytes.HasPrefix(f.head, []byte(byteOrderMark)) {
		offset = int64(len(byteOrderMark))
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
			f.gz = &members{}
		}
		err = f.gz.begin(raw)
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

// members reads the members of a gzip file one after another, up to its end or to
// the zeros that some tools and file systems put behind the last one.
type members struct {
	raw *bufio.Reader
	gz  gzip.Reader
}

func (m *members) begin(raw *bufio.Reader) error {
	m.raw = raw
	return m.next()
}

// next goes to the member that starts here.
func (m *members) next() error {
	err := m.gz.Reset(m.raw)
	m.gz.Multistream(false) // what follows a member is for Read to see
	return err
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.gz.Read(p)
		if n > 0 && err == io.EOF {
			err = nil // the next call meets it again
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		behind, err := m.raw.Peek(1)
		switch {
		case err != nil:
			return 0, err
		case behind[0] == 0:
			return 0, m.padding()
		}
		if err := m.next(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
}

// padding returns io.EOF if there is nothing but zeros up to the end.
func (m *members) padding() error {
	for {
		b, err := m.raw.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return errors.New("something stands behind the zeros that end it")
		}
	}
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
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return ErrWindow
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
