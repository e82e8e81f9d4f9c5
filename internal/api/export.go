package api

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"

	"rollcall/store"
)

// ProblemTrailer is the trailer that tells a caller who accepts trailers why a
// stream ended early: a Problem in JSON. It is absent or empty if all went well.
const ProblemTrailer = "Rollcall-Problem"

// getExport streams every selected record by guild, user and time. Nothing but
// one page of the store is held at a time, and no transaction while the caller
// takes in what was read.
//
// Once there is something to send the status cannot change any more. A failure then
// goes into a trailer if the caller accepts those, and otherwise breaks the
// connection, so that half an export never looks like a whole one. Damaged records
// are such a failure, told after all that can be read.
func (s *Server) getExport(w http.ResponseWriter, r *http.Request) error {
	if format := r.URL.Query().Get("format"); slices.Contains(FileFormats(), format) {
		return problem(http.StatusNotAcceptable, "%s is a file for the command line: rollcall export --format %s --out PATH", format, format)
	}
	q, err := s.query(r, "guild", "user", "since", "until", "tz", "format")
	if err != nil {
		return err
	}
	format, err := q.formatOf("ndjson", "csv")
	if err != nil {
		return err
	}
	selected, err := s.selection(r, q)
	if err != nil {
		return err
	}
	return s.streamed(w, r, contentType(format), func(out *stream) error {
		return s.writeRecords(out, r, selected, format)
	})
}

// streamed answers with what write writes.
func (s *Server) streamed(w http.ResponseWriter, r *http.Request, contentType string, write func(*stream) error) error {
	w.Header().Set("Content-Type", contentType)
	if r.Method == http.MethodHead {
		return nil
	}
	trailers := slices.Contains(r.Header.Values("TE"), "trailers")
	if trailers {
		w.Header().Set("Trailer", ProblemTrailer)
	}
	out := newStream(w)
	err := write(out)
	out.close()
	switch {
	case err == nil:
		return nil
	case !out.served && out.buffer.Buffered() == 0:
		w.Header().Del("Trailer")
		return err
	case out.gone || r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	}
	s.log.Error("export is not whole", "error", err)
	out.buffer.Flush()
	if !trailers {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(problemOf(err))
	w.Header().Set(ProblemTrailer, string(text))
	return nil
}

func contentType(format string) string {
	if format == "csv" {
		return "text/csv; charset=utf-8"
	}
	return "application/x-ndjson"
}

// selection turns the names of an export's query into what the store is asked.
func (s *Server) selection(r *http.Request, q query) (store.Query, error) {
	selected := store.Query{When: q.when}
	var guilds []store.Guild
	if q.guild != "" {
		guild, err := s.guild(r.Context(), q.guild)
		if err != nil {
			return selected, err
		}
		selected.Guild = guild.ID
		guilds = []store.Guild{guild}
	}
	if q.user != "" {
		if guilds == nil {
			var err error
			if guilds, err = s.store.Guilds(r.Context()); err != nil {
				return selected, err
			}
		}
		user, err := s.user(r.Context(), guilds, q.user)
		if err != nil {
			return selected, err
		}
		selected.User = user
	}
	return selected, nil
}

func (s *Server) writeRecords(out *stream, r *http.Request, selected store.Query, format string) error {
	put := func(record Record) error { return encode(out.buffer, record) }
	if format == "csv" {
		table := csv.NewWriter(out.buffer) // keeps nothing back: the buffer is large enough to be its own
		put = func(record Record) error { return table.Write(record.row()) }
		if err := out.write(func() error { return table.Write(csvHeader()) }); err != nil {
			return err
		}
	}
	for record, err := range s.store.Records(r.Context(), selected) {
		if err != nil {
			return err
		}
		if err := out.write(func() error { return put(recordOf(record)) }); err != nil {
			return err
		}
	}
	return out.write(out.buffer.Flush)
}
