package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

const (
	textSelector  = 0xFE0E
	emojiSelector = 0xFE0F
	joiner        = 0x200D
	keycapMark    = 0x20E3
)

// mayBeEmoji reports whether an emoji that is no keycap may begin with r.
func mayBeEmoji(r rune) bool {
	return (r >= 0x2000 || r == '©' || r == '®') && unicode.Is(emoji, r)
}

// cluster counts the emoji that begins at i, if it is one, and returns how long
// its grapheme cluster is.
func (s *scanner) cluster(i int) int {
	clusters := graphemes.FromString(s.text[i:])
	clusters.Next()
	cluster := clusters.Value()
	buf, ok := appendEmoji(s.buf[:0], cluster)
	if s.buf = buf; ok {
		s.addEmoji(buf)
	}
	return len(cluster)
}

// keycap counts the keycap whose key stands at i, if there is one, and returns
// how long what follows the key is.
func (s *scanner) keycap(i int) int {
	if !s.isKeycap(i) {
		return 0
	}
	s.buf = append(s.buf[:0], s.text[i])
	s.buf = append(s.buf, "\uFE0F\u20E3"...)
	s.addEmoji(s.buf)
	clusters := graphemes.FromString(s.text[i:])
	clusters.Next()
	return len(clusters.Value()) - 1
}

// isKeycap reports whether a digit, "#" or "*" at i is the key of one.
func (s *scanner) isKeycap(i int) bool {
	return strings.HasPrefix(strings.TrimPrefix(s.text[i+1:], "\uFE0F"), "\u20E3")
}

// appendEmoji appends the emoji that a grapheme cluster shows, fully qualified
// as Unicode's emoji-test.txt has it: U+FE0F behind whatever is text without it,
// and nowhere else. False if the cluster is none: text, or part of an emoji.
func appendEmoji(dst []byte, cluster string) ([]byte, bool) {
	first, size := utf8.DecodeRuneInString(cluster)
	if isRegion(first) {
		second, _ := utf8.DecodeRuneInString(cluster[size:])
		if !isRegion(second) {
			return dst, false
		}
		return utf8.AppendRune(utf8.AppendRune(dst, first), second), true
	}
	for joined := false; ; joined = true {
		var shown bool
		dst, cluster, shown = appendElement(dst, cluster)
		next, size := utf8.DecodeRuneInString(cluster)
		after, _ := utf8.DecodeRuneInString(cluster[size:])
		if next != joiner || !mayBeEmoji(after) {
			return dst, shown || joined
		}
		dst, cluster = utf8.AppendRune(dst, joiner), cluster[size:]
	}
}

// appendElement appends what stands between two joiners. It returns what follows
// in the cluster, and whether the element is an emoji by itself.
func appendElement(dst []byte, cluster string) (_ []byte, rest string, shown bool) {
	base, size := utf8.DecodeRuneInString(cluster)
	dst, rest = utf8.AppendRune(dst, base), cluster[size:]
	presented := unicode.Is(emojiPresentation, base)
	next, size := utf8.DecodeRuneInString(rest)
	switch {
	case isSkin(next):
		dst, rest, shown = utf8.AppendRune(dst, next), rest[size:], true
	case next == emojiSelector:
		rest, shown = rest[size:], true
		if next, size = utf8.DecodeRuneInString(rest); isSkin(next) { // unnecessary before one
			dst, rest, presented = utf8.AppendRune(dst, next), rest[size:], true
		}
		if !presented {
			dst = utf8.AppendRune(dst, emojiSelector)
		}
	case next == textSelector:
		return dst, rest[size:], false
	default:
		if shown = presented; !presented {
			dst = utf8.AppendRune(dst, emojiSelector)
		}
	}
	if tags := tags(rest); tags > 0 {
		dst, rest = append(dst, rest[:tags]...), rest[tags:]
	}
	// Marks that somebody put above it change nothing.
	rest = strings.TrimLeftFunc(rest, func(r rune) bool { return r != joiner })
	return dst, rest, shown
}

// tags returns the length of the tags at the start of text, which make the flag
// of Scotland out of a black one; 0 if they do not end as they should.
func tags(text string) int {
	for at, r := range text {
		switch {
		case r == 0xE007F && at > 0:
			return at + utf8.RuneLen(r)
		case r < 0xE0020 || r > 0xE007E:
			return 0
		}
	}
	return 0
}

func isRegion(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

func isSkin(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }
