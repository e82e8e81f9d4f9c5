package web

import (
	"net/http"
	"net/url"
	"time"

	"rollcall/store"
)

// filter is what a page is about, all of it from its address.
type filter struct {
	Window, Since, Until, Zone, By string
	Windows, Zones, Grains         []string // to choose from
	zone                           *time.Location
}

// windows are those that /v1 knows, with the one first that is meant where none is named.
var windows = []string{"30d", "7d", "90d", "all"}

// zones are suggestions; every zone of the tz database can be typed.
var zones = []string{
	"UTC", "Europe/London", "Europe/Berlin", "Europe/Moscow", "Africa/Lagos", "Asia/Dubai", "Asia/Kolkata", "Asia/Shanghai", "Asia/Taipei",
	"Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
}

// filterOf reads the filter of a request.
func (s *Server) filterOf(r *http.Request) (f filter, err error) {
	q := r.URL.Query()
	f = filter{
		Window: q.Get("window"), Since: q.Get("since"), Until: q.Get("until"), Zone: q.Get("tz"), By: q.Get("by"),
		Windows: windows, Zones: zones, Grains: []string{"", "day", "week", "month"},
	}
	if f.Since != "" || f.Until != "" {
		f.Window = ""
	} else if f.Window == "" {
		f.Window = windows[0]
	}
	switch f.By {
	case "", "day", "week", "month":
	default:
		return f, badRequest("by cannot be %.64q: want day, week or month", f.By)
	}
	f.zone = s.zone
	if f.Zone != "" {
		if f.zone, err = store.ParseZone(f.Zone); err != nil {
			return f, badRequest("tz cannot be %.64q: %v", f.Zone, err)
		}
	}
	return f, nil
}

// query is the filter as a question of the API.
func (f filter) query() url.Values {
	q := url.Values{}
	set(q, "window", f.Window)
	set(q, "since", f.Since)
	set(q, "until", f.Until)
	set(q, "tz", f.Zone)
	return q
}

// link is the filter as it stands in an address, "" if there is none; changed are names and values that are
// to replace others.
func (f filter) link(changed ...string) string {
	q := f.query()
	if f.Window == windows[0] {
		q.Del("window")
	}
	set(q, "by", f.By)
	for i := 0; i+1 < len(changed); i += 2 {
		q.Del(changed[i])
		set(q, changed[i], changed[i+1])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Link is the filter as it stands in an address.
func (f filter) Link() string { return f.link() }

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// days returns the first day that the filter is about and the one after the last, as far as it says.
func (f filter) days(now time.Time) (from, to time.Time) {
	day := func(text string) time.Time {
		t, err := time.ParseInLocation(time.DateOnly, text[:min(len(text), len(time.DateOnly))], f.zone)
		if err != nil {
			return time.Time{}
		}
		return t
	}
	year, month, date := now.In(f.zone).Date()
	tomorrow := time.Date(year, month, date+1, 0, 0, 0, 0, f.zone)
	if n := map[string]int{"7d": 7, "30d": 30, "90d": 90}[f.Window]; n > 0 {
		return tomorrow.AddDate(0, 0, -n), tomorrow
	}
	if f.Since != "" {
		from = day(f.Since)
	}
	to = tomorrow
	if f.Until != "" {
		to = day(f.Until)
	}
	return from, to
}

// series puts the days that have messages into bars of days, weeks or months, with those of none between.
func (f filter) series(daily []store.Day, now time.Time) []Bucket {
	from, to := f.days(now)
	if len(daily) > 0 {
		first, err := time.ParseInLocation(time.DateOnly, daily[0].Date, f.zone)
		if err == nil && (from.IsZero() || first.Before(from)) {
			from = first
		}
		last, err := time.ParseInLocation(time.DateOnly, daily[len(daily)-1].Date, f.zone)
		if end := last.AddDate(0, 0, 1); err == nil && end.After(to) {
			to = end
		}
	}
	if from.IsZero() || !from.Before(to) {
		return nil
	}
	grain := f.By
	if grain == "" {
		switch days := to.Sub(from).Hours() / 24; {
		case days <= 120:
			grain = "day"
		case days <= 900:
			grain = "week"
		default:
			grain = "month"
		}
	}
	counts := make(map[string]int64, len(daily))
	for _, d := range daily {
		counts[d.Date] = d.Messages
	}
	var buckets []Bucket
	for day := from; day.Before(to) && len(buckets) < maxBuckets; day = day.AddDate(0, 0, 1) {
		start, next, label := day, day.AddDate(0, 0, 1), day.Format(time.DateOnly)
		switch grain {
		case "week":
			start = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
			next, label = start.AddDate(0, 0, 7), start.Format(time.DateOnly)
		case "month":
			start = time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, f.zone)
			next, label = start.AddDate(0, 1, 0), start.Format("2006-01")
		}
		if n := len(buckets); n == 0 || !buckets[n-1].Start.Equal(start) {
			buckets = append(buckets, Bucket{Start: start, End: next, Label: label})
		}
		buckets[len(buckets)-1].Messages += counts[day.Format(time.DateOnly)]
	}
	return buckets
}

const maxBuckets = 5000 // bars of a chart
