package api

import (
	"context"
	"errors"
	"net/http"

	"rollcall/store"
)

// Person is what is stored of a user, and whether they are forgotten.
type Person struct {
	User      store.ID   `json:"user_id"`
	Forgotten bool       `json:"forgotten"` // everywhere, or in the guild that was asked about
	Guilds    []PersonIn `json:"guilds"`    // in which anything is stored of them, by id
}

// PersonIn is what is stored of a user in a guild.
type PersonIn struct {
	Guild     store.ID `json:"guild_id"`
	GuildName string   `json:"guild_name"`
	UserName  string   `json:"user_name"`
	Messages  int64    `json:"total_messages"`
}

// Erased is what was removed of a user.
type Erased struct {
	User  store.ID `json:"user_id"`
	Guild store.ID `json:"guild_id,omitzero"` // 0: in every guild
	store.Erased
}

// Remembered reports whether there was anybody to remember.
type Remembered struct {
	User  store.ID `json:"user_id"`
	Guild store.ID `json:"guild_id,omitzero"` // 0: in every guild
	Was   bool     `json:"was_forgotten"`
}

func bodiless(f func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.ContentLength != 0 {
			return problem(http.StatusRequestEntityTooLarge, "a request has no body here")
		}
		return f(w, r)
	}
}

// person finds whom a request is about. A user and a guild of which nothing is stored
// are named by their ids.
func (s *Server) person(ctx context.Context, r *http.Request) (store.Person, error) {
	q, err := s.query(r, "guild")
	if err != nil {
		return store.Person{}, err
	}
	guilds, err := s.store.Guilds(ctx)
	if err != nil {
		return store.Person{}, err
	}
	var p store.Person
	if q.guild != "" {
		if p.Guild, err = store.ParseID(q.guild); err != nil {
			guild, err := s.guild(ctx, q.guild)
			if err != nil {
				return p, err
			}
			p.Guild, guilds = guild.ID, []store.Guild{guild}
		}
	}
	if err := checkName("user", r.PathValue("user")); err != nil {
		return p, err
	}
	p.User, err = s.user(ctx, guilds, r.PathValue("user"))
	return p, err
}

func (s *Server) getPerson(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	p, err := s.person(ctx, r)
	if err != nil {
		return err
	}
	traces, err := s.store.Traces(ctx, p)
	if err != nil {
		return err
	}
	out := Person{User: p.User, Forgotten: s.store.Forgotten(p), Guilds: make([]PersonIn, len(traces))}
	for i, t := range traces {
		out.Guilds[i] = PersonIn{Guild: t.Guild, GuildName: t.GuildName, UserName: t.Name, Messages: t.Messages}
	}
	return sendAnswer(w, r, out)
}

// forget takes as long as it takes: the caller waits, and if it goes away the task in
// the file is finished by whoever does those.
func (s *Server) forget(w http.ResponseWriter, r *http.Request) error {
	p, err := s.person(r.Context(), r)
	if err != nil {
		return err
	}
	erased, err := s.store.Forget(r.Context(), p)
	if err != nil {
		return err
	}
	s.log.Info("a person is forgotten", "guild", p.Guild, "messages", erased.Messages)
	return sendJSON(w, Erased{User: p.User, Guild: p.Guild, Erased: erased})
}

func (s *Server) remember(w http.ResponseWriter, r *http.Request) error {
	p, err := s.person(r.Context(), r)
	if err != nil {
		return err
	}
	was, err := s.store.Remember(r.Context(), p)
	if errors.Is(err, store.ErrStillForgotten) {
		return problem(http.StatusConflict, "user %s is forgotten in every guild: remember them without naming one", p.User)
	}
	if err != nil {
		return err
	}
	return sendJSON(w, Remembered{User: p.User, Guild: p.Guild, Was: was})
}
