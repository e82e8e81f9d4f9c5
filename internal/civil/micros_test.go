package civil_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/internal/civil"
)

func TestParseMicros(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"Z", "2026-05-11T06:30:00Z", "2026-05-11T06:30:00.000000Z"},
		{"micros", "2026-05-11T06:30:00.123456Z", "2026-05-11T06:30:00.123456Z"},
		{"one digit", "2026-05-11T06:30:00.5Z", "2026-05-11T06:30:00.500000Z"},
		{"finer is cut", "2026-05-11T06:30:00.123456999999Z", "2026-05-11T06:30:00.123456Z"},
		{"east", "2026-05-11T14:30:02.5+08:00", "2026-05-11T06:30:02.500000Z"},
		{"45 minutes", "2026-05-11T12:15:00+05:45", "2026-05-11T06:30:00.000000Z"},
		{"west over midnight", "2026-05-10T23:30:00-07:00", "2026-05-11T06:30:00.000000Z"},
		{"unknown local offset", "2026-05-11T06:30:00-00:00", "2026-05-11T06:30:00.000000Z"},
		{"lower case", "2026-05-11t06:30:00z", "2026-05-11T06:30:00.000000Z"},
		{"leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
		{"leap second", "1990-12-31T15:59:60.25-08:00", "1991-01-01T00:00:00.250000Z"},
		{"before 1970", "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
		{"first", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"},
		{"last", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			have, err := civil.ParseMicros(test.in)
			if err != nil || have.String() != test.want {
				t.Errorf("have %v, %v, want %s", have, err, test.want)
			}
		})
	}
	for _, bad := range []string{
		"", "yesterday", "2026-05-11", "2026-05-11T06:30:00", "2026-05-11 06:30:00Z", "2026-05-11T06:30Z",
		"2026-05-11T06:30:00,5Z", "2026-05-11T06:30:00.Z", "2026-05-11T06:30:00+0800", "2026-05-11T06:30:00+08",
		"2026-05-11T24:00:00Z", "2026-05-11T06:60:00Z", "2026-05-11T06:30:60Z", "2026-05-11T06:30:00+24:00", "2026-05-11T06:30:00+08:60",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-05-00T00:00:00Z",
		"9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01", "2026-05-11T06:30:00ZZ", " 2026-05-11T06:30:00Z", "2026-05-1１T06:30:00Z",
	} {
		if have, err := civil.ParseMicros(bad); err == nil {
			t.Errorf("%q: have %v, want an error", bad, have)
		}
	}
}

var rfc3339 = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// FuzzParseMicros compares with the standard library where both follow RFC 3339.
func FuzzParseMicros(f *testing.F) {
	for _, s := range []string{"2026-05-11T06:30:00.123456Z", "2024-02-29T23:59:59+05:45", "1990-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "x"} {
		f.Add(s)
	}
	f.Add("0000-01-01T0:00:00Z")
	f.Fuzz(func(t *testing.T, s string) {
		have, err := civil.ParseMicros(s)
		want, werr := time.Parse(time.RFC3339Nano, s)
		if werr == nil && !rfc3339.MatchString(s) {
			werr = errors.New("the library takes commas, single digits, offsets of a day")
		}
		if strings.ContainsAny(s, "tz") || strings.Contains(s, ":60") {
			return // it takes no lower case and no leap seconds
		}
		inRange := werr == nil && want.UTC().Year() >= 0 && want.UTC().Year() <= 9999
		if (err == nil) != inRange {
			t.Fatalf("%q: have %v, %v, want %v, %v", s, have, err, want, werr)
		}
		if err != nil {
			return
		}
		if have != civil.MicrosOf(want) {
			t.Fatalf("%q: have %v, want %v", s, have, want)
		}
		if again, err := civil.ParseMicros(have.String()); err != nil || again != have {
			t.Fatalf("%q: %v comes back as %v, %v", s, have, again, err)
		}
	})
}
