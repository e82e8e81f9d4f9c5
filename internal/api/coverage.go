package api

import (
	"context"
	"net/http"

	"rollcall/internal/coverage"
	"rollcall/store"
)

func (s *Server) getCoverage(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "guild")
	if err != nil {
		return err
	}
	guilds, err := s.coverage(ctx, q.guild)
	if err != nil {
		return err
	}
	out := []coverage.Channel{}
	for _, g := range guilds {
		out = append(out, coverage.Channels(g)...)
	}
	return sendAnswer(w, r, out)
}

// coverage finds the guild that is asked about, "" for all. One in which nothing was said yet
// is named by its id.
func (s *Server) coverage(ctx context.Context, text string) ([]store.GuildCoverage, error) {
	if text == "" {
		return s.store.Coverage(ctx, 0)
	}
	if id, err := store.ParseID(text); err == nil {
		guilds, err := s.store.Coverage(ctx, id)
		if err != nil || len(guilds[0].Channels)+len(guilds[0].Gaps) > 0 {
			return guilds, err
		}
	}
	guild, err := s.guild(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.store.Coverage(ctx, guild.ID)
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
