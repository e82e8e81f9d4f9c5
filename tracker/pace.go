package tracker

import (
	"errors"
	"math/rand/v2"
	"time"
)

// quickIdentifies is how many IDENTIFYs in a row may come quickly. Discord allows a
// thousand a day; sessions that do not last must not use them up.
const quickIdentifies = 3

// pace decides how long a shard waits between its attempts to connect. What costs
// nothing comes quickly: a RESUME is no IDENTIFY, and a gateway that has answered is up.
type pace struct {
	limits     limits
	attempts   int // in a row, without a connection that was stable
	identifies int // IDENTIFYs in a row, likewise
}

// attempt is a connection, or an attempt at one, that has ended.
type attempt struct {
	cause    error
	resuming bool          // it was to resume a session
	greeted  bool          // HELLO came
	lasted   time.Duration // from READY or RESUMED to the end; 0: neither came
	resumes  bool          // the next one can resume a session
}

// next takes in an attempt and returns how long to wait before the next one.
func (p *pace) next(a attempt) time.Duration {
	if a.greeted && !a.resuming {
		p.identifies++
	}
	switch {
	case a.lasted >= p.limits.stable:
		p.attempts, p.identifies = 0, 0
	case a.lasted > 0 && a.resuming:
		p.attempts = min(p.attempts, 2)
	}
	tries := p.attempts
	p.attempts++
	hurried := p.identifies <= quickIdentifies
	var wait time.Duration
	switch {
	case a.resumes:
		wait = min(backoff(p.limits, tries), p.soon())
	case errors.As(a.cause, new(*invalidSession)) && hurried:
		wait = p.soon() // as Discord's documentation of op 9 asks for
	case a.lasted > 0 && hurried:
		wait = min(backoff(p.limits, tries), p.soon())
	case a.greeted:
		wait = backoff(p.limits, max(tries, p.identifies))
	default:
		wait = min(backoff(p.limits, tries), p.limits.unreached/2+rand.N(p.limits.unreached/2+1))
	}
	return max(wait, waitAsked(a.cause))
}

// soon is a random time up to limits.soon, of which a fifth is certain.
func (p *pace) soon() time.Duration {
	least := p.limits.soon / 5
	return least + rand.N(p.limits.soon-least+1)
}
