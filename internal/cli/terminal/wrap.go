package terminal

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Shorten returns a text in at most so many columns, with … at its end where something is
// left out.
func Shorten(text string, columns int) string {
	if Columns(text) <= columns {
		return text
	}
	if columns < 1 {
		return ""
	}
	return strings.TrimRight(Cut(text, columns-1), " ") + "…"
}

// ShortenLeft is Shorten for what says more at its end, such as a path.
func ShortenLeft(text string, columns int) string {
	if Columns(text) <= columns {
		return text
	}
	if columns < 1 {
		return ""
	}
	rest, state := text, -1
	for rest != "" && Columns(rest) > columns-1 {
		_, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
	}
	return "…" + rest
}

// Wrap breaks a line of text at words into lines of at most so many columns. Only a word
// that is wider than that is broken within, and text of scripts that write without spaces
// where Unicode allows it.
func Wrap(text string, columns int) []string {
	columns = max(columns, 1)
	var lines []string
	line, width := "", 0
	flush := func() {
		lines = append(lines, strings.TrimRight(line, " "))
		line, width = "", 0
	}
	state := -1
	for rest := text; rest != ""; {
		var segment string
		segment, rest, _, state = uniseg.FirstLineSegmentInString(rest, state)
		bare := Columns(strings.TrimRight(segment, " "))
		if width > 0 && width+bare > columns {
			flush()
		}
		for bare > columns { // and the line is empty
			part := Cut(segment, columns)
			if part == "" { // a character wider than all there is
				part, _, _, _ = uniseg.FirstGraphemeClusterInString(segment, -1)
			}
			line = part
			flush()
			segment = segment[len(part):]
			bare = Columns(strings.TrimRight(segment, " "))
		}
		line += segment
		width += Columns(segment)
	}
	if line != "" || len(lines) == 0 {
		flush()
	}
	return lines
}

// Fill wraps text of several paragraphs, which an empty line separates. The lines of one
// are joined first, but for those that begin with white space, which stay as they are.
func Fill(text string, columns int) string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var lines []string
		joined := ""
		end := func() {
			if joined != "" {
				lines = append(lines, Wrap(joined, columns)...)
				joined = ""
			}
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
				end()
				lines = append(lines, line)
				continue
			}
			if joined != "" {
				joined += " "
			}
			joined += line
		}
		end()
		out = append(out, strings.Join(lines, "\n"))
	}
	return strings.Join(out, "\n\n")
}
