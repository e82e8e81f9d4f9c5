package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"rollcall/internal/api"
)

// recorder is a caller who may be looked at while it is served.
type recorder struct {
	mu      sync.Mutex
	header  http.Header
	body    bytes.Buffer
	flushed bool
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body.Write(p)
}

func (r *recorder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushed = true
}

// sent returns what has come, uncompressed, and whether it was flushed.
func (r *recorder) sent(t *testing.T) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.header.Get("Content-Encoding") == "" {
		return r.body.String(), r.flushed
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(r.body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(unpacked) // it has no end yet
	return string(text), r.flushed
}

// What little there is to send is sent within a second or so, compressed or not, even
// if nothing follows; the rest goes in large pieces.
func TestStreamFlushes(t *testing.T) {
	for _, coding := range []string{"", "gzip"} {
		synctest.Test(t, func(t *testing.T) {
			caller := &recorder{header: http.Header{}}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept-Encoding", coding)
			gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				write, end := api.NewStream(w)
				defer end()
				for _, step := range []struct {
					write, want string
					wait        time.Duration
				}{
					{"first\n", "", 0},
					{"", "first\n", 1100 * time.Millisecond},
					{"second\n", "first\n", 0},
					{"", "first\nsecond\n", time.Hour},
				} {
					if err := write(step.write); err != nil {
						t.Error(err)
					}
					time.Sleep(step.wait)
					if text, flushed := caller.sent(t); text != step.want || flushed != (text != "") {
						t.Errorf("%q: after %s: got %q, want %q, flushed: %v", coding, step.wait, text, step.want, flushed)
					}
				}
			})).ServeHTTP(caller, r)
		})
	}
}

// brokenWriter is a caller who is gone.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestStreamBreaks(t *testing.T) {
	write, end := api.NewStream(brokenWriter{httptest.NewRecorder()})
	defer end()
	for i := 0; ; i++ {
		if err := write(strings.Repeat("x", 1000)); err != nil {
			break
		}
		if i > 100 {
			t.Fatal(fmt.Sprint("no error after ", i))
		}
	}
}
