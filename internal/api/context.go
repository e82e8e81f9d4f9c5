package api

import (
	"context"
	"net/http"

	"rollcall/internal/portrait"
	"rollcall/store"
)

// portraitMessages is how many of a user's messages are looked at for a portrait.
const portraitMessages = 1000

// Context is who a user is, for the prompt of a language model.
type Context struct {
	Guild     store.ID       `json:"guild_id"`
	GuildName string         `json:"guild_name"`
	User      store.ID       `json:"user_id"`
	UserName  string         `json:"user_name"`
	Facts     []string       `json:"facts"`    // the lines of the text before the quotations
	Messages  []ContextQuote `json:"messages"` // the most telling of their own, newest first
}

// ContextQuote is a message that the text quotes.
type ContextQuote struct {
	Message store.ID     `json:"message_id,omitzero"`
	Channel string       `json:"channel_name"`
	Time    store.Micros `json:"timestamp"`
	Text    string       `json:"text"` // as it is quoted: on one line, shortened, without names of others
}

func contextOf(guild store.Guild, subject portrait.Subject, tokens int) Context {
	p := portrait.New(subject, tokens)
	out := Context{Guild: guild.ID, GuildName: guild.Name, User: subject.ID, UserName: subject.Profile.Name, Facts: p.Facts, Messages: []ContextQuote{}}
	for _, q := range p.Quotes {
		out.Messages = append(out.Messages, ContextQuote{Message: q.Message, Channel: q.Channel, Time: q.Time, Text: q.Text})
	}
	return out
}

// getContext answers with what is for the prompt of a language model: text, or the same in JSON.
func (s *Server) getContext(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channels", "as", "tokens", "tz", "format")
	if err != nil {
		return err
	}
	format, err := q.formatOf("text", "json")
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
	if format == "json" {
		return sendAnswer(w, r, contextOf(guild, subject, q.tokens))
	}
	return sendTagged(w, r, "text/plain; charset=utf-8", []byte(portrait.Write(subject, q.tokens)))
}
