// Package cjk cuts Chinese and Japanese, which are written without spaces, into
// words.
//
//	dictionaries := cjk.New(time.Minute)
//	s := dictionaries.NewSegmenter() // belongs to one goroutine
//	tokens = s.Chinese(tokens[:0], "今天晚上一起玩")
//
// # How it cuts
//
// Of all the ways to cut a run into words of the dictionary it takes the
// cheapest, found by going through the run once (Viterbi).
//
// Chinese: a word costs the negative logarithm of its frequency, which is what
// jieba does without its guesses at unknown words. A character that is no word
// costs as much as a word that was seen once.
//
// Japanese: a word has a cost of its own and one for standing behind the word
// before it, which is what MeCab does. What is not in the dictionary is taken
// together as long as it is of one kind (katakana, say).
//
// Runs longer than maxRun characters are cut there first, so that the memory
// for one is bounded. Such runs are not language.
//
// # The dictionaries
//
// data/ has them, compressed and embedded; dictgen makes them and says from
// what, data/NOTICE has their licences. All numbers are little-endian.
//
//	chinese   "rcZH" · nodes u32 · cost of an unknown character u16
//	          children of each node u16 · rune of each u16 · cost of each u16, 0: no word ends here
//	japanese  "rcJA" · nodes u32 · morphs u32 · ids u32 · categories u32
//	          children of each node u16 · rune of each u16 · morphs of each u8
//	          id of each morph u16, its top bit: a functional word · cost of each i16
//	          cost of id after id i16, the later one first · category of each rune u8
//	          each category: unknown words beside known ones u8 · long ones u8 · morphs u8 · (id u16, cost i16)…
//
// Nodes are in the order of their depth, the children of one node together and
// in the order of their runes; so the first child of a node is behind the last
// child of the node before it, and need not be stored.
//
// # Memory
//
// A dictionary is read when the first Segmenter needs it, and is let go once
// none has asked for it for as long as New was told. A Segmenter keeps what it
// has used. Unpacked, Chinese has 7 MiB and Japanese 10 MiB.
package cjk
