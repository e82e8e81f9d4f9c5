package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rollcall/store"
)

const (
	maxAround, defaultAround = 100, 10 // messages before and after one
	// firstAround is how far it is looked behind a message at first, and growAround how much
	// farther each time that too few were found.
	firstAround = store.Micros(time.Minute / time.Microsecond)
	growAround  = 4
)

// getAround answers what was said before and after a message in its channel, oldest first.
// The message need not be stored; its id says when it was written, and the caller where.
func (s *Server) getAround(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channel", "channels", "as", "before", "after", "names")
	if err != nil {
		return err
	}
	guild, err := s.guild(ctx, r.PathValue("guild"))
	if err != nil {
		return err
	}
	id, err := store.ParseID(r.PathValue("message"))
	if err != nil {
		return problem(http.StatusBadRequest, "message cannot be %.64q: %v", r.PathValue("message"), err)
	}
	selected, err := s.selected(ctx, guild, q)
	if err != nil {
		return err
	}
	at := store.Micros(id.Millis() * 1000)
	itself, err := s.message(ctx, selected, id)
	if err != nil {
		return err
	}
	if itself != nil {
		at = itself.Time
		if q.channel == "" {
			selected.Channel = both(selected.Channel, sameChannel(itself.Channel))
		}
	}
	selected.Match = func(r *store.Record) bool { return r.Time < at || r.Message < id }
	selected.When = store.Range{From: allTime().From, To: at + 1}
	records, _, err := s.store.Search(ctx, selected, nil, q.before, patience)
	if err != nil {
		return err
	}
	selected.Match = func(r *store.Record) bool { return r.Time > at || r.Message > id }
	after, err := s.next(ctx, selected, at, q.after)
	if err != nil {
		return err
	}
	slices.Reverse(records)
	if itself != nil {
		records = append(records, *itself)
	}
	out := []Record{}
	for _, record := range append(records, after...) {
		out = append(out, recordOf(record))
	}
	if q.names {
		if err := s.name(ctx, out); err != nil {
			return err
		}
	}
	return sendAnswer(w, r, out)
}

// sameChannel selects what was said in the same channel.
func sameChannel(c store.Channel) func(store.Channel) bool {
	return func(other store.Channel) bool {
		if c.ID != 0 && other.ID != 0 {
			return other.ID == c.ID
		}
		return other.Name == c.Name
	}
}

// message returns the stored message with that id, nil if there is none. Messages that are known by
// their ids are stored under the time of the id.
func (s *Server) message(ctx context.Context, selected store.Query, id store.ID) (*store.Record, error) {
	at := store.Micros(id.Millis() * 1000)
	selected.When = store.Range{From: at, To: at + 1000}
	selected.Match = func(r *store.Record) bool { return r.Message == id }
	found, _, err := s.store.Search(ctx, selected, nil, 1, patience)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// next returns the first messages from an instant on, oldest first. The store reads newest first, so
// it looks farther and farther, and nearer where there are more than it can take at once.
func (s *Server) next(ctx context.Context, selected store.Query, from store.Micros, n int) ([]store.Record, error) {
	if n == 0 {
		return nil, nil
	}
	end := allTime().To
	for span := firstAround; ; {
		selected.When = store.Range{From: from, To: min(from+span, end)}
		found, _, err := s.store.Search(ctx, selected, nil, MaxLimit, patience)
		if err != nil {
			return nil, err
		}
		switch {
		case len(found) == MaxLimit && span > 1: // the oldest are not among them
			span /= 2 * growAround
			span = max(span, 1)
			continue
		case len(found) < n && from+span < end:
			span *= growAround
			continue
		}
		slices.Reverse(found)
		return found[:min(n, len(found))], nil
	}
}
