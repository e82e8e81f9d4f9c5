package words

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// markup returns how long what begins at i with "<" is, and counts it if it is
// a custom emoji; 1 if it is no mark of Discord's.
//
//	<@1> <@!1> <@&1> <#1> <t:1> <t:1:R> <:name:1> <a:name:1> </name:1> </name group sub:1> <id:guide>
func (s *scanner) markup(i int) int {
	// The longest have a command of three names of 32 characters.
	inside, _, closed := strings.Cut(s.text[i+1:min(len(s.text), i+512)], ">")
	if !closed || inside == "" {
		return 1
	}
	known := false
	switch inside[0] {
	case '@':
		known = isID(strings.TrimLeft(inside[1:], "!&"))
	case '#':
		known = isID(inside[1:])
	case '/':
		colon := strings.LastIndexByte(inside, ':')
		known = colon > 1 && isID(inside[colon+1:])
	case ':', 'a':
		known = s.customEmoji(inside)
	case 't':
		known = isTimestamp(inside)
	case 'i':
		known = strings.HasPrefix(inside, "id:") && isName(strings.ReplaceAll(inside[3:], "-", ""))
	}
	if !known {
		return 1
	}
	return len(inside) + 2
}

// customEmoji counts "a:name:id" or ":name:id", and reports whether it is one.
func (s *scanner) customEmoji(inside string) bool {
	animated, rest, _ := strings.Cut(inside, ":")
	name, digits, _ := strings.Cut(rest, ":")
	if animated != "" && animated != "a" || !isName(name) || !isID(digits) {
		return false
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return false
	}
	s.addCustom(name, id)
	return true
}

func isID(id string) bool {
	return id != "" && len(id) <= 20 && strings.Trim(id, "0123456789") == ""
}

// isName reports whether an emoji may have that name: letters, digits and "_". One
// may be shorter than the two characters that Discord asks for today.
func isName(name string) bool {
	for i := range len(name) {
		if b := name[i]; !isLetter(b) && !isDigit(b) && b != '_' {
			return false
		}
	}
	return name != "" && len(name) <= 32
}

// isTimestamp tells "t:1700000000" and "t:1700000000:R"; there are negative ones.
func isTimestamp(inside string) bool {
	seconds, style, _ := strings.Cut(strings.TrimPrefix(inside, "t:"), ":")
	return strings.HasPrefix(inside, "t:") && len(style) <= 1 && isID(strings.TrimPrefix(seconds, "-"))
}

// everyone returns how long "everyone" or "here" is at the start of what
// follows an "@"; 0 if it is neither.
func everyone(after string) int {
	for _, name := range []string{"everyone", "here"} {
		if strings.HasPrefix(after, name) {
			if r, _ := utf8.DecodeRuneInString(after[len(name):]); !unicode.In(r, unicode.L, unicode.N) {
				return len(name)
			}
		}
	}
	return 0
}

// escaped returns how long a backslash and what it keeps from being code is.
func escaped(text string) int {
	if len(text) > 1 && (text[1] == '`' || text[1] == '\\') {
		return 2
	}
	return 1
}

// isURL reports whether a word is the beginning of one, by what follows it. What
// follows a domain's name has to be a path: "example.com" is a word.
func isURL(word, rest string, dots bool) bool {
	return strings.HasPrefix(rest, "://") ||
		dots && (len(word) > 4 && strings.EqualFold(word[:4], "www.") || len(rest) > 1 && rest[0] == '/' && rest[1] > ' ')
}

// skipURL returns where one ends whose first word is text[begin:end]: before
// white space or "<", or where the parenthesis ends that it stands in, since
// "[text](https://…)" is how a link is written.
func skipURL(text string, begin, end int) int {
	parenthesis := begin > 0 && text[begin-1] == '('
	for at, r := range text[end:] {
		if unicode.IsSpace(r) || r == '<' || parenthesis && r == ')' {
			return end + at
		}
	}
	return len(text)
}

// backticks skips code. For each length it remembers that nothing closes it any
// more, so that a text of backticks is not gone through again for each of them.
type backticks struct {
	unclosed [3]bool // by length, less one
}

// skip returns where the code ends that begins at i, or where its backticks end
// if nothing closes it. Three open a block, and three close it.
func (c *backticks) skip(text string, i int) int {
	length := 1
	for length < 3 && strings.HasPrefix(text[i+length:], "`") {
		length++
	}
	begin := i + length
	if !c.unclosed[length-1] {
		if end := closing(text, begin, length); end >= 0 {
			return end
		}
		c.unclosed[length-1] = true
	}
	return begin
}

// closing returns where the next backticks of that length end, -1 if there are
// none. One and two are closed only by as many.
func closing(text string, at, length int) int {
	for {
		next := strings.IndexByte(text[at:], '`')
		if next < 0 {
			return -1
		}
		at += next
		if length == 3 {
			if strings.HasPrefix(text[at:], "```") {
				return at + 3
			}
			at++
			continue
		}
		run := len(text) - at - len(strings.TrimLeft(text[at:], "`"))
		at += run
		if run == length {
			return at
		}
	}
}
