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
	t.Run("an empty .gz", func(t *testing.T) {
		if _, err := Open(t.Context(), write(t, "x.gz", nil)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("got %v", err)
		}
	})
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
