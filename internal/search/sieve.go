package search

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Sieve returns a cheap test that every text passes which holds the rarest word, by its length,
// that the query asks for: of a message that matches, at least one text passes. It is nil if the query
// asks for no word.
func (q *Query) Sieve() func(text []byte) bool {
	var ascii, wide string // the longest word, and a character of a script without spaces
	for i := range q.terms {
		if q.terms[i].not {
			continue
		}
		for _, t := range q.terms[i].tokens {
			switch {
			case isASCII([]byte(t.Text)):
				if len(t.Text) > len(ascii) {
					ascii = t.Text
				}
			case t.Unit && hasOneForm(t.Text):
				wide = t.Text
			}
		}
	}
	switch {
	case !q.HasWords():
		return nil
	case wide != "":
		want := []byte(wide)
		return func(text []byte) bool { return bytes.Contains(text, want) || mayHide(text) }
	case ascii != "":
		want := longestOf([]rune(ascii), true)
		return func(text []byte) bool { return len(want) == 0 || want[0].In(text) || !isASCII(text) }
	}
	return func(text []byte) bool { return !isASCII(text) }
}

// hasOneForm reports whether a token is a character of which no other is a form, but for those
// that mayHide sees.
func hasOneForm(token string) bool {
	r, size := utf8.DecodeRuneInString(token)
	return size == len(token) && 0x2E80 <= r && r < 0xF900 && len(norm.NFD.String(token)) == size
}

// mayHide reports whether a text has characters above U+EFFF, among which are those that stand for
// others: of compatibility, of half width.
func mayHide(text []byte) bool {
	return bytes.IndexByte(text, 0xEF) >= 0 || bytes.IndexByte(text, 0xF0) >= 0
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
