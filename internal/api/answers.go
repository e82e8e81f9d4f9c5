package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/store"
)

// queryTime is how long a question may take whose answer is not streamed.
const queryTime = time.Minute

// patience is how long a page of messages is gathered that is not full: a pattern that
// nothing matches must not keep its caller waiting without a word.
const patience = 2 * time.Second

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
	return sendAnswer(w, r, append([]store.Guild{}, guilds...))
}

func (s *Server) getMessages(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "user", "channel", "channels", "as", "since", "until", "tz", "grep", "limit", "cursor", "names")
	if err != nil {
		return err
	}
	guild, err := s.guild(ctx, r.PathValue("guild"))
	if err != nil {
		return err
	}
	selected, err := s.selected(ctx, guild, q)
	if err != nil {
		return err
	}
	records, err := s.page(ctx, w, r, q, selected)
	if err != nil {
		return err
	}
	out := make([]Record, len(records))
	for i, record := range records {
		out[i] = recordOf(record)
	}
	if q.names {
		if err := s.name(ctx, out); err != nil {
			return err
		}
	}
	return sendAnswer(w, r, out)
}

// selected returns the records of a guild that are asked for, in the channels and of
// the user that the caller named.
func (s *Server) selected(ctx context.Context, guild store.Guild, q query) (selected store.Query, err error) {
	selected = q.selected(guild.ID)
	part, err := s.part(ctx, guild.ID, q)
	if err != nil {
		return selected, err
	}
	if selected.Channel, err = part.Select(ctx, guild.ID); err != nil {
		return selected, err
	}
	if q.channel != "" {
		named, err := s.store.SelectChannel(ctx, guild.ID, q.channel)
		if err != nil {
			return selected, err
		}
		selected.Channel = both(selected.Channel, named)
	}
	if q.user != "" {
		selected.User, err = s.user(ctx, []store.Guild{guild}, q.user)
	}
	return selected, err
}

// both selects the channels that two functions select, of which nil selects all.
func both(a, b func(store.Channel) bool) func(store.Channel) bool {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(c store.Channel) bool { return a(c) && b(c) }
}

// page finds the asked page of what is selected, newest first, and links to the next one.
func (s *Server) page(ctx context.Context, w http.ResponseWriter, r *http.Request, q query, selected store.Query) ([]store.Record, error) {
	if q.cursor != nil && q.cursor.Guild != selected.Guild {
		return nil, problem(http.StatusBadRequest, "cursor is of another guild")
	}
	records, next, err := s.store.Search(ctx, selected, q.cursor, q.limitOr(50), patience)
	if err != nil {
		return nil, err
	}
	if next != nil {
		values := r.URL.Query()
		next.Guild = selected.Guild
		values.Set("cursor", cursorOf(*next))
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), values.Encode()))
	}
	return records, nil
}

// NextCursor returns the cursor of the Link to the next page, "" if there is none.
func NextCursor(header http.Header) string {
	target, rel, _ := strings.Cut(header.Get("Link"), ">")
	next, err := url.Parse(strings.TrimPrefix(target, "<"))
	if err != nil || !strings.Contains(rel, `rel="next"`) {
		return ""
	}
	return next.Query().Get("cursor")
}

// name enters the display names of the records' users.
func (s *Server) name(ctx context.Context, records []Record) (err error) {
	names := make(map[store.ID]string)
	for i := range records {
		r := &records[i]
		name, known := names[r.User]
		if !known {
			if name, err = s.store.Name(ctx, r.Guild, r.User); err != nil {
				return err
			}
			names[r.User] = name
		}
		r.UserName = name
	}
	return nil
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
	return sendAnswer(w, r, state)
}
