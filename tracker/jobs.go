package tracker

import (
	"context"
	"sync"
	"time"

	"rollcall/store"
)

// job is an open gap that is being filled.
type job struct {
	gap   store.Gap
	fill  fillWork // where the filling is
	scan  scanWork // where the scan is, if it is one
	tries int      // requests without an answer, in a row
}

func (j *job) isHistory() bool { return j.gap.Kind == store.GapHistory }

// jobs are the gaps that are to be filled. Each has its turn for one page and then
// goes to the end of the line, so that one long gap does not hold up the others.
// The crawl back to the channels' beginnings (mode all) has its turn when nothing
// else waits.
type jobs struct {
	ready     chan struct{} // holds a token while anything waits
	unhurried chan struct{} // ... in the slow line

	mu      sync.Mutex
	gaps    []*job
	history []*job
	slow    []*job                  // of both kinds, see slowDown
	guilds  map[store.ID]int        // jobs that are not done
	known   map[uint64]bool         // jobs that are not done, by Gap.Seq, and those that were done since forget
	ended   map[uint64]store.Micros // when the gaps that are not done ended, by Gap.Seq, without crawls
	finish  []uint64                // jobs that were done since forget
	open    int                     // jobs that are not done, without crawls
	crawls  int
}

func newJobs() *jobs {
	return &jobs{
		ready: make(chan struct{}, 1), unhurried: make(chan struct{}, 1),
		guilds: make(map[store.ID]int), known: make(map[uint64]bool), ended: make(map[uint64]store.Micros),
	}
}

// forget is called before the ledger is read. What was done before that is closed in
// what will be read; what is done while it is read must stay known, or the open
// gap that was read would be filled again.
func (q *jobs) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, seq := range q.finish {
		delete(q.known, seq)
	}
	q.finish = nil
}

// add adds a job unless it is known.
func (q *jobs) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known[j.gap.Seq] {
		return
	}
	q.known[j.gap.Seq] = true
	if !j.isHistory() {
		q.ended[j.gap.Seq] = j.gap.To
	}
	q.count(j, 1)
	q.append(j)
}

// back gives back a job that is not done.
func (q *jobs) back(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.append(j)
}

// backAfter gives back a job that is to wait; it still counts as not done.
func (q *jobs) backAfter(wait time.Duration, j *job) { time.AfterFunc(wait, func() { q.back(j) }) }

// append needs q.mu.
func (q *jobs) append(j *job) {
	if j.isHistory() {
		q.history = append(q.history, j)
	} else {
		q.gaps = append(q.gaps, j)
	}
	give(q.ready)
}

// count needs q.mu.
func (q *jobs) count(j *job, n int) {
	if j.isHistory() {
		q.crawls += n
	} else {
		q.open += n
	}
	if q.guilds[j.gap.Guild] += n; q.guilds[j.gap.Guild] == 0 {
		delete(q.guilds, j.gap.Guild)
	}
}

// of returns how many of a guild's jobs are not done.
func (q *jobs) of(guild store.ID) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.guilds[guild]
}

// has reports whether a gap is being filled, or was done since forget.
func (q *jobs) has(seq uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known[seq]
}

// slowDown puts a job into the slow line for its next turn.
func (q *jobs) slowDown(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slow = append(q.slow, j)
	give(q.unhurried)
}

// done takes a job off the list and reports whether it was the last one of its kind.
func (q *jobs) done(j *job) (last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finish = append(q.finish, j.gap.Seq)
	delete(q.ended, j.gap.Seq)
	q.count(j, -1)
	if j.isHistory() {
		return q.crawls == 0
	}
	return q.open == 0
}

// next waits for a job; nil says that ctx is done.
func (q *jobs) next(ctx context.Context) *job { return nextOf(ctx, q.ready, q.pop) }

// nextSlow is next of the slow line.
func (q *jobs) nextSlow(ctx context.Context) *job { return nextOf(ctx, q.unhurried, q.popSlow) }

func nextOf(ctx context.Context, ready <-chan struct{}, pop func() *job) *job {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
		}
		if j := pop(); j != nil {
			return j
		}
	}
}

func (q *jobs) popSlow() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.slow) == 0 {
		return nil
	}
	j := q.slow[0]
	q.slow[0] = nil
	if q.slow = q.slow[1:]; len(q.slow) > 0 {
		give(q.unhurried)
	}
	return j
}

func (q *jobs) pop() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := &q.gaps
	if len(q.gaps) == 0 {
		line = &q.history
	}
	if len(*line) == 0 {
		return nil
	}
	j := (*line)[0]
	(*line)[0] = nil
	*line = (*line)[1:]
	if len(q.gaps)+len(q.history) > 0 {
		give(q.ready)
	}
	return j
}

// len returns how many gaps, and how many crawls, are not done.
func (q *jobs) len() (open, history int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.open, q.crawls
}

// oldest returns when the gap ended that waits longest to be filled, 0 if none does.
func (q *jobs) oldest() (at store.Micros) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, to := range q.ended {
		if at == 0 || to < at {
			at = to
		}
	}
	return at
}
