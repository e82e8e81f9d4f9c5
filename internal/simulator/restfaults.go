package simulator

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Answer is what is done to a REST request instead of the usual answer, or (if it returns true)
// before it.
type Answer func(s *Server, w http.ResponseWriter, r *http.Request) (proceed bool)

// NextREST takes the answer for the next request of a route. Several are taken one after another,
// one a request.
func (s *Server) NextREST(route string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.nextREST[route] = append(s.faults.nextREST[route], a)
}

// EveryREST takes the answer for every request of a route that finds none of NextREST, until stop
// is called.
func (s *Server) EveryREST(route string, a Answer) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.everyREST[route] == nil {
		s.faults.everyREST[route] = new(standing[Answer])
	}
	return enroll(s, s.faults.everyREST[route], a)
}

// takeREST returns what is to be done to a request. s.mu is held.
func (f *faults) takeREST(route string) []Answer {
	if next := f.nextREST[route]; len(next) > 0 {
		f.nextREST[route] = next[1:]
		return next[:1]
	}
	var todo []Answer
	if every := f.everyREST[route]; every != nil {
		for _, a := range *every {
			todo = append(todo, *a)
		}
	}
	return todo
}

// Status answers with an HTTP status and Discord's error object: 401, 403, 500, 502…
func Status(status int) Answer {
	return func(s *Server, w http.ResponseWriter, _ *http.Request) bool {
		a := &refusal{status, 0, fmt.Sprintf("%d: %s", status, http.StatusText(status))}
		if status == http.StatusForbidden {
			a = missingAccess
		}
		s.countRefused(status)
		a.write(w)
		return false
	}
}

// Body answers 200 with a body as it is, be it JSON or not.
func Body(body string) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(body))
		return false
	}
}

// RateLimited answers 429: for this bucket alone, or for everything (global).
func RateLimited(wait time.Duration, global bool) Answer {
	return func(s *Server, w http.ResponseWriter, _ *http.Request) bool {
		body := tooMany(w.Header(), wait, global)
		s.countRefused(http.StatusTooManyRequests)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write(body)
		return false
	}
}

// Slow waits before the usual answer.
func Slow(d time.Duration) Answer {
	return func(s *Server, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-time.After(d):
			return true
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
}

// Hang answers nothing until the client gives up.
func Hang(s *Server, w http.ResponseWriter, r *http.Request) bool {
	return Slow(math.MaxInt64)(s, w, r)
}

func (s *Server) countRefused(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		s.stats.Refused++
	}
}

// limit takes the request into the account of its bucket and writes the headers that tell how it
// stands. It returns how long to wait if it is one too many. s.mu is held.
func (s *Server) limit(h http.Header, route string, r *http.Request) (wait time.Duration) {
	key := route + " " + r.PathValue("guild") + r.PathValue("channel")
	b := s.buckets[key]
	if b == nil {
		if len(s.buckets) >= maxBuckets {
			maps.DeleteFunc(s.buckets, func(_ string, b *bucket) bool { return b.reset.Before(time.Now()) })
		}
		b = &bucket{}
		s.buckets[key] = b
	}
	ok := b.take(s.o.RateLimit)
	left := max(time.Until(b.reset), time.Millisecond)
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.o.RateLimit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(b.left))
	h.Set("X-RateLimit-Reset", seconds(time.Duration(b.reset.UnixNano())))
	h.Set("X-RateLimit-Reset-After", seconds(left))
	h.Set("X-RateLimit-Bucket", fmt.Sprintf("%x", route))
	if ok {
		return 0
	}
	return left
}

// tooMany writes the headers of a 429 and returns its body. Retry-After is in whole seconds,
// rounded up; the others have milliseconds.
func tooMany(h http.Header, wait time.Duration, global bool) []byte {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	h.Set("X-RateLimit-Reset-After", seconds(wait))
	h.Set("X-RateLimit-Scope", "user")
	if global {
		h.Set("X-RateLimit-Global", "true")
		h.Set("X-RateLimit-Scope", "global")
	}
	return mustJSON(struct {
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"` // s
		Global     bool    `json:"global"`
	}{"You are being rate limited.", math.Ceil(wait.Seconds()*1000) / 1000, global})
}

// seconds writes a duration as Discord does, in seconds with milliseconds.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
