package api

import (
	_ "embed"
	"net/http"
)

// openapi describes every path; a test holds it against what the paths do.
//
//go:embed openapi.json
var openapi []byte

func (s *Server) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.query(r); err != nil {
		return err
	}
	return sendTagged(w, r, "application/json", openapi)
}
