package ndjson

import (
	"bytes"
	"io"
	"strings"
)

// MaxLine is the greatest length of a line in bytes, its end not counted.
const MaxLine = 16 << 20

// blockSize is how much is read and made a string at a time. Past 256 KiB
// larger blocks are no faster, and they would keep more memory alive for each
// line that is kept.
const blockSize = 256 << 10

// Line is one line of a file.
type Line struct {
	// Text is the line without its end; "" if it is too long.
	Text string
	// Offset is where the line starts and End where the next one does, in
	// (decompressed) bytes.
	Offset, End int64
	// Finished says that a "\n" ends the line. Only the last one can lack it.
	Finished bool
	// TooLong says that the line is longer than MaxLine, or the part of such a line
	// that PartLong parts from the rest.
	TooLong bool
	// Parted says that the line is the second part of such a line.
	Parted bool
}

// Reader hands out the lines of a source one after another. It belongs to one
// goroutine.
type Reader struct {
	src    io.Reader
	err    error  // what ended the source, nil before
	block  string // whole lines that have been read and not handed out
	offset int64  // where the next line starts
	buf    []byte // buf[:n] stands behind block: the start of a line
	n      int
	size   int // length of buf as long as no line needs more
	limit  int
	start  string // see PartLong
	rest   Line   // the second part of a line that was parted; it has an End if there is one
}

// newReader returns a reader of the lines of src, whose first byte has the
// given offset in its file, in blocks of the given size.
func newReader(src io.Reader, offset int64, size, limit int) *Reader {
	return &Reader{src: src, offset: offset, buf: make([]byte, size), size: size, limit: limit}
}

// PartLong makes the reader part a line that is too long in two, before the last
// place behind its first byte where start stands: what comes before is handed out as
// too long, and then what follows, if that is short enough, as a line of its own.
// Where one line is longer than anybody writes, many were written as one.
func (r *Reader) PartLong(start string) { r.start = start }

// Next returns the next line; io.EOF behind the last one, or whatever error
// the source gave once all lines that were read in full before it are handed out.
func (r *Reader) Next() (Line, error) {
	if line := r.rest; line.End > 0 {
		r.rest = Line{}
		return line, nil
	}
	for r.block == "" {
		switch {
		case r.err != nil:
			return r.tail()
		case r.n >= r.limit+len("\r\n"):
			return r.skip()
		}
		r.fill()
	}
	end := strings.IndexByte(r.block, '\n') + 1
	line := Line{Text: r.block[:end-1], Offset: r.offset, End: r.offset + int64(end), Finished: true}
	r.block, r.offset = r.block[end:], line.End
	if n := len(line.Text); n > 0 && line.Text[n-1] == '\r' {
		line.Text = line.Text[:n-1]
	}
	return r.bounded(line), nil
}

// bounded takes the text of a line that is too long.
func (r *Reader) bounded(line Line) Line {
	text := line.Text
	if len(text) <= r.limit {
		return line
	}
	line.Text, line.TooLong = "", true
	if r.start == "" {
		return line
	}
	if i := strings.LastIndex(text, r.start); i > 0 && len(text)-i <= r.limit {
		return r.part(line, line.Offset+int64(i), text[i:])
	}
	return line
}

// part keeps the end of a line for the next call, and returns what comes before.
func (r *Reader) part(line Line, at int64, text string) Line {
	r.rest = Line{Text: text, Offset: at, End: line.End, Finished: line.Finished, Parted: true}
	line.End = at
	return line
}

// fill reads until the buffer is full or the source ends. A buffer that is full
// of one line is made larger first, up to what shows that the line is too long.
func (r *Reader) fill() {
	if r.n == len(r.buf) {
		grown := make([]byte, min(2*len(r.buf), r.limit+len("\r\n")))
		copy(grown, r.buf)
		r.buf = grown
	}
	for r.err == nil && r.n < len(r.buf) {
		r.n += r.read(r.buf[r.n:])
	}
	r.cut()
}

// cut makes the whole lines of the buffer the next block, if there are any.
func (r *Reader) cut() {
	end := bytes.LastIndexByte(r.buf[:r.n], '\n') + 1
	if end == 0 {
		return
	}
	r.block = string(r.buf[:end])
	rest := r.buf[end:r.n]
	if len(r.buf) > r.size && len(rest) < r.size {
		r.buf = make([]byte, r.size)
	}
	r.n = copy(r.buf, rest)
}

// skip goes to the end of a line that is too long, of which the buffer is full.
func (r *Reader) skip() (Line, error) {
	line := Line{Offset: r.offset, TooLong: true}
	last := ending{start: []byte(r.start), limit: r.limit}
	last.add(r.buf[:r.n])
	r.offset += int64(r.n)
	r.n = 0
	r.buf = make([]byte, r.size)
	for r.err == nil {
		n := r.read(r.buf)
		if end := bytes.IndexByte(r.buf[:n], '\n') + 1; end > 0 {
			last.add(r.buf[:end-1])
			r.offset += int64(end)
			r.n = copy(r.buf, r.buf[end:n])
			r.cut()
			line.Finished = true
			break
		}
		last.add(r.buf[:n])
		r.offset += int64(n)
	}
	if !line.Finished && r.err != io.EOF {
		return Line{}, r.err
	}
	return r.ended(line, &last), nil
}

// ended gives a line that was skipped its end, behind which the next one starts.
func (r *Reader) ended(line Line, last *ending) Line {
	line.End = r.offset
	text := last.text
	if line.Finished {
		text = bytes.TrimSuffix(text, []byte("\r"))
	}
	if last.found && len(text) <= r.limit {
		return r.part(line, line.Offset+last.at, string(text))
	}
	return line
}

// tail returns what stands behind the last end of a line, then the error that
// ended the source. If that is not io.EOF, the line may go on where nobody can
// read it, and is not handed out.
func (r *Reader) tail() (Line, error) {
	if r.err != io.EOF || r.n == 0 {
		return Line{}, r.err
	}
	line := Line{Text: string(r.buf[:r.n]), Offset: r.offset, End: r.offset + int64(r.n)}
	r.n, r.offset = 0, line.End
	return r.bounded(line), nil
}

// read reads once and keeps the error. A source that gives neither bytes nor
// an error is asked again, but not for ever.
func (r *Reader) read(p []byte) int {
	for range 100 {
		n, err := r.src.Read(p)
		r.err = err
		if n > 0 || err != nil {
			return n
		}
	}
	r.err = io.ErrNoProgress
	return 0
}

// ending holds the end of a line that goes by, from the last place on where start
// stands, as long as that is no more than limit.
type ending struct {
	start []byte
	limit int
	seen  int64  // bytes of the line that went by
	at    int64  // where text starts in the line
	text  []byte // without found: less than start, which may begin in it
	found bool
}

// add takes the next bytes of the line.
func (e *ending) add(p []byte) {
	if len(e.start) == 0 {
		return
	}
	defer func() { e.seen += int64(len(p)) }()
	if i := bytes.LastIndex(p, e.start); i > 0 || i == 0 && e.seen > 0 {
		e.text, e.at, e.found = append(e.text[:0], p[i:]...), e.seen+int64(i), true
		return
	}
	edge := len(e.start) - 1
	tail := max(0, len(e.text)-edge)
	across := append(bytes.Clone(e.text[tail:]), p[:min(len(p), edge)]...)
	if i := bytes.LastIndex(across, e.start); i >= 0 && e.at+int64(tail+i) > 0 {
		e.text, e.at, e.found = append(across[:0:0], e.text[tail+i:]...), e.at+int64(tail+i), true
	}
	if e.found && len(e.text)+len(p) <= e.limit+len("\r") {
		e.text = append(e.text, p...)
		return
	}
	// Nothing of use, or no more: only what start may begin in.
	e.found = false
	if len(p) >= edge {
		e.text, e.at = append(e.text[:0:0], p[len(p)-edge:]...), e.seen+int64(len(p)-edge)
		return
	}
	e.text = append(e.text, p...)
	drop := max(0, len(e.text)-edge)
	e.text, e.at = append(e.text[:0:0], e.text[drop:]...), e.at+int64(drop)
}
