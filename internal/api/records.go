package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/klauspost/compress/gzhttp"

	"rollcall/internal/export"
)

// RecordsPath gives what /v1/export gives as a stream that export.Decode reads, with names, and
// with the parameter Public: what an export into a file is made of. It is for the command that
// writes the file, so over the socket alone.
const RecordsPath = "/v1/export/records"

// Public is the parameter of RecordsPath with which what not everybody may read is left out.
const Public = "public"

// FileFormats are the formats of exports that are files, and no answers.
func FileFormats() []string { return []string{"sqlite", "parquet", "dce"} }

func (s *Server) getRecords(w http.ResponseWriter, r *http.Request) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return problem(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	public := false
	if v := values.Get(Public); v != "" {
		if public, err = strconv.ParseBool(v); err != nil {
			return problem(http.StatusBadRequest, "%s cannot be %.64q: want true or false", Public, v)
		}
	}
	values.Del(Public)
	q, err := parseQuery(values, s.zone, s.now(), "guild", "user", "since", "until", "tz")
	if err != nil {
		return err
	}
	selected := export.Selection{}
	if selected.Query, err = s.selection(r, q); err != nil {
		return err
	}
	if public {
		if s.public == nil {
			return problem(http.StatusConflict, "who may read what is only known while the daemon is connected to Discord: start rollcall run, and ask again")
		}
		selected.Public = s.public
	}
	w.Header().Set(gzhttp.HeaderNoCompression, "it stays on this machine")
	return s.streamed(w, r, "application/octet-stream", func(out *stream) error {
		e := export.NewEncoder(writerFunc(func(b []byte) (n int, err error) {
			err = out.write(func() error {
				n, err = out.buffer.Write(b)
				return err
			})
			return n, err
		}))
		left, err := export.Read(r.Context(), s.store, selected, e)
		if err != nil {
			return err
		}
		if err := e.End(left); err != nil {
			return err
		}
		return out.write(out.buffer.Flush)
	})
}

// writerFunc is an io.Writer.
type writerFunc func([]byte) (int, error)

// Write calls it.
func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
