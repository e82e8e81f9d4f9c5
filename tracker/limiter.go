package tracker

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// restSpacing keeps below the 50 requests a second that a bot may send.
	restSpacing = 25 * time.Millisecond
	// At most maxBad answers of 401, 403 and 429 in badSpan: a tenth of what bans an address.
	maxBad  = 1000
	badSpan = 10 * time.Minute
	// A server can ask for a wait between these.
	leastWait = 100 * time.Millisecond
	mostWait  = 24 * time.Hour // what bans an address may last a day
	// maxBuckets bounds what is remembered; Discord's last seconds, so more are never in use.
	maxBuckets = 4096
)

// limiter keeps the rate limits of a rest.
//
// Discord counts requests per bucket: a route with its channel. The headers of each
// answer tell how many are left and when there are more. A 429 names the
// wait, for its bucket or (global) for everything; one without a word of a bucket
// comes from what stands before Discord, and is taken as global.
type limiter struct {
	spacing time.Duration // restSpacing

	mu      sync.Mutex
	next    time.Time // when the next request may be sent, for spacing
	global  time.Time // when requests may be sent again
	buckets map[string]bucket
	bad     []time.Time // when the last answers of 401, 403 and 429 came, a ring
	oldest  int         // of bad
	sent    int64
}

// bucket is what the last answer said.
type bucket struct {
	left  int       // requests
	until time.Time // when left is out of date
}

func newLimiter() limiter {
	return limiter{spacing: restSpacing, buckets: make(map[string]bucket)}
}

// wait waits until a request of the route may be sent, and books it. banned is told
// of a wait that keeps the address from being banned.
func (l *limiter) wait(ctx context.Context, route string, banned func(time.Duration)) error {
	for {
		d, tooBad := l.book(route)
		if d <= 0 {
			return ctx.Err()
		}
		if tooBad {
			banned(d)
		}
		pause(ctx, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// book books a request if it may be sent now, or says how long to wait before
// asking again, and whether because of too many bad answers.
func (l *limiter) book(route string) (wait time.Duration, tooBad bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.bad) == maxBad {
		if wait := l.bad[l.oldest].Add(badSpan).Sub(now); wait > 0 {
			return wait, true
		}
	}
	b := l.buckets[route]
	full := b.left <= 0 && b.until.After(now)
	switch {
	case l.global.After(now):
		return l.global.Sub(now), false
	case full:
		return b.until.Sub(now), false
	case l.next.After(now):
		return l.next.Sub(now), false
	}
	if b.left > 0 {
		b.left--
		l.buckets[route] = b
	}
	l.next = now.Add(l.spacing)
	l.sent++
	return 0, false
}

// note takes in what an answer says of the limits. try is the number of times that
// the request was sent.
func (l *limiter) note(route string, answer *http.Response, body []byte, try int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	h := answer.Header
	if left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining")); err == nil {
		if reset, ok := parseWait(h.Get("X-RateLimit-Reset-After")); ok {
			l.setBucket(route, bucket{left, now.Add(reset)}, now)
		}
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		// The token is not valid any more. The gateway will hear of it, and ends the
		// daemon; until then nothing is asked in vain.
		l.stop(now.Add(badSpan))
		l.noteBad(now)
	case http.StatusForbidden:
		l.noteBad(now)
	case http.StatusTooManyRequests:
		l.noteBad(now)
		wait, global := retryAfter(h, body, try)
		if global {
			l.stop(now.Add(wait))
		} else {
			l.setBucket(route, bucket{0, now.Add(wait)}, now)
		}
	}
}

// stop lets nothing be sent before t. It needs l.mu.
func (l *limiter) stop(t time.Time) {
	if t.After(l.global) {
		l.global = t
	}
}

// setBucket needs l.mu. Buckets that are out of date say nothing and make room.
func (l *limiter) setBucket(route string, b bucket, now time.Time) {
	if len(l.buckets) >= maxBuckets {
		for key, other := range l.buckets {
			if !other.until.After(now) {
				delete(l.buckets, key)
			}
		}
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets) // a 429 will tell again
		}
	}
	l.buckets[route] = b
}

// noteBad needs l.mu.
func (l *limiter) noteBad(now time.Time) {
	if len(l.bad) < maxBad {
		l.bad = append(l.bad, now)
		return
	}
	l.bad[l.oldest] = now
	l.oldest = (l.oldest + 1) % maxBad
}

// requests returns how many have been sent.
func (l *limiter) requests() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// retryAfter reads how long a 429 asks to wait, and whether for everything. try is
// the number of times that the request was sent.
func retryAfter(h http.Header, body []byte, try int) (wait time.Duration, global bool) {
	var w struct {
		RetryAfter loose[json.Number] `json:"retry_after"`
		Global     loose[bool]        `json:"global"`
	}
	_ = json.Unmarshal(body, &w) // what stands before Discord answers in HTML
	byHeader, ok1 := parseWait(h.Get("Retry-After"))
	byBody, ok2 := parseWait(w.RetryAfter.value.String())
	wait = max(byHeader, byBody)
	if !ok1 && !ok2 {
		wait = time.Second << try
	}
	global = w.Global.value || h.Get("X-RateLimit-Global") != "" ||
		h.Get("X-RateLimit-Bucket") == "" && h.Get("X-RateLimit-Scope") == ""
	return max(wait, leastWait), global
}

// parseWait reads seconds, cut to mostWait.
func parseWait(s string) (time.Duration, bool) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v < 0 {
		return 0, false
	}
	return time.Duration(min(v, mostWait.Seconds()) * float64(time.Second)), true
}
