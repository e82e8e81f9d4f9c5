package words

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/words/cjk"
)

const (
	// MaxDistinct is how many different words and emoji a Counter can hold.
	MaxDistinct = 2_000_000
	// MaxLength is how many characters (code points) a word or emoji has at most.
	MaxLength = 64
)

// ErrTooMany: there are more than MaxDistinct different words and emoji.
var ErrTooMany = errors.New("too many different words to count exactly")

// Word is a word and how often it was said.
type Word struct {
	Word  string `json:"word"`
	Count int64  `json:"count"`
}

// Emoji is an emoji, custom ones as <:name:id>, and how often it was used.
type Emoji struct {
	Emoji string `json:"emoji"`
	Count int64  `json:"count"`
}

// Counter counts the words and emoji of texts. It belongs to one goroutine.
type Counter struct {
	lexicon   *Lexicon
	segmenter *cjk.Segmenter
	words     tally
	emoji     tally
	custom    map[uint64]*customEmoji
	limit     int // MaxDistinct
	full      bool

	buf    []byte // the word or emoji that is being spelt
	tokens []cjk.Token
}

// customEmoji is an emoji of a guild's own.
type customEmoji struct {
	name  string // the smallest of those seen
	count int64
}

// Top returns the most frequent words and emoji, at most as many of each as are
// asked for, never nil: most frequent first, in the order of their bytes where
// they are as frequent.
func (c *Counter) Top(words, emoji int) ([]Word, []Emoji) {
	topWords := newTop(words, func(w Word) (int64, string) { return w.Count, w.Word })
	for i, text := range c.words.texts {
		topWords.offer(Word{text, c.words.counts[i]})
	}
	topEmoji := newTop(emoji, func(e Emoji) (int64, string) { return e.Count, e.Emoji })
	for i, text := range c.emoji.texts {
		topEmoji.offer(Emoji{text, c.emoji.counts[i]})
	}
	for id, e := range c.custom {
		topEmoji.offer(Emoji{"<:" + e.name + ":" + strconv.FormatUint(id, 10) + ">", e.count})
	}
	return topWords.sorted(), topEmoji.sorted()
}

// addWord counts a word, unless it is too long.
func (c *Counter) addWord(word string) {
	if len(word) > MaxLength && utf8.RuneCountInString(word) > MaxLength {
		return
	}
	if !c.words.add(word) && c.room() {
		c.words.insert(strings.Clone(word))
	}
}

// addEmoji counts an emoji that is no custom one, unless it is too long.
func (c *Counter) addEmoji(emoji []byte) {
	if len(emoji) > MaxLength && utf8.RuneCount(emoji) > MaxLength {
		return
	}
	if !c.emoji.add(string(emoji)) && c.room() {
		c.emoji.insert(string(emoji))
	}
}

// addCustom counts an emoji of a guild's own.
func (c *Counter) addCustom(name string, id uint64) {
	e := c.custom[id]
	if e == nil {
		if !c.room() {
			return
		}
		if c.custom == nil {
			c.custom = map[uint64]*customEmoji{}
		}
		e = &customEmoji{name: strings.Clone(name)}
		c.custom[id] = e
	}
	if name < e.name {
		e.name = strings.Clone(name)
	}
	e.count++
}

// room reports whether there may be another distinct word or emoji.
func (c *Counter) room() bool {
	if len(c.words.texts)+len(c.emoji.texts)+len(c.custom) < c.limit {
		return true
	}
	c.full = true
	return false
}

func (c *Counter) err() error {
	if c.full {
		return fmt.Errorf("%w: more than %d", ErrTooMany, c.limit)
	}
	return nil
}

// tally counts distinct texts.
type tally struct {
	index  map[string]int32 // into the others
	texts  []string
	counts []int64
}

// add counts a text that it has, and reports whether it has it.
func (t *tally) add(text string) bool {
	i, ok := t.index[text]
	if ok {
		t.counts[i]++
	}
	return ok
}

// insert counts a text that it has not; it keeps the string.
func (t *tally) insert(text string) {
	if t.index == nil {
		t.index = map[string]int32{}
	}
	t.index[text] = int32(len(t.texts))
	t.texts = append(t.texts, text)
	t.counts = append(t.counts, 1)
}

// top keeps the first n of the items that are offered to it.
type top[T any] struct {
	n     int
	of    func(T) (count int64, text string)
	items []T // twice n at most; those that are not among the first n go when it is full
	least int64
}

func newTop[T any](n int, of func(T) (int64, string)) *top[T] {
	return &top[T]{n: max(n, 0), of: of, items: []T{}}
}

func (t *top[T]) offer(item T) {
	if count, _ := t.of(item); t.n == 0 || count < t.least {
		return
	}
	if t.items = append(t.items, item); len(t.items) >= 2*t.n+16 {
		t.items = t.sorted()
		t.least, _ = t.of(t.items[len(t.items)-1])
	}
}

func (t *top[T]) sorted() []T {
	slices.SortFunc(t.items, func(a, b T) int {
		countA, textA := t.of(a)
		countB, textB := t.of(b)
		return cmp.Or(cmp.Compare(countB, countA), strings.Compare(textA, textB))
	})
	return t.items[:min(t.n, len(t.items))]
}
