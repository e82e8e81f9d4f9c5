package config

import (
	"errors"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/civil"
	"rollcall/store"
)

// The types below read the variables that envconfig would read differently:
// it does not trim the elements of lists and takes 010 for eight.

// badElement is the element that spoils a list.
type badElement string

func (e badElement) Error() string { return "bad element " + strconv.Quote(string(e)) }

// IDs is a list of ids, separated by commas; white space around each is ignored.
type IDs []store.ID

// Decode reads the list. An empty text is an empty list.
func (l *IDs) Decode(text string) error {
	*l = nil
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for element := range strings.SplitSeq(text, ",") {
		id, err := store.ParseID(strings.TrimSpace(element))
		if err != nil {
			return badElement(strings.TrimSpace(element))
		}
		*l = append(*l, id)
	}
	return nil
}

// String returns the list as Decode reads it.
func (l IDs) String() string {
	texts := make([]string, len(l))
	for i, id := range l {
		texts[i] = id.String()
	}
	return strings.Join(texts, ",")
}

// Count is a whole number, in decimal, not negative.
type Count int

// Decode reads the number.
func (n *Count) Decode(text string) error {
	v, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	*n = Count(v)
	return err
}

// Shards is how many shards the bot's guilds are spread over; 0 leaves it to Discord.
type Shards int

// Decode reads "auto" or a number from 1 to maxShards.
func (n *Shards) Decode(text string) error {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "auto") {
		*n = 0
		return nil
	}
	v, err := strconv.ParseUint(text, 10, 31)
	if err != nil || v < 1 || v > maxShards {
		return errors.New("out of range")
	}
	*n = Shards(v)
	return nil
}

// String returns the number as Decode reads it.
func (n Shards) String() string {
	if n == 0 {
		return "auto"
	}
	return strconv.Itoa(int(n))
}

// ShardIDs is a set of shard numbers, in the order in which they were named.
type ShardIDs []int

// Decode reads numbers and ranges of them, separated by commas: "0-3,7".
func (l *ShardIDs) Decode(text string) error {
	*l = nil
	if strings.TrimSpace(text) == "" {
		return nil
	}
	seen := make(map[int]bool)
	for element := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(element), "-")
		if !isRange {
			high = low
		}
		first, err1 := strconv.ParseUint(low, 10, 31)
		last, err2 := strconv.ParseUint(high, 10, 31)
		if err1 != nil || err2 != nil || last < first || last >= maxShards {
			return badElement(strings.TrimSpace(element))
		}
		for n := int(first); n <= int(last); n++ {
			if seen[n] {
				return badElement(strings.TrimSpace(element))
			}
			seen[n] = true
			*l = append(*l, n)
		}
	}
	return nil
}

// String returns the numbers, separated by commas.
func (l ShardIDs) String() string {
	texts := make([]string, len(l))
	for i, n := range l {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ",")
}

// Bytes is an amount of storage.
type Bytes int64

const (
	kib Bytes = 1 << (10 * (iota + 1))
	mib
	gib
	tib
)

// Decode reads a whole number of bytes, or of K, M, G or T with or without iB
// (powers of 1024) or with B (powers of 1000), in either letter case: 500000, 32MiB, 2GB.
func (b *Bytes) Decode(text string) error {
	text = strings.ToUpper(strings.TrimSpace(text))
	digits := strings.TrimRight(text, " KMGTIB")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return err
	}
	var unit Bytes
	switch strings.TrimSpace(text[len(digits):]) {
	case "", "B":
		unit = 1
	case "K", "KIB":
		unit = kib
	case "M", "MIB":
		unit = mib
	case "G", "GIB":
		unit = gib
	case "T", "TIB":
		unit = tib
	case "KB":
		unit = 1e3
	case "MB":
		unit = 1e6
	case "GB":
		unit = 1e9
	case "TB":
		unit = 1e12
	default:
		return errors.New("unknown unit")
	}
	if n < 0 || n > math.MaxInt64/int64(unit) {
		return errors.New("out of range")
	}
	*b = Bytes(n) * unit
	return nil
}

// String returns the amount in the largest unit that gives a whole number.
func (b Bytes) String() string {
	for _, u := range []struct {
		size Bytes
		name string
	}{{tib, "TiB"}, {gib, "GiB"}, {mib, "MiB"}, {kib, "KiB"}} {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Age is how long something is kept; 0 is for ever.
type Age time.Duration

const (
	day    = 24 * time.Hour
	maxAge = Age(36_500 * day) // a century
)

// Decode reads a whole number of days, weeks or years of 365 days, as 90d, 2w or 1y, or a
// duration as Go writes it. An empty text is 0.
func (a *Age) Decode(text string) error {
	*a = 0
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if text == "0d" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := civil.ParseDays(text); ok {
		d, err = time.Duration(days)*day, nil
	}
	if err != nil {
		return err
	}
	if Age(d) < 0 || Age(d) > maxAge {
		return errors.New("out of range")
	}
	*a = Age(d)
	return nil
}

// String returns the age as Decode reads it, in days if they are whole.
func (a Age) String() string {
	switch {
	case a == 0:
		return "0"
	case time.Duration(a)%day == 0:
		return strconv.FormatInt(int64(time.Duration(a)/day), 10) + "d"
	}
	return time.Duration(a).String()
}

// Past is how much of the past something is about; 0 is none of it.
type Past time.Duration

// Decode reads what Age.Decode reads.
func (p *Past) Decode(text string) error { return (*Age)(p).Decode(text) }

// String returns the span as Decode reads it, a day or less in hours if they are whole.
func (p Past) String() string {
	if d := time.Duration(p); d != 0 && d <= day && d%time.Hour == 0 {
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	}
	return Age(p).String()
}

// Level is a level of the log.
type Level slog.Level

// Decode reads debug, info, warn or error in either letter case.
func (l *Level) Decode(text string) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(strings.TrimSpace(text), level.String()) {
			*l = Level(level)
			return nil
		}
	}
	return errors.New("unknown level")
}

// String returns the level as Decode reads it.
func (l Level) String() string { return strings.ToLower(slog.Level(l).String()) }

// Choice is one word of a few; which ones, Load checks.
type Choice string

// Decode takes the word in lower case.
func (c *Choice) Decode(text string) error {
	*c = Choice(strings.ToLower(strings.TrimSpace(text)))
	return nil
}

// Zone is a time zone. The zero Zone is UTC, and not set.
type Zone struct{ location *time.Location }

// Decode reads the name of a zone.
func (z *Zone) Decode(text string) (err error) {
	z.location, err = store.ParseZone(strings.TrimSpace(text))
	return err
}

// IsSet reports whether somebody has chosen the zone.
func (z Zone) IsSet() bool { return z.location != nil }

// Location returns the zone, UTC unless it is set.
func (z Zone) Location() *time.Location {
	if z.location == nil {
		return time.UTC
	}
	return z.location
}

// String returns the name as Decode reads it.
func (z Zone) String() string { return z.Location().String() }
