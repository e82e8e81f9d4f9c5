package migration

import (
	"time"

	"rollcall/store"
)

// pace is how fast a Follower reads the past. It belongs to the goroutine of Run.
type pace struct {
	begun   time.Time     // of the first pass
	read    int64         // bytes of files since then
	rested  time.Duration // of that time, between days
	resting time.Time     // when the rest under way began; zero if there is none
}

// backlog is what a survey finds still to be read.
type backlog struct {
	bytes int64 // of files on the disk
	rests int   // between two days of a guild, besides the one under way
}

// end estimates when the rest will be read, if it goes on as it has gone so far; 0 before
// anything has been read. Each rest takes as long as delay.
func (p *pace) end(now time.Time, left backlog, delay time.Duration) store.Micros {
	if p.read == 0 {
		return 0
	}
	reading := now.Sub(p.begun) - p.rested
	ahead := time.Duration(left.rests) * delay
	if !p.resting.IsZero() {
		sofar := now.Sub(p.resting)
		reading -= sofar
		ahead += max(0, delay-sofar)
	}
	ahead += time.Duration(float64(reading) * float64(left.bytes) / float64(p.read))
	return store.MicrosOf(now.Add(max(0, ahead)))
}
