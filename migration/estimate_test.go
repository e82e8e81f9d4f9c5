package migration

import (
	"testing"
	"time"

	"rollcall/store"
)

func TestEstimate(t *testing.T) {
	begun := time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return begun.Add(d) }
	const delay = 30 * time.Second
	for _, tc := range []struct {
		name string
		pace pace
		now  time.Duration // since the beginning
		left backlog
		want time.Duration // 0: it cannot be told
	}{
		{"nothing is read", pace{}, time.Minute, backlog{1000, 3}, 0},
		{"bytes alone", pace{read: 500}, time.Minute, backlog{bytes: 1000}, 3 * time.Minute},
		{"rests that were are no reading", pace{read: 500, rested: 30 * time.Second}, time.Minute, backlog{bytes: 1000}, 2 * time.Minute},
		{"rests that are to come", pace{read: 500}, time.Minute, backlog{1000, 2}, 4 * time.Minute},
		{"in the middle of one", pace{read: 500, resting: at(50 * time.Second)}, time.Minute, backlog{500, 1}, 160 * time.Second},
		{"a rest that takes longer", pace{read: 500, resting: at(0)}, time.Minute, backlog{500, 0}, time.Minute},
		{"nothing is left", pace{read: 500}, time.Minute, backlog{}, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.pace.begun = begun
			want := store.MicrosOf(at(tc.want))
			if tc.want == 0 {
				want = 0
			}
			if have := tc.pace.end(at(tc.now), tc.left, delay); have != want {
				t.Errorf("have %v, want %v", have.Time(), want.Time())
			}
		})
	}
}
