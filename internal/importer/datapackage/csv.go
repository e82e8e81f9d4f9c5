package datapackage

import (
	"bufio"
	"io"
	"strings"

	"rollcall/internal/importer/window"
)

// table reads CSV as Python's csv module writes it. encoding/csv would make "\n" of each
// "\r\n" in a text, and has no bound.
type table struct {
	in         *bufio.Reader
	offset     int64 // how far it was read
	unfinished bool  // no end of a line follows the row that was returned last
	field      []byte
}

func newTable(in io.Reader) *table { return &table{in: bufio.NewReaderSize(in, 256<<10)} }

// row returns the next row that is not empty, io.EOF after the last one, window.ErrTorn
// where the text breaks off within quotes, or a row is endless.
func (t *table) row() (row []string, err error) {
	if t.offset == 0 {
		if start, _ := t.in.Peek(3); string(start) == "\ufeff" {
			t.in.Discard(3)
		}
	}
	size := 0
	t.field = t.field[:0]
	quoted, quotes := false, false // within quotes; the field has or had them
	end := func() {
		row = append(row, string(t.field))
		t.field, quotes = t.field[:0], false
	}
	for {
		b, err := t.in.ReadByte()
		if err != nil {
			if err != io.EOF || quoted {
				return nil, orTorn(err)
			}
			if len(row) == 0 && len(t.field) == 0 && !quotes {
				return nil, io.EOF
			}
			end()
			t.unfinished = true
			return row, nil
		}
		t.offset++
		if size++; size > window.Most {
			return nil, window.ErrTorn
		}
		switch {
		case quoted && b == '"':
			if next, err := t.in.Peek(1); err == nil && next[0] == '"' {
				t.in.Discard(1)
				t.offset++
				t.field = append(t.field, '"')
			} else {
				quoted = false
			}
		case quoted:
			t.field = append(t.field, b)
		case b == '"' && len(t.field) == 0 && !quotes:
			quoted, quotes = true, true
		case b == ',':
			end()
		case b == '\n':
			if len(row) == 0 && !quotes && strings.TrimSpace(string(t.field)) == "" {
				t.field = t.field[:0] // an empty line
				continue
			}
			if n := len(t.field); n > 0 && t.field[n-1] == '\r' {
				t.field = t.field[:n-1]
			}
			end()
			return row, nil
		default:
			t.field = append(t.field, b)
		}
	}
}

func orTorn(err error) error {
	if err == io.EOF {
		return window.ErrTorn
	}
	return err
}
