package store

import (
	"math"
	"slices"
	"sync/atomic"
)

// Histogram counts observations by their size. Any goroutine may use it, without
// waiting for another one.
type Histogram struct {
	bounds []float64
	counts []atomic.Uint64 // one more than bounds: what is above the last one
	sum    atomic.Uint64   // the bits of a float64
}

// Distribution is what a Histogram has counted. Counts[i] observations were at most
// Bounds[i] and above the bound before it; the last count, which has no bound, is of
// those above all bounds.
type Distribution struct {
	Bounds []float64 // ascending; shared, not to be changed
	Counts []uint64
	Sum    float64 // of all observations
}

// NewHistogram returns a histogram with these bounds, ascending.
func NewHistogram(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe counts a value.
func (h *Histogram) Observe(value float64) {
	i, _ := slices.BinarySearch(h.bounds, value)
	h.counts[i].Add(1)
	for {
		before := h.sum.Load()
		if h.sum.CompareAndSwap(before, math.Float64bits(math.Float64frombits(before)+value)) {
			return
		}
	}
}

// Distribution returns what was counted until now. What is observed meanwhile may be
// in a count and not yet in the sum.
func (h *Histogram) Distribution() Distribution {
	d := Distribution{Bounds: h.bounds, Counts: make([]uint64, len(h.counts)), Sum: math.Float64frombits(h.sum.Load())}
	for i := range h.counts {
		d.Counts[i] = h.counts[i].Load()
	}
	return d
}

// Count returns how many observations there were.
func (d Distribution) Count() (n uint64) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}
