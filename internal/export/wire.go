package export

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"rollcall/store"
)

// The stream: a header, then frames. A frame is a kind, the length of the rest as a uvarint,
// and that many bytes. Numbers are uvarints, times varints, texts have their length before them.
//
//	'g' id · name
//	'c' id · parent · name
//	'u' id · name
//	'r' see appendRecord
//	'e' records · left out         the last one
const (
	wireHeader = "rollcall records 1\n"
	// maxFrame bounds a frame. A record's texts have at most a few hundred KiB.
	maxFrame = 16 << 20
)

// ErrCut is returned for a stream that ends early.
var ErrCut = errors.New("the stream of records ends early")

// errFrame is returned for a frame that cannot be read.
var errFrame = errors.New("the stream of records cannot be read: it is of another version of rollcall, or damaged")

// Encoder writes a stream. It is a Sink.
type Encoder struct {
	w       io.Writer
	b       []byte
	room    []byte // for one frame
	begun   bool
	records int64
}

// NewEncoder returns an encoder that writes to w in pieces of some 32 KiB.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

const pieceSize = 32 << 10

func (e *Encoder) frame(kind byte, body []byte) error {
	if !e.begun {
		e.begun = true
		e.b = append(e.b, wireHeader...)
	}
	e.b = append(e.b, kind)
	e.b = binary.AppendUvarint(e.b, uint64(len(body)))
	e.b = append(e.b, body...)
	e.room = body[:0]
	if len(e.b) < pieceSize {
		return nil
	}
	return e.flush()
}

func (e *Encoder) flush() error {
	_, err := e.w.Write(e.b)
	e.b = e.b[:0]
	return err
}

// Guild encodes a guild.
func (e *Encoder) Guild(g Guild) error {
	return e.frame('g', appendText(binary.AppendUvarint(e.room[:0], uint64(g.ID)), g.Name))
}

// Channel encodes a channel.
func (e *Encoder) Channel(c Channel) error {
	b := binary.AppendUvarint(e.room[:0], uint64(c.ID))
	return e.frame('c', appendText(binary.AppendUvarint(b, uint64(c.Parent)), c.Name))
}

// User encodes a user.
func (e *Encoder) User(u User) error {
	return e.frame('u', appendText(binary.AppendUvarint(e.room[:0], uint64(u.ID)), u.Name))
}

// Record encodes a record.
func (e *Encoder) Record(r *store.Record) error {
	e.records++
	return e.frame('r', appendRecord(e.room[:0], r))
}

// End ends the stream; left is what Read has returned.
func (e *Encoder) End(left int64) error {
	b := binary.AppendUvarint(e.room[:0], uint64(e.records))
	if err := e.frame('e', binary.AppendUvarint(b, uint64(left))); err != nil {
		return err
	}
	return e.flush()
}

// Decode hands out what an Encoder has written, and returns what its End was told. The error
// is ErrCut if the stream ends before that.
func Decode(r io.Reader, sink Sink) (left int64, err error) {
	in := bufio.NewReaderSize(r, 2*pieceSize)
	header := make([]byte, len(wireHeader))
	if _, err := io.ReadFull(in, header); err != nil {
		return 0, cut(err)
	}
	if string(header) != wireHeader {
		return 0, errFrame
	}
	d := decoder{in: in, sink: sink}
	for {
		more, err := d.frame()
		if err != nil || !more {
			return d.left, err
		}
	}
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	return err
}

type decoder struct {
	in            *bufio.Reader
	sink          Sink
	guild, user   store.ID
	records, left int64
	b             []byte
	record        store.Record
	extra         store.Extra
	names         names
}

// frame reads a frame and reports whether there are more.
func (d *decoder) frame() (more bool, err error) {
	kind, err := d.in.ReadByte()
	if err != nil {
		return false, cut(err)
	}
	size, err := binary.ReadUvarint(d.in)
	if err != nil {
		return false, cut(err)
	}
	if size > maxFrame {
		return false, errFrame
	}
	if uint64(cap(d.b)) < size {
		d.b = make([]byte, size)
	}
	d.b = d.b[:size]
	if _, err := io.ReadFull(d.in, d.b); err != nil {
		return false, cut(err)
	}
	f := fields{b: d.b, names: &d.names}
	switch kind {
	case 'g':
		g := Guild{f.id(), f.text()}
		if f.ended() {
			d.guild, d.user = g.ID, 0
			return true, d.sink.Guild(g)
		}
	case 'c':
		c := Channel{f.id(), f.id(), f.text()}
		if f.ended() {
			return true, d.sink.Channel(c)
		}
	case 'u':
		u := User{f.id(), f.text()}
		if f.ended() {
			d.user = u.ID
			return true, d.sink.User(u)
		}
	case 'r':
		f.record(&d.record, &d.extra)
		if f.ended() {
			d.record.Guild, d.record.User = d.guild, d.user
			d.records++
			return true, d.sink.Record(&d.record)
		}
	case 'e':
		records, left := f.number(), f.number()
		if f.ended() && records == uint64(d.records) {
			d.left = int64(left)
			return false, nil
		}
	}
	return false, fmt.Errorf("%w (frame %q)", errFrame, kind)
}
