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

// table is printed as a whole, without lines around it. Text that people wrote goes
// through terminal.Visible on its way in.
type table struct {
	header  []string
	rows    [][]string
	columns []alignment
}

// alignment says what of a column is aligned at its right end.
type alignment struct{ header, cells bool }

func newTable(header ...any) *table {
	t := &table{columns: make([]alignment, len(header))}
	for i, cell := range header {
		t.header = append(t.header, fmt.Sprint(cell))
		t.columns[i].cells = true // until there is one that is no number
	}
	return t
}

// AppendRow adds a row, which has a cell for each column.
func (t *table) AppendRow(row cells) {
	texts := make([]string, len(t.columns))
	for i, cell := range row {
		texts[i] = fmt.Sprint(cell)
		t.columns[i].cells = t.columns[i].header || t.columns[i].cells && isNumber(cell)
	}
	t.rows = append(t.rows, texts)
}

// isNumber tells numbers, ids among them.
func isNumber(cell any) bool {
	v := reflect.ValueOf(cell)
	return v.CanInt() || v.CanUint() || v.CanFloat()
}

// alignRight aligns columns, counted from 1, with their headers.
func alignRight(t *table, columns ...int) {
	for _, n := range columns {
		t.columns[n-1] = alignment{true, true}
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
	c := columns{header: t.header, bold: a.colour, right: t.columns}
	return c.print(w, t.rows)
}

// moment shows an instant to people: UTC, to the second.
func moment(m store.Micros) string { return m.Time().Format("2006-01-02 15:04:05Z") }

// columns is a table that is printed piece by piece as its rows come, and aligned to
// all that has come. Text that people wrote goes through terminal.Visible on its way in.
type columns struct {
	header []string
	bold   bool        // the header
	right  []alignment // nil: nothing
	begun  bool
	widths []int
}

// print prints the next rows, before the first ones the header.
func (t *columns) print(w io.Writer, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	if !t.begun {
		t.widths = make([]int, len(t.header))
		t.widen(t.header)
	}
	for _, row := range rows {
		t.widen(row)
	}
	var b strings.Builder
	if !t.begun {
		line := t.line(t.header, func(a alignment) bool { return a.header })
		if t.bold {
			line = bold(line)
		}
		b.WriteString(line + "\n")
		t.begun = true
	}
	for _, row := range rows {
		b.WriteString(t.line(row, func(a alignment) bool { return a.cells }) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *columns) widen(row []string) {
	for i, cell := range row {
		t.widths[i] = max(t.widths[i], terminal.Columns(cell))
	}
}

func (t *columns) line(row []string, right func(alignment) bool) string {
	var b strings.Builder
	for i, cell := range row {
		space := strings.Repeat(" ", t.widths[i]-terminal.Columns(cell))
		if i > 0 {
			b.WriteString("  ")
		}
		if t.right != nil && right(t.right[i]) {
			b.WriteString(space + cell)
		} else {
			b.WriteString(cell + space)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
