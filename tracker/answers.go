package tracker

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// maxAhead bounds how far Discord's clock is believed to be ahead of ours.
const maxAhead = time.Hour

// answerCounter counts what was answered to the requests that go through it, see
// Status.REST. It is safe for concurrent use, as a transport has to be.
type answerCounter struct {
	next    *http.Transport
	none    atomic.Int64
	limited atomic.Int64    // 429
	classes [6]atomic.Int64 // by the first digit of the status
	ahead   atomic.Int64    // a time.Duration, see rest.ahead
}

func newAnswerCounter(next *http.Transport) *answerCounter { return &answerCounter{next: next} }

// RoundTrip sends a request and counts its answer.
func (c *answerCounter) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(req)
	switch {
	case err != nil || answer.StatusCode >= 600:
		c.none.Add(1)
	case answer.StatusCode == http.StatusTooManyRequests:
		c.limited.Add(1)
	default:
		c.classes[answer.StatusCode/100].Add(1)
	}
	if err == nil {
		c.noteDate(answer.Header.Get("Date"))
	}
	return answer, err
}

// noteDate takes in the time of an answer, which is told in whole seconds.
func (c *answerCounter) noteDate(date string) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	if ahead := time.Until(at); ahead > 0 {
		c.ahead.Store(int64(min(ahead+time.Second, maxAhead)))
	} else {
		c.ahead.Store(0)
	}
}

// CloseIdleConnections is what the client calls when it is closed.
func (c *answerCounter) CloseIdleConnections() { c.next.CloseIdleConnections() }

// state returns Status.REST.
func (c *answerCounter) state() map[string]int64 {
	answers := map[string]int64{"429": c.limited.Load(), "none": c.none.Load()}
	for class := 2; class < len(c.classes); class++ {
		answers[strconv.Itoa(class)+"xx"] = c.classes[class].Load()
	}
	return answers
}
