package search

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/civil"
)

// What a query may have at most. People type a few words; a program that generates queries
// learns of the bounds at once.
const (
	MaxQuery = 1000 // bytes
	maxParts = 50
	maxName  = 200 // bytes of a name; Discord allows 100 characters
)

// SyntaxError says where a query cannot be understood, and why.
type SyntaxError struct {
	Position int // in code points, from 1 on
	Reason   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("position %d: %s", e.Position, e.Reason) }

// parser takes a query apart.
type parser struct {
	text  []rune
	at    int
	zone  *time.Location
	now   time.Time
	parts int
	q     Query
}

// Parse reads a query. Days are those of the zone; now tells today. An error is a *SyntaxError.
func Parse(text string, zone *time.Location, now time.Time) (*Query, error) {
	if len(text) > MaxQuery {
		return nil, &SyntaxError{1, fmt.Sprintf("the query is %d bytes long: want at most %d", len(text), MaxQuery)}
	}
	if !utf8.ValidString(text) {
		return nil, &SyntaxError{1, "the query is not UTF-8"}
	}
	p := &parser{text: []rune(text), zone: zone, now: now}
	p.q.When = civil.Range{From: civil.MinMicros, To: civil.MaxMicros + 1}
	for p.skipSpace(); p.at < len(p.text); p.skipSpace() {
		if err := p.part(); err != nil {
			return nil, err
		}
	}
	if p.parts == 0 {
		return nil, &SyntaxError{1, "there is nothing to search for: want a word, or a filter such as from:NAME"}
	}
	if p.q.When.From >= p.q.When.To {
		return nil, &SyntaxError{1, "no time is within all of before:, after: and during:"}
	}
	return &p.q, nil
}

func (p *parser) skipSpace() {
	for p.at < len(p.text) && unicode.IsSpace(p.text[p.at]) {
		p.at++
	}
}

// refuse returns the error that something is wrong at a position, counted from 0.
func (p *parser) refuse(at int, format string, a ...any) error {
	return &SyntaxError{at + 1, fmt.Sprintf(format, a...)}
}

// part reads a word, a phrase or a filter.
func (p *parser) part() error {
	begin := p.at
	not := p.text[p.at] == '-' && p.at+1 < len(p.text) && !unicode.IsSpace(p.text[p.at+1])
	if not {
		p.at++
	}
	if isQuote(p.text[p.at]) {
		phrase, err := p.quoted()
		if err != nil {
			return err
		}
		return p.words(begin, phrase, false, not)
	}
	from := p.at
	for p.at < len(p.text) && !unicode.IsSpace(p.text[p.at]) {
		if p.text[p.at] == ':' {
			if name := strings.ToLower(string(p.text[from:p.at])); slices.Contains(filters, name) {
				p.at++
				return p.filter(begin, name, not)
			}
		}
		p.at++
	}
	word := string(p.text[from:p.at])
	return p.words(begin, strings.TrimSuffix(word, "*"), strings.HasSuffix(word, "*"), not)
}

// isQuote reports whether a character begins or ends a phrase: those that keyboards of
// phones put in the place of ", too.
func isQuote(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' }

// quoted reads up to the end of the quotation that begins here.
func (p *parser) quoted() (string, error) {
	begin := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		if isQuote(p.text[p.at]) {
			p.at++
			return string(p.text[begin+1 : p.at-1]), nil
		}
	}
	return "", p.refuse(begin, "the quotation is not closed")
}

// words adds a term. What has no token, as "!" has none, asks for nothing.
func (p *parser) words(begin int, text string, prefix, not bool) error {
	tokens := Tokens(nil, text)
	if len(tokens) == 0 {
		if prefix {
			return p.refuse(begin, "* stands alone: want the beginning of a word before it")
		}
		return nil
	}
	p.q.terms = append(p.q.terms, term{tokens: tokens, prefix: prefix && !tokens[len(tokens)-1].Unit, not: not})
	return p.count(begin)
}

func (p *parser) count(begin int) error {
	if p.parts++; p.parts > maxParts {
		return p.refuse(begin, "the query has more than %d parts", maxParts)
	}
	return nil
}

// filters are the names that stand before a colon.
var filters = []string{"from", "in", "mentions", "has", "before", "after", "during"}

// filter reads the value of a filter, which may follow after a space, as Discord writes it.
func (p *parser) filter(begin int, name string, not bool) error {
	p.skipSpace()
	if p.at == len(p.text) {
		return p.refuse(begin, "%s: has no value", name)
	}
	from := p.at
	var value string
	if isQuote(p.text[p.at]) {
		var err error
		if value, err = p.quoted(); err != nil {
			return err
		}
	} else {
		for p.at < len(p.text) && !unicode.IsSpace(p.text[p.at]) {
			p.at++
		}
		value = string(p.text[from:p.at])
	}
	if err := p.count(begin); err != nil {
		return err
	}
	switch name {
	case "from", "in", "mentions":
		value = plainName(value)
		if value == "" || len(value) > maxName {
			return p.refuse(from, "%s: cannot be %.64q: want an id or a name of at most %d bytes", name, value, maxName)
		}
		n := Name{Text: value, Not: not, Position: begin + 1}
		switch name {
		case "from":
			p.q.From = append(p.q.From, n)
		case "in":
			p.q.In = append(p.q.In, n)
		default:
			p.q.Mentions = append(p.q.Mentions, n)
		}
		return nil
	case "has":
		what := strings.ToLower(value)
		if !slices.Contains(features, what) {
			return p.refuse(from, "has: cannot be %.64q: want %s", value, strings.Join(features, ", "))
		}
		p.q.has = append(p.q.has, feature{what, not})
		return nil
	}
	return p.date(begin, from, name, value, not)
}

// plainName takes off what people write around a name: @alice, #general, <@id>, <#id>.
func plainName(value string) string {
	if inside, ok := strings.CutPrefix(value, "<"); ok && strings.HasSuffix(inside, ">") {
		if id := strings.TrimLeft(strings.TrimSuffix(inside, ">"), "@!#"); strings.Trim(id, "0123456789") == "" {
			return id
		}
	}
	if len(value) > 1 && (value[0] == '@' || value[0] == '#') {
		return value[1:]
	}
	return value
}

// date narrows the span of time.
func (p *parser) date(begin, from int, name, value string, not bool) error {
	if not {
		return p.refuse(begin, "%s: cannot be negated", name)
	}
	span, ok := p.span(value)
	if !ok {
		return p.refuse(from, "%s: cannot be %.64q: want YYYY-MM-DD, YYYY-MM, YYYY, today, yesterday or an instant of RFC 3339", name, value)
	}
	w := &p.q.When
	switch name {
	case "before":
		w.To = min(w.To, span.From)
	case "after":
		w.From = max(w.From, span.To)
	default:
		w.From, w.To = max(w.From, span.From), min(w.To, span.To)
	}
	return nil
}

// span returns the time that a date stands for.
func (p *parser) span(value string) (civil.Range, bool) {
	year, month, day := p.now.In(p.zone).Date()
	years, months, days := 0, 0, 1
	switch strings.ToLower(value) {
	case "today":
	case "yesterday":
		day--
	default:
		if at, err := civil.ParseMicros(value); err == nil {
			return civil.Range{From: at, To: at + 1}, true
		}
		layout := "2006-01-02"
		switch len(value) {
		case len("2006-01"):
			layout, months, days = "2006-01", 1, 0
		case len("2006"):
			layout, years, days = "2006", 1, 0
		}
		t, err := time.Parse(layout, value)
		if err != nil {
			return civil.Range{}, false
		}
		year, month, day = t.Date()
	}
	return civil.Range{
		From: civil.DayStart(year, month, day, p.zone),
		To:   civil.DayStart(year+years, month+time.Month(months), day+days, p.zone),
	}, true
}
