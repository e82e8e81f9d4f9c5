package words

import (
	_ "embed"
	"strings"
	"time"

	"rollcall/internal/words/cjk"
)

//go:embed stopwords/english.txt
var englishStopwords string

//go:embed stopwords/chinese.txt
var chineseStopwords string

// Lexicon owns what is known of languages: stop-words and the dictionaries of
// Chinese and Japanese. Safe for concurrent use.
type Lexicon struct {
	dictionaries *cjk.Dictionaries
	english      map[string]struct{}
	chinese      map[string]struct{}
}

// NewLexicon returns a Lexicon. It reads a dictionary when a message first needs
// it, and lets it go when no new Counter has needed one for as long as idle.
func NewLexicon(idle time.Duration) *Lexicon {
	return &Lexicon{
		dictionaries: cjk.New(idle),
		english:      stopwords(englishStopwords),
		chinese:      stopwords(chineseStopwords),
	}
}

// NewCounter returns a Counter that has counted nothing. While it lives it keeps
// the dictionaries that it has needed.
func (l *Lexicon) NewCounter() *Counter {
	return &Counter{lexicon: l, segmenter: l.dictionaries.NewSegmenter(), limit: MaxDistinct}
}

// stopwords reads a list: words between white space, "#" begins a comment.
func stopwords(list string) map[string]struct{} {
	set := map[string]struct{}{}
	for line := range strings.Lines(list) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.Fields(line) {
			set[word] = struct{}{}
		}
	}
	return set
}
