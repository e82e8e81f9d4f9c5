package tracker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const secretToken = "secret.bot.token"

// newTestREST is a rest before a server that answers with handler.
func newTestREST(t *testing.T, handler http.HandlerFunc) *rest {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	r := newREST(server.URL+"/proxy/", secretToken, userAgent("1.2"), slog.New(slog.DiscardHandler))
	r.limits.spacing = 0
	t.Cleanup(r.close)
	return r
}

func TestRESTRequest(t *testing.T) {
	r := newTestREST(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.String(), "/proxy/api/v9/channels/1/messages?after=0&limit=100"; got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
		if got := r.Header.Get("Authorization"); got != "Bot "+secretToken {
			t.Errorf("authorization is %q", got)
		}
		if got := r.Header.Get("User-Agent"); got != "DiscordBot ("+homepage()+", 1.2)" {
			t.Errorf("user agent is %q", got)
		}
		w.Write([]byte("[]"))
	})
	body, err := r.get(t.Context(), "messages/1", "/channels/1/messages", url.Values{"after": {"0"}, "limit": {"100"}})
	if err != nil || string(body) != "[]" {
		t.Errorf("got %q, %v", body, err)
	}
	if n := r.limits.requests(); n != 1 {
		t.Errorf("%d requests are counted", n)
	}
}

func TestRESTErrors(t *testing.T) {
	tests := []struct {
		name        string
		answer      http.HandlerFunc
		status      int // of a refusal
		unreachable bool
		text        string
	}{
		{"forbidden", plainAnswer(403, `{"message":"Missing Access","code":50001}`), 403, false, "403 Forbidden (code 50001: Missing Access)"},
		{"gone", plainAnswer(404, `{"message":"Unknown Channel","code":10003}`), 404, false, "10003"},
		{"bad request", plainAnswer(400, `{"message":"Invalid Form Body","code":50035}`), 400, false, "50035"},
		{"forbidden by what stands before Discord", plainAnswer(403, "<html>"), 0, true, "403 Forbidden"},
		{"gone from what stands before Discord", plainAnswer(404, ""), 0, true, "404 Not Found"},
		{"refused with strange words", plainAnswer(400, `{"message":7,"code":"x"}`), 400, false, "400 Bad Request"},
		{"unauthorized", plainAnswer(401, ""), 0, true, "401"},
		{"an answer that means nothing here", plainAnswer(418, `{"code":1}`), 0, true, "418"},
		{"server error", plainAnswer(500, ""), 0, true, "500"},
		{"gateway timeout", plainAnswer(504, ""), 0, true, "504"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.invalid/", http.StatusFound)
		}, 0, true, "302 Found"},
		{"cut off", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 0, true, "no proper answer"},
		{"cut off within", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("[]"))
		}, 0, true, "unexpected EOF"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			block := make([]byte, 1<<20)
			for range maxAnswer>>20 + 2 {
				w.Write(block)
			}
		}, 0, true, "more than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newTestREST(t, test.answer)
			_, err := r.get(t.Context(), "x", "/x", nil)
			if statusOf(err) != test.status || errors.Is(err, errUnreachable) != test.unreachable {
				t.Errorf("got %v", err)
			}
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want something of %q", err, test.text)
			}
			if strings.Contains(err.Error(), secretToken) {
				t.Errorf("the token is in %v", err)
			}
		})
	}
}

func plainAnswer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

func TestRESTEndsWithItsContext(t *testing.T) {
	tests := []struct {
		name   string
		answer func(asked chan<- struct{}) http.HandlerFunc
	}{
		{"no answer", func(asked chan<- struct{}) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			}
		}},
		{"rate limit", func(asked chan<- struct{}) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(429)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := make(chan struct{}, 1)
			r := newTestREST(t, test.answer(asked))
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error)
			go func() {
				_, err := r.get(ctx, "x", "/x", nil)
				failed <- err
			}()
			<-asked
			cancel()
			select {
			case err := <-failed:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			case <-time.After(patience):
				t.Fatal("it goes on")
			}
		})
	}
}

func TestRESTGivesUpOn429(t *testing.T) {
	asked := 0
	r := newTestREST(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(429)
	})
	_, err := r.get(t.Context(), "x", "/x", nil)
	if !errors.Is(err, errUnreachable) || asked != restTries {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// booked asks a limiter once for each route and returns when they were let through.
func booked(t *testing.T, l *limiter, routes ...string) []time.Duration {
	t.Helper()
	start := time.Now()
	var when []time.Duration
	for _, route := range routes {
		if err := l.wait(t.Context(), route, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		when = append(when, time.Since(start))
	}
	return when
}

func answered(status int, headers ...string) *http.Response {
	a := &http.Response{StatusCode: status, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		a.Header.Set(headers[i], headers[i+1])
	}
	return a
}

func TestLimiter(t *testing.T) {
	tests := []struct {
		name  string
		note  func(l *limiter)
		route string
		waits time.Duration
	}{
		{name: "nothing is known", note: func(*limiter) {}, route: "a"},
		{name: "some are left", note: func(l *limiter) {
			l.note("a", answered(200, "X-RateLimit-Remaining", "1", "X-RateLimit-Reset-After", "1.5"), nil, 1)
		}, route: "a"},
		{name: "none are left", note: func(l *limiter) {
			l.note("a", answered(200, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "1.5"), nil, 1)
		}, route: "a", waits: 1500 * time.Millisecond},
		{name: "none are left of another", note: func(l *limiter) {
			l.note("a", answered(200, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "1.5"), nil, 1)
		}, route: "b"},
		{name: "429 of the bucket", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "2", "X-RateLimit-Bucket", "abc"), []byte(`{"retry_after":1.2,"global":false}`), 1)
		}, route: "a", waits: 2 * time.Second},
		{name: "429 of another bucket", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "2", "X-RateLimit-Scope", "shared"), nil, 1)
		}, route: "b"},
		{name: "429 of everything by header", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "2", "X-RateLimit-Global", "true", "X-RateLimit-Scope", "global"), nil, 1)
		}, route: "b", waits: 2 * time.Second},
		{name: "429 of everything by body", note: func(l *limiter) {
			l.note("a", answered(429, "X-RateLimit-Bucket", "abc"), []byte(`{"retry_after":3.5,"global":true}`), 1)
		}, route: "b", waits: 3500 * time.Millisecond},
		{name: "429 of what stands before Discord", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "60"), []byte("<html>"), 1)
		}, route: "b", waits: time.Minute},
		{name: "429 without a word", note: func(l *limiter) {
			l.note("a", answered(429), nil, 2)
		}, route: "a", waits: 4 * time.Second},
		{name: "429 with nonsense", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "-5"), []byte(`{"retry_after":"NaN"}`), 1)
		}, route: "a", waits: 2 * time.Second},
		{name: "429 for ever", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "1e300"), nil, 1)
		}, route: "a", waits: mostWait},
		{name: "429 for no time at all", note: func(l *limiter) {
			l.note("a", answered(429, "Retry-After", "0"), nil, 1)
		}, route: "a", waits: leastWait},
		{name: "the token is refused", note: func(l *limiter) {
			l.note("a", answered(401), nil, 1)
		}, route: "b", waits: badSpan},
		{name: "too many are refused", note: func(l *limiter) {
			for range maxBad {
				l.note("a", answered(403), nil, 1)
			}
		}, route: "b", waits: badSpan},
		{name: "almost too many are refused", note: func(l *limiter) {
			for range maxBad - 1 {
				l.note("a", answered(403), nil, 1)
			}
		}, route: "b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter()
				test.note(&l)
				if got := booked(t, &l, test.route)[0]; got != test.waits {
					t.Errorf("waits %v, want %v", got, test.waits)
				}
			})
		})
	}
}

func TestLimiterSpacesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		when := booked(t, &l, "a", "b", "a")
		if when[1] != restSpacing || when[2] != 2*restSpacing {
			t.Errorf("they are sent at %v", when)
		}
		l.note("a", answered(200, "X-RateLimit-Remaining", "2", "X-RateLimit-Reset-After", "10"), nil, 1)
		when = booked(t, &l, "a", "a", "a")
		if when[2] != 10*time.Second {
			t.Errorf("the third of two is sent at %v", when)
		}
	})
}

func TestLimiterForgetsOldBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		for n := range 3 * maxBuckets {
			if n == maxBuckets {
				time.Sleep(time.Minute)
			}
			l.note(time.Duration(n).String(), answered(200, "X-RateLimit-Remaining", "1", "X-RateLimit-Reset-After", "5"), nil, 1)
		}
		if n := len(l.buckets); n > maxBuckets {
			t.Errorf("%d buckets are kept", n)
		}
	})
}
