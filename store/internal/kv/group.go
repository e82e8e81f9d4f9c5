package kv

import (
	"cmp"
	"slices"
)

// GroupBy returns the items in the order of their keys, those of one key in the
// order in which they are. Where keys are few, that takes a fraction of sorting.
func GroupBy[T any, K ~uint64 | ~uint32](items []T, key func(*T) K) []T {
	type group struct {
		key      K
		size, at int
	}
	var groups []group
	places := map[K]int32{}
	of := make([]int32, len(items))
	ordered := true
	for i := range items {
		k := key(&items[i])
		if i > 0 && groups[of[i-1]].key == k {
			of[i] = of[i-1]
		} else {
			place, ok := places[k]
			if !ok {
				place = int32(len(groups))
				groups = append(groups, group{key: k})
				places[k] = place
			}
			ordered = ordered && (i == 0 || groups[of[i-1]].key < k)
			of[i] = place
		}
		groups[of[i]].size++
	}
	if ordered {
		return items
	}
	inOrder := make([]int32, len(groups))
	for i := range inOrder {
		inOrder[i] = int32(i)
	}
	slices.SortFunc(inOrder, func(a, b int32) int { return cmp.Compare(groups[a].key, groups[b].key) })
	at := 0
	for _, g := range inOrder {
		groups[g].at = at
		at += groups[g].size
	}
	grouped := make([]T, len(items))
	for i := range items {
		g := &groups[of[i]]
		grouped[g.at] = items[i]
		g.at++
	}
	return grouped
}
