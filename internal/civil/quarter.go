package civil

const (
	// QuarterMicros is the length of a quarter hour, on which the days and hours of all
	// present time zones begin.
	QuarterMicros = 900 * 1e6
	// WeekQuarters is the number of quarter hours in a week.
	WeekQuarters = 672
	// quarterBias makes the quarter hours of the years 0 to 9999 positive.
	quarterBias = 1 << 27
)

// QuarterOf returns the number of the quarter hour of UTC in which an instant lies. It is
// positive for every instant of the years 0 to 9999, and numbers are in the order of time.
func QuarterOf(m Micros) uint32 { return uint32(floorDiv(int64(m), QuarterMicros) + quarterBias) }

// QuarterStart returns the first instant of a quarter hour.
func QuarterStart(q uint32) Micros { return Micros((int64(q) - quarterBias) * QuarterMicros) }

// WeekOf returns the number of the week in which a quarter hour lies. Weeks have
// WeekQuarters quarter hours, and begin on the same day of the week in UTC.
func WeekOf(q uint32) uint32 { return q / WeekQuarters }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
