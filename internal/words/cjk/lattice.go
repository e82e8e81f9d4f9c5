package cjk

// lattice has the words that may stand in a run of Japanese, as far as it has
// been gone through.
type lattice struct {
	words []candidate
	// endingAt is the last of the words that end behind a character, -1 for none.
	endingAt []int32
	// alike is how far from its place characters are of the same category.
	alike []int32
	// best has, by id, the best word to stand before a word of that id at the
	// place that is being worked on.
	best []choice
	// passed is how many places there were in the runs before this one.
	passed int64
}

// candidate is a word at a place.
type candidate struct {
	cost     int32 // of the cheapest way to its end
	before   int32 // the word before it on that way, -1 for none
	sibling  int32 // another word that ends where it does, -1 for none
	begin    int32
	id       uint16
	function bool
}

type choice struct {
	cost   int32
	before int32
	place  int64 // which place this is true for, of all that there ever were, from 1
}

// fit makes room for a dictionary with that many ids.
func (l *lattice) fit(ids int) { l.best = make([]choice, ids) }

func (l *lattice) reset(n int) {
	l.passed += int64(len(l.endingAt))
	l.words, l.endingAt, l.alike = l.words[:0], l.endingAt[:0], l.alike[:0]
	for range n + 1 {
		l.endingAt, l.alike = append(l.endingAt, -1), append(l.alike, 0)
	}
}

func (s *Segmenter) cutJapanese() {
	d, l, n := s.japanese, &s.lattice, len(s.runes)
	l.reset(n)
	for i := n - 1; i >= 0; i-- {
		l.alike[i] = 1
		if i+1 < n && d.category[s.runes[i]] == d.category[s.runes[i+1]] {
			l.alike[i] += l.alike[i+1]
		}
	}
	// Id 0 stands for the beginning and for the end of a run.
	l.words = append(l.words, candidate{before: -1, sibling: -1})
	l.endingAt[0] = 0
	for i := range n {
		if l.endingAt[i] < 0 {
			continue // no word ends here, so none begins
		}
		known := s.addKnown(i)
		if c := &d.categories[d.category[s.runes[i]]]; !known || c.always {
			s.addUnknown(i, c)
		}
	}
	last := l.before(d, n, 0)
	for at, end := last.before, n; at > 0; at = l.words[at].before {
		s.tokens = append(s.tokens, Token{end, !l.words[at].function})
		end = int(l.words[at].begin)
	}
}

// addKnown adds the dictionary's words that begin at i, and reports whether there are any.
func (s *Segmenter) addKnown(i int) (known bool) {
	d := s.japanese
	node := d.words.top[s.runes[i]]
	for end := i + 1; node != 0; end++ {
		for _, m := range d.morphs[d.firstMorph[node]:d.firstMorph[node+1]] {
			s.lattice.add(d, i, end, m)
			known = true
		}
		if end == len(s.runes) {
			break
		}
		node = d.words.child(node, s.runes[end])
	}
	return known
}

// addUnknown adds what may be an unknown word: a character, or all that are
// alike, or all of these but the last. A single one is no word.
func (s *Segmenter) addUnknown(i int, c *category) {
	length := 1
	if c.long {
		length = int(s.lattice.alike[i])
	}
	for _, m := range c.morphs {
		m.functional = length == 1
		if length > 1 {
			s.lattice.add(s.japanese, i, i+length-1, m)
		}
		s.lattice.add(s.japanese, i, i+length, m)
	}
}

func (l *lattice) add(d *japanese, begin, end int, m morph) {
	best := l.before(d, begin, m.id)
	l.words = append(l.words, candidate{
		cost: best.cost + int32(m.cost), before: best.before, sibling: l.endingAt[end],
		begin: int32(begin), id: m.id, function: m.functional,
	})
	l.endingAt[end] = int32(len(l.words) - 1)
}

// before returns the best word to stand before one of that id at place i.
func (l *lattice) before(d *japanese, i int, id uint16) choice {
	best, place := &l.best[id], l.passed+int64(i)+1
	if best.place == place {
		return *best
	}
	*best = choice{cost: 1<<31 - 1, before: -1, place: place}
	connection := d.connection[int(id)*d.ids:][:d.ids]
	for at := l.endingAt[i]; at >= 0; at = l.words[at].sibling {
		w := &l.words[at]
		// Not only less: of equals the one that was found first.
		if cost := w.cost + int32(connection[w.id]); cost <= best.cost {
			best.cost, best.before = cost, at
		}
	}
	return *best
}
