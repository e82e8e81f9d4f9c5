package migration

import (
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The kinds of a value, as far as they matter here.
type kind uint8

const (
	absent kind = iota
	null
	text
	other // a number, a bool, an array or an object
	bare  // NaN, Infinity or -Infinity, which are not JSON, or what has one in it
)

// value is a value of a line, not decoded yet.
type value struct {
	kind  kind
	marks marks
	raw   string // of a text: what stands between its quotes
}

// marks say what the bytes of a JSON string hold besides plain ASCII.
type marks uint8

const (
	escaped marks = 1 << iota // a backslash
	wide                      // bytes from 0x80 on
)

// text returns a text's characters: valid UTF-8, each invalid byte and each
// lone surrogate as one U+FFFD. It is "" for what is no text.
func (v *value) text() string {
	if v.marks == 0 || v.marks == wide && utf8.ValidString(v.raw) {
		return v.raw
	}
	var b strings.Builder
	b.Grow(len(v.raw))
	rest := v.raw
	for rest != "" {
		next := strings.IndexByte(rest, '\\')
		if next < 0 {
			next = len(rest)
		}
		if plain := rest[:next]; utf8.ValidString(plain) {
			b.WriteString(plain)
		} else {
			for _, r := range plain { // an invalid byte is one U+FFFD here too
				b.WriteRune(r)
			}
		}
		if rest = rest[next:]; rest != "" {
			r, size := unescape(rest)
			b.WriteRune(r)
			rest = rest[size:]
		}
	}
	return b.String()
}

// unescape returns the character that the escape at the start of s (which the
// scanner has found valid) stands for, and how many bytes that took.
func unescape(s string) (rune, int) {
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex4(s[2:])
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(s[8:])); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return rune(s[1]), 2
}

// hex4 returns the number that the first four hexadecimal digits of s are, -1
// if they are none.
func hex4(s string) rune {
	if len(s) < 4 {
		return -1
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// eachByte has a one in each of its eight bytes, highBits the highest bit of each.
const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// eightAt returns the eight bytes of s from i on, the first one lowest.
func eightAt(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// skipPlain returns where the first byte from i on stands that means something
// inside a JSON string: the closing quote, a backslash, a control character
// (which may not stand there), or a part of a character outside ASCII. It looks
// at eight bytes at once: a subtraction sets the highest bit of the first byte
// that is too small for it, whatever it does to those behind.
func skipPlain(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		b := eightAt(s, i)
		found := b | (b - ' '*eachByte) | ((b ^ '"'*eachByte) - eachByte) | ((b ^ '\\'*eachByte) - eachByte)
		if found &= highBits; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// skipWide returns where the first byte of ASCII from i on stands.
func skipWide(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if ascii := ^eightAt(s, i) & highBits; ascii != 0 {
			return i + bits.TrailingZeros64(ascii)/8
		}
	}
	for i < len(s) && s[i] >= utf8.RuneSelf {
		i++
	}
	return i
}

// scanString reads a JSON string whose opening quote stands before s[i]. It
// returns where the closing quote stands, -1 if this is no string.
func scanString(s string, i int) (int, marks) {
	var m marks
	for {
		if i = skipPlain(s, i); i == len(s) {
			return -1, 0
		}
		switch c := s[i]; {
		case c == '"':
			return i, m
		case c >= utf8.RuneSelf:
			m |= wide
			i = skipWide(s, i)
		case c == '\\':
			m |= escaped
			size := escapeSize(s[i+1:])
			if size == 0 {
				return -1, 0
			}
			i += 1 + size
		default: // a control character
			return -1, 0
		}
	}
}

// escapeSize returns how many bytes stand behind the backslash of an escape, 0
// if it is none.
func escapeSize(s string) int {
	if s == "" {
		return 0
	}
	switch s[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if hex4(s[1:]) >= 0 {
			return 5
		}
	}
	return 0
}

// skipSpace returns where the first byte from i on stands that is no white
// space of JSON.
func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// scanLiteral returns the end of the literal, -1 if another thing stands at i.
func scanLiteral(s string, i int, literal string) int {
	if strings.HasPrefix(s[i:], literal) {
		return i + len(literal)
	}
	return -1
}

// scanNumber returns the end of the number at i, -1 if there is none.
func scanNumber(s string, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(s, i)
	if i == start || s[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(s) && s[i] == '.' {
		start, i = i+1, skipDigits(s, i+1)
		if i == start {
			return -1
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		start, i = i, skipDigits(s, i)
		if i == start {
			return -1
		}
	}
	return i
}

func skipDigits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
