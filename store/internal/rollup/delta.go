package rollup

import (
	"slices"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
)

// Delta is a record that came (by 1) or went (by -1).
type Delta struct {
	User    snowflake.ID
	Time    civil.Micros
	Channel uint32
	By      int8
}

// SortDeltas puts deltas into the order of users and times, in which they
// are unless something was merged.
func SortDeltas(deltas []Delta) {
	slices.SortFunc(deltas, func(a, b Delta) int {
		return CompareMoments(Moment{a.Time, a.User}, Moment{b.Time, b.User})
	})
}

// Cell is where a change is counted in its week.
func (c *Delta) Cell() Cell {
	return Cell{uint16(civil.QuarterOf(c.Time) % civil.WeekQuarters), c.Channel, int64(c.By)}
}

// Cells are what came and went in a user's week, in no order.
func (w *UserWeek) Cells(to []Cell) []Cell {
	for _, c := range w.deltas {
		to = append(to, c.Cell())
	}
	return to
}
