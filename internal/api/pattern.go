package api

import (
	"net/http"
	"regexp"
	"regexp/syntax"

	"rollcall/internal/search"
)

const (
	maxPattern = 1000 // bytes of a regular expression
	// maxStates bounds what a match costs: RE2 takes time in proportion to the text
	// and to the states of the pattern, and x{1000} has a thousand of them in seven bytes.
	maxStates = 2000
)

// pattern is what grep asks for.
type pattern struct {
	re       *regexp.Regexp
	literals []search.Literal // a text that matches holds one of them, if there are any
}

// match reports whether a text matches. It may be called by several goroutines.
func (p *pattern) match(text []byte) bool {
	for i := range p.literals {
		if p.literals[i].In(text) {
			return p.re.Match(text)
		}
	}
	return len(p.literals) == 0 && p.re.Match(text)
}

// parsePattern compiles what grep asks for.
func parsePattern(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, problem(http.StatusBadRequest, "grep is %d bytes long: want at most %d", len(text), maxPattern)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, problem(http.StatusBadRequest, "grep cannot be %.64q: %v", text, err)
	}
	if states(parsed) > maxStates { // before it is compiled: that takes memory in proportion, too
		return nil, problem(http.StatusBadRequest, "grep cannot be %.64q: it repeats too much: want at most %d characters with its repetitions written out", text, maxStates)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, problem(http.StatusBadRequest, "grep cannot be %.64q: %v", text, err)
	}
	return &pattern{re, search.LiteralsOf(parsed)}, nil
}

// states estimates how many states a pattern has, and stops counting above maxStates.
func states(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	if re.Op == syntax.OpCharClass {
		n = 1 // whatever its ranges
	}
	for _, sub := range re.Sub {
		n = min(n+states(sub), maxStates+1)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxStates+1)
}
