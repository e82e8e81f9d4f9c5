package civil

import "time"

// Range is a half-open span of time [From, To); the zero Range is all time.
type Range struct{ From, To Micros }

// Bounds returns the first and the last instant of the range, within the years 0 to 9999.
func (r Range) Bounds() (from, to Micros) {
	if r == (Range{}) {
		return MinMicros, MaxMicros
	}
	return max(r.From, MinMicros), min(r.To-1, MaxMicros)
}

// All reports whether the range holds every instant of the years 0 to 9999.
func (r Range) All() bool {
	from, to := r.Bounds()
	return from == MinMicros && to == MaxMicros
}

// Days is a span of whole calendar days in a zone. When begins and ends where days
// of the zone begin; the zero Range is all time. Zone is nil for UTC.
type Days struct {
	When Range
	Zone *time.Location
}

// Quarters returns the first quarter hour of the span and the first one after it.
func (d Days) Quarters() (from, end uint32) {
	first, last := d.When.Bounds()
	return QuarterOf(first), QuarterOf(last) + 1
}

// LastDays returns the day of the zone in which now lies and the n-1 days before it.
func LastDays(now time.Time, n int, zone *time.Location) Days {
	year, month, day := now.In(zone).Date()
	return Days{
		When: Range{From: DayStart(year, month, day-n+1, zone), To: DayStart(year, month, day+1, zone)},
		Zone: zone,
	}
}

// DayStart returns the first instant of a calendar day in a zone. Where clocks are
// put forward at midnight that is one o'clock, where they are put back to midnight
// it is the first of the two midnights. Month and day are normalized as by time.Date.
func DayStart(year int, month time.Month, day int, zone *time.Location) Micros {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	start, end := t.ZoneBounds()
	switch local := wallClock(t); {
	case local < midnight.Unix(): // no such midnight, and time.Date took the offset after the gap
		return MicrosOf(end)
	case local > midnight.Unix(): // the same with the offset before the gap
		return MicrosOf(start)
	}
	if start.IsZero() {
		return MicrosOf(t)
	}
	_, before := start.Add(-time.Second).Zone()
	if first := midnight.Unix() - int64(before); first < start.Unix() && first < t.Unix() {
		return Micros(first * 1e6)
	}
	return MicrosOf(t)
}

// wallClock is what the clocks of t's zone show, as seconds since 1970 began on them.
func wallClock(t time.Time) int64 {
	_, offset := t.Zone()
	return t.Unix() + int64(offset)
}
