package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"rollcall/internal/health"
	"rollcall/store"
)

// CodeDamaged is the Code of a problem that comes from a damaged database.
const CodeDamaged = "damaged"

// Problem is what went wrong with a request, as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type"`  // always about:blank: the status says what kind of problem it is
	Title  string `json:"title"` // the status in words
	Status int    `json:"status"`
	Detail string `json:"detail"` // one line: what is wrong, with which value
	Code   string `json:"code,omitempty"`
	// Parts say which part of the daemon is not well (/healthz and /readyz).
	Parts map[string]health.Part `json:"parts,omitempty"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

func problem(status int, format string, a ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, a...)}
}

// problemOf finds the problem in an error of a handler; what the store reports
// is the server's own fault.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return problem(http.StatusServiceUnavailable, "the answer took longer than %s: narrow the question by user, since or until", queryTime)
	}
	if errors.Is(err, context.Canceled) { // or the caller is gone, and reads nothing
		return problem(http.StatusServiceUnavailable, "the daemon is stopping")
	}
	p := problem(http.StatusInternalServerError, "%v", err)
	if errors.Is(err, store.ErrDamaged) {
		p.Code = CodeDamaged
	}
	return p
}

// write sends the problem as the whole answer.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	encode(w, p) // the caller is gone if this fails
}

// answer makes a handler of a function that writes nothing if it fails.
func answer(log *slog.Logger, f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default: // net/http would say so among what broken clients cause
				log.Error("panic", "path", r.URL.Path, "value", v, "stack", string(debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		err := f(w, r)
		if err == nil {
			return
		}
		p := problemOf(err)
		if p.Status == http.StatusInternalServerError {
			log.Error("request failed", "path", r.URL.Path, "error", err)
		}
		p.write(w)
	}
}
