package civil_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/civil"
)

// zones are the names of all time zones that the toolchain brings along.
func zones(t *testing.T) (names []string) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, f := range r.File {
		if _, err := civil.ParseZone(f.Name); err == nil {
			names = append(names, f.Name)
		}
	}
	if len(names) < 500 {
		t.Fatalf("only %d zones", len(names))
	}
	return names
}

// slotOf is the slot of an instant by the time package.
func slotOf(at time.Time) civil.Slot {
	_, offset := at.Zone()
	local := at.Unix() + int64(offset)
	return civil.Slot{Day: int32(local / 86400), Hour: uint8(at.Hour()), Weekday: uint8(at.Weekday()+6) % 7}
}

// What docs/adr/0002 builds on: since there are messages in Discord, all instants of a
// quarter hour lie on one day, and in one hour but for three nights in the Antarctic.
func TestQuarterHours(t *testing.T) {
	exceptions := map[string]int{}
	for _, name := range zones(t) {
		zone, err := civil.ParseZone(name)
		if err != nil {
			t.Fatal(err)
		}
		calendar := civil.NewCalendar(zone)
		check := func(at time.Time) {
			want, have := slotOf(at), calendar.Slot(civil.QuarterOf(civil.MicrosOf(at)))
			if have.Day != want.Day || have.Weekday != want.Weekday {
				t.Errorf("%s: %s is counted on day %d, want %d", name, at, have.Day, want.Day)
			}
			if have.Hour != want.Hour {
				exceptions[name]++
			}
		}
		for at := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).In(zone); at.Year() < 2040; {
			_, offset := at.Zone()
			if offset%900 != 0 {
				t.Errorf("%s: %d seconds from UTC at %s", name, offset, at)
			}
			_, end := at.ZoneBounds()
			if end.IsZero() {
				break
			}
			for d := -20 * time.Minute; d <= 20*time.Minute; d += 30 * time.Second {
				check(end.Add(d).In(zone))
			}
			at = end.In(zone)
		}
	}
	for name := range exceptions {
		if name != "Antarctica/Casey" {
			t.Errorf("%s: %d instants are counted in another hour", name, exceptions[name])
		}
	}
	if len(exceptions) == 0 {
		t.Log("no zone changes its clocks within a quarter hour any more: say so in docs/adr/0002")
	}
}

// Where clocks changed within a quarter hour it counts as a whole, and days never go back.
func TestOldQuarterHours(t *testing.T) {
	for _, tc := range []struct {
		name, zone, at, day string
		hour                uint8
	}{
		{"before the clocks of St John's went back at 00:01", "America/St_Johns", "2010-11-07T02:29:59Z", "2010-11-06", 23},
		{"the minute of the new day", "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-06", 23},
		{"the hour that came again", "America/St_Johns", "2010-11-07T02:31:00Z", "2010-11-06", 23},
		{"midnight again", "America/St_Johns", "2010-11-07T03:30:00Z", "2010-11-07", 0},
		{"when they went forward at 00:01", "America/St_Johns", "2011-03-13T03:31:00Z", "2011-03-13", 1},
		{"Monrovia's day began at 00:44:30", "Africa/Monrovia", "1971-06-01T00:46:00Z", "1971-06-01", 0},
		{"the quarter hour in which it begins", "Africa/Monrovia", "1971-06-01T00:31:00Z", "1971-05-31", 23},
		{"Casey in the night of 2021", "Antarctica/Casey", "2021-10-02T16:10:00Z", "2021-10-03", 3},
		{"the end of time in the east", "Pacific/Kiritimati", "9999-12-31T23:59:59Z", "9999-12-31", 13},
		{"its beginning in the west", "America/New_York", "0000-01-01T00:00:00Z", "0000-01-01", 19},
	} {
		t.Run(tc.name, func(t *testing.T) {
			zone, err := civil.ParseZone(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := civil.ParseMicros(tc.at)
			if err != nil {
				t.Fatal(err)
			}
			s := civil.NewCalendar(zone).Slot(civil.QuarterOf(at))
			if day := civil.DateOf(s.Day); day != tc.day || s.Hour != tc.hour {
				t.Errorf("%s in hour %d, want %s in hour %d", day, s.Hour, tc.day, tc.hour)
			}
		})
	}
	kwajalein, err := civil.ParseZone("Pacific/Kwajalein") // 1969-09-30 was there twice
	if err != nil {
		t.Fatal(err)
	}
	calendar := civil.NewCalendar(kwajalein)
	week := civil.WeekOf(civil.QuarterOf(civil.MicrosOf(time.Date(1969, 9, 30, 12, 0, 0, 0, time.UTC))))
	for w := week - 1; w <= week+1; w++ {
		slots := calendar.Slots(w)
		for i := 1; i < len(slots); i++ {
			if slots[i].Day < slots[i-1].Day {
				t.Errorf("week %d: the day goes back from %s to %s", w, civil.DateOf(slots[i-1].Day), civil.DateOf(slots[i].Day))
			}
		}
	}
}
