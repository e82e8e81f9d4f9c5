package main

import (
	"encoding/binary"
	"slices"
)

// node is a node of a trie and the range of sorted words below it.
type node struct {
	low, high, depth int
}

// trie holds sorted words as package cjk reads them: nodes in the order of
// their depth, the children of one node together and by their rune.
type trie struct {
	children []uint16 // how many a node has
	labels   []uint16 // the rune that leads to a node; 0 for the root
	word     []int    // which word ends at a node; -1 for none
}

// buildTrie takes words in ascending order, none twice.
func buildTrie(words [][]uint16) trie {
	var t trie
	t.labels = append(t.labels, 0)
	queue := []node{{0, len(words), 0}}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		word := -1
		if len(words[n.low]) == n.depth {
			word = n.low
			n.low++
		}
		count := 0
		for low := n.low; low < n.high; count++ {
			label := words[low][n.depth]
			high := low + 1
			for high < n.high && words[high][n.depth] == label {
				high++
			}
			t.labels = append(t.labels, label)
			queue = append(queue, node{low, high, n.depth + 1})
			low = high
		}
		t.children = append(t.children, uint16(count))
		t.word = append(t.word, word)
	}
	return t
}

// spell returns the UTF-16 of a word that has Chinese and Japanese characters
// only, all of the basic plane, and whether it is one: no other ever comes to
// be looked up.
func spell(word string) ([]uint16, bool) {
	var out []uint16
	for _, r := range word {
		if !inRun(r) {
			return nil, false
		}
		out = append(out, uint16(r))
	}
	return out, len(out) > 0
}

func inRun(r rune) bool {
	return r >= 0x3041 && r <= 0x30FF && r != 0x30FB || // kana, without the middle dot
		r >= 0x31F0 && r <= 0x31FF ||
		r >= 0x3400 && r <= 0x4DBF || r >= 0x4E00 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF ||
		r == '々' || r == '〆' || r == '〇'
}

// sortedKeys returns the words of m in the order that buildTrie wants.
func sortedKeys[V any](m map[string]V) (names []string, spelt [][]uint16) {
	for name := range m {
		names = append(names, name)
	}
	// In the basic plane UTF-8 and UTF-16 sort alike.
	slices.Sort(names)
	for _, name := range names {
		s, _ := spell(name)
		spelt = append(spelt, s)
	}
	return names, spelt
}

func appendUint16s[T ~uint16 | ~int16](b []byte, column []T) []byte {
	for _, v := range column {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}
