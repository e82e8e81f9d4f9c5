package words

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// unicodeEmoji returns Unicode's emoji, each fully qualified and then in the
// other ways in which it is sent.
func unicodeEmoji(t testing.TB) [][]string {
	t.Helper()
	file, err := os.ReadFile("testdata/emoji-test.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(file)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			all = append(all, fields)
		}
	}
	if len(all) != 3953 {
		t.Fatalf("%d emoji, want the 3953 of Unicode 17", len(all))
	}
	return all
}

// TestUnicodeEmoji counts every emoji that there is, in every way to send it.
func TestUnicodeEmoji(t *testing.T) {
	for _, ways := range unicodeEmoji(t) {
		for _, way := range ways {
			want := "| " + ways[0] + ":1"
			if way != ways[0] && utf8.RuneCountInString(way) == 1 {
				want = "|" // one character that is text by default, like ☹
			}
			for _, text := range []string{way, "the " + way + ".", "的" + way + "的", way + "\u0301", "\xff" + way} {
				if got := counts(t, text); got != want {
					t.Errorf("%q (%+q): got %s, want %s", text, way, got, want)
				}
			}
		}
	}
}

// TestManyEmoji counts what follows directly one upon the other: that every
// cluster is one emoji, neither less nor more.
func TestManyEmoji(t *testing.T) {
	all := unicodeEmoji(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		want := map[string]int64{}
		var text strings.Builder
		for range 1 + r.IntN(30) {
			ways := all[r.IntN(len(all))]
			if only, _ := utf8.DecodeRuneInString(ways[0]); isSkin(only) {
				continue // makes one cluster with what stands before it
			}
			want[ways[0]]++
			text.WriteString(ways[0])
		}
		c := lexicon().NewCounter()
		if err := c.Add(text.String()); err != nil {
			t.Fatal(err)
		}
		words, emoji := c.Top(10, 1000)
		for _, e := range emoji {
			if want[e.Emoji] != e.Count {
				t.Errorf("%s: %s counted %d times, want %d", text.String(), e.Emoji, e.Count, want[e.Emoji])
			}
			delete(want, e.Emoji)
		}
		if len(want) > 0 || len(words) > 0 {
			t.Errorf("%s: not counted: %v; words: %v", text.String(), want, words)
		}
	}
}

func TestEmoji(t *testing.T) {
	examples{
		{"twice", "😂😂 😂", "| 😂:3"},
		{"none", "© ® ™ ❤ ☺ ✔ ↔ ▶ 0 1 2 # * ℹ", "|"},
		{"as emoji", "©️ ®️ ™️ ❤️ ☺️", "| ©️:1 ®️:1 ™️:1 ☺️:1 ❤️:1"},
		{"as text", "😂\ufe0e ❤\ufe0e ©\ufe0e", "|"},
		{"one more selector", "😂\ufe0f ❤\ufe0f\ufe0f", "| ❤️:1 😂:1"},
		{"flags", "🇩🇪🇫🇷🇩🇪 🇩", "| 🇩🇪:2 🇫🇷:1"},
		{"flags of three letters", "🇩🇪🇫", "| 🇩🇪:1"},
		{"flags by tags", "🏴󠁧󠁢󠁥󠁮󠁧󠁿🏴󠁧󠁢󠁳󠁣󠁴󠁿🏴󠁧󠁢󠁷󠁬󠁳󠁿🏴", "| 🏴:1 🏴󠁧󠁢󠁥󠁮󠁧󠁿:1 🏴󠁧󠁢󠁳󠁣󠁴󠁿:1 🏴󠁧󠁢󠁷󠁬󠁳󠁿:1"},
		{"tags without an end", "🏴\U000E0067\U000E0062 😂\U000E0041\U000E0041", "| 🏴:1 😂:1"},
		{"skins", "👋👋🏻👋🏿👋🏻 🏽", "| 👋🏻:2 🏽:1 👋:1 👋🏿:1"},
		{"skin of a hand that is text", "☝🏽 ☝️🏽 ☝ ☝️", "| ☝🏽:2 ☝️:1"},
		{"skin on a letter", "x🏽 🧾🏼", "x:1 | 🏽:1 🧾🏼:1"},
		{"families", "👨‍👩‍👧‍👦👨‍👩‍👧 👨 👩", "| 👨:1 👨‍👩‍👧:1 👨‍👩‍👧‍👦:1 👩:1"},
		{"professions", "👩‍⚕️ 👩‍⚕ 👩🏽‍🚀", "| 👩‍⚕️:2 👩🏽‍🚀:1"},
		{"pride", "🏳️‍🌈 🏳‍🌈 🏳️", "| 🏳️‍🌈:2 🏳️:1"},
		{"hearts on fire", "❤️‍🔥 ❤‍🔥", "| ❤️‍🔥:2"},
		{"keycaps", "1️⃣2️⃣ 1⃣ #️⃣ *️⃣ 10 1 #1", "| 1️⃣:2 #️⃣:1 *️⃣:1 2️⃣:1"},
		{"a joiner too many", "😂\u200d 😂\u200dx 😂\u200d\u200d😂", "x:1 | 😂:4"},
		{"marks above", "😂\u0301\u0302 🇩🇪\u0301", "| 🇩🇪:1 😂:1"},
		{"shortcodes", ":joy: :pog:", "joy:1 pog:1 |"},
		{"custom", "<:pog:1><:pog:1> <a:pog:1>", "| <:pog:1>:3"},
		{"custom by id", "<:pog:1> <:pog:2>", "| <:pog:1>:1 <:pog:2>:1"},
		{"custom, renamed", "<:Zeta:1> <:alpha:1> <:beta:1>", "| <:Zeta:1>:3"},
		{"custom, of no guild", "<:pog:99999999999999999999> <:p-g:1> <b:pog:1> <::1>", "pog:2 b:1 g:1 p:1 |"},
	}.check(t)
}

// TestRenamed shows that which name of a custom emoji came first makes no difference.
func TestRenamed(t *testing.T) {
	names := []string{"<:b:1>", "<:a:1>", "<:c:1>"}
	want := counts(t, names...)
	for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {2, 1, 0}} {
		var texts []string
		for _, i := range order {
			texts = append(texts, names[i])
		}
		if got := counts(t, texts...); got != want {
			t.Errorf("%v: %s, want %s", texts, got, want)
		}
	}
}

// TestTables keeps the two tables true to each other and to the test data.
func TestTables(t *testing.T) {
	for _, r32 := range emojiPresentation.R32 {
		for r := r32.Lo; r <= r32.Hi; r++ {
			if !mayBeEmoji(rune(r)) {
				t.Errorf("%U is presented as an emoji but none", r)
			}
		}
	}
	seen := map[rune]bool{}
	for _, ways := range unicodeEmoji(t) {
		for _, r := range ways[0] {
			seen[r] = true
		}
	}
	var odd []string
	for r := range rune(0x20000) {
		if mayBeEmoji(r) && !seen[r] {
			odd = append(odd, fmt.Sprintf("%U", r))
		}
	}
	if slices.Sort(odd); len(odd) > 0 {
		t.Errorf("emoji that Unicode has not: %v", odd)
	}
}
