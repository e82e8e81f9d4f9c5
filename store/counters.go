package store

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// counters are what Stats tells of the time since Open.
type counters struct {
	records [SourceImport + 1]struct{ stored, merged, duplicates atomic.Int64 }
	last    atomic.Int64 // see Stats.LastCommit
	refused atomic.Int64
	full    atomic.Bool
	seconds *Histogram
	batch   *Histogram
}

func newCounters() *counters {
	return &counters{
		seconds: NewHistogram(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30),
		batch:   NewHistogram(0, 1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000),
	}
}

// committed takes in a transaction that stands.
func (c *counters) committed(outcomes []Outcomes, took time.Duration) {
	var sum int64
	for source := range outcomes {
		o, n := &c.records[source], outcomes[source]
		o.stored.Add(n.Stored)
		o.merged.Add(n.Merged)
		o.duplicates.Add(n.Duplicates)
		sum += n.Stored + n.Merged + n.Duplicates
	}
	c.seconds.Observe(took.Seconds())
	c.batch.Observe(float64(sum))
	c.last.Store(int64(MicrosOf(time.Now())))
	c.full.Store(false)
}

// noRoom takes in a transaction that found no room.
func (c *counters) noRoom() {
	c.refused.Add(1)
	c.full.Store(true)
}

// Outcomes count what became of records that were to be stored. Merged ones are the
// same message as one that is there from the other side, a log line or a message with
// its id: they add nothing to what is counted. Duplicates were there.
type Outcomes struct {
	Stored     int64 `json:"stored"`
	Merged     int64 `json:"merged"`
	Duplicates int64 `json:"duplicates"`
}

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
