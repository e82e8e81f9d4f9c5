package words

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// kind is which of the scripts of Chinese and Japanese a character is of.
type kind byte

const (
	han kind = iota + 1
	hiragana
	katakana
)

// kindOf returns 0 for characters of all other scripts.
func kindOf(r rune) kind {
	switch {
	case r < 0x3005:
		return 0
	case r >= 0x4E00 && r <= 0x9FFF, r >= 0x3400 && r <= 0x4DBF, r >= 0xF900 && r <= 0xFAFF,
		r >= 0x20000 && r <= 0x3FFFD, r == '々', r == '〆', r == '〇':
		return han
	case r >= 0x3041 && r <= 0x309F:
		return hiragana
	case r >= 0x30A1 && r <= 0x30FF && r != '・', r >= 0x31F0 && r <= 0x31FF, r >= 0xFF66 && r <= 0xFF9F:
		return katakana
	}
	return 0
}

// language is that of a text's Chinese characters.
type language byte

const (
	unknown language = iota
	chinese
	japanese
)

// languageOf says in what language a text's Chinese characters are; doc.go has the rule.
func languageOf(text string) language {
	var count [katakana + 1]int
	for _, r := range text {
		if r != 'ー' {
			count[kindOf(r)]++
		}
	}
	h, k, n := count[hiragana], count[katakana], count[han]
	if h > 0 && 8*h >= h+n || h == 0 && k > 0 && k >= n {
		return japanese
	}
	return chinese
}

// cjk counts the words of the run of Chinese or Japanese that begins at i, and
// returns where to go on.
func (s *scanner) cjk(i int) int {
	if s.language == unknown {
		s.language = languageOf(s.text[i:])
	}
	end, first, compatible := i, kind(0), false
	for at, r := range s.text[i:] {
		k := kindOf(r)
		if first == 0 {
			first = k
		}
		if k == 0 || s.language == chinese && (k == han) != (first == han) {
			break
		}
		// Half-width kana, voicing marks of their own, and doubles of Chinese characters.
		compatible = compatible || r >= 0xF900 || r == 0x3099 || r == 0x309A
		end = i + at + utf8.RuneLen(r)
	}
	run := s.text[i:end]
	if compatible {
		run = norm.NFKC.String(run)
	}
	switch {
	case s.language == japanese:
		s.japanese(run)
	case first == han:
		s.chinese(run)
	case utf8.RuneCountInString(run) > 1:
		s.addWord(run)
	}
	return end
}

func (s *scanner) chinese(run string) {
	s.tokens = s.segmenter.Chinese(s.tokens[:0], run)
	begin := 0
	for _, t := range s.tokens {
		word := run[begin:t.End]
		begin = t.End
		if !t.Word {
			continue
		}
		if _, stop := s.lexicon.chinese[word]; !stop && !isNumeral(word) {
			s.addWord(word)
		}
	}
}

func isNumeral(word string) bool {
	for _, r := range word {
		if !strings.ContainsRune("〇一二三四五六七八九十百千万萬亿億零两兩", r) {
			return false
		}
	}
	return true
}

func (s *scanner) japanese(run string) {
	s.tokens = s.segmenter.Japanese(s.tokens[:0], run)
	begin := 0
	for _, t := range s.tokens {
		word := run[begin:t.End]
		begin = t.End
		if !t.Word {
			continue
		}
		if r, size := utf8.DecodeRuneInString(word); r != 'ー' && (size < len(word) || kindOf(r) == han) {
			s.addWord(word)
		}
	}
}
