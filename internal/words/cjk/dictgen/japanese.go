package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/ikawaha/kagome-dict/dict"
	"github.com/ikawaha/kagome-dict/ipa"
)

// functional marks in an id the words that hold a sentence together and say
// nothing by themselves.
const functional = 1 << 15

// morph is a reading of a word: the id that tells what it stands well beside,
// with functional in it or not, and its own cost.
type morph struct {
	id   uint16
	cost int16
}

// japanese returns the dictionary of Japanese in the format of package cjk.
func japanese() ([]byte, error) {
	d := ipa.Dict()
	morphs := map[string][]morph{}
	for word, first := range surfaces(d.Index.Da) {
		if _, ok := spell(word); !ok {
			continue
		}
		for id := first; id <= first+int(d.Index.Dup[int32(first)]); id++ {
			m := d.Morphs[id]
			if m.LeftID != m.RightID || m.LeftID < 0 {
				return nil, fmt.Errorf("%s: ids %d, %d", word, m.LeftID, m.RightID)
			}
			morphs[word] = addMorph(morphs[word], morph{mark(d, id), m.Weight})
		}
	}
	_, spelt := sortedKeys(morphs)
	t := buildTrie(spelt)
	return encodeJapanese(d, t, morphs)
}

// addMorph keeps the cheapest of those that differ in nothing else.
func addMorph(list []morph, m morph) []morph {
	for i := range list {
		if list[i].id == m.id {
			list[i].cost = min(list[i].cost, m.cost)
			return list
		}
	}
	return append(list, m)
}

func encodeJapanese(d *dict.Dict, t trie, morphs map[string][]morph) ([]byte, error) {
	names, _ := sortedKeys(morphs)
	var ids []uint16
	var costs []int16
	counts := make([]byte, len(t.word))
	for i, word := range t.word {
		if word < 0 {
			continue
		}
		list := morphs[names[word]]
		if len(list) > 255 {
			return nil, fmt.Errorf("%s has %d readings", names[word], len(list))
		}
		counts[i] = byte(len(list))
		for _, m := range list {
			ids, costs = append(ids, m.id), append(costs, m.cost)
		}
	}
	if d.Connection.Row != d.Connection.Col || len(d.CharCategory) != 1<<16 {
		return nil, errors.New("the dictionary is not of the expected form")
	}

	b := []byte("rcJA")
	for _, n := range []int{len(t.labels), len(ids), int(d.Connection.Row), len(d.InvokeList)} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = appendUint16s(b, t.children)
	b = appendUint16s(b, t.labels)
	b = append(b, counts...)
	b = appendUint16s(b, ids)
	b = appendUint16s(b, costs)
	b = appendUint16s(b, d.Connection.Vec)
	b = append(b, d.CharCategory...)
	for category := range d.InvokeList {
		b = append(b, flag(d.InvokeList[category]), flag(d.GroupList[category]))
		first := int(d.UnkDict.Index[int32(category)])
		list := []morph{}
		for id := first; id <= first+int(d.UnkDict.IndexDup[int32(category)]); id++ {
			m := d.UnkDict.Morphs[id]
			list = addMorph(list, morph{uint16(m.LeftID), m.Weight})
		}
		b = append(b, byte(len(list)))
		for _, m := range list {
			b = binary.LittleEndian.AppendUint16(b, m.id)
			b = binary.LittleEndian.AppendUint16(b, uint16(m.cost))
		}
	}
	return b, nil
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// surfaces yields each word of an index with its first number.
func surfaces(index []struct{ Base, Check int32 }) func(yield func(string, int) bool) {
	var walk func(at int, prefix []byte, yield func(string, int) bool) bool
	walk = func(at int, prefix []byte, yield func(string, int) bool) bool {
		for c := range 256 {
			next := int(index[at].Base) + c
			if next >= len(index) || next <= 0 || int(index[next].Check) != at {
				continue
			}
			if c == 0 {
				if !yield(string(prefix), int(-index[next].Base)) {
					return false
				}
			} else if !walk(next, append(prefix, byte(c)), yield) {
				return false
			}
		}
		return true
	}
	return func(yield func(string, int) bool) { walk(0, nil, yield) }
}

// mark returns a reading's id with functional in it if it is such a word.
func mark(d *dict.Dict, number int) uint16 {
	var pos []string
	for _, i := range d.POSTable.POSs[number] {
		pos = append(pos, d.POSTable.NameList[i])
	}
	base := ""
	if at := int(d.ContentsMeta[dict.BaseFormIndex]) - len(pos); at >= 0 && at < len(d.Contents[number]) {
		base = d.Contents[number][at]
	}
	id := uint16(d.Morphs[number].LeftID)
	if isFunctional(strings.Join(pos, ","), base) {
		id |= functional
	}
	return id
}

// isFunctional tells particles, auxiliaries, pronouns, numerals and the like,
// what is only said together with another word, and the verbs to do, to be, to
// have, to become and to be able to.
func isFunctional(pos, base string) bool {
	for _, prefix := range []string{
		"助詞", "助動詞", "記号", "フィラー", "接続詞", "連体詞", "接頭詞", "その他",
		"名詞,代名詞", "名詞,非自立", "名詞,接尾", "名詞,数", "名詞,特殊", "名詞,動詞非自立的", "名詞,接続詞的",
		"動詞,非自立", "動詞,接尾", "形容詞,非自立", "形容詞,接尾", "副詞,助詞類接続",
	} {
		if strings.HasPrefix(pos, prefix) {
			return true
		}
	}
	switch base {
	case "する", "いる", "ある", "なる", "できる":
		return strings.HasPrefix(pos, "動詞")
	}
	return false
}
