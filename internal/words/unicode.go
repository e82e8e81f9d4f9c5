package words

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
)

// unicodeWord counts the word that begins at i and is not all ASCII, and
// returns where to go on. What Unicode takes for one word may be several pieces
// to us. They are counted here and now, since a text of nothing else would be
// looked through to its end for each of them.
func (s *scanner) unicodeWord(i int) int {
	segments := words.FromString(s.text[i:])
	if !segments.Next() {
		return len(s.text)
	}
	for end := i + len(segments.Value()); i < end; {
		length, letters := s.spell(i, end)
		word := s.text[i : i+length]
		switch {
		case length == 0:
			i = s.gap(i)
		case isURL(word, s.text[i+length:], strings.Contains(word, ".")):
			return skipURL(s.text, i, i+length)
		default:
			if letters {
				s.addFolded()
			}
			i += length
		}
	}
	return i
}

// gap counts what stands at i between two pieces of a word, if it is an
// emoji, and returns where to go on.
func (s *scanner) gap(i int) int {
	r, size := utf8.DecodeRuneInString(s.text[i:])
	if mayBeEmoji(r) {
		return i + s.cluster(i)
	}
	return i + size + s.keycap(i)
}

const softHyphen = 0xAD

// spell puts the word at i into s.buf as it is counted. It returns its length
// in bytes and whether it has a letter. It ends before end, an emoji, a colon
// (Unicode joins "a:b" for the sake of Swedish, CLDR does not), and before what
// is not UTF-8.
func (s *scanner) spell(i, end int) (length int, letters bool) {
	s.buf = s.buf[:0]
	plain, sigma := true, false // nothing that NFC could change; no sigma
	for at, r := range s.text[i:end] {
		if r == ':' || r == utf8.RuneError || mayBeEmoji(r) || r < utf8.RuneSelf && isDigit(byte(r)) && s.isKeycap(i+at) {
			break
		}
		length = at + utf8.RuneLen(r)
		switch {
		case r == softHyphen:
			continue
		case r == '’':
			r = '\''
		case r >= 0x300 && !isComposed(r):
			plain = false
			if isInvisible(r) {
				continue
			}
		}
		letters = letters || unicode.IsLetter(r)
		r = fold(r)
		sigma = sigma || r == 'σ'
		s.buf = utf8.AppendRune(s.buf, r)
	}
	if !plain && !norm.NFC.IsNormal(s.buf) {
		s.buf = norm.NFC.Append(nil, s.buf...)
	}
	if sigma {
		endInFinalSigma(s.buf)
	}
	return length, letters
}

// endInFinalSigma spells a sigma as Greek does at the end of a word: ς, which has the
// same upper case as σ, after a letter and before none (Unicode's Final_Sigma). So
// ΛΌΓΟΣ, λόγος and λόγοσ are counted as one word, and as the one that people read.
func endInFinalSigma(word []byte) {
	after := false // a letter comes before
	for i := 0; i < len(word); {
		r, size := utf8.DecodeRune(word[i:])
		if r == 'σ' && after && !letterFollows(word[i+size:]) {
			utf8.EncodeRune(word[i:], 'ς') // as long as σ
		}
		if !caseIgnorable(r) {
			after = unicode.IsLetter(r)
		}
		i += size
	}
}

func letterFollows(word []byte) bool {
	for len(word) > 0 {
		r, size := utf8.DecodeRune(word)
		if !caseIgnorable(r) {
			return unicode.IsLetter(r)
		}
		word = word[size:]
	}
	return false
}

// caseIgnorable tells what may stand between the letters of a word: apostrophes,
// points, accents that were not composed, joiners.
func caseIgnorable(r rune) bool {
	return r == '\'' || r == '.' || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf)
}

// addFolded counts the word in s.buf, unless it is a stop-word.
func (s *scanner) addFolded() {
	// Underscores are markdown's; joiners join nothing at the end.
	word := bytes.Trim(s.buf, "_\u200C\u200D")
	if _, stop := s.lexicon.english[string(word)]; stop {
		return
	}
	// Here and in addWord the compiler makes no string of the bytes to look one up.
	if i, ok := s.words.index[string(word)]; ok {
		s.words.counts[i]++
		return
	}
	s.addWord(string(word))
}

// fold returns the character that stands for r and all that differ from it in
// case only.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r |= 0x20
		}
		return r
	}
	if r >= 0xAC00 && r <= 0xD7A3 {
		return r
	}
	if r == 'ı' { // upper case is I, but no other language reads it as i
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// isComposed tells the letters above U+0300 that are most often met and are in
// NFC whatever follows that is one of them: Cyrillic, and syllables of Korean.
func isComposed(r rune) bool {
	return r >= 0x400 && r <= 0x481 || r >= 0xAC00 && r <= 0xD7A3
}

// isInvisible tells characters that change nothing but how a word is broken or
// drawn: soft hyphens, marks of direction, selectors of a glyph. The joiners of
// Persian and of Indian scripts are not among them: they make another word.
func isInvisible(r rune) bool {
	switch {
	case r == 0x200C || r == 0x200D:
		return false
	case r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// isUnspaced tells the scripts without spaces for which there is no dictionary.
func isUnspaced(r rune) bool {
	return r >= 0x0E00 && r <= 0x0EFF || r >= 0x1000 && r <= 0x109F || r >= 0x1780 && r <= 0x17FF
}

// unspaced counts a run of such a script as a word, and returns where to go on.
func (s *scanner) unspaced(i int) int {
	end, letters := i, false
	for at, r := range s.text[i:] {
		if !isUnspaced(r) || !unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
			break
		}
		letters = letters || unicode.IsLetter(r)
		end = i + at + utf8.RuneLen(r)
	}
	if end == i { // a sign of punctuation
		_, size := utf8.DecodeRuneInString(s.text[i:])
		return i + size
	}
	if letters {
		s.buf = norm.NFC.AppendString(s.buf[:0], s.text[i:end])
		s.addFolded()
	}
	return end
}
