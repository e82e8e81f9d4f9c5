package search_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"rollcall/internal/search"
)

// plain folds a text as a whole, by other means than the tokenizer.
func plain(text string) string {
	text = cases.Fold().String(norm.NFC.String(width.Fold.String(text)))
	var b strings.Builder
	base := ' '
	for _, r := range norm.NFD.String(text) {
		if !unicode.Is(unicode.Mn, r) {
			base = r
		} else if unicode.In(base, unicode.Latin, unicode.Greek, unicode.Cyrillic) {
			continue
		}
		b.WriteRune(r)
	}
	return strings.NewReplacer("ł", "l", "ı", "i").Replace(norm.NFC.String(b.String()))
}

var spacelessRune = regexp.MustCompile("[" + spaceless + "]")

const spaceless = `\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}`

// contains is the obvious search: an expression over the folded text.
func contains(text, word string, prefix bool) bool {
	word = plain(word)
	expression := regexp.QuoteMeta(word)
	if r, _ := utf8.DecodeRuneInString(word); !spacelessRune.MatchString(string(r)) {
		expression = `(?:^|[` + spaceless + `]|[^\pL\pN\pM])` + expression
		if !prefix {
			expression += `(?:$|[` + spaceless + `]|[^\pL\pN\pM])`
		}
	}
	return regexp.MustCompile(expression).MatchString(plain(text))
}

// words in eight scripts, some of which begin as others do.
var vocabulary = strings.Fields("rain Rainbow RAINCOAT naïve Łódź łodzie straße ΟΔΌΣ οδος Ёлка ёлки дождь 今日 今日は 日 東京 トウキョウ ﾄｳｷｮｳ ガ 안녕 안녕하세요 สวัสดี วัน ສະບາຍດີ ភាសា မြန်မာ ｆｕｌｌ full 42 x")

// What Match says is what an expression over folded texts says, for random texts and queries.
func TestOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	glue := []string{" ", " ", " ", ", ", "。", "\n", "-", ""}
	pick := func() string {
		word := vocabulary[random.IntN(len(vocabulary))]
		switch random.IntN(4) {
		case 0:
			return norm.NFD.String(word)
		case 1:
			return strings.ToUpper(word)
		}
		return word
	}
	matches := 0
	for range 5000 {
		var text strings.Builder
		for range random.IntN(7) {
			text.WriteString(pick() + glue[random.IntN(len(glue))])
		}
		var query []string
		want := true
		for range 1 + random.IntN(3) {
			word := pick()
			part := word
			prefix := random.IntN(4) == 0
			if runes := []rune(norm.NFC.String(word)); prefix && len(runes) > 2 {
				word = string(runes[:2])
				part = word + "*"
			} else if prefix {
				part += "*"
			}
			not := random.IntN(4) == 0
			if not {
				part = "-" + part
			}
			query = append(query, part)
			want = want && contains(text.String(), word, prefix) != not
		}
		q := parse(t, strings.Join(query, " "))
		if got := q.Match(&search.Message{Content: text.String()}); got != want {
			t.Fatalf("%q in %q: %v", query, text.String(), got)
		}
		if sieve := q.Sieve(); want && sieve != nil && !sieve([]byte(text.String())) {
			t.Fatalf("%q in %q: the sieve holds it back", query, text.String())
		}
		if want && q.HasWords() {
			matches++
			if spans := q.Spans(text.String()); len(spans) == 0 {
				t.Fatalf("%q in %q: no spans", query, text.String())
			}
		}
	}
	if matches < 200 {
		t.Errorf("only %d matches", matches)
	}
}

// Tokens lie in their text, in order; each finds its text again.
func FuzzTokens(f *testing.F) {
	for _, word := range vocabulary {
		f.Add(word + " <:a:1>" + word)
	}
	f.Add("🇩🇪🇩 ｶﾞ e\u0301\u0301 <@1 <t:1:R> ﬀ\ufe0f\u200d")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		points := utf8.RuneCountInString(text)
		end := 0
		for i, token := range search.Tokens(nil, text) {
			if token.Text == "" || token.Start > token.End || token.End > points || token.End < end {
				t.Fatalf("token %d of %q: %+v", i, text, token)
			}
			end = token.End
			again := search.Tokens(nil, token.Text)
			if len(again) != 1 || again[0].Text != token.Text {
				t.Fatalf("token %d of %q: %q is %+v", i, text, token.Text, again)
			}
		}
	})
}

// Whatever is typed is an error with its place, or a query that finds itself.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`from:alice -"green eggs" pre* has:link`, `in:"a b" during:2026-05`, `"`, "-", "東京 -日", "a* *"} {
		f.Add(text, "some text")
	}
	f.Fuzz(func(t *testing.T, query, text string) {
		text = strings.ToValidUTF8(text, "?")
		q, err := search.Parse(query, time.UTC, now)
		if err != nil {
			if e, ok := err.(*search.SyntaxError); !ok || e.Position < 1 || e.Position > utf8.RuneCountInString(query)+1 || e.Reason == "" {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		points := utf8.RuneCountInString(text)
		matched, spans := q.Match(&search.Message{Content: text}), q.Spans(text)
		end := 0
		for _, s := range spans {
			if s[0] < end || s[1] <= s[0] || s[1] > points {
				t.Fatalf("%q in %q: %v", query, text, spans)
			}
			end = s[1]
		}
		if sieve := q.Sieve(); matched && sieve != nil && !sieve([]byte(text)) {
			t.Fatalf("%q in %q: the sieve holds it back", query, text)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	q := parse(b, "raincoat -umbrella")
	sieve := q.Sieve()
	for name, text := range map[string]string{
		"ascii":     "I left my umbrella at home, and of course it rained the whole way there and back again.",
		"accents":   "J'ai oublié mon parapluie à la maison, et bien sûr il a plu tout le long du chemin.",
		"spaceless": "今日は傘を家に忘れてしまったので、帰り道はずっと雨に濡れてしまいました。",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if m := (search.Message{Content: text}); sieve([]byte(text)) && q.Match(&m) {
					b.Fatal("it matches")
				}
			}
		})
	}
}
