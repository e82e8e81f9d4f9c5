package store

import (
	"time"
)

// Days is a span of whole calendar days in a zone. When begins and ends where days
// of the zone begin; the zero Range is all time. Zone is nil for UTC.
//
// Days are counted by quarter hours of UTC, on which the days of every zone have
// begun since 1972; before, when some zones kept odd seconds, a message near
// midnight may be counted on the neighbouring day.
type Days struct {
	When Range
	Zone *time.Location
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

// quarters returns the first quarter hour of the span and the first one after it.
func (d Days) quarters() (from, end uint32) {
	first, last := d.When.bounds()
	return quarterOf(first), quarterOf(last) + 1
}

// slot is where a quarter hour lies in a zone's calendar.
type slot struct {
	day     int32 // since 1970-01-01
	hour    uint8
	weekday uint8 // 0 is Monday
}

// calendar finds slots in a zone. It remembers the offset that it found last, and
// for how long it holds.
type calendar struct {
	zone     *time.Location
	offset   int64
	from, to int64 // unix seconds [from, to) in which the zone has the offset
	number   uint32
	week     *[weekQuarters]slot // the slots of week number
}

func newCalendar(zone *time.Location) *calendar {
	if zone == nil {
		zone = time.UTC
	}
	return &calendar{zone: zone}
}

func (c *calendar) slot(q uint32) slot {
	seconds := int64(quarterStart(q)) / 1e6
	if seconds < c.from || seconds >= c.to {
		c.lookUp(seconds)
	}
	local := seconds + c.offset
	day := floorDiv(local, 86400)
	weekday := (day + 3) % 7 // 1970 began on a Thursday
	if weekday < 0 {
		weekday += 7
	}
	return slot{int32(day), uint8((local - day*86400) / 3600), uint8(weekday)}
}

func (c *calendar) lookUp(seconds int64) {
	t := time.Unix(seconds, 0).In(c.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	c.offset, c.from, c.to = int64(offset), int64(minMicros), int64(maxMicros)
	if !start.IsZero() {
		c.from = start.Unix()
	}
	if !end.IsZero() {
		c.to = end.Unix()
	}
}

// slots returns those of a whole week, which the next call overwrites.
func (c *calendar) slots(week uint32) *[weekQuarters]slot {
	if c.week == nil || c.number != week {
		if c.week == nil {
			c.week = new([weekQuarters]slot)
		}
		for i := range c.week {
			c.week[i] = c.slot(week*weekQuarters + uint32(i))
		}
		c.number = week
	}
	return c.week
}

// dateOf writes a day as YYYY-MM-DD.
func dateOf(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}
