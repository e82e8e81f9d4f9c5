package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"rollcall/store"
)

// newTable returns a table without lines around it. Text that people wrote goes
// through terminal.Visible on its way in.
func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.AppendHeader(header)
	return t
}

// alignRight aligns columns of numbers, counted from 1.
func alignRight(t table.Writer, columns ...int) {
	var configs []table.ColumnConfig
	for _, n := range columns {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}

// print writes a table of so many rows, or a line if it has none.
func (a *app) print(t table.Writer, rows int, none string) error {
	if rows == 0 {
		_, err := fmt.Fprintln(a.stdout, none)
		return err
	}
	if a.colour {
		t.Style().Color.Header = text.Colors{text.Bold}
	}
	t.SuppressTrailingSpaces()
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

// moment shows an instant to people: UTC, to the second.
func moment(m store.Micros) string { return m.Time().Format("2006-01-02 15:04:05Z") }

// columns is a table that is printed piece by piece as its rows come, and aligned to
// all that has come. Text that people wrote goes through terminal.Visible on its way in.
type columns struct {
	header []string
	bold   bool // the header
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
		line := t.line(t.header)
		if t.bold {
			line = text.Bold.Sprint(line)
		}
		b.WriteString(line + "\n")
		t.begun = true
	}
	for _, row := range rows {
		b.WriteString(t.line(row) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *columns) widen(row []string) {
	for i, cell := range row {
		t.widths[i] = max(t.widths[i], text.StringWidth(cell))
	}
}

func (t *columns) line(row []string) string {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", t.widths[i]-text.StringWidth(cell)+2))
		}
	}
	return b.String()
}
