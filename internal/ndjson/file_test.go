package ndjson

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compress returns data as the end of a file's name says.
func compress(t *testing.T, ext string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch ext {
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".zst":
		var err error
		if w, err = zstd.NewWriter(&out); err != nil {
			t.Fatal(err)
		}
	default:
		return data
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// numbered returns n lines that do not compress to nothing.
func numbered(n int) string {
	var b strings.Builder
	noise := make([]byte, 40)
	for range n {
		rand.Read(noise)
		b.WriteString(hex.EncodeToString(noise) + "\n")
	}
	return b.String()
}

func TestTrimExt(t *testing.T) {
	for name, want := range map[string]string{
		"info.jsonl": "info.jsonl", "info.jsonl.gz": "info.jsonl", "info.jsonl.zst": "info.jsonl",
		"info.jsonl.gz.zst": "info.jsonl.gz", "gz": "gz", "info.jsonl.GZ": "info.jsonl.GZ",
	} {
		if got, compressed := TrimExt(name); got != want || compressed != (name != want) {
			t.Errorf("%s: got %s, %t", name, got, compressed)
		}
	}
}

func TestFormatsAndOffsets(t *testing.T) {
	text := numbered(5000)
	want := split(text, 0, MaxLine)
	for _, ext := range []string{"", ".gz", ".zst"} {
		t.Run("jsonl"+ext, func(t *testing.T) {
			f := open(t, write(t, "info.jsonl"+ext, compress(t, ext, []byte(text))))
			if string(f.Head()) != text[:HeadSize] {
				t.Error("the head is not the file's start")
			}
			for _, from := range []int{4999, 0, 1, 50, 51, 2500, 5000} { // back and forth
				offset := int64(len(text))
				if from < len(want) {
					offset = want[from].Offset
				}
				r, err := f.Lines(offset)
				if err != nil {
					t.Fatal(err)
				}
				got, err := all(r)
				if err != io.EOF || len(got) != len(want[from:]) || len(got) > 0 && !reflect.DeepEqual(got, want[from:]) {
					t.Fatalf("from line %d: %d lines, %v", from, len(got), err)
				}
			}
			if _, err := f.Lines(int64(len(text)) + 1); !errors.Is(err, ErrShort) {
				t.Errorf("behind the end: %v", err)
			}
		})
	}
}

func TestSeveralMembers(t *testing.T) {
	for _, ext := range []string{".gz", ".zst"} {
		data := append(compress(t, ext, []byte("a\nb")), compress(t, ext, []byte("c\nd\n"))...)
		r, err := open(t, write(t, "x"+ext, data)).Lines(0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(r)
		if want := split("a\nbc\nd\n", 0, MaxLine); err != io.EOF || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", ext, got, err)
		}
	}
}

func TestDamage(t *testing.T) {
	text := numbered(5000)
	for _, ext := range []string{".gz", ".zst"} {
		whole := compress(t, ext, []byte(text))
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 0xff
		tests := []struct {
			name  string
			data  []byte
			lines bool // some lines come before the error
			exact bool // and they are the file's: damage inside may show only at the checksum behind it
		}{
			{"cut short", whole[:len(whole)/2], true, true},
			{"a byte changed", flipped, true, false},
			{"another format", []byte(text), false, true},
			{"cut in the header", whole[:3], false, true},
		}
		for _, test := range tests {
			t.Run(test.name+ext, func(t *testing.T) {
				var lines []Line
				f, err := Open(t.Context(), write(t, "x"+ext, test.data))
				if err == nil {
					defer f.Close()
					var r *Reader
					if r, err = f.Lines(0); err == nil {
						lines, err = all(r)
					}
				}
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("got %v, want an error that wraps ErrCorrupt", err)
				}
				if (len(lines) > 0) != test.lines {
					t.Errorf("%d lines came before the error", len(lines))
				}
				for _, line := range lines {
					if test.exact && line.Text != text[line.Offset:line.End-1] {
						t.Fatalf("a line that is not in the file: %+v", line)
					}
				}
			})
		}
	}
	for _, ext := range []string{".gz", ".zst"} {
		t.Run("no bytes"+ext, func(t *testing.T) {
			if _, err := Open(t.Context(), write(t, "x"+ext, nil)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// linesOf returns the texts of a file's lines, and the error behind the last one.
func linesOf(t *testing.T, path string) (texts []string, err error) {
	t.Helper()
	f, err := Open(t.Context(), path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := f.Lines(0)
	if err != nil {
		return nil, err
	}
	lines, err := all(r)
	for _, line := range lines {
		texts = append(texts, line.Text)
	}
	return texts, err
}

// What stands behind a compressed file's end: zeros end a .gz, anything else is damage.
func TestBehindTheEnd(t *testing.T) {
	gz, zst := compress(t, ".gz", []byte("a\nb\n")), compress(t, ".zst", []byte("a\nb\n"))
	zeros := make([]byte, 100_000) // more than a buffer
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name, ext string
		data      []byte
		lines     int
		damaged   bool
	}{
		{"a zero", ".gz", join(gz, zeros[:1]), 2, false},
		{"zeros", ".gz", join(gz, zeros), 2, false},
		{"two members and zeros", ".gz", join(gz, gz, zeros[:512]), 4, false},
		{"zeros and something", ".gz", join(gz, zeros, []byte("x")), 2, true},
		{"zeros and a member", ".gz", join(gz, zeros[:3], gz), 2, true},
		{"something", ".gz", join(gz, []byte("something")), 2, true},
		{"the start of a member", ".gz", join(gz, gz[:5]), 2, true},
		{"zeros alone", ".gz", zeros[:512], 0, true},
		{"two frames", ".zst", join(zst, zst), 4, false},
		{"zeros", ".zst", join(zst, zeros[:512]), 2, true},
		{"one zero", ".zst", join(zst, zeros[:1]), 2, true},
		{"the start of a frame", ".zst", join(zst, zst[:2]), 2, true},
		{"zeros alone", ".zst", zeros[:512], 0, true},
	}
	for _, test := range tests {
		t.Run(test.name+test.ext, func(t *testing.T) {
			texts, err := linesOf(t, write(t, "x"+test.ext, test.data))
			if len(texts) != test.lines || test.damaged != errors.Is(err, ErrCorrupt) || !test.damaged && err != io.EOF {
				t.Errorf("got %q, %v", texts, err)
			}
		})
	}
}

// wideFrame is a frame of zstd that holds text and asks for a window of 2^31 bytes, as
// zstd --long=31 writes it.
func wideFrame(text string) []byte {
	head := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, (31 - 10) << 3}
	block := uint32(len(text))<<3 | 1 // raw, the last one
	return append(append(head, byte(block), byte(block>>8), byte(block>>16)), text...)
}

func TestWindow(t *testing.T) {
	whole := compress(t, ".zst", []byte("a\n"))
	for name, data := range map[string][]byte{
		"alone":                   wideFrame("b\n"),
		"behind another frame":    append(whole, wideFrame("b\n")...),
		"in one piece of 200 MiB": {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0x80, 0x0c, 0, 0, 0},
	} {
		_, err := linesOf(t, write(t, "x.zst", data))
		if !errors.Is(err, ErrWindow) || errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "window above 128 MiB: repack") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	for _, ext := range []string{"", ".gz", ".zst"} {
		f := open(t, write(t, "x"+ext, compress(t, ext, []byte("\ufeffa\n\ufeffb\n"))))
		for _, test := range []struct {
			offset int64
			want   []Line
		}{
			{0, []Line{{Text: "a", Offset: 3, End: 5, Finished: true}, {Text: "\ufeffb", Offset: 5, End: 10, Finished: true}}},
			{3, []Line{{Text: "a", Offset: 3, End: 5, Finished: true}, {Text: "\ufeffb", Offset: 5, End: 10, Finished: true}}},
			{5, []Line{{Text: "\ufeffb", Offset: 5, End: 10, Finished: true}}},
			{10, nil},
		} {
			r, err := f.Lines(test.offset)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := all(r); err != io.EOF || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%q from %d: got %+v, %v", ext, test.offset, got, err)
			}
		}
		if texts, err := linesOf(t, write(t, "x"+ext, compress(t, ext, []byte("\ufeff")))); len(texts) != 0 || err != io.EOF {
			t.Errorf("%q: of a mark alone: %q, %v", ext, texts, err)
		}
	}
}

func TestNotFiles(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder.jsonl")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Open(t.Context(), folder); !errors.Is(err, ErrNotFile) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(t.Context(), socket); err == nil {
		t.Error("a socket was opened")
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}

func TestCancel(t *testing.T) {
	text := numbered(20000)
	for _, ext := range []string{"", ".gz", ".zst"} {
		ctx, cancel := context.WithCancel(t.Context())
		f, err := Open(ctx, write(t, "x"+ext, compress(t, ext, []byte(text))))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := f.Lines(0)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		lines, err := all(r)
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: got %v", ext, err)
		}
		if len(lines) == 20000 {
			t.Errorf("%q: the file was read to its end", ext)
		}
	}
}

func TestDiskBytes(t *testing.T) {
	text := numbered(5000)
	for _, ext := range []string{"", ".gz", ".zst"} {
		path := write(t, "x"+ext, compress(t, ext, []byte(text)))
		f := open(t, path)
		r, err := f.Lines(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all(r); err != io.EOF {
			t.Fatal(err)
		}
		if f.DiskBytes() != f.Info().Size() {
			t.Errorf("%q: read %d bytes of %d", ext, f.DiskBytes(), f.Info().Size())
		}
	}
}
