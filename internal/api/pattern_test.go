package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rollcall/internal/api"
)

// What a pattern may cost is bounded, and ordinary ones are allowed.
func TestPatterns(t *testing.T) {
	for _, pattern := range []string{
		"hello", `(?i)\bhello\b`, `^\S+@\S+\.\w{2,63}$`, "你好|再见", strings.Repeat("x", 1000), `\d{4}-\d{2}-\d{2}`, `(a|b|c)*`, "", `(\w+\s+){1,50}end`, "(a+)+$",
	} {
		if err := api.CheckQuery(url.Values{"grep": {pattern}}); err != nil {
			t.Errorf("%.40q: %v", pattern, err)
		}
	}
	for _, pattern := range []string{"(ab){1000}", "(a{30}){33}(b{30}){33}", strings.Repeat("(ab){250}", 10), `(?i)(ß|ẞ|[a-z]){1000}`} {
		if err := api.CheckQuery(url.Values{"grep": {pattern}}); err == nil {
			t.Errorf("%.40q is allowed", pattern)
		}
	}
}

// BenchmarkPattern is the worst that one message can cost: the longest text that
// Discord allows against the largest patterns that we do.
func BenchmarkPattern(b *testing.B) {
	text := []byte(strings.Repeat("ab", 2000))
	for _, pattern := range []string{"(a?b?){200}[cd]", "(a|b|ab){200}[cd]", `(\w|.){490}[cd]`, "(.*.*.*){90}[cd]"} {
		b.Run(pattern, func(b *testing.B) {
			match, _, err := api.ParsePattern(pattern)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if match(text) {
					b.Fatal(fmt.Sprint("matches ", pattern))
				}
			}
		})
	}
}

// BenchmarkSearch is what it takes to pass by a message that a pattern does not match.
func BenchmarkSearch(b *testing.B) {
	text := []byte("so what do you think about the new one, and when will it be there?")
	for _, pattern := range []string{"quixotry", "(?i)quixotry", "(?i)thanks", "(?i)quixotry|zebra", `\bquixotry\b`, `q\w+y`} {
		match, plainly, err := api.ParsePattern(pattern)
		if err != nil {
			b.Fatal(err)
		}
		for how, match := range map[string]func([]byte) bool{"ours": match, "plainly": plainly} {
			b.Run(pattern+"/"+how, func(b *testing.B) {
				for b.Loop() {
					if match(text) {
						b.Fatal("matches")
					}
				}
			})
		}
	}
}

// FuzzPattern compares with the library alone: what is looked for before a pattern is
// tried may not be wanting in what matches.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"hello", "say hello"}, {"(?i)hello", "say HeLLo"}, {"(?i)thanks", "THAN\u212as"}, {"(?i)kiss", "\u212aiſS"}, {"(?i)привет", "ПРИВЕТ"}, {"(?i)ᲀ", "В"},
		{"foo|(?i:bar)", "a BAR"}, {"(foo|)x", "x"}, {"a{0,2}b{2}", "bb"}, {"(?:ab)+c?", "xab"}, {"\ufffd", "\xff"}, {"(?i)é|[x]y", "É"}, {"^$", ""}, {"(?i)aab", "aAaB"},
		{"h[ae]llo wor(l|d)d", "hallo worldd"}, {"(?i)ß", "ẞ"}, {"a|b|c|d|e|f|g|h|i|j", "j"}, {"(?is)a.b", "A\nB"}, {"(?i)你好", "说你好"},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, pattern string, text []byte) {
		match, plainly, err := api.ParsePattern(pattern)
		if err == nil && match(text) != plainly(text) {
			t.Errorf("%q matches %q: %t", pattern, text, plainly(text))
		}
	})
}
