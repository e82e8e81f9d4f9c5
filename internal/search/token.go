package search

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Token is a piece of a text that a query can ask for.
type Token struct {
	Text       string // folded
	Start, End int    // in code points of the text
	Unit       bool   // a character of a script without spaces, or an emoji
}

// scripts that are written without spaces between words.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// cased are the scripts whose diacritics make no difference.
var cased = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic}

// strokes are Latin letters that Unicode does not decompose, although people who cannot
// type them write others instead.
var strokes = map[rune]string{
	'ß': "ss", 'ł': "l", 'ø': "o", 'đ': "d", 'ħ': "h", 'ŧ': "t", 'ƀ': "b", 'ɨ': "i", 'ƶ': "z", 'æ': "ae", 'œ': "oe", 'ð': "d", 'þ': "th",
}

// kind is what a folded character is for the tokenizer.
type kind int

const (
	separator kind = iota
	invisible      // ignored wherever it is
	letter         // of a word, as are digits
	mark           // of the letter before it
	unit           // a token by itself
	region         // a regional indicator; two make a flag
)

func kindOf(r rune) kind {
	switch {
	case r < utf8.RuneSelf:
		if '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' {
			return letter
		}
		return separator
	case isInvisible(r):
		return invisible
	case 0x1F1E6 <= r && r <= 0x1F1FF:
		return region
	case r == 'ー' || r == '〆' || 0x1F3FB <= r && r <= 0x1F3FF: // common to two scripts; skin tones
		return unit
	case 0x4E00 <= r && r < 0xA000 || 0x3041 <= r && r < 0x3097 || 0x30A1 <= r && r < 0x30FB: // most Chinese characters and kana
		return unit
	case 0xAC00 <= r && r < 0xD7A4: // Hangul
		return letter
	case unicode.In(r, unspaced...) && unicode.In(r, unicode.L, unicode.N, unicode.M):
		return unit
	case unicode.In(r, unicode.L, unicode.N):
		return letter
	case unicode.Is(unicode.M, r):
		return mark
	case unicode.Is(unicode.So, r):
		return unit
	}
	return separator
}

// isInvisible reports whether a character changes at most how its neighbours look: joiners,
// directions, variation selectors, soft hyphens.
func isInvisible(r rune) bool {
	return 0xFE00 <= r && r <= 0xFE0F || 0xE0000 <= r && r <= 0xE0FFF || r == 0x034F || r == 0x3164 || r == 0x115F || r == 0x1160 ||
		unicode.Is(unicode.Cf, r)
}

// tokenizer cuts one text.
type tokenizer struct {
	text   string
	simple *[0x2000]folding
	tokens []Token // without their texts
	folded []byte  // the texts
	ends   []int   // of each token's text, in folded
	at     int     // code points before the present character
	inWord bool
	start  int // of the word, in code points
	end    int
	flag   bool // the last token is the first half of a flag, and nothing came after it
}

// Tokens appends the tokens of a text, which is valid UTF-8, in their order.
func Tokens(tokens []Token, text string) []Token {
	first := len(tokens)
	z := tokenizer{
		text: text, simple: foldings(), tokens: slices.Grow(tokens, len(text)/3+1),
		folded: make([]byte, 0, len(text)+len(text)/4), ends: make([]int, 0, len(text)/3+1),
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		next, _ := utf8.DecodeRuneInString(text[i+size:])
		switch {
		case r == '<':
			i += z.mark(i)
			continue
		case standsAlone(r) && (i+size == len(text) || standsAlone(next)):
			z.foldAlone(r)
			z.at++
			i += size
		default:
			i += z.segment(i)
		}
	}
	z.endWord()
	begin, folded := 0, string(z.folded)
	for i, end := range z.ends {
		z.tokens[first+i].Text = folded[begin:end]
		begin = end
	}
	return z.tokens
}

// standsAlone reports whether a character neither composes with one that stands alone as well nor
// is of full or half width.
func standsAlone(r rune) bool {
	switch {
	case r < 0x300, 0x370 <= r && r < 0x483, 0x48A <= r && r < 0x530, 0x1E00 <= r && r < 0x2000: // Latin, Greek, Cyrillic
		return true
	case 0x2E80 <= r && r < 0xA960: // Chinese, kana and their punctuation
		return r < 0x302A || r > 0x302F && r != 0x3099 && r != 0x309A && r < 0xA66F || r > 0xA6FF && r < 0xA800
	}
	return 0xAC00 <= r && r < 0xD7A4 // Hangul
}

// folding is what becomes of one character: up to two others, each of this kind.
type folding struct {
	runes [2]rune // 0: none
	kinds [2]kind
}

// foldings returns those of the characters below U+2000, most of which every text has.
var foldings = sync.OnceValue(func() *[0x2000]folding {
	var all [0x2000]folding
	for r := range rune(len(all)) {
		if !standsAlone(r) {
			continue
		}
		n := 0
		eachFolded(string(r), func(folded rune) {
			all[r].runes[n], all[r].kinds[n] = folded, kindOf(folded)
			n++
		})
	}
	return &all
})

// foldAlone folds a character that stands alone.
func (z *tokenizer) foldAlone(r rune) {
	if int(r) >= len(z.simple) {
		z.fold(r, kindOf(r), 1)
		return
	}
	f := &z.simple[r]
	z.fold(f.runes[0], f.kinds[0], 1)
	if f.runes[1] != 0 {
		z.fold(f.runes[1], f.kinds[1], 1)
	}
}

// segment takes the characters from i on that Unicode composes, and returns their bytes.
func (z *tokenizer) segment(i int) int {
	rest := z.text[i:]
	n := norm.NFC.NextBoundaryInString(rest, true)
	if n <= 0 {
		n = len(rest)
	}
	for strings.HasPrefix(rest[n:], "ﾞ") || strings.HasPrefix(rest[n:], "ﾟ") { // half-width voicing marks
		n += len("ﾞ")
	}
	points := utf8.RuneCountInString(rest[:n])
	eachFolded(rest[:n], func(r rune) { z.fold(r, kindOf(r), points) })
	z.at += points
	return n
}

// eachFolded hands out what the characters of one segment become.
func eachFolded(segment string, f func(rune)) {
	if strings.IndexByte(segment, 0xEF) >= 0 { // U+F000 and above, which has all of full and half width
		segment = width.Fold.String(segment)
	}
	if base, _ := utf8.DecodeRuneInString(segment); !unicode.In(base, cased...) {
		if !norm.NFC.IsNormalString(segment) {
			segment = norm.NFC.String(segment)
		}
		for _, r := range segment {
			f(unicode.ToLower(unicode.ToUpper(r)))
		}
		return
	}
	for _, r := range norm.NFD.String(segment) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if r = unicode.ToLower(unicode.ToUpper(r)); r == 'ẞ' {
			r = 'ß'
		}
		if plain, ok := strokes[r]; ok {
			for _, p := range plain {
				f(p)
			}
			continue
		}
		f(r)
	}
}

// fold takes a folded character of a kind, which so many code points of the text became.
func (z *tokenizer) fold(r rune, k kind, points int) {
	half := z.flag
	if k != invisible {
		z.flag = false
	}
	switch k {
	case letter:
		if !z.inWord {
			z.inWord, z.start = true, z.at
		}
		z.folded = utf8.AppendRune(z.folded, r)
		z.end = z.at + points
	case mark:
		if z.inWord {
			z.folded = utf8.AppendRune(z.folded, r)
			z.end = z.at + points
		}
	case unit, region:
		z.endWord()
		z.folded = utf8.AppendRune(z.folded, r)
		if last := len(z.tokens) - 1; k == region && half {
			z.tokens[last].End, z.ends[len(z.ends)-1] = z.at+points, len(z.folded)
			return
		}
		z.add(Token{Start: z.at, End: z.at + points, Unit: true})
		z.flag = k == region
	case separator:
		z.endWord()
	}
}

func (z *tokenizer) endWord() {
	if z.inWord {
		z.add(Token{Start: z.start, End: z.end})
		z.inWord = false
	}
}

// add adds a token, whose text ends what is folded.
func (z *tokenizer) add(t Token) {
	z.tokens, z.ends = append(z.tokens, t), append(z.ends, len(z.folded))
}

// marks are what Discord writes for mentions, channels, timestamps, commands and custom
// emoji, whose name is the group.
var marks = regexp.MustCompile(`^<(?:@[!&]?\d+|#\d+|t:-?\d+(?::[a-zA-Z])?|/[^<>:\n]{1,100}:\d+|id:[a-z]+|a?:(\w{1,32}):\d+)>`)

// mark takes what begins with the < at i, a mark of Discord or that sign alone, and returns
// its bytes.
func (z *tokenizer) mark(i int) int {
	z.fold('<', separator, 1)
	found := marks.FindStringSubmatchIndex(z.text[i:])
	if found == nil {
		z.at++
		return 1
	}
	begin, end := z.at, z.at+utf8.RuneCountInString(z.text[i:i+found[1]])
	if from, to := found[2], found[3]; from >= 0 { // all before a name is ASCII
		for j := from; j < to; j++ {
			z.at = begin + j
			z.foldAlone(rune(z.text[i+j]))
		}
		z.endWord()
	}
	z.at = end
	return found[1]
}
