package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

// Drawings of counts. Every one uses block elements, which have the width of one
// column in all terminals, and says what its largest value is.

var (
	eighthsUp    = []rune(" ▁▂▃▄▅▆▇█")
	eighthsRight = []rune(" ▏▎▍▌▋▊▉█")
	shades       = []string{" ·", "░░", "▒▒", "▓▓", "██"}
	weekdayNames = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
)

// eighths scales a value to eighths of so many cells; what is not zero shows.
func eighths(value, most int64, cells int) int {
	if value <= 0 || most <= 0 {
		return 0
	}
	return max(1, int(float64(value)/float64(most)*float64(cells*8)+0.5))
}

// bar draws a value from left to right, most as so many cells.
func bar(value, most int64, cells int) string {
	n := eighths(value, most, cells)
	text := strings.Repeat("█", n/8)
	if n%8 > 0 {
		text += string(eighthsRight[n%8])
	}
	return text
}

// narrow is how many columns an hour of the day takes where there is little room, wide
// where there is enough for its name.
const (
	narrow = 1
	roomy  = 3
)

// hourColumns returns how many columns each hour takes in a drawing with so many others
// beside it.
func hourColumns(width, others int) int {
	if width < others+24*roomy-1 {
		return narrow
	}
	return roomy
}

// hourBars draws the hours of the day beside each other, so many lines high and each so many
// columns wide.
func hourBars(hours [24]int64, height, each int) string {
	most := slices.Max(hours[:])
	var b strings.Builder
	for line := height - 1; line >= 0; line-- {
		row := ""
		for _, n := range hours {
			cell := string(eighthsUp[min(max(eighths(n, most, height)-8*line, 0), 8)])
			row += cell
			if each == roomy {
				row += cell + " "
			}
		}
		b.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	return b.String() + hourNames(each) + "\n"
}

// hourNames names each hour, or every third where they are narrow.
func hourNames(each int) string {
	if each == narrow {
		return "00 03 06 09 12 15 18 21"
	}
	var names [24]string
	for i := range names {
		names[i] = fmt.Sprintf("%02d", i)
	}
	return strings.Join(names[:], " ")
}

// heatMap draws a week, a line each weekday and each hour so many columns wide.
func heatMap(week [7][24]int64, each int) string {
	most := int64(0)
	for _, hours := range week {
		most = max(most, slices.Max(hours[:]))
	}
	var b strings.Builder
	b.WriteString("     " + hourNames(each) + "\n")
	for i, hours := range week {
		row := weekdayNames[i] + "  "
		for _, n := range hours {
			level := 0
			if n > 0 {
				level = int((n*int64(len(shades)-1) + most - 1) / most)
			}
			if each == narrow {
				row += terminal.Cut(strings.TrimPrefix(shades[level], " "), 1)
			} else {
				row += shades[level] + " "
			}
		}
		b.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	return b.String()
}

// weekdayBars draws the days of the week, a line each, in so many columns.
func weekdayBars(days [7]int64, width int) string {
	most := slices.Max(days[:])
	var b strings.Builder
	for i, n := range days {
		digits := len(fmt.Sprint(most))
		cells := min(40, max(8, width-len("Mon    ")-digits))
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s  %*d  %s", weekdayNames[i], digits, n, bar(n, most, cells)), " ") + "\n")
	}
	return b.String()
}

// sparkline draws the messages of the days from the first to the last that has any, in
// at most so many columns of as many days each, and says how many those are.
func sparkline(daily []store.Day, columns int) (line string, days int) {
	if len(daily) == 0 {
		return "", 0
	}
	number := func(date string) int {
		t, _ := time.Parse(time.DateOnly, date)
		return int(t.Unix() / 86400)
	}
	first, last := number(daily[0].Date), number(daily[len(daily)-1].Date)
	days = (last-first)/columns + 1
	sums := make([]int64, (last-first)/days+1)
	for _, d := range daily {
		sums[(number(d.Date)-first)/days] += d.Messages
	}
	most := slices.Max(sums)
	for _, n := range sums {
		line += string(eighthsUp[eighths(n, most, 1)])
	}
	return line, days
}

// counted is a line of a list that is ordered by a count.
type counted struct {
	name  string
	count int64
}

// countedList draws counts with their names, which come last because terminals do not
// agree on how wide the emoji in them are.
func (a *app) countedList(title string, list []counted) string {
	if len(list) == 0 {
		return ""
	}
	most, digits := list[0].count, len(fmt.Sprint(list[0].count))
	room := 1 << 20
	if a.tty && !a.wide {
		room = max(10, terminal.Width()-digits-24)
	}
	var b strings.Builder
	b.WriteString("\n" + a.heading(title) + "\n\n")
	for _, l := range list {
		drawn := bar(l.count, most, 20)
		b.WriteString(fmt.Sprintf("%*d  %s%s  %s\n", digits, l.count, a.drawing(drawn), strings.Repeat(" ", 20-terminal.Columns(drawn)), terminal.Shorten(l.name, room)))
	}
	return b.String()
}

func bold(s string) string { return "\x1b[1m" + s + "\x1b[0m" }

// heading and drawing colour what is printed, if it may be.
func (a *app) heading(s string) string {
	if a.colour {
		return bold(s)
	}
	return s
}

func (a *app) drawing(s string) string {
	if a.colour {
		return "\x1b[36m" + s + "\x1b[0m"
	}
	return s
}
