package cjk

import "fmt"

// trie finds the words that begin at a place, rune by rune. Node 0 is the root.
type trie struct {
	first  []uint32 // child of each node, and one more
	labels []uint16 // the rune that leads to each node
	top    []uint32 // the root's child by rune; 0: none
}

// trie reads the nodes of one.
func (r *reader) trie(nodes int) trie {
	t := trie{first: running(r.uint16s(nodes), 1), labels: r.uint16s(nodes), top: make([]uint32, 1<<16)}
	if r.err != nil {
		return t
	}
	if nodes == 0 || int(t.first[nodes]) != nodes {
		r.err = fmt.Errorf("%w: nodes without parents", errFormat)
		return t
	}
	for child := t.first[0]; child < t.first[1]; child++ {
		t.top[t.labels[child]] = child
	}
	return t
}

// child returns the node behind node by the given rune, 0 if there is none.
func (t *trie) child(node uint32, label uint16) uint32 {
	low, high := t.first[node], t.first[node+1]
	for high-low > 8 {
		middle := (low + high) / 2
		if t.labels[middle] <= label {
			low = middle
		} else {
			high = middle
		}
	}
	for ; low < high; low++ {
		if t.labels[low] == label {
			return low
		}
	}
	return 0
}
