package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner goes through one text and gives what it finds to its Counter.
type scanner struct {
	*Counter
	text string
	code backticks
	// language of the text's Chinese characters; unknown until there is one.
	language language
}

// Add counts the words and emoji of a text, which may be anything: bytes that
// are not UTF-8 only end words. ErrTooMany as soon as there are more different
// ones than the Counter can hold; it then is of no further use.
func (c *Counter) Add(text string) error {
	if !utf8.ValidString(text) { // uax29 takes what follows a broken character for a part of it
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	s := scanner{Counter: c, text: text}
	for i := 0; i < len(text); {
		switch b := text[i]; {
		case isLetter(b) || isDigit(b) || b == '_':
			i = s.word(i)
		case b >= utf8.RuneSelf:
			i = s.rune(i)
		case b == '<':
			i += s.markup(i)
		case b == '`':
			i = s.code.skip(text, i)
		case b == '\\':
			i += escaped(text[i:])
		case b == '@':
			i += 1 + everyone(text[i+1:])
		case b == '#' || b == '*':
			i += 1 + s.keycap(i)
		default:
			i++
		}
	}
	return c.err()
}

// word counts the word that begins at i, an ASCII letter, digit or "_", and
// returns where to go on. Up to the first character that is not ASCII it does
// what uax29/words would, many times faster.
func (s *scanner) word(i int) int {
	text, begin := s.text, i
	var letters, upper, dots bool
scan:
	for ; i < len(text); i++ {
		b := text[i]
		switch {
		case b >= 'a' && b <= 'z':
			letters = true
		case b >= 'A' && b <= 'Z':
			letters, upper = true, true
		case isDigit(b) || b == '_':
		case b >= utf8.RuneSelf:
			return s.unicodeWord(begin)
		default:
			if joins, ascii := inside(text, i); !ascii {
				return s.unicodeWord(begin)
			} else if !joins {
				break scan
			}
			dots = dots || b == '.'
		}
	}
	if isURL(text[begin:i], text[i:], dots) {
		return skipURL(text, begin, i)
	}
	if letters {
		s.asciiWord(text[begin:i], upper)
	}
	return i
}

// inside reports whether the character at i, which is neither letter nor digit,
// stands inside of a word between its neighbours, the first of which is ASCII;
// false for ascii if the second one is not, and may make a difference.
func inside(text string, i int) (joins, ascii bool) {
	if i+1 == len(text) {
		return false, true
	}
	mid, before, after := text[i], text[i-1], text[i+1]
	letters := mid == '.' || mid == '\''
	digits := mid == '.' || mid == '\'' || mid == ',' || mid == ';'
	switch {
	case !letters && !digits:
		return false, true
	case after >= utf8.RuneSelf:
		return false, false
	}
	return letters && isLetter(before) && isLetter(after) || digits && isDigit(before) && isDigit(after), true
}

// asciiWord counts a word of ASCII characters, at least one of them a letter.
func (s *scanner) asciiWord(word string, upper bool) {
	word = strings.Trim(word, "_")
	if upper && len(word) <= MaxLength {
		s.buf = append(s.buf[:0], word...)
		for i, b := range s.buf {
			if b >= 'A' && b <= 'Z' {
				s.buf[i] = b | 0x20
			}
		}
		s.addFolded()
		return
	}
	if _, stop := s.lexicon.english[word]; !stop {
		s.addWord(word)
	}
}

// rune counts what begins at i, a character that is not ASCII, and returns
// where to go on.
func (s *scanner) rune(i int) int {
	r, size := utf8.DecodeRuneInString(s.text[i:])
	switch {
	case kindOf(r) != 0:
		return s.cjk(i)
	case mayBeEmoji(r):
		return i + s.cluster(i)
	case isUnspaced(r):
		return s.unspaced(i)
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		return s.unicodeWord(i)
	}
	return i + size
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
