package tracker

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"rollcall/store"
)

// Reading the few members that we need out of a large JSON object. encoding/json
// goes through every byte of a payload twice and through what is nested in it
// again, which was two thirds of the time that a message cost. What is skipped here
// is not checked, beyond that its brackets and quotes are balanced; every value
// that is used is.

var (
	errJSON   = errors.New("not a JSON object")
	errNoText = errors.New("not a text")
)

// walk calls visit for each member of a JSON object, in its order, with the key
// as it is written and the value without white space around it. Both are parts of
// object. An error of visit ends it.
func walk(object []byte, visit func(key, value []byte) error) error {
	i := skipSpace(object, 0)
	if i == len(object) || object[i] != '{' {
		return errJSON
	}
	i = skipSpace(object, i+1)
	if i < len(object) && object[i] == '}' {
		return atEnd(object, i+1)
	}
	for {
		end := skipString(object, i)
		if end < 0 {
			return errJSON
		}
		key := object[i+1 : end-1]
		if i = skipSpace(object, end); i == len(object) || object[i] != ':' {
			return errJSON
		}
		i = skipSpace(object, i+1)
		if end = skipValue(object, i); end < 0 {
			return errJSON
		}
		if err := visit(key, object[i:end]); err != nil {
			return err
		}
		if i = skipSpace(object, end); i == len(object) {
			return errJSON
		}
		switch object[i] {
		case ',':
			i = skipSpace(object, i+1)
		case '}':
			return atEnd(object, i+1)
		default:
			return errJSON
		}
	}
}

// atEnd reports whether nothing but white space follows.
func atEnd(b []byte, i int) error {
	if skipSpace(b, i) != len(b) {
		return errJSON
	}
	return nil
}

// countElements returns the length of a JSON list, 0 if it is none.
func countElements(list []byte) int {
	if len(list) == 0 || list[0] != '[' {
		return 0
	}
	n := 0
	for i := skipSpace(list, 1); i < len(list) && list[i] != ']'; n++ {
		end := skipValue(list, i)
		if end < 0 {
			return 0
		}
		if i = skipSpace(list, end); i < len(list) && list[i] == ',' {
			i = skipSpace(list, i+1)
		}
	}
	return n
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipString returns where the string that begins at i has ended, -1 if there is none.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for end := i; ; {
		next := bytes.IndexByte(b[end+1:], '"')
		if next < 0 {
			return -1
		}
		end += 1 + next
		slashes := 0
		for b[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end + 1
		}
	}
}

// skipValue returns where the value that begins at i has ended, -1 if there is none.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	end := i
	for end < len(b) && isLiteral(b[end]) {
		end++
	}
	if end == i {
		return -1
	}
	return end
}

// isLiteral reports whether c may be part of a number, true, false or null.
func isLiteral(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// skipNested returns where the object or list that begins at i has ended, -1 if it does not.
func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// readID reads an id; null leaves it.
func readID(value []byte, id *store.ID) error {
	if string(value) == "null" {
		return nil
	}
	if len(value) < 2 || value[0] != '"' {
		return store.ErrBadID
	}
	v, err := store.ParseID(string(value[1 : len(value)-1]))
	if err == nil {
		*id = v
	}
	return err
}

// readString reads a string, made valid UTF-8; null leaves it.
func readString(value []byte, s *string) error {
	if len(value) < 2 || value[0] != '"' || !isPlain(value[1:len(value)-1]) {
		if json.Unmarshal(value, s) != nil {
			return errNoText // the library's error may quote what it could not read
		}
		return nil
	}
	*s = string(value[1 : len(value)-1])
	return nil
}

// readName reads a name; anything but a string is none.
func readName(value []byte) string {
	var s string
	if readString(value, &s) != nil {
		return ""
	}
	return clip(s)
}

// readTime reads a timestamp; ok is false if it is none.
func readTime(value []byte) (t store.Micros, ok bool) {
	var s string
	if readString(value, &s) != nil {
		return 0, false
	}
	t, err := store.ParseMicros(s)
	return t, err == nil
}

// readInt reads a whole number; null leaves it.
func readInt(value []byte, n *int) error {
	if len(value) == 1 && value[0] >= '0' && value[0] <= '9' {
		*n = int(value[0] - '0')
		return nil
	}
	return json.Unmarshal(value, n)
}

// isPlain reports whether the inside of a string stands for itself.
func isPlain(inside []byte) bool {
	for _, c := range inside {
		if c < ' ' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(inside)
}
