package cli

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

// cells are a row of a table, each printed as fmt.Sprint does.
type cells []any

// table is printed without lines around it: as a whole, or piece by piece as its rows come,
// each piece aligned to all that has come. Text that people wrote goes through
// terminal.Visible on its way in.
type table struct {
	header []string
	rows   [][]string // that are not printed yet
	column []column
	bold   bool // the header
	width  int  // of the terminal that it has to fit; 0: none
	begun  bool
	shown  []int // the columns that fit, by number
}

// column is how a column is aligned, and what becomes of it where the terminal is narrow.
type column struct {
	header, cells bool // aligned at the right end
	kind          kind
	rank          int // columns of a high rank shrink, and go, first; 0 stays
	least         int // columns that it keeps
	natural       int // columns that all of it takes
	widest        int // the same of its cells alone
	now           int // columns that it has
}

// kind is what a column loses first.
type kind int

const (
	whole    kind = iota // nothing: a number, an id
	cutEnd               // the end
	cutStart             // the beginning: a path
	broken               // nothing: it goes on in the next line
	instant              // seconds, then the time of day
)

func keeps(rank int) column       { return column{kind: whole, rank: rank} }
func cuts(rank, least int) column { return column{kind: cutEnd, rank: rank, least: least} }
func tails(rank, least int) column {
	return column{kind: cutStart, rank: rank, least: least}
}
func wraps(rank, least int) column { return column{kind: broken, rank: rank, least: least} }
func instants(rank int) column {
	return column{kind: instant, rank: rank, least: len("2006-01-02")}
}

func (a *app) table(header ...string) *table {
	t := a.columns(header...)
	for i := range t.column {
		t.column[i].cells = true // until there is one that is no number
	}
	return t
}

// columns is a table whose columns are all aligned at their left end.
func (a *app) columns(header ...string) *table {
	t := &table{header: header, column: make([]column, len(header)), bold: a.colour}
	if a.tty && !a.wide {
		t.width = terminal.Width()
	}
	return t
}

// layout says of each column what becomes of it where the terminal is narrow.
func (t *table) layout(columns ...column) {
	for i, c := range columns {
		own := &t.column[i]
		own.kind, own.rank, own.least = c.kind, c.rank, c.least
	}
}

// AppendRow adds a row, which has a cell for each column.
func (t *table) AppendRow(row cells) {
	for i, cell := range row {
		t.column[i].cells = t.column[i].header || t.column[i].cells && isNumber(cell)
	}
	t.rows = append(t.rows, texts([]cells{row})...)
}

// texts are rows as they are printed.
func texts(rows []cells) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = make([]string, len(row))
		for j, cell := range row {
			out[i][j] = fmt.Sprint(cell)
		}
	}
	return out
}

// isNumber tells numbers, ids among them.
func isNumber(cell any) bool {
	v := reflect.ValueOf(cell)
	return v.CanInt() || v.CanUint() || v.CanFloat()
}

// alignRight aligns columns, counted from 1, with their headers.
func alignRight(t *table, columns ...int) {
	for _, n := range columns {
		t.column[n-1].header, t.column[n-1].cells = true, true
	}
}

// print writes a table of so many rows, or a line if it has none.
func (a *app) print(t *table, rows int, none string) error {
	if rows == 0 {
		_, err := fmt.Fprintln(a.stdout, none)
		return err
	}
	return a.render(a.stdout, t)
}

func (a *app) render(w io.Writer, t *table) error {
	if err := t.print(w, t.rows); err != nil {
		return err
	}
	var left []string
	for i, name := range t.header {
		if t.begun && !contains(t.shown, i) && name != "" {
			left = append(left, name)
		}
	}
	if len(left) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, a.prose("(not shown: "+strings.Join(left, ", ")+"; --wide shows all)"))
	return err
}

func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

// moment shows an instant to people: UTC, to the second.
func moment(m store.Micros) string { return m.Time().Format("2006-01-02 15:04:05Z") }

// print prints the next rows, before the first ones the header.
func (t *table) print(w io.Writer, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	t.measure(rows)
	t.fit()
	var b strings.Builder
	if !t.begun {
		line := t.line(t.header, func(c column) bool { return c.header }, false)
		if t.bold {
			line = bold(line)
		}
		b.WriteString(line + "\n")
		t.begun = true
	}
	for _, row := range rows {
		b.WriteString(t.line(row, func(c column) bool { return c.cells }, true) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) measure(rows [][]string) {
	for i := range t.column {
		c := &t.column[i]
		for _, row := range rows {
			c.widest = max(c.widest, terminal.Columns(row[i]))
		}
		c.natural = max(c.widest, terminal.Columns(t.header[i]))
	}
}

const between = 2 // columns

// fit gives each column its width, and leaves out those for which there is no room.
func (t *table) fit() {
	t.shown = t.shown[:0]
	for i := range t.column {
		t.shown = append(t.shown, i)
	}
	for {
		over := t.spread()
		if over <= 0 || t.width == 0 {
			return
		}
		last := -1
		for at, i := range t.shown {
			if t.column[i].rank > 0 && (last < 0 || t.column[i].rank >= t.column[t.shown[last]].rank) {
				last = at
			}
		}
		if last < 0 { // nothing more can go: the terminal breaks the lines
			return
		}
		t.shown = append(t.shown[:last], t.shown[last+1:]...)
	}
}

// spread shrinks the columns that are shown as far as they can, and returns how much is
// over even so.
func (t *table) spread() (over int) {
	over = between*(len(t.shown)-1) - t.width
	for _, i := range t.shown {
		t.column[i].now = t.column[i].natural
		over += t.column[i].natural
	}
	if t.width == 0 {
		return over
	}
	shrink := func(c *column, least int) {
		by := min(over, max(0, c.now-max(least, 1)))
		if by > 0 {
			c.now -= by
			over -= by
		}
	}
	for _, i := range t.shown {
		if c := &t.column[i]; c.kind == broken {
			shrink(c, max(c.least, t.width/2)) // while others can still shrink
		}
	}
	for rank := 9; rank >= 0; rank-- {
		for _, i := range t.shown {
			c := &t.column[i]
			switch {
			case c.rank != rank:
			case c.kind == whole: // but for a header that nothing makes way for
				if c.rank == 0 {
					shrink(c, max(c.widest, min(terminal.Columns(t.header[i]), 4)))
				}
			default:
				shrink(c, c.least)
			}
		}
	}
	return over
}

// line is a row, several lines where a cell is broken.
func (t *table) line(row []string, right func(column) bool, breaks bool) string {
	parts := make([][]string, len(t.shown))
	height := 1
	for n, i := range t.shown {
		parts[n] = t.column[i].parts(row[i], breaks)
		height = max(height, len(parts[n]))
	}
	lines := make([]string, height)
	for y := range lines {
		var b strings.Builder
		for n, i := range t.shown {
			cell := ""
			if y < len(parts[n]) {
				cell = parts[n][y]
			}
			space := strings.Repeat(" ", max(0, t.column[i].now-terminal.Columns(cell)))
			if n > 0 {
				b.WriteString(strings.Repeat(" ", between))
			}
			if right(t.column[i]) {
				b.WriteString(space + cell)
			} else {
				b.WriteString(cell + space)
			}
		}
		lines[y] = strings.TrimRight(b.String(), " ")
	}
	return strings.Join(lines, "\n")
}

// parts are the lines of a cell.
func (c column) parts(text string, breaks bool) []string {
	if terminal.Columns(text) <= c.now {
		return []string{text}
	}
	switch c.kind {
	case broken:
		if breaks {
			return terminal.Wrap(text, c.now)
		}
	case cutStart:
		if breaks {
			return []string{terminal.ShortenLeft(text, c.now)}
		}
	case instant:
		for _, form := range []string{"2006-01-02 15:04", "2006-01-02"} {
			if len(text) > len(form) && len(form) <= c.now && strings.HasPrefix(text[4:], "-") {
				return []string{text[:len(form)]}
			}
		}
	}
	return []string{terminal.Shorten(text, c.now)}
}
