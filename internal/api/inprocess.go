package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// recorder takes an answer in the process.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recorder) Header() http.Header { return a.header }

func (a *recorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *recorder) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Ask asks a handler in the process for a path, which is escaped as in an address, and returns the answer's
// body and header. An answer that is not 200 is a *Problem.
func Ask(ctx context.Context, handler http.Handler, method, path string, query url.Values) ([]byte, http.Header, error) {
	a := &recorder{header: http.Header{}}
	handler.ServeHTTP(a, NewQuestion(ctx, method, path, query))
	if a.status == http.StatusOK {
		return a.body.Bytes(), a.header, nil
	}
	p := new(Problem)
	if err := json.Unmarshal(a.body.Bytes(), p); err != nil || p.Status == 0 {
		return nil, nil, fmt.Errorf("%s answers with status %d", path, a.status)
	}
	return nil, nil, p
}

// NewQuestion returns a request as Ask makes it.
func NewQuestion(ctx context.Context, method, path string, query url.Values) *http.Request {
	u := &url.URL{Path: path, RawQuery: query.Encode()}
	if unescaped, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = unescaped, path
	}
	q := &http.Request{Method: method, URL: u, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}
	return q.WithContext(ctx)
}
