package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests are the HTTP requests that were answered.
type requests struct {
	answered *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newRequests() requests {
	return requests{
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_http_requests_total",
			Help: "HTTP requests, over TCP and on the socket, by route and class of the status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rollcall_http_request_duration_seconds",
			Help:    "How long HTTP requests took, to the end of the answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route"}),
	}
}

// Count counts the requests that a handler answers. The route is the pattern that was
// found for it: "unknown" if it was the pattern of everything else,
// "none" if the request was refused before that.
func (m *Metrics) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		heard := &listener{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			route := routeOf(r.Pattern)
			m.requests.answered.WithLabelValues(route, strconv.Itoa(heard.status/100)+"xx").Inc()
			m.requests.seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(heard, r)
	})
}

func routeOf(pattern string) string {
	if _, path, found := strings.Cut(pattern, " "); found { // with its method
		pattern = path
	}
	switch pattern {
	case "":
		return "none"
	case "/":
		return "unknown"
	}
	return pattern
}

// listener hears which status is answered.
type listener struct {
	http.ResponseWriter
	status int
	told   bool
}

// WriteHeader hears the first status that is no interim one.
func (l *listener) WriteHeader(status int) {
	if !l.told && status >= 200 {
		l.status, l.told = status, true
	}
	l.ResponseWriter.WriteHeader(status)
}

// Write answers 200 if nothing else was said.
func (l *listener) Write(p []byte) (int, error) {
	l.told = true
	return l.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (l *listener) Unwrap() http.ResponseWriter { return l.ResponseWriter }
