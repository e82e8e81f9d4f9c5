package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// row is a line of the table: one measure of a scenario, ours and a peer's.
type row struct {
	what    string
	of      func(measures) float64
	unit    unit
	against string // the peer's name, "" for none
	target  target
}

// target is what the value, or its ratio to the peer's, shall be; the zero target
// is none.
type target struct {
	bound   bound
	limit   float64
	isRatio bool
}

type bound string

const (
	atLeast bound = "≥"
	atMost  bound = "≤"
)

func ratioOf(b bound, limit float64) target { return target{b, limit, true} }
func valueOf(b bound, limit float64) target { return target{b, limit, false} }

func (t target) String() string {
	switch {
	case t.bound == "":
		return ""
	case t.isRatio:
		return fmt.Sprintf("%s %v ×", t.bound, t.limit)
	}
	return fmt.Sprintf("%s %v", t.bound, t.limit)
}

// verdict reports whether the target is met.
func (t target) verdict(value, ratio float64) string {
	if t.isRatio {
		value = ratio
	}
	switch {
	case t.bound == "":
		return ""
	case t.bound == atLeast && value >= t.limit, t.bound == atMost && value <= t.limit:
		return "met"
	}
	return "missed"
}

// results are the runs of a scenario's contenders by name, in the order of the pairs.
type results map[string][]measures

func (r results) values(contender string, of func(measures) float64) []float64 {
	var values []float64
	for _, m := range r[contender] {
		values = append(values, of(m))
	}
	return values
}

// cells returns the row of the table. The ratio is the median of those of each
// pair: what else goes on in the machine touches both of a pair.
func (w row) cells(r results) []string {
	mine := r.values(ours, w.of)
	value := spreadOf(mine)
	cells := []string{w.what, value.in(w.unit), w.against, "", "", w.target.String(), ""}
	ratio := spread{}
	if w.against != "" {
		theirs := r.values(w.against, w.of)
		var ratios []float64
		for i := range min(len(mine), len(theirs)) {
			ratios = append(ratios, mine[i]/theirs[i])
		}
		ratio = spreadOf(ratios)
		cells[3] = spreadOf(theirs).in(w.unit)
		cells[4] = ratio.in(decimal)
	}
	cells[6] = w.target.verdict(value.median, ratio.median)
	return cells
}

// table is a table in Markdown that can be read as it is.
type table struct{ lines [][]string }

func newTable() *table {
	return &table{[][]string{{"", "rollcall", "beside", "it", "ratio", "target", ""}, nil}}
}

func (t *table) add(s scenario, r results) {
	t.lines = append(t.lines, []string{"**" + s.title + "**", "", "", "", "", "", ""})
	for _, w := range s.rows {
		t.lines = append(t.lines, w.cells(r))
	}
}

func (t *table) String() string {
	width := make([]int, len(t.lines[0]))
	for _, cells := range t.lines {
		for i, cell := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, cells := range t.lines {
		for i := range width {
			if cells == nil {
				b.WriteString("|" + strings.Repeat("-", width[i]+2))
				continue
			}
			b.WriteString("| " + cells[i] + strings.Repeat(" ", width[i]+1-utf8.RuneCountInString(cells[i])))
		}
		b.WriteString("|\n")
	}
	return b.String()
}
