package portrait

import (
	"regexp"
	"strings"
	"unicode"
)

// markup is what Discord turns into something else when it shows a message.
var markup = regexp.MustCompile("(?s)```.*?(?:```|$)" + `|<@&?!?\d+>|<#\d+>|<a?:(\w+):\d+>|<t:-?\d+(?::\w)?>|</([^:>]+):\d+>|<?https?://[^\s>]+>?`)

// plain turns a message into one line of what its author wrote: without the lines
// that quote others, names, addresses, code and invisible characters.
func plain(content string) string {
	var own []string
	for line := range strings.Lines(content) {
		if strings.HasPrefix(line, ">>> ") { // all that follows is a quotation
			break
		}
		if !strings.HasPrefix(line, "> ") {
			own = append(own, line)
		}
	}
	text := markup.ReplaceAllStringFunc(strings.Join(own, ""), func(m string) string {
		parts := markup.FindStringSubmatch(m)
		switch {
		case strings.HasPrefix(m, "```"):
			return "[code]"
		case strings.HasPrefix(m, "<@"):
			return "@someone"
		case strings.HasPrefix(m, "<#"):
			return "#channel"
		case strings.HasPrefix(m, "<t:"):
			return "[time]"
		case parts[1] != "":
			return ":" + parts[1] + ":"
		case parts[2] != "":
			return "/" + parts[2]
		}
		return "[link]"
	})
	return oneLine(text)
}

// oneLine keeps what is visible, on one line.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200d' || unicode.IsGraphic(r): // the joiner is part of emoji
			return r
		}
		return -1
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n > most {
			return strings.TrimSpace(text[:i]) + "…"
		}
	}
	return text
}

// shingles are the runs of three letters and digits of a text: what two texts have
// in common in any language, spaces or not.
func shingles(text string) map[[3]rune]bool {
	set := map[[3]rune]bool{}
	var last [3]rune
	n := 0
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		last = [3]rune{last[1], last[2], unicode.ToLower(r)}
		if n++; n >= 3 {
			set[last] = true
		}
	}
	return set
}
