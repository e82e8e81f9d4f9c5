package ndjson

import (
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// all reads every line of r, and the error behind the last one.
func all(r *Reader) ([]Line, error) {
	var lines []Line
	for {
		line, err := r.Next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
}

// split is what the reader must find, said the obvious way.
func split(s string, offset int64, limit int) []Line { return splitParting(s, offset, limit, "") }

// splitParting is split for a reader that parts lines that are too long.
func splitParting(s string, offset int64, limit int, start string) []Line {
	var lines []Line
	for s != "" {
		text, rest, finished := strings.Cut(s, "\n")
		line := Line{Offset: offset, End: offset + int64(len(s)-len(rest)), Finished: finished}
		if finished {
			text = strings.TrimSuffix(text, "\r")
		}
		if line.TooLong = len(text) > limit; !line.TooLong {
			line.Text = text
		}
		end := line.End
		if i := strings.LastIndex(text, start); start != "" && line.TooLong && i > 0 && len(text)-i <= limit {
			line.End = offset + int64(i)
			lines = append(lines, line)
			line = Line{Text: text[i:], Offset: line.End, End: end, Finished: finished, Parted: true}
		}
		lines = append(lines, line)
		s, offset = rest, end
	}
	return lines
}

func TestLines(t *testing.T) {
	tests := []struct {
		name, input string
		want        []Line
	}{
		{"empty", "", nil},
		{"one", "ab\n", []Line{{Text: "ab", Offset: 100, End: 103, Finished: true}}},
		{"windows", "ab\r\nc\r\n", []Line{
			{Text: "ab", Offset: 100, End: 104, Finished: true},
			{Text: "c", Offset: 104, End: 107, Finished: true}}},
		{"blank lines", "\n\r\n", []Line{
			{Offset: 100, End: 101, Finished: true},
			{Offset: 101, End: 103, Finished: true}}},
		{"one return is not two", "a\r\r\n", []Line{{Text: "a\r", Offset: 100, End: 104, Finished: true}}},
		{"unfinished", "ab\nc", []Line{
			{Text: "ab", Offset: 100, End: 103, Finished: true},
			{Text: "c", Offset: 103, End: 104}}},
		{"unfinished keeps its return", "ab\r", []Line{{Text: "ab\r", Offset: 100, End: 103}}},
		{"as long as may be", "12345678\n", []Line{{Text: "12345678", Offset: 100, End: 109, Finished: true}}},
		{"as long as may be, windows", "12345678\r\n", []Line{{Text: "12345678", Offset: 100, End: 110, Finished: true}}},
		{"one too long", "123456789\nb\n", []Line{
			{Offset: 100, End: 110, Finished: true, TooLong: true},
			{Text: "b", Offset: 110, End: 112, Finished: true}}},
		{"much too long", strings.Repeat("x", 1000) + "\nb\n", []Line{
			{Offset: 100, End: 1101, Finished: true, TooLong: true},
			{Text: "b", Offset: 1101, End: 1103, Finished: true}}},
		{"too long and unfinished", strings.Repeat("x", 1000), []Line{{Offset: 100, End: 1100, TooLong: true}}},
		{"too long by one and unfinished", "123456789", []Line{{Offset: 100, End: 109, TooLong: true}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 8, 9, 10, 11, 64} {
				got, err := all(newReader(strings.NewReader(test.input), 100, size, 8))
				if err != io.EOF || !reflect.DeepEqual(got, test.want) {
					t.Fatalf("blocks of %d bytes: got %+v, %v; want %+v", size, got, err, test.want)
				}
			}
		})
	}
}

func TestLimit(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	lines, err := all(newReader(strings.NewReader(long+"\r\n"+long+"y\nz\n"), 0, blockSize, MaxLine))
	if err != io.EOF || len(lines) != 3 {
		t.Fatalf("got %d lines, %v", len(lines), err)
	}
	if lines[0].TooLong || lines[0].Text != long {
		t.Error("a line of 16 MiB was not handed out")
	}
	if !lines[1].TooLong || lines[1].Offset != MaxLine+2 || lines[1].Text != "" {
		t.Errorf("a line of 16 MiB and a byte: offset %d, too long %t", lines[1].Offset, lines[1].TooLong)
	}
	if lines[2].Text != "z" || lines[2].Offset != 2*MaxLine+4 {
		t.Errorf("behind it: %+v", lines[2])
	}
}

// endless is a line of n bytes that nobody could hold.
type endless int64

func (e *endless) Read(p []byte) (int, error) {
	if *e == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), int64(*e)) // whatever stands in p is the line: it holds no newline
	*e -= endless(n)
	return int(n), nil
}

func TestEndlessLineIsNotHeld(t *testing.T) {
	const size = 1 << 32
	e := endless(size)
	r := newReader(io.MultiReader(&e, strings.NewReader("\nafter\n")), 0, blockSize, MaxLine)
	line, err := r.Next()
	if err != nil || !line.TooLong || !line.Finished || line.End != size+1 {
		t.Fatalf("got %+v, %v", line, err)
	}
	if len(r.buf) > blockSize {
		t.Errorf("the buffer still holds %d bytes", len(r.buf))
	}
	if line, err = r.Next(); err != nil || line.Text != "after" {
		t.Errorf("behind it: %+v, %v", line, err)
	}
}

func TestSourceError(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name, input string
		want        int
	}{
		{"whole lines come first, half a line does not", "a\nb\nhal", 2},
		{"nothing", "", 0},
		{"in a line that is too long", "a\n" + strings.Repeat("x", 100), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := io.MultiReader(strings.NewReader(test.input), iotest.ErrReader(boom))
			r := newReader(src, 0, 16, 8)
			lines, err := all(r)
			if len(lines) != test.want || err != boom {
				t.Errorf("got %d lines, %v; want %d, boom", len(lines), err, test.want)
			}
			if _, err := r.Next(); err != boom {
				t.Errorf("the error was forgotten: %v", err)
			}
		})
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestStuckSource(t *testing.T) {
	if _, err := newReader(stuck{}, 0, blockSize, MaxLine).Next(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

func TestPartLong(t *testing.T) {
	x := strings.Repeat("x", 50)
	tests := []struct {
		name, input string
		want        []string // texts, "…" for what is too long
	}{
		{"short lines stay whole", "x<ab\n", []string{"x<ab"}},
		{"behind a long start", x + "<abc\nd\n", []string{"…", "<abc", "d"}},
		{"the last place counts", x + "<abc" + x + "<d<e\n", []string{"…", "<e"}},
		{"windows", x + "<abcdefg\r\n", []string{"…", "<abcdefg"}},
		{"unfinished", x + "<abc\r", []string{"…", "<abc\r"}},
		{"what follows is too long, too", x + "<" + x + "\n", []string{"…"}},
		{"as long as may be", x + "<2345678\n", []string{"…", "<2345678"}},
		{"too long by one", x + "<23456789\n", []string{"…"}},
		{"a line's own start parts nothing", "<" + x + "\n", []string{"…"}},
		{"too long by little", "12345<78901\n", []string{"…", "<78901"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, start := range []string{"<", "<<<"} { // in one piece, and over the edges of blocks
				input := strings.ReplaceAll(test.input, "<", start)
				for _, size := range []int{1, 2, 3, 7, 10, 64} {
					limit := 8 + len(start) - 1
					r := newReader(strings.NewReader(input), 100, size, limit)
					r.PartLong(start)
					got, err := all(r)
					if want := splitParting(input, 100, limit, start); err != io.EOF || !reflect.DeepEqual(got, want) {
						t.Fatalf("%q in blocks of %d bytes: got %+v, %v; want %+v", input, size, got, err, want)
					}
					if start != "<" {
						continue
					}
					var texts []string
					for _, line := range got {
						if line.TooLong {
							line.Text = "…"
						}
						texts = append(texts, line.Text)
					}
					if !reflect.DeepEqual(texts, test.want) {
						t.Fatalf("%q: got %q, want %q", input, texts, test.want)
					}
				}
			}
		})
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\nc", uint8(3), uint8(5), false, "")
	f.Add("\r\n\r\r\n\r", uint8(1), uint8(1), true, "\r")
	f.Add(strings.Repeat("x", 40)+"\n1\n", uint8(4), uint8(30), false, "xx")
	f.Add("12345678\r\n123456789\n", uint8(2), uint8(8), true, "45")
	f.Add(strings.Repeat("\x00", 40)+`{"a":"b"}`+"\n1\n", uint8(4), uint8(20), false, `{"a":"`)
	f.Fuzz(func(t *testing.T, input string, size, limit uint8, slow bool, start string) {
		if strings.ContainsAny(start, "\n\r") {
			start = ""
		}
		if size == 0 {
			size = 1
		}
		var src io.Reader = strings.NewReader(input)
		if slow {
			src = iotest.OneByteReader(src)
		}
		r := newReader(src, 7, int(size), int(limit))
		r.PartLong(start)
		got, err := all(r)
		if want := splitParting(input, 7, int(limit), start); err != io.EOF || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	data := strings.Repeat(strings.Repeat("x", 280)+"\n", 100_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := newReader(strings.NewReader(data), 0, blockSize, MaxLine)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
	runtime.KeepAlive(data)
}
