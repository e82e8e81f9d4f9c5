package terminal_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/cli/terminal"
)

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		columns    int
		want       []string
	}{
		{"fits", "one two", 10, []string{"one two"}},
		{"at words", "one two three", 8, []string{"one two", "three"}},
		{"a word that is too wide", "a abcdefgh b", 4, []string{"a", "abcd", "efgh", "b"}},
		{"Chinese has no spaces", "一般聊天 求助", 4, []string{"一般", "聊天", "求助"}},
		{"a family is not torn", "x👨‍👩‍👧‍👦y", 2, []string{"x", "👨‍👩‍👧‍👦", "y"}},
		{"nothing", "", 5, []string{""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := terminal.Wrap(tc.text, tc.columns); !slices.Equal(have, tc.want) {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		text    string
		columns int
		want    string
		left    string
	}{
		{"abc", 3, "abc", "abc"}, {"abcd", 3, "ab…", "…cd"}, {"一般聊天", 5, "一般…", "…聊天"}, {"一般", 2, "…", "…"}, {"ab", 0, "", ""}, {"a b", 2, "a…", "…b"},
	} {
		if have := terminal.Shorten(tc.text, tc.columns); have != tc.want {
			t.Errorf("%q in %d: %q, want %q", tc.text, tc.columns, have, tc.want)
		}
		if have := terminal.ShortenLeft(tc.text, tc.columns); strings.TrimSpace(have) != tc.left && have != tc.left {
			t.Errorf("%q in %d from the left: %q, want %q", tc.text, tc.columns, have, tc.left)
		}
	}
}

func TestFill(t *testing.T) {
	text := "One line\nand another.\n\nA list:\n  as it is, however long it may be\nand on."
	want := "One line\nand\nanother.\n\nA list:\n  as it is, however long it may be\nand on."
	if have := terminal.Fill(text, 8); have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}

// Whatever is wrapped, nothing but white space is lost, and no line is wider than asked for
// unless a single character is.
func FuzzWrap(f *testing.F) {
	f.Add("one two three", 8)
	f.Add("一般聊天 👨‍👩‍👧‍👦 e\u0301", 3)
	f.Fuzz(func(t *testing.T, text string, columns int) {
		if !utf8.ValidString(text) || columns < 2 || columns > 200 {
			return
		}
		text = terminal.Visible(text)
		lines := terminal.Wrap(text, columns)
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if squeeze(strings.Join(lines, "")) != squeeze(text) {
			t.Errorf("%q became %q", text, lines)
		}
		for _, line := range lines {
			if terminal.Columns(line) > columns && terminal.Cut(line, columns) != "" {
				t.Errorf("%q is wider than %d", line, columns)
			}
		}
	})
}
