package api

import (
	"context"
	"net/http"

	"rollcall/store"
)

// Routes are all that the server answers, as method and path.
func Routes() (routes []string) {
	for _, r := range new(Server).routes() {
		routes = append(routes, r.method+" "+r.path)
	}
	return routes
}

// Parameters are all that any path may have.
func Parameters() []string { return parameters }

var ParsePattern = parsePattern

// NewStream returns what export writes to: its write and its close.
func NewStream(w http.ResponseWriter) (write func(text string) error, close func()) {
	s := newStream(w)
	return func(text string) error {
		return s.write(func() error { _, err := s.buffer.WriteString(text); return err })
	}, s.close
}

// Newest gathers a page of messages.
func (s *Server) Newest(ctx context.Context, q store.Query, behind *store.Position, limit int) ([]store.Record, *store.Position, error) {
	return s.newest(ctx, q, behind, limit)
}
