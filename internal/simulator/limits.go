package simulator

import "time"

// startLimit is the account of IDENTIFYs.
type startLimit struct {
	remaining int
	reset     time.Time // when remaining becomes full again
	revoked   bool      // too many: the token has been reset
	keys      map[int]time.Time
}

// spend takes one IDENTIFY of the day's budget; without any left the token is revoked.
func (l *startLimit) spend(budget int) bool {
	if now := time.Now(); !now.Before(l.reset) {
		l.remaining, l.reset = budget, now.Add(24*time.Hour)
	}
	if l.remaining == 0 {
		l.revoked = true
		return false
	}
	l.remaining--
	return true
}

// take locks a key of max_concurrency for the window; false if it is locked.
func (l *startLimit) take(key int, window time.Duration) bool {
	now := time.Now()
	if now.Before(l.keys[key]) {
		return false
	}
	l.keys[key] = now.Add(window)
	return true
}

// bucket is a rate limit of REST: so many requests in each second.
type bucket struct {
	left  int
	reset time.Time
}

const (
	bucketWindow = time.Second
	maxBuckets   = 4096 // beyond that those are forgotten that are full again
)

// take counts a request in; false if it is one too many.
func (b *bucket) take(limit int) bool {
	if now := time.Now(); !now.Before(b.reset) {
		b.left, b.reset = limit, now.Add(bucketWindow)
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}
