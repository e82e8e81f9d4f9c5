package civil

import (
	"errors"
	"time"
)

// Micros is an instant: microseconds since 1970-01-01T00:00:00Z, negative before.
type Micros int64

// The first and the last instant of the years 0 to 9999 (UTC), within which every stored
// instant lies.
const (
	MinMicros Micros = -62167219200_000000 // 0000-01-01T00:00:00Z
	MaxMicros Micros = 253402300799_999999 // 9999-12-31T23:59:59.999999Z
)

// ErrBadTime says that a text is no instant.
var ErrBadTime = errors.New("not a time in RFC 3339 of the years 0 to 9999")

// MicrosOf returns the instant t, finer digits cut.
func MicrosOf(t time.Time) Micros { return Micros(t.UnixMicro()) }

// Time returns the instant in UTC.
func (m Micros) Time() time.Time { return time.UnixMicro(int64(m)).UTC() }

// String returns the instant in RFC 3339, UTC, with six digits of the second's fraction.
func (m Micros) String() string { return m.Time().Format("2006-01-02T15:04:05.000000Z") }

// MarshalText makes an instant a string in JSON, as String writes it.
func (m Micros) MarshalText() ([]byte, error) {
	return m.Time().AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), nil
}

// UnmarshalText reads what ParseMicros reads.
func (m *Micros) UnmarshalText(b []byte) error {
	v, err := ParseMicros(string(b))
	if err != nil {
		return err
	}
	*m = v
	return nil
}

// ParseMicros reads a timestamp of RFC 3339: any number of fraction digits (those
// finer than a microsecond are cut), Z or a numeric offset, either letter case, a
// leap second as the second after it. It is stricter than time.Parse, which
// takes a comma for the point, and faster, because the migration calls it for
// every line.
func ParseMicros(s string) (Micros, error) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, ErrBadTime
	}
	year, ok0 := digits(s[0:4])
	month, ok1 := digits(s[5:7])
	day, ok2 := digits(s[8:10])
	hour, ok3 := digits(s[11:13])
	minute, ok4 := digits(s[14:16])
	second, ok5 := digits(s[17:19])
	if !(ok0 && ok1 && ok2 && ok3 && ok4 && ok5) ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, ErrBadTime
	}
	rest := s[19:]
	micros := int64(0)
	if rest[0] == '.' {
		n, scale := 1, int64(100000)
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			micros += int64(rest[n]-'0') * scale
			scale /= 10
			n++
		}
		if n == 1 {
			return 0, ErrBadTime
		}
		rest = rest[n:]
	}
	offset, ok := zoneOffset(rest)
	if !ok {
		return 0, ErrBadTime
	}
	seconds := daysSinceEpoch(year, month, day)*86400 + int64(hour*3600+minute*60+second) - offset
	if second == 60 && seconds%86400 != 0 { // a leap second is 23:59:60 UTC and nothing else
		return 0, ErrBadTime
	}
	m := Micros(seconds*1e6 + micros)
	if m < MinMicros || m > MaxMicros {
		return 0, ErrBadTime
	}
	return m, nil
}

// zoneOffset reads the end of an RFC 3339 timestamp as seconds east of UTC.
func zoneOffset(s string) (int64, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != len("+00:00") || s[3] != ':' || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	hour, ok1 := digits(s[1:3])
	minute, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	offset := int64(hour*3600 + minute*60)
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func digits(s string) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts days from 1970-01-01 in the proleptic Gregorian
// calendar, with years that begin in March so that the leap day comes last.
func daysSinceEpoch(year, month, day int) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yearOfEra := y - era*400
	dayOfYear := (153*(m-3)+2)/5 + int64(day) - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}
