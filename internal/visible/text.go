package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text writes control characters, those that change the direction of what follows, and those that nobody
// sees, by their numbers, as [U+202E]. Line breaks and tabs stay, as do the joiners of emoji and of scripts, and
// the tags of flags. Bytes that are not UTF-8 become U+FFFD.
func Text(text string) string {
	if !strings.ContainsFunc(text, isHidden) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	flag := false // within a black flag and its tags
	for _, r := range text {
		tag := 0xE0020 <= r && r <= 0xE007F
		if flag = r == 0x1F3F4 || flag && tag; isHidden(r) && !(flag && tag) {
			fmt.Fprintf(&b, "[U+%04X]", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isHidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == 0x200C || r == 0x200D || r == 0xFEFF:
		return false
	case unicode.Is(unicode.Cc, r), r == 0x2028, r == 0x2029:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}
