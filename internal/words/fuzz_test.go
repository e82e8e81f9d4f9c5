package words

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
)

func seeds(f *testing.F, add func(string)) {
	f.Helper()
	for _, text := range []string{
		"", "The server isn't up, l'été DON’T 3.14 node.js snake_case", "https://a.b/c <@1> <:pog:1> `code` ```x```",
		"今天晚上一起玩游戏吗", "東京タワーに行きました", "오늘 게임", "สวัสดีครับ", "😂👋🏽👨‍👩‍👧🇩🇪1️⃣❤️🏴󠁧󠁢󠁳󠁣󠁴󠁿", "e\u0301\x00\xff\u200d", "</a b:1> <t:1:R>",
	} {
		add(text)
	}
}

// FuzzCounter shows that any two texts can be counted, in either order, and that
// together they have what each has by itself.
func FuzzCounter(f *testing.F) {
	seeds(f, func(text string) { f.Add(text, "word 中 😂 <:pog:1>") })
	f.Fuzz(func(t *testing.T, a, b string) {
		there, back := countedIn(t, a, b), countedIn(t, b, a)
		if !reflect.DeepEqual(there, back) {
			t.Errorf("in one order %v, in the other %v", there, back)
		}
		sum := countedIn(t, a)
		for text, n := range countedIn(t, b) {
			sum[text] += n
		}
		if !reflect.DeepEqual(there, sum) {
			t.Errorf("together %v, one by one %v", there, sum)
		}
		checkSane(t, a)
	})
}

// countedIn returns how often each word and emoji is in texts. Custom emoji are
// by id, since they take the smallest name of all texts.
func countedIn(t *testing.T, texts ...string) map[string]int64 {
	c := lexicon().NewCounter()
	for _, text := range texts {
		if err := c.Add(text); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]int64{}
	words, emoji := c.Top(1<<20, 1<<20)
	for _, w := range words {
		all["w "+w.Word] = w.Count
	}
	for _, e := range emoji {
		all["e "+e.Emoji[strings.LastIndexByte(e.Emoji, ':')+1:]] = e.Count
	}
	return all
}

// checkSane holds what is counted against what doc.go says.
func checkSane(t *testing.T, text string) {
	c := lexicon().NewCounter()
	c.Add(text)
	words, emoji := c.Top(1<<20, 1<<20)
	for _, w := range words {
		_, english := c.lexicon.english[w.Word]
		switch {
		case w.Count < 1, !utf8.ValidString(w.Word), utf8.RuneCountInString(w.Word) > MaxLength, english,
			strings.IndexFunc(w.Word, unicode.IsLetter) < 0, strings.IndexFunc(w.Word, unicode.IsSpace) >= 0,
			strings.ContainsAny(w.Word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ\x00\u00ad<>@#`/:"), !norm.NFC.IsNormalString(w.Word):
			t.Errorf("%q is counted as a word, %d times", w.Word, w.Count)
		}
	}
	for _, e := range emoji {
		if got := countedIn(t, e.Emoji); len(got) != 1 {
			t.Errorf("emoji %q counts as %v when it is sent again", e.Emoji, got)
		}
	}
}

// TestFuzzSeedsMixed is the same for texts made of pieces that mean something.
func TestFuzzSeedsMixed(t *testing.T) {
	pieces := strings.Split("word|The|é|e\u0301|_|.|'|’|:|://|/|www.|<|>|<@1>|<:pog:1>|`|``|```|\\|@here|@|#|*|1|\ufe0f|\u20e3|\u200d|😂|👋|🏽|👩|❤|🇩|🇪|🏴|\U000e0067|\U000e007f|中|今天|一|あ|ゲーム|ー|の|한글|\u1112\u1161|ก|\u0e49|٣|\xff|\x00|\u00ad|\u202e| |\n|　|。", "|")
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var texts [2]string
		for i := range texts {
			for range r.IntN(12) {
				texts[i] += pieces[r.IntN(len(pieces))]
			}
		}
		sum := countedIn(t, texts[0])
		for text, n := range countedIn(t, texts[1]) {
			sum[text] += n
		}
		if got := countedIn(t, texts[1], texts[0]); !reflect.DeepEqual(got, sum) {
			t.Errorf("%q: together %v, one by one %v", texts, got, sum)
		}
		checkSane(t, texts[0]+texts[1])
	}
}

// FuzzBoundaries holds the fast way through ASCII, and what is around it,
// against Unicode's word boundaries, found slowly.
func FuzzBoundaries(f *testing.F) {
	seeds(f, func(text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text string) { checkBoundaries(t, text) })
}

func TestBoundaries(t *testing.T) {
	alphabet := []rune("abzIT019__..,,;;''’-+ \"\n\té\u0301ж한ß")
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		text := make([]rune, r.IntN(16))
		for i := range text {
			text[i] = alphabet[r.IntN(len(alphabet))]
		}
		checkBoundaries(t, string(text))
	}
}

func checkBoundaries(t *testing.T, text string) {
	// What has a meaning of its own is left out, and "w" for the sake of "www.".
	text = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("<`@\\:/#*wW", r):
			return ' '
		case r < 0x80, r >= 0xC0 && r < 0x250, r >= 0x300 && r < 0x340, r >= 0x400 && r < 0x500, r >= 0xAC00 && r <= 0xD7A3, r == '’':
			return r
		}
		return ' '
	}, text)
	want := map[string]int64{}
	stop := lexicon().english
	for segments := words.FromString(text); segments.Next(); {
		word := strings.Trim(segments.Value(), "_")
		word = strings.ReplaceAll(word, "’", "'")
		word = norm.NFC.String(strings.Map(fold, word))
		_, stops := stop[word]
		if strings.IndexFunc(word, unicode.IsLetter) >= 0 && !stops && utf8.RuneCountInString(word) <= MaxLength {
			want["w "+word]++
		}
	}
	if got := countedIn(t, text); !reflect.DeepEqual(got, want) {
		t.Errorf("%q: got %v, want %v", text, got, want)
	}
}

// TestFold holds the case of each character against what Unicode says belongs together.
func TestFold(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if r == 'ı' || r == 'İ' {
			continue // of Turkish, on purpose
		}
		if folded := fold(r); fold(folded) != folded {
			t.Errorf("%c folds to %c, which folds to %c", r, folded, fold(folded))
		}
		if next := unicode.SimpleFold(r); next != 'ı' && next != 'İ' && fold(next) != fold(r) {
			t.Errorf("%c folds to %c, but %c to %c", r, fold(r), next, fold(next))
		}
	}
}
