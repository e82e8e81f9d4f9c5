package search

import (
	"regexp"
	"slices"
	"strings"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
)

// Query is what Parse made of a text. It must not be changed, and is safe for concurrent use.
type Query struct {
	terms    []term
	has      []feature
	From, In []Name      // of those without Not one must hold, of those with Not none may
	Mentions []Name      // each must hold
	When     civil.Range // half-open; all time unless there are dates
}

// Name is a user or a channel as the query names it.
type Name struct {
	Text     string
	Not      bool
	Position int // of the filter in the query, in code points from 1 on
}

// term is a word or a phrase.
type term struct {
	tokens []Token // Start and End are those in the term
	prefix bool    // the last token need only begin so
	not    bool
}

// feature is what has: asks for.
type feature struct {
	name string
	not  bool
}

// Message is what a query is compared with.
type Message struct {
	Content     string
	Others      []string // the author's other texts: a poll's, stickers' names
	Forwarded   string   // what somebody else wrote
	Attachments int
	IsForward   bool
	IsReply     bool
	HasPoll     bool
	HasSticker  bool
}

var link = regexp.MustCompile(`(?i)\bhttps?://[^\s<>]`)

// Match reports whether the words and the has: filters of the query hold for a message. Whom it is
// from, where and when it was written and whom it mentions is for the caller to compare.
func (q *Query) Match(m *Message) bool {
	for _, f := range q.has {
		if f.in(m) == f.not {
			return false
		}
	}
	if len(q.terms) == 0 {
		return true
	}
	own := Tokens(nil, m.Content)
	texts := [][]Token{own}
	for _, text := range m.Others {
		texts = append(texts, Tokens(nil, text))
	}
	var forwarded [][]Token
	if m.Forwarded != "" {
		forwarded = [][]Token{Tokens(nil, m.Forwarded)}
	}
	inOwn, inForwarded := true, forwarded != nil
	for i := range q.terms {
		t := &q.terms[i]
		o, f := t.inAny(texts), t.inAny(forwarded)
		if t.not {
			if o || f {
				return false
			}
			continue
		}
		inOwn, inForwarded = inOwn && o, inForwarded && f
	}
	return inOwn || inForwarded
}

// Spans returns where a text holds the words that the query asks for: half-open spans of
// code points, in order, none touching another. They are never nil.
func (q *Query) Spans(text string) [][2]int {
	spans := [][2]int{}
	tokens := Tokens(nil, text)
	for i := range q.terms {
		t := &q.terms[i]
		if t.not {
			continue
		}
		for at := range tokens {
			if t.at(tokens, at) {
				spans = append(spans, [2]int{tokens[at].Start, tokens[at+len(t.tokens)-1].End})
			}
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	merged := spans[:0]
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s[0] < merged[last][1] {
			merged[last][1] = max(merged[last][1], s[1])
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// HasWords reports whether the query asks for words.
func (q *Query) HasWords() bool {
	return slices.ContainsFunc(q.terms, func(t term) bool { return !t.not })
}

func (t *term) inAny(texts [][]Token) bool {
	for _, tokens := range texts {
		for at := range tokens {
			if t.at(tokens, at) {
				return true
			}
		}
	}
	return false
}

// at reports whether the term is in a text from that token on.
func (t *term) at(tokens []Token, at int) bool {
	if at+len(t.tokens) > len(tokens) {
		return false
	}
	for i, want := range t.tokens {
		have := tokens[at+i]
		last := i == len(t.tokens)-1
		switch {
		case have.Text == want.Text:
		case last && t.prefix && !want.Unit && !have.Unit && strings.HasPrefix(have.Text, want.Text):
		default:
			return false
		}
		// A substring of a text without spaces has none in it.
		if i > 0 && want.Unit && t.tokens[i-1].Unit && want.Start == t.tokens[i-1].End && have.Start != tokens[at+i-1].End {
			return false
		}
	}
	return true
}

func (f feature) in(m *Message) bool {
	switch f.name {
	case "link":
		return link.MatchString(m.Content)
	case "file":
		return m.Attachments > 0
	case "poll":
		return m.HasPoll
	case "forward":
		return m.IsForward
	case "sticker":
		return m.HasSticker
	default: // "reply"
		return m.IsReply
	}
}

// features are what has: knows.
var features = []string{"link", "file", "poll", "forward", "sticker", "reply"}

// IsMentioned reports whether a text mentions a user, as Discord writes it.
func IsMentioned(text string, user snowflake.ID) bool {
	id := user.String() + ">"
	return strings.Contains(text, "<@"+id) || strings.Contains(text, "<@!"+id)
}
