package api

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rollcall/store"
)

// queryTime is how long a question may take whose answer is not streamed.
const queryTime = time.Minute

func (s *Server) getGuilds(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	if _, err := s.query(r); err != nil {
		return err
	}
	guilds, err := s.store.Guilds(ctx)
	if err != nil {
		return err
	}
	return sendJSON(w, append([]store.Guild{}, guilds...))
}

func (s *Server) getMessages(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "user", "channel", "since", "until", "grep", "limit", "cursor")
	if err != nil {
		return err
	}
	guild, err := s.guild(ctx, r.PathValue("guild"))
	if err != nil {
		return err
	}
	selected := store.Query{Guild: guild.ID, When: q.when, Match: q.match()}
	if q.user != "" {
		if selected.User, err = s.user(ctx, []store.Guild{guild}, q.user); err != nil {
			return err
		}
	}
	if q.cursor != nil && q.cursor.Guild != guild.ID {
		return problem(http.StatusBadRequest, "cursor is of another guild")
	}
	records, next, err := s.store.Newest(ctx, selected, q.cursor, q.limit)
	if err != nil {
		return err
	}
	out := make([]Record, len(records))
	for i, record := range records {
		out[i] = recordOf(record)
	}
	if next != nil {
		values := r.URL.Query()
		next.Guild = guild.ID
		values.Set("cursor", cursorOf(*next))
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), values.Encode()))
	}
	return sendJSON(w, out)
}

func (s *Server) getState(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	if _, err := s.query(r); err != nil {
		return err
	}
	dates, err := s.store.LastDates(ctx)
	if err != nil {
		return err
	}
	files, err := s.store.LogFiles(ctx)
	if err != nil {
		return err
	}
	quarantine, err := s.store.Quarantine(ctx)
	if err != nil {
		return err
	}
	gaps, err := s.store.Gaps(ctx, false)
	if err != nil {
		return err
	}
	state := State{
		LastDates:  make([]LastDate, len(dates)),
		Files:      make([]File, len(files)),
		Quarantine: append([]store.Quarantined{}, quarantine...),
		Gaps:       append([]store.Gap{}, gaps...),
	}
	for i, d := range dates {
		state.LastDates[i] = LastDate{Guild: d.Guild, Date: d.Date}
	}
	for i, f := range files {
		state.Files[i] = File{Path: f.Path, Offset: f.Offset, Size: f.Size, Complete: f.Complete}
	}
	slices.SortFunc(state.LastDates, func(a, b LastDate) int { return cmp.Compare(a.Guild, b.Guild) })
	slices.SortFunc(state.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return sendJSON(w, state)
}

// query checks the parameters of a request.
func (s *Server) query(r *http.Request, allowed ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, problem(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	return parseQuery(values, allowed...)
}

// sendJSON sends a value as the whole answer.
func sendJSON(w http.ResponseWriter, v any) error {
	var body bytes.Buffer
	if err := encode(&body, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	limitWrite(w)
	w.Write(body.Bytes()) // the caller is gone if this fails
	return nil
}
