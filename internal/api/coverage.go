package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"rollcall/internal/coverage"
	"rollcall/store"
)

func (s *Server) getCoverage(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "guild", "as")
	if err != nil {
		return err
	}
	read := s.store.Coverage
	if q.as != 0 { // a member's view has no records without a channel's id
		read = s.store.CoverageByID
	}
	guilds, err := s.coverage(ctx, q.guild, read)
	if err != nil {
		return err
	}
	if q.as != 0 && len(guilds) > maxReading {
		return tooManyGuilds(len(guilds))
	}
	out := []coverage.Channel{}
	for _, g := range guilds {
		channels := coverage.Channels(g)
		if q.as != 0 {
			channels, err = s.readable(ctx, g.ID, q, channels)
			if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusForbidden && q.guild == "" {
				continue // all that they may know of is asked for
			}
			if err != nil {
				return err
			}
		}
		out = append(out, channels...)
	}
	return sendAnswer(w, r, out)
}

// readable returns those of a guild's channels of which a member may know. What counts for several
// channels at once is not among them.
func (s *Server) readable(ctx context.Context, guild store.ID, q query, channels []coverage.Channel) ([]coverage.Channel, error) {
	part, err := s.part(ctx, guild, q)
	if err != nil {
		return nil, err
	}
	selects, err := part.Select(ctx, guild)
	return slices.DeleteFunc(channels, func(c coverage.Channel) bool {
		named := store.Channel{Name: c.Name}
		if c.ID != nil {
			named.ID = *c.ID
		}
		return !selects(named)
	}), err
}

// coverage finds the guild that is asked about, "" for all. One in which nothing was said yet
// is named by its id.
func (s *Server) coverage(ctx context.Context, text string, read func(context.Context, store.ID) ([]store.GuildCoverage, error)) ([]store.GuildCoverage, error) {
	if text == "" {
		return read(ctx, 0)
	}
	if id, err := store.ParseID(text); err == nil {
		guilds, err := read(ctx, id)
		if err != nil || len(guilds[0].Channels)+len(guilds[0].Gaps) > 0 {
			return guilds, err
		}
	}
	guild, err := s.guild(ctx, text)
	if err != nil {
		return nil, err
	}
	return read(ctx, guild.ID)
}

func (s *Server) getWhy(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	if _, err := s.query(r); err != nil {
		return err
	}
	text := r.PathValue("id")
	message, err := coverage.ParseMessage(text)
	if err != nil {
		return problem(http.StatusBadRequest, "message cannot be %.100q: %v", text, err)
	}
	answer, err := coverage.Why(ctx, coverage.Sources{Store: s.store, Rules: s.rules, Passed: s.passed}, message)
	if err != nil {
		return err
	}
	return sendAnswer(w, r, answer)
}
