package terminal

import (
	"strings"

	"github.com/rivo/uniseg"
)

// keycap is how the emoji of a key ends; uniseg takes 1️⃣ for the digit that it begins with.
const keycap = "\uFE0F\u20E3"

// Columns returns how many columns of a terminal a line of text takes: two for what East
// Asian scripts write wide and for each emoji, whatever it is composed of (a flag is two
// characters, a family up to seven), none for what is drawn over its neighbour. Whoever
// aligns text asks this function alone.
func Columns(text string) int { return uniseg.StringWidth(text) + strings.Count(text, keycap) }

// Cut returns the beginning of a text that takes at most so many columns.
func Cut(text string, columns int) string {
	taken, state := 0, -1
	for rest := text; rest != ""; {
		cluster, after, _, next := uniseg.FirstGraphemeClusterInString(rest, state)
		if taken += Columns(cluster); taken > columns {
			return text[:len(text)-len(rest)]
		}
		rest, state = after, next
	}
	return text
}
