package window

import (
	"errors"
	"io"

	"rollcall/internal/jsonscan"
)

const (
	first = 8 << 10 // of many files only the beginning is looked at
	block = 256 << 10
	// Most is how large a piece may be. The largest that the tools write are messages with
	// thousands of reactions, each with its people: a few MiB.
	Most = 32 << 20
)

// ErrTorn says that the text ends within a piece, or goes on as no JSON does.
var ErrTorn = errors.New("the text breaks off")

// Window is a part of a text, beginning with what has not been read. It belongs to one
// goroutine.
type Window struct {
	jsonscan.Cursor
	r      io.Reader
	err    error // of r
	before int64 // the bytes before S
	buffer []byte
}

// New returns a window on what r reads.
func New(r io.Reader) *Window { return &Window{r: r} }

// Offset is the place in the text, in bytes.
func (w *Window) Offset() int64 { return w.before + int64(w.I) }

// Piece calls read, which reads a piece of the text, as often as it takes until the
// piece is in the window as a whole; what read does must bear being done again. The
// error is ErrTorn or that of the reader.
func (w *Window) Piece(read func()) error {
	for start := w.I; ; start = 0 {
		if read(); !w.Bad {
			return nil
		}
		w.I, w.Bad = start, false
		if err := w.more(); err != nil {
			w.Bad = true
			return err
		}
	}
}

// more drops what has been read and appends a block, larger ones to a large rest. So a
// text is looked at twice at most.
func (w *Window) more() error {
	rest := w.S[w.I:]
	if w.err != nil {
		if w.err == io.EOF {
			return ErrTorn
		}
		return w.err
	}
	if len(rest) >= Most {
		return ErrTorn
	}
	size := max(block, 2*len(rest))
	if w.buffer == nil && len(rest) == 0 {
		size = first
	}
	if cap(w.buffer) < size {
		w.buffer = make([]byte, size)
	}
	b := w.buffer[:size]
	n := copy(b, rest)
	var read int
	for read == 0 && w.err == nil {
		read, w.err = io.ReadAtLeast(w.r, b[n:], min(len(b)-n, size/2))
		if w.err == io.ErrUnexpectedEOF {
			w.err = io.EOF
		}
	}
	w.before += int64(w.I)
	w.S, w.I = string(b[:n+read]), 0
	if len(rest) < block/2 && cap(w.buffer) > 4*block {
		w.buffer = nil
	}
	if read == 0 {
		if w.err == io.EOF {
			return ErrTorn
		}
		return w.err
	}
	return nil
}

// End reports whether nothing but white space follows, as far as the text can be read.
func (w *Window) End() bool {
	for w.Peek() == 0 {
		if w.I < len(w.S) { // a NUL
			return false
		}
		if w.more() != nil {
			return true
		}
	}
	return false
}

// Whole reports, once End has, whether the text could be read to its end.
func (w *Window) Whole() bool { return w.err == nil || w.err == io.EOF }
