package api

import (
	"context"
	"net/http"

	"rollcall/internal/health"
)

// condition answers 200 while the answer is yes, else 503, and either way part by part.
func condition(ask func(context.Context) health.Condition) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		c := ask(r.Context())
		if c.Wrong != nil {
			p := problem(http.StatusServiceUnavailable, "%v", c.Wrong)
			p.Parts = c.Parts
			return p
		}
		return sendJSON(w, struct {
			Status string                 `json:"status"`
			Parts  map[string]health.Part `json:"parts"`
		}{"ok", c.Parts})
	}
}

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.query(r); err != nil {
		return err
	}
	return sendJSON(w, s.vitals.Report(r.Context()))
}

// getMetrics answers in the text format of Prometheus, or the one that is asked for.
func (s *Server) getMetrics(w http.ResponseWriter, r *http.Request) error {
	if s.metrics == nil {
		return problem(http.StatusNotFound, "only a daemon has metrics")
	}
	s.metrics.ServeHTTP(w, r)
	return nil
}
