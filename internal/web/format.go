package web

import (
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/visible"
	"rollcall/store"
)

// count writes a number with thin spaces between thousands.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u2009" + text[i:]
	}
	return text
}

// compact writes a number in at most five characters.
func compact(n int64) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1_000_000:
		return strconv.FormatFloat(float64(n)/1e6, 'g', 2, 64) + "M"
	case n >= 10_000:
		return fmt.Sprintf("%dk", n/1000)
	case n >= 1000:
		return strconv.FormatFloat(float64(n)/1e3, 'g', 2, 64) + "k"
	}
	return strconv.FormatInt(n, 10)
}

// size writes bytes in units of 1024.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for ; v >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

var marks = regexp.MustCompile(`<(?:@[!&]?(\d{1,20})|#(\d{1,20})|t:(-?\d{1,13})(?::[a-zA-Z])?|a?:(\w{1,32}):\d{1,20})>`)

// said writes a message: markup of Discord as what it stands for, found spans marked. Names are of
// those whom the page knows; spans are half-open, in code points, in order.
func said(text string, names map[string]string, spans [][2]int) template.HTML {
	var b strings.Builder
	point, at := 0, 0 // how far the text is written, in code points and in bytes
	write := func(end int) {
		piece := text[at:end]
		at = end
		for piece != "" {
			for len(spans) > 0 && spans[0][1] <= point {
				spans = spans[1:]
			}
			n := utf8.RuneCountInString(piece)
			mark := false
			if len(spans) > 0 {
				if mark = spans[0][0] <= point; mark {
					n = min(n, spans[0][1]-point)
				} else {
					n = min(n, spans[0][0]-point)
				}
			}
			size := bytesOf(piece, n)
			escaped := template.HTMLEscapeString(visible.Text(piece[:size]))
			if mark {
				escaped = "<mark>" + escaped + "</mark>"
			}
			b.WriteString(escaped)
			piece, point = piece[size:], point+n
		}
	}
	for _, m := range marks.FindAllStringSubmatchIndex(text, -1) {
		write(m[0])
		group := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		}
		label := ""
		switch {
		case group(1) != "":
			if label = names[group(1)]; label == "" {
				label = group(1)
			}
			label = "@" + label
		case group(2) != "":
			label = "#" + group(2)
		case group(3) != "":
			label = group(3)
			if seconds, err := strconv.ParseInt(label, 10, 64); err == nil && seconds > -1e10 && seconds < 1e11 {
				label = store.Micros(seconds * 1e6).Time().Format("2006-01-02 15:04 MST")
			}
		default:
			label = ":" + group(4) + ":"
		}
		b.WriteString(`<span class="token">` + template.HTMLEscapeString(visible.Text(label)) + `</span>`)
		point += utf8.RuneCountInString(text[m[0]:m[1]])
		at = m[1]
	}
	write(len(text))
	return template.HTML(b.String())
}

// bytesOf returns how many bytes so many code points at the beginning of a text are.
func bytesOf(text string, points int) int {
	for i := range text {
		if points == 0 {
			return i
		}
		points--
	}
	return len(text)
}
