package words

import (
	"strings"
	"testing"
)

// TestStopwords makes sure that the lists have only what a text can be cut into.
func TestStopwords(t *testing.T) {
	l := lexicon()
	s := l.dictionaries.NewSegmenter()
	for word := range l.chinese {
		tokens := s.Chinese(nil, word)
		if len(tokens) != 1 || languageOf(word) != chinese {
			t.Errorf("%s is cut into %d words", word, len(tokens))
		}
	}
	for word := range l.english {
		if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz'") != "" || strings.Trim(word, "'") != word {
			t.Errorf("%q is not as words are counted", word)
		}
	}
	if got, want := counts(t, "contractions articles pronouns"), "articles:1 contractions:1 pronouns:1 |"; got != want {
		t.Errorf("comments in the list: %s, want %s", got, want)
	}
	for _, list := range []string{englishStopwords, chineseStopwords} {
		seen := map[string]bool{}
		for line := range strings.Lines(list) {
			for _, word := range strings.Fields(line) {
				if strings.HasPrefix(line, "#") {
					break
				}
				if seen[word] {
					t.Errorf("%s is listed twice", word)
				}
				seen[word] = true
			}
		}
	}
}
