package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"rollcall/store"
	"rollcall/tracker"
)

// ReadingPath answers in which guilds somebody is a member, as Reading: to whoever answers as them,
// over the socket alone.
const ReadingPath = "/v1/reading"

// maxReading is how many guilds are looked through for a member: Discord is asked once for each.
const maxReading = 50

// Reading is somebody as whom questions can be asked, with the parameter as.
type Reading struct {
	User   store.ID  `json:"user_id"`
	Guilds []GuildID `json:"guilds"` // those in which something is stored, by id; at least one
}

// GuildID is a guild and its name.
type GuildID struct {
	ID   store.ID `json:"guild_id"`
	Name string   `json:"guild_name"`
}

// Reader returns what reports which channels of a guild a member may read now, as
// tracker.Tracker.Reader does.
type Reader func(ctx context.Context, guild, user store.ID) (reads func(channel store.ID) bool, err error)

func (s *Server) getReading(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "user", "guilds")
	if err != nil {
		return err
	}
	if q.user == "" {
		return problem(http.StatusBadRequest, "user is missing: want an id or a name")
	}
	guilds, err := s.store.Guilds(ctx)
	if err != nil {
		return err
	}
	if q.guilds != nil {
		guilds = slices.DeleteFunc(guilds, func(g store.Guild) bool { return !slices.Contains(q.guilds, g.ID) })
	}
	if len(guilds) > maxReading {
		return tooManyGuilds(len(guilds))
	}
	out := Reading{Guilds: []GuildID{}}
	if out.User, err = s.user(ctx, guilds, q.user); err != nil {
		return err
	}
	var refused *Problem // for the reason that may pass, if there is one
	for _, g := range guilds {
		_, err := s.reads(ctx, g.ID, out.User)
		p, ok := errors.AsType[*Problem](err)
		switch {
		case err == nil:
			out.Guilds = append(out.Guilds, GuildID{g.ID, g.Name})
		case !ok:
			return err
		case refused == nil || p.Status > refused.Status:
			refused = p
		}
	}
	if len(out.Guilds) > 0 {
		return sendAnswer(w, r, out)
	}
	if refused != nil && (len(guilds) == 1 || refused.Status == http.StatusServiceUnavailable) {
		return refused
	}
	if err := s.mayAsk(0, out.User); err != nil {
		return err
	}
	return problem(http.StatusForbidden, "user %s is a member of no server that may be asked about", out.User)
}

func tooManyGuilds(n int) error {
	return problem(http.StatusConflict, "%d servers are too many to ask Discord for a member of each: name those that matter, at most %d", n, maxReading)
}

// mayAsk refuses questions as somebody who is not to be known of: in a guild, or everywhere if it is 0.
func (s *Server) mayAsk(guild, user store.ID) error {
	if s.reader == nil {
		return problem(http.StatusConflict, "who may read what is only known while the daemon is connected to Discord: start rollcall run with a bot token, and ask again")
	}
	if s.store.Forgotten(store.Person{User: user, Guild: guild}) || s.rules != nil && s.rules.OptedOut(guild, user) {
		return problem(http.StatusForbidden, "user %s is forgotten or has opted out: nothing is answered as them", user)
	}
	return nil
}

// reads returns what reports which channels of a guild a member may read; the error is a *Problem, or
// the context's.
func (s *Server) reads(ctx context.Context, guild, user store.ID) (func(channel store.ID) bool, error) {
	if err := s.mayAsk(guild, user); err != nil {
		return nil, err
	}
	reads, err := s.reader(ctx, guild, user)
	switch {
	case errors.Is(err, tracker.ErrNoMember):
		return nil, problem(http.StatusForbidden, "user %s is not a member of the server %s", user, guild)
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, tracker.ErrNotToldYet):
		return nil, problem(http.StatusServiceUnavailable, "what user %s may read is not known at the moment: Discord is not connected, or has not told of the server", user)
	case err != nil:
		s.log.Warn("the roles of a member cannot be asked for", "guild", guild, "error", err)
		return nil, problem(http.StatusServiceUnavailable, "what user %s may read is not known at the moment: Discord does not tell their roles", user)
	}
	var mu sync.Mutex
	known := map[store.ID]bool{}
	return func(channel store.ID) bool { // a question has one answer for a channel
		mu.Lock()
		defer mu.Unlock()
		may, ok := known[channel]
		if !ok {
			may = reads(channel)
			known[channel] = may
		}
		return may
	}, nil
}

// part returns what of a guild counts for a question.
func (s *Server) part(ctx context.Context, guild store.ID, q query) (store.Part, error) {
	if q.as == 0 {
		return s.store.Part(q.channels), nil
	}
	reads, err := s.reads(ctx, guild, q.as)
	if err != nil {
		return store.Part{}, err
	}
	return s.store.PartWhere(func(channel store.ID) bool {
		return (q.channels == nil || slices.Contains(q.channels, channel)) && reads(channel)
	}), nil
}

// guildPart finds the guild that a request is about, and what of it counts.
func (s *Server) guildPart(ctx context.Context, r *http.Request, q query) (guild store.Guild, part store.Part, err error) {
	if guild, err = s.guild(ctx, r.PathValue("guild")); err != nil {
		return guild, part, err
	}
	part, err = s.part(ctx, guild.ID, q)
	return guild, part, err
}
