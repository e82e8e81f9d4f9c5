package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Is reports whether a file is a terminal.
func Is(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Width returns how many columns standard output has, 80 where that is not known.
func Width() int {
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// Height returns how many lines standard output shows, 24 where that is not known.
func Height() int {
	if _, height, err := term.GetSize(int(os.Stdout.Fd())); err == nil && height > 0 {
		return height
	}
	return 24
}

// hazardous reports whether a terminal would do something with a character instead
// of showing it: control characters, those that change the direction of text,
// and separators of lines and paragraphs.
func hazardous(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}

// Visible returns text as one line in which nothing is hidden from the reader or
// does anything to a terminal: hazardous characters are written as JSON would.
func Visible(text string) string {
	clean := true
	for _, r := range text {
		if hazardous(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case hazardous(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Writer writes lines of text to a terminal. Hazardous characters but tab and line
// feed are written as JSON would write them, so that JSON stays the same JSON. It is
// for one goroutine.
type Writer struct {
	w    io.Writer
	rest []byte // the beginning of a character whose end was not written yet
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes all of p, but for the beginning of a character at its end, which it keeps.

func (v *Writer) Write(p []byte) (int, error) {
	text := append(v.rest, p...)
	v.rest = nil
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			v.rest = append(v.rest, text...)
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n' || r == '\t' || !hazardous(r) && (r != utf8.RuneError || size > 1):
			out = append(out, text[:size]...)
		case r == utf8.RuneError:
			out = fmt.Appendf(out, `\x%02x`, text[0])
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	if _, err := v.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
