package corpus

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// maxLength is how many bytes a message has at most; Discord allows as many characters.
const maxLength = 2000

// Talk says what people say. It belongs to one goroutine.
type Talk struct {
	r      *rand.Rand
	spoken []*language // by a hundredth of the people
	words  map[*language]*rand.Zipf
	emoji  []string
}

// NewTalk returns a Talk that takes its chances from r.
func NewTalk(r *rand.Rand) *Talk {
	t := &Talk{r: r, words: map[*language]*rand.Zipf{}, emoji: emoji()}
	all := languages()
	for i := range all {
		l := &all[i]
		t.words[l] = rand.NewZipf(r, 1.1, 4, uint64(len(l.words)-1))
		for range l.share {
			t.spoken = append(t.spoken, l)
		}
	}
	return t
}

// Append appends a message of somebody, who always speaks the same language, to b.
// It may be empty: a picture alone.
func (t *Talk) Append(b []byte, user int) []byte {
	l := t.spoken[user*37%len(t.spoken)] // neighbours by rank do not speak the same
	kind := t.r.IntN(1000)
	switch {
	case kind < 20:
		return b
	case kind < 45:
		b = append(b, "https://example.org/watch?v="...)
		b = strconv.AppendUint(b, t.r.Uint64()>>20, 36)
		return b
	case kind < 70:
		b = append(b, "<@"...)
		b = strconv.AppendUint(b, 1e17+t.r.Uint64N(9e17), 10)
		b = append(b, "> "...)
	}
	// The lengths of chat messages are about log-normal: half have five words or
	// less, one in a hundred has forty and more.
	words := 1 + int(math.Exp(1.5+0.95*t.r.NormFloat64()))
	length := 0
	for i := range words {
		if i > 0 {
			b = append(b, t.between(l)...)
		}
		word := l.words[t.words[l].Uint64()]
		if length += len(word) + 1; length > maxLength {
			break
		}
		b = append(b, word...)
	}
	b = append(b, l.stop[t.r.IntN(len(l.stop))]...)
	if t.r.IntN(100) < 15 {
		b = append(b, ' ')
		b = append(b, t.emoji[t.r.IntN(len(t.emoji))]...)
	}
	return b
}

// between returns what stands between two words; now and then it needs to be
// escaped in JSON.
func (t *Talk) between(l *language) string {
	switch n := t.r.IntN(400); {
	case n < 3:
		return "\n"
	case n == 3:
		return ` "`
	}
	return l.space
}
