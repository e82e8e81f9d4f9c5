package tracker

import (
	"context"
	"testing"

	"rollcall/store"
)

func jobOf(seq uint64, kind store.GapKind) *job {
	return &job{gap: store.Gap{Seq: seq, Kind: kind}}
}

// order takes n jobs and returns their numbers.
func order(t *testing.T, q *jobs, n int) (seqs []uint64) {
	t.Helper()
	for range n {
		j := q.pop()
		if j == nil {
			return seqs
		}
		seqs = append(seqs, j.gap.Seq)
	}
	return seqs
}

func TestJobsTakeTurns(t *testing.T) {
	q := newJobs()
	for _, j := range []*job{jobOf(1, store.GapHistory), jobOf(2, store.GapMissed), jobOf(3, store.GapMissed)} {
		q.add(j)
	}
	var got []uint64
	for range 4 { // each gives its job back after a page
		j := q.next(t.Context())
		got = append(got, j.gap.Seq)
		q.back(j)
	}
	if got[0] != 2 || got[1] != 3 || got[2] != 2 || got[3] != 3 {
		t.Errorf("turns are %v", got)
	}
	if open, history := q.len(); open != 2 || history != 1 {
		t.Errorf("%d gaps and %d crawls", open, history)
	}
	second, third := q.next(t.Context()), q.next(t.Context())
	if q.done(second) || !q.done(third) {
		t.Error("the last gap is not the last one")
	}
	if j := q.next(t.Context()); j.gap.Seq != 1 || !q.done(j) {
		t.Errorf("the crawl's turn is %+v", j)
	}
}

// The ledger is read while jobs are done: what was read as open may be closed.
func TestJobsAreAddedOnce(t *testing.T) {
	q := newJobs()
	q.add(jobOf(1, store.GapMissed))
	q.add(jobOf(2, store.GapMissed))
	q.forget()
	q.done(q.next(t.Context())) // after the ledger was read
	q.add(jobOf(1, store.GapMissed))
	q.add(jobOf(2, store.GapMissed))
	if got := order(t, q, 3); len(got) != 1 || got[0] != 2 {
		t.Errorf("jobs %v are to be done, want 2", got)
	}
	q.forget() // the ledger is read again: 1 is closed in it
	if len(q.known) != 1 {
		t.Errorf("%d jobs are remembered", len(q.known))
	}
}

func TestJobsWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if j := newJobs().next(ctx); j != nil {
		t.Errorf("got %+v", j)
	}
}
