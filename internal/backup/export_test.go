package backup

import "time"

// NewScheduleAt is NewSchedule with another clock.
func NewScheduleAt(o Options, now func() time.Time) *Schedule {
	s := NewSchedule(o)
	s.now = now
	return s
}
