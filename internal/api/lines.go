package api

import (
	"bufio"
	"encoding/csv"
	"io"

	"rollcall/internal/export"
	"rollcall/store"
)

// Lines writes records as /v1/export does. It is an export.Sink.
type Lines struct {
	w     *bufio.Writer
	table *csv.Writer // nil: NDJSON
}

// NewLines writes to w, in the format ndjson or csv.
func NewLines(w io.Writer, format string) (*Lines, error) {
	l := &Lines{w: bufio.NewWriterSize(w, streamBuffer)}
	if format != "csv" {
		return l, nil
	}
	l.table = csv.NewWriter(l.w)
	return l, l.table.Write(csvHeader())
}

// Guild has no line.
func (*Lines) Guild(export.Guild) error { return nil }

// Channel has no line.
func (*Lines) Channel(export.Channel) error { return nil }

// User has no line.
func (*Lines) User(export.User) error { return nil }

// Record writes a line.
func (l *Lines) Record(r *store.Record) error {
	if l.table != nil {
		return l.table.Write(recordOf(*r).row())
	}
	return encode(l.w, recordOf(*r))
}

// Flush writes what is left.
func (l *Lines) Flush() error {
	if l.table != nil {
		if l.table.Flush(); l.table.Error() != nil {
			return l.table.Error()
		}
	}
	return l.w.Flush()
}
