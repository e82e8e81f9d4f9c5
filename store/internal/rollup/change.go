package rollup

import (
	"slices"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
)

// Change is a record that came (by 1) or went (by -1).
type Change struct {
	User    snowflake.ID
	Time    civil.Micros
	Channel uint32
	By      int8
}

// SortChanges puts changes into the order of users and times, in which they
// are unless something was merged.
func SortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int {
		return CompareMoments(Moment{a.Time, a.User}, Moment{b.Time, b.User})
	})
}

// Cell is where a change is counted in its week.
func (c *Change) Cell() Cell {
	return Cell{uint16(civil.QuarterOf(c.Time) % civil.WeekQuarters), c.Channel, int64(c.By)}
}

// Cells are what came and went in a user's week, in no order.
func (w *UserWeek) Cells(to []Cell) []Cell {
	for _, c := range w.changes {
		to = append(to, c.Cell())
	}
	return to
}
