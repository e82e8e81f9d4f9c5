package api

import (
	"net/http"
	"time"

	"rollcall/internal/civil"
	"rollcall/store"
)

// ZoneHeader names, in answers that count by days and hours, the zone whose they are.
const ZoneHeader = "Rollcall-Zone"

// days returns the days that an answer is about, and names their zone in it.
func (s *Server) days(w http.ResponseWriter, q query) store.Days {
	w.Header().Set(ZoneHeader, q.zone.String())
	return q.days(s.now())
}

// days returns the whole calendar days that are asked for: those of the window, or
// those that since and until touch.
func (q *query) days(now time.Time) store.Days {
	if q.window > 0 {
		return store.LastDays(now, q.window, q.zone)
	}
	d, all := store.Days{When: q.when, Zone: q.zone}, allTime()
	if d.When.From != all.From {
		d.When.From = dayOf(d.When.From, 0, q.zone)
	}
	if d.When.To != all.To {
		d.When.To = dayOf(d.When.To-1, 1, q.zone)
	}
	return d
}

// dayOf returns the beginning of the day that is so many days after that of an instant.
func dayOf(at store.Micros, days int, zone *time.Location) store.Micros {
	year, month, day := at.Time().In(zone).Date()
	return store.DayStart(year, month, day+days, zone)
}

// parseWindow reads how many days up to today a window has; 0 is all time.
func parseWindow(text string) (days int, ok bool) {
	if text == "all" {
		return 0, true
	}
	return civil.ParseDays(text)
}

// parseTime reads an instant, a length of time before now, or a day of the zone (nil: UTC) as
// the instant at which it begins.
func parseTime(text string, zone *time.Location) (at store.Micros, isDay bool, err error) {
	if ago, ok := civil.ParseAgo(text); ok {
		return store.MicrosOf(time.Now().Add(-ago)), false, nil
	}
	if len(text) != len(time.DateOnly) {
		at, err = store.ParseMicros(text)
		return at, false, err
	}
	if at, err = store.ParseMicros(text + "T00:00:00Z"); err != nil {
		return 0, true, err
	}
	if zone == nil {
		return at, true, nil
	}
	year, month, day := at.Time().Date()
	return store.DayStart(year, month, day, zone), true, nil
}

// allTime returns a range of everything that can be stored.
func allTime() store.Range {
	from, _ := store.ParseMicros("0000-01-01T00:00:00Z")
	last, _ := store.ParseMicros("9999-12-31T23:59:59.999999Z")
	return store.Range{From: from, To: last + 1}
}
