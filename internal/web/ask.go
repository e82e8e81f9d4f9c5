package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"rollcall/internal/api"
)

// answer is what the API answered in the process.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// ask asks the API on behalf of a request, and returns its answer. An answer that is not 200 is
// an *api.Problem.
func (s *Server) ask(r *http.Request, method, path string, query url.Values) (*answer, error) {
	a := &answer{header: http.Header{}}
	s.api.ServeHTTP(a, s.question(r, method, path, query))
	if a.status == http.StatusOK {
		return a, nil
	}
	p := new(api.Problem)
	if err := json.Unmarshal(a.body.Bytes(), p); err != nil || p.Status == 0 {
		return nil, fmt.Errorf("%s answers with status %d", path, a.status)
	}
	return nil, p
}

// question is a request of the API that lasts as long as another one.
func (s *Server) question(r *http.Request, method, path string, query url.Values) *http.Request {
	u := &url.URL{Path: path, RawQuery: query.Encode()}
	if unescaped, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = unescaped, path
	}
	q := &http.Request{Method: method, URL: u, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}
	return q.WithContext(r.Context())
}

// get asks for a path and decodes its answer.
func (s *Server) get(r *http.Request, path string, query url.Values, into any) (*answer, error) {
	a, err := s.ask(r, http.MethodGet, path, query)
	if err != nil {
		return nil, err
	}
	return a, decode(a, into)
}

// decode reads an answer.
func decode(a *answer, into any) error {
	if err := json.Unmarshal(a.body.Bytes(), into); err != nil {
		return fmt.Errorf("an answer cannot be read: %w", err)
	}
	return nil
}

// guildPath is the path of what is asked about a guild.
func guildPath(guild string, rest ...string) string {
	path := "/v1/guilds/" + url.PathEscape(guild)
	for _, part := range rest {
		path += "/" + url.PathEscape(part)
	}
	return path
}
