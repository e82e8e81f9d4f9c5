package cjk

import "unicode/utf8"

// maxRun is how many characters are looked at together.
const maxRun = 1024

// Token is a piece of a run.
type Token struct {
	// End is where it ends, in bytes of the run; it begins where the one before ends.
	End int
	// Word is false for what is no word by itself: a single character that the
	// dictionary has not; in Japanese also particles, auxiliaries, pronouns,
	// numerals, prefixes, suffixes and the verbs する, いる, ある, なる, できる.
	Word bool
}

// Segmenter cuts runs. It belongs to one goroutine.
type Segmenter struct {
	dictionaries *Dictionaries
	chinese      *chinese
	japanese     *japanese

	runes   []uint16 // of the run; 0 for what is not of the basic plane
	ends    []int    // where each rune ends, in bytes
	tokens  []Token  // last first, End in runes
	path    []step
	lattice lattice
}

// Chinese appends the tokens of a run of Chinese to dst.
func (s *Segmenter) Chinese(dst []Token, run string) []Token {
	if s.chinese == nil {
		s.chinese = s.dictionaries.takeChinese()
	}
	return s.cut(dst, run, s.cutChinese)
}

// Japanese appends the tokens of a run of Japanese to dst.
func (s *Segmenter) Japanese(dst []Token, run string) []Token {
	if s.japanese == nil {
		s.japanese = s.dictionaries.takeJapanese()
		s.lattice.fit(s.japanese.ids)
	}
	return s.cut(dst, run, s.cutJapanese)
}

// cut cuts one piece of a run after the other with cutPiece, which puts the
// tokens of s.runes into s.tokens.
func (s *Segmenter) cut(dst []Token, run string, cutPiece func()) []Token {
	for offset := 0; offset < len(run); {
		s.runes, s.ends, s.tokens = s.runes[:0], s.ends[:0], s.tokens[:0]
		for len(s.runes) < maxRun && offset < len(run) {
			r, size := utf8.DecodeRuneInString(run[offset:])
			offset += size
			if r > 0xFFFF {
				r = 0
			}
			s.runes, s.ends = append(s.runes, uint16(r)), append(s.ends, offset)
		}
		cutPiece()
		for i := len(s.tokens) - 1; i >= 0; i-- {
			t := s.tokens[i]
			dst = append(dst, Token{s.ends[t.End-1], t.Word})
		}
	}
	return dst
}

// step is the cheapest way to the place behind a character.
type step struct {
	cost int32
	from int32 // where its last word begins, in characters
	word bool
}

func (s *Segmenter) cutChinese() {
	d, n := s.chinese, len(s.runes)
	s.path = append(s.path[:0], step{})
	for range n {
		s.path = append(s.path, step{cost: 1<<31 - 1})
	}
	for i := range n {
		cost := s.path[i].cost
		node := d.words.top[s.runes[i]]
		for end := i + 1; node != 0; end++ {
			if c := d.costs[node]; c != 0 {
				s.path[end].offer(step{cost + int32(c), int32(i), true})
			}
			if end == n {
				break
			}
			node = d.words.child(node, s.runes[end])
		}
		s.path[i+1].offer(step{cost + d.unknown, int32(i), false})
	}
	for i := n; i > 0; i = int(s.path[i].from) {
		s.tokens = append(s.tokens, Token{i, s.path[i].word})
	}
}

// offer takes another way if it is cheaper.
func (s *step) offer(other step) {
	if other.cost < s.cost {
		*s = other
	}
}
