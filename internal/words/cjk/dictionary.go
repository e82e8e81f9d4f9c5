package cjk

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

//go:generate go run -C dictgen .

//go:embed data/chinese.dict.zst
var chineseFile []byte

//go:embed data/japanese.dict.zst
var japaneseFile []byte

var errFormat = errors.New("not a dictionary of this version")

// chinese is the dictionary of Chinese. It is never written to once it is read.
type chinese struct {
	words   trie
	costs   []uint16 // by node; 0: no word ends here
	unknown int32    // the cost of a character that is no word
}

// japanese is the dictionary of Japanese. It is never written to once it is read.
type japanese struct {
	words      trie
	firstMorph []uint32 // by node, and one more: the first morph of the next is behind the last
	morphs     []morph
	ids        int
	connection []int16 // cost of id a behind id b at a*ids+b
	category   []byte  // by rune of the basic plane
	categories []category
}

// morph is a word as it stands in a sentence: two that are spelt alike may have
// several.
type morph struct {
	id         uint16
	functional bool
	cost       int16
}

// category says how unknown words of a kind of character are made up.
type category struct {
	always bool // also where the dictionary has a word
	long   bool // as long as the characters are of the category
	morphs []morph
}

// functional in a stored id marks a functional word.
const functional = 1 << 15

// unpack decompresses an embedded file.
func unpack(file []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(file, nil)
}

func readChinese(data []byte) (*chinese, error) {
	r := reader{rest: data}
	r.magic("rcZH")
	nodes := r.uint32()
	d := &chinese{unknown: int32(r.uint16())}
	d.words = r.trie(nodes)
	d.costs = r.uint16s(nodes)
	return d, r.end()
}

func readJapanese(data []byte) (*japanese, error) {
	r := reader{rest: data}
	r.magic("rcJA")
	nodes, morphs, ids, categories := r.uint32(), r.uint32(), r.uint32(), r.uint32()
	d := &japanese{ids: ids}
	d.words = r.trie(nodes)
	d.firstMorph = running(r.bytes(nodes), 0)
	d.morphs = r.morphs(morphs)
	d.connection = signed(r.uint16s(ids * ids))
	d.category = append([]byte(nil), r.bytes(1<<16)...)
	for range categories {
		if r.err != nil {
			break
		}
		c := category{always: r.byte() != 0, long: r.byte() != 0}
		for range r.byte() {
			c.morphs = append(c.morphs, morph{id: r.uint16(), cost: int16(r.uint16())})
		}
		d.categories = append(d.categories, c)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return d, d.check()
}

// check makes sure that every number points at something.
func (d *japanese) check() error {
	ok := int(d.firstMorph[len(d.firstMorph)-1]) == len(d.morphs) && d.ids > 0
	for _, m := range d.morphs {
		ok = ok && int(m.id) < d.ids
	}
	for _, c := range d.categories {
		ok = ok && len(c.morphs) > 0
		for _, m := range c.morphs {
			ok = ok && int(m.id) < d.ids
		}
	}
	for _, c := range d.category {
		ok = ok && int(c) < len(d.categories)
	}
	if !ok {
		return fmt.Errorf("%w: a number points at nothing", errFormat)
	}
	return nil
}

// reader reads a dictionary file. After an error it reads zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.rest) {
		r.err = fmt.Errorf("%w: cut short", errFormat)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) magic(want string) {
	if string(r.bytes(len(want))) != want {
		r.err = errFormat
	}
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// uint32 reads a count; a file of ours has none that is longer than itself.
func (r *reader) uint32() int {
	if b := r.bytes(4); b != nil {
		return int(min(binary.LittleEndian.Uint32(b), 1<<28))
	}
	return 0
}

func (r *reader) uint16s(n int) []uint16 {
	b := r.bytes(2 * n)
	column := make([]uint16, len(b)/2)
	for i := range column {
		column[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return column
}

func (r *reader) morphs(n int) []morph {
	ids, costs := r.uint16s(n), r.uint16s(n)
	morphs := make([]morph, min(len(ids), len(costs)))
	for i := range morphs {
		morphs[i] = morph{ids[i] &^ functional, ids[i]&functional != 0, int16(costs[i])}
	}
	return morphs
}

func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%w: too long", errFormat)
	}
	return r.err
}

func signed(column []uint16) []int16 {
	out := make([]int16, len(column))
	for i, v := range column {
		out[i] = int16(v)
	}
	return out
}

// running returns the sums of counts before each of them, and of all, plus first.
func running[T byte | uint16](counts []T, first uint32) []uint32 {
	sums := make([]uint32, len(counts)+1)
	sums[0] = first
	for i, n := range counts {
		sums[i+1] = sums[i] + uint32(n)
	}
	return sums
}
