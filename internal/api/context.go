package api

import (
	"context"
	"net/http"

	"rollcall/internal/portrait"
	"rollcall/store"
)

// portraitMessages is how many of a user's messages are looked at for a portrait.
const portraitMessages = 1000

// getContext answers with text for the prompt of a language model.
func (s *Server) getContext(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channels", "as", "tokens", "tz")
	if err != nil {
		return err
	}
	days := s.days(w, q)
	guild, user, err := s.guildAndUser(ctx, r.PathValue("guild"), r.PathValue("user"))
	if err != nil {
		return err
	}
	of, err := s.part(ctx, guild.ID, q)
	if err != nil {
		return err
	}
	subject := portrait.Subject{ID: user, Guild: guild.Name, Zone: q.zone}
	err = of.Moment(ctx, func(part store.Part) error {
		profile, selects, err := s.profile(ctx, part, guild.ID, user, r.PathValue("user"), days)
		if err != nil {
			return err
		}
		subject.Profile = profile
		for behind := (*store.Position)(nil); len(subject.Messages) < portraitMessages; {
			page, next, err := part.Newest(ctx, store.Query{Guild: guild.ID, User: user, Channel: selects}, behind, portraitMessages-len(subject.Messages))
			if err != nil {
				return err
			}
			subject.Messages = append(subject.Messages, page...)
			if behind = next; next == nil {
				break
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return sendTagged(w, r, "text/plain; charset=utf-8", []byte(portrait.Write(subject, q.tokens)))
}
