package api

import (
	"context"
	"net/http"
	"slices"

	"rollcall/internal/search"
	"rollcall/store"
)

func (s *Server) getSearch(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "q", "user", "channel", "channels", "as", "since", "until", "tz", "limit", "cursor", "names")
	if err != nil {
		return err
	}
	if q.search == nil {
		return problem(http.StatusBadRequest, "q is missing: want what to search for")
	}
	guild, err := s.guild(ctx, r.PathValue("guild"))
	if err != nil {
		return err
	}
	selected, err := s.selected(ctx, guild, q)
	if err != nil {
		return err
	}
	possible, err := s.narrow(ctx, guild, &selected, q.search)
	if err != nil {
		return err
	}
	var records []store.Record
	if possible {
		if records, err = s.page(ctx, w, r, q, selected); err != nil {
			return err
		}
	}
	out := make([]Match, len(records))
	for i, record := range records {
		out[i] = Match{recordOf(record), q.search.Spans(record.Content)}
	}
	if q.names {
		for i := range out {
			if out[i].UserName, err = s.store.Name(ctx, guild.ID, out[i].User); err != nil {
				return err
			}
		}
	}
	return sendAnswer(w, r, out)
}

// narrow selects, of what is selected already, what a query asks for. Possible is false if nothing can
// be both.
func (s *Server) narrow(ctx context.Context, guild store.Guild, selected *store.Query, q *search.Query) (possible bool, err error) {
	selected.When.From, selected.When.To = max(selected.When.From, q.When.From), min(selected.When.To, q.When.To)
	if selected.When.From >= selected.When.To {
		return false, nil
	}
	from, notFrom, err := s.usersOf(ctx, guild, q.From)
	if err != nil {
		return false, err
	}
	if user := selected.User; user != 0 && (len(from) > 0 && !slices.Contains(from, user) || slices.Contains(notFrom, user)) {
		return false, nil
	}
	if len(from) == 1 {
		selected.User = from[0]
	}
	mentions, notMentions, err := s.usersOf(ctx, guild, q.Mentions)
	if err != nil {
		return false, err
	}
	if selected.Channel, err = s.channels(ctx, guild, selected.Channel, q.In); err != nil {
		return false, err
	}
	selected.Text = q.Sieve()
	selected.Match = func(r *store.Record) bool {
		if len(from) > 0 && !slices.Contains(from, r.User) || slices.Contains(notFrom, r.User) {
			return false
		}
		mentioned := func(user store.ID) bool { return search.IsMentioned(r.Content, user) }
		if slices.ContainsFunc(notMentions, mentioned) {
			return false
		}
		for _, user := range mentions {
			if !mentioned(user) {
				return false
			}
		}
		return q.Match(messageOf(r))
	}
	return true, nil
}

// usersOf returns the users that a query names, apart from those that it excludes.
func (s *Server) usersOf(ctx context.Context, guild store.Guild, names []search.Name) (wanted, excluded []store.ID, err error) {
	for _, n := range names {
		user, err := s.user(ctx, []store.Guild{guild}, n.Text)
		if err != nil {
			return nil, nil, err
		}
		if n.Not {
			excluded = append(excluded, user)
		} else {
			wanted = append(wanted, user)
		}
	}
	return wanted, excluded, nil
}

// channels returns what selects, of the channels that are selected (nil: all), those that a query names.
func (s *Server) channels(ctx context.Context, guild store.Guild, selected func(store.Channel) bool, names []search.Name) (func(store.Channel) bool, error) {
	if len(names) == 0 {
		return selected, nil
	}
	var wanted, excluded []func(store.Channel) bool
	for _, n := range names {
		is, err := s.store.SelectChannel(ctx, guild.ID, n.Text)
		if err != nil {
			return nil, err
		}
		if n.Not {
			excluded = append(excluded, is)
		} else {
			wanted = append(wanted, is)
		}
	}
	return func(c store.Channel) bool {
		is := func(is func(store.Channel) bool) bool { return is(c) }
		return (selected == nil || selected(c)) && (len(wanted) == 0 || slices.ContainsFunc(wanted, is)) && !slices.ContainsFunc(excluded, is)
	}, nil
}

// messageOf is a record as a query sees it.
func messageOf(r *store.Record) *search.Message {
	m := &search.Message{Content: r.Content, Attachments: r.Attachments, IsReply: r.ReplyTo != 0 || r.ReplyToUser != 0}
	if x := r.Extra; x != nil {
		if f := x.Forwarded; f != nil {
			m.IsForward, m.Forwarded = true, f.Content
		}
		if p := x.Poll; p != nil {
			m.HasPoll = true
			m.Others = append(append(m.Others, p.Question), p.Answers...)
		}
		m.HasSticker = len(x.Stickers) > 0
		m.Others = append(m.Others, x.Stickers...)
	}
	return m
}
