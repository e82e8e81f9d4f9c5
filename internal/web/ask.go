package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"rollcall/internal/api"
)

// ask asks the API on behalf of a request. An answer that is not 200 is an *api.Problem.
func (s *Server) ask(r *http.Request, method, path string, query url.Values) ([]byte, http.Header, error) {
	return api.Ask(r.Context(), s.api, method, path, query)
}

// get asks for a path and decodes its answer.
func (s *Server) get(r *http.Request, path string, query url.Values, into any) (http.Header, error) {
	body, header, err := s.ask(r, http.MethodGet, path, query)
	if err != nil {
		return nil, err
	}
	return header, decode(body, into)
}

// decode reads an answer.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("an answer cannot be read: %w", err)
	}
	return nil
}
