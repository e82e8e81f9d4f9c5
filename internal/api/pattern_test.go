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
	text := strings.Repeat("ab", 2000)
	for _, pattern := range []string{"(a?b?){200}c", "(a|b|ab){200}c", `(\w|.){490}c`, "(.*.*.*){90}c"} {
		b.Run(pattern, func(b *testing.B) {
			re, err := api.ParsePattern(pattern)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if re.MatchString(text) {
					b.Fatal(fmt.Sprint("matches ", pattern))
				}
			}
		})
	}
}
