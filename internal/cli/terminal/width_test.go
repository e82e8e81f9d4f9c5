package terminal_test

import (
	"testing"

	"rollcall/internal/cli/terminal"
)

func TestColumns(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       int
	}{
		{"nothing", "", 0},
		{"ASCII", "abc", 3},
		{"Chinese", "一般", 4},
		{"full width", "ＡＢ", 4},
		{"half width", "ｶﾅ", 2},
		{"Korean in jamo", "\u1112\u1161\u11ab", 2},
		{"an accent of its own", "e\u0301", 1},
		{"Arabic", "سلام", 4},
		{"an emoji", "😀", 2},
		{"a flag", "🇩🇪", 2},
		{"flags beside each other", "🇩🇪🇫🇷x", 5},
		{"half a flag", "🇩", 2},
		{"the flag of a region", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", 2},
		{"a rainbow flag", "🏳️‍🌈", 2},
		{"a family", "👨‍👩‍👧‍👦", 2},
		{"a tone of skin", "👍🏽", 2},
		{"a keycap", "1️⃣", 2},
		{"a heart as emoji", "❤️", 2},
		{"a block", "█", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := terminal.Columns(tc.text); have != tc.want {
				t.Errorf("%q takes %d columns, want %d", tc.text, have, tc.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abc", 2, "ab"}, {"abc", 3, "abc"}, {"abc", 0, ""}, {"一般", 3, "一"}, {"🇩🇪🇫🇷", 3, "🇩🇪"}, {"e\u0301a", 1, "e\u0301"},
	} {
		if have := terminal.Cut(tc.text, tc.columns); have != tc.want {
			t.Errorf("%q in %d columns: %q, want %q", tc.text, tc.columns, have, tc.want)
		}
	}
}
