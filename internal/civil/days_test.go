package civil_test

import (
	"testing"
	"time"

	"rollcall/internal/civil"
)

// A day begins at its first instant, wherever clocks jump.
func TestDayStart(t *testing.T) {
	for _, name := range []string{"UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
		"Asia/Beirut", "America/Havana", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Amman", "America/Asuncion", "Africa/Casablanca"} {
		z, err := civil.ParseZone(name)
		if err != nil {
			t.Fatal(err)
		}
		for day := time.Date(2008, 1, 1, 12, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
			start := civil.DayStart(day.Year(), day.Month(), day.Day(), z)
			date := day.Format(time.DateOnly)
			if have := start.Time().In(z).Format(time.DateOnly); have != date && name != "Pacific/Apia" && name != "Pacific/Kiritimati" {
				t.Errorf("%s: the start of %s lies in %s", name, date, have)
			}
			if before := (start - 1).Time().In(z).Format(time.DateOnly); before >= date {
				t.Errorf("%s: an instant before the start of %s lies in %s", name, date, before)
			}
			if start%(900*1e6) != 0 {
				t.Errorf("%s: %s begins in the middle of a quarter hour", name, date)
			}
		}
	}
}

func TestRangeAll(t *testing.T) {
	for r, want := range map[civil.Range]bool{
		{}: true, {From: civil.MinMicros, To: civil.MaxMicros + 1}: true, {From: civil.MinMicros - 1, To: civil.MaxMicros + 2}: true,
		{From: civil.MinMicros, To: civil.MaxMicros}: false, {From: civil.MinMicros + 1, To: civil.MaxMicros + 1}: false, {From: 0, To: 1}: false,
	} {
		if r.All() != want {
			t.Errorf("%v: %v, want %v", r, !want, want)
		}
	}
}
