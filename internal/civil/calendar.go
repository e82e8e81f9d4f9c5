package civil

import "time"

// Slot is where a quarter hour lies in a zone's calendar.
type Slot struct {
	Day     int32 // since 1970-01-01
	Hour    uint8
	Weekday uint8 // 0 is Monday
}

// Calendar finds the slots of quarter hours in a zone. It remembers the offset that it
// found last, and how long that holds. It is for one goroutine.
//
// Days are counted by quarter hours of UTC. A zone whose days begin elsewhere (those that
// kept odd seconds before 1972, for example) may have a message near midnight counted on
// the neighbouring day.
type Calendar struct {
	zone     *time.Location
	offset   int64
	from, to int64 // unix seconds [from, to) in which the zone has the offset
	number   uint32
	week     *[WeekQuarters]Slot // the slots of week number
}

// NewCalendar returns the calendar of a zone, of UTC if it is nil.
func NewCalendar(zone *time.Location) *Calendar {
	if zone == nil {
		zone = time.UTC
	}
	return &Calendar{zone: zone}
}

// Slot returns where a quarter hour lies.
func (c *Calendar) Slot(q uint32) Slot {
	seconds := int64(QuarterStart(q)) / 1e6
	if seconds < c.from || seconds >= c.to {
		c.lookUp(seconds)
	}
	local := seconds + c.offset
	day := floorDiv(local, 86400)
	weekday := (day + 3) % 7 // 1970 began on a Thursday
	if weekday < 0 {
		weekday += 7
	}
	return Slot{int32(day), uint8((local - day*86400) / 3600), uint8(weekday)}
}

func (c *Calendar) lookUp(seconds int64) {
	t := time.Unix(seconds, 0).In(c.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	c.offset, c.from, c.to = int64(offset), int64(MinMicros), int64(MaxMicros)
	if !start.IsZero() {
		c.from = start.Unix()
	}
	if !end.IsZero() {
		c.to = end.Unix()
	}
}

// Slots returns the slots of a whole week. The next call overwrites them.
func (c *Calendar) Slots(week uint32) *[WeekQuarters]Slot {
	if c.week == nil || c.number != week {
		if c.week == nil {
			c.week = new([WeekQuarters]Slot)
		}
		for i := range c.week {
			c.week[i] = c.Slot(week*WeekQuarters + uint32(i))
		}
		c.number = week
	}
	return c.week
}

// DateOf writes a day, counted since 1970-01-01, as YYYY-MM-DD.
func DateOf(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}
