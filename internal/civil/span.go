package civil

import (
	"strconv"
	"time"
)

// maxDays is a century, far more than any memory has.
const maxDays = 36_500

// ParseDays reads a number of days as people write it: 14d, 2w or 1y, which are 14, 14 and
// 365 days. ok is false for anything else, for 0 and for more than a century.
func ParseDays(text string) (days int, ok bool) {
	if len(text) < 2 {
		return 0, false
	}
	unit := map[byte]int{'d': 1, 'w': 7, 'y': 365}[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16)
	if err != nil || unit == 0 || n == 0 || int(n)*unit > maxDays {
		return 0, false
	}
	return int(n) * unit, true
}

// ParseAgo reads a length of time: what ParseDays reads, or whole hours or minutes, 12h or
// 30m. ok is false for anything else.
func ParseAgo(text string) (d time.Duration, ok bool) {
	if days, ok := ParseDays(text); ok {
		return time.Duration(days) * 24 * time.Hour, true
	}
	if len(text) < 2 {
		return 0, false
	}
	unit := map[byte]time.Duration{'h': time.Hour, 'm': time.Minute}[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16)
	return time.Duration(n) * unit, err == nil && n > 0 && unit > 0
}
