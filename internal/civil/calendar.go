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
// Quarter hours of UTC are counted as a whole, by what the clocks show in their middle.
// Since Discord exists, the days of every zone begin with a quarter hour, and so do its
// hours but for three nights of Antarctica/Casey (TestQuarterHours). Of older instants,
// which only a log with a wrong clock can tell, those of some zones are counted up to half
// a quarter hour off: America/St_Johns changed its clocks at 00:01 until 2011,
// Africa/Monrovia was 44 minutes and 30 seconds behind UTC until 1972.
//
// A day that no four digits of a year can name counts as the nearest that they can: the
// last hours of 9999 in UTC are in the year 10000 east of it.
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
	seconds := int64(QuarterStart(q)+QuarterMicros/2) / 1e6
	if seconds < c.from || seconds >= c.to {
		c.lookUp(seconds)
	}
	local := seconds + c.offset
	day := floorDiv(local, 86400)
	weekday := (day + 3) % 7 // 1970 began on a Thursday
	if weekday < 0 {
		weekday += 7
	}
	return Slot{int32(min(max(day, firstDay), lastDay)), uint8((local - day*86400) / 3600), uint8(weekday)}
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

// The days that are 0000-01-01 and 9999-12-31, since 1970-01-01.
const (
	firstDay = int64(MinMicros) / 1e6 / 86400
	lastDay  = int64(MaxMicros) / 1e6 / 86400
)

// Slots returns the slots of a whole week, whose days never go back: where clocks were put
// back over midnight, or over the date line, what happened again counts for the day that had
// begun. The next call overwrites them.
func (c *Calendar) Slots(week uint32) *[WeekQuarters]Slot {
	if c.week == nil || c.number != week {
		if c.week == nil {
			c.week = new([WeekQuarters]Slot)
		}
		for i := range c.week {
			c.week[i] = c.Slot(week*WeekQuarters + uint32(i))
			if i > 0 {
				c.week[i].Day = max(c.week[i].Day, c.week[i-1].Day)
			}
		}
		c.number = week
	}
	return c.week
}

// DateIn writes the day of a zone in which an instant lies, as DateOf does.
func DateIn(at Micros, zone *time.Location) string {
	t := at.Time().In(zone)
	_, offset := t.Zone()
	return DateOf(int32(min(max(floorDiv(t.Unix()+int64(offset), 86400), firstDay), lastDay)))
}

// DateOf writes a day, counted since 1970-01-01, as YYYY-MM-DD.
func DateOf(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}
