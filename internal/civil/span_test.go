package civil_test

import (
	"testing"
	"time"

	"rollcall/internal/civil"
)

func TestParseDays(t *testing.T) {
	for text, want := range map[string]int{
		"7d": 7, "14d": 14, "2w": 14, "1y": 365, "100y": 36500, "1d": 1,
		"": 0, "d": 0, "7": 0, "0d": 0, "-1d": 0, "+1d": 0, "1.5d": 0, "101y": 0, "36501d": 0, "7 d": 0, "7h": 0, "99999999999d": 0,
	} {
		if have, ok := civil.ParseDays(text); have != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v, want %d", text, have, ok, want)
		}
	}
}

func TestParseAgo(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 168 * time.Hour, "12h": 12 * time.Hour, "30m": 30 * time.Minute, "0h": 0, "h": 0, "5s": 0, "1h30m": 0, "": 0} {
		if have, ok := civil.ParseAgo(text); have != want || ok != (want > 0) {
			t.Errorf("%q: %s, %v, want %s", text, have, ok, want)
		}
	}
}
