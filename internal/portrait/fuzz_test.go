package portrait_test

import (
	"strings"
	"testing"
	"unicode"

	"rollcall/internal/portrait"
	"rollcall/store"
)

// Whatever people write, the portrait keeps its budget and its lines.
func FuzzWrite(f *testing.F) {
	f.Add("Ada", "Engines", "The analytical engine weaves <@1> algebraic ```patterns", "> quoted\nhttps://x.org/ <:a:1>", 100)
	f.Add("", "", "", ">>> ", 50)
	f.Add(strings.Repeat("👨‍👩‍👧", 40), "\u202e\n\x00", "\xff\U000E0041", "</a b:1><t:1:R>", 8000)
	f.Fuzz(func(t *testing.T, name, guild, one, two string, budget int) {
		budget = portrait.MinTokens + max(budget, -budget-1)%8000
		s := ada(one, two)
		s.Profile.Name, s.Guild = name, guild
		s.Messages[0].Extra = &store.Extra{Poll: &store.Poll{Question: two, Answers: []string{one}}, Stickers: []string{guild, name}}
		text := portrait.Write(s, budget)
		if n := portrait.Tokens(text); n > budget {
			t.Errorf("%d tokens of %d:\n%s", n, budget, text)
		}
		if lines := strings.Count(text, "\n"); lines < 1 || lines > 9 {
			t.Errorf("%d lines:\n%s", lines, text)
		}
		for _, r := range text {
			if r != '\n' && r != '\u200d' && !unicode.IsGraphic(r) {
				t.Errorf("%U in %q", r, text)
			}
		}
	})
}
