package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"rollcall/internal/api"
	"rollcall/internal/visible"
	"rollcall/store"
)

func (s *Server) listGuilds(ctx context.Context, text json.RawMessage) (any, error) {
	if err := arguments(text, &struct{}{}); err != nil {
		return nil, err
	}
	guilds, err := s.visibleGuilds(ctx)
	if err != nil {
		return nil, err
	}
	out := guildList{Guilds: []guildLine{}}
	for _, g := range guilds {
		line := guildLine{ID: g.ID, Name: visible.Text(g.Name)}
		if len(s.channels) == 0 && s.as == 0 { // the numbers are of all channels
			line.Messages, line.Users, line.First, line.Last = &g.Messages, &g.Users, &g.First, &g.Last
		}
		out.Guilds = append(out.Guilds, line)
	}
	return out, nil
}

type guildList struct {
	Guilds []guildLine `json:"guilds"`
}

// guildLine is a guild of which a model may know.
type guildLine struct {
	ID       store.ID      `json:"guild_id"`
	Name     string        `json:"guild_name"`
	Messages *int64        `json:"total_messages,omitempty"`
	Users    *int64        `json:"users,omitempty"`
	First    *store.Micros `json:"first_message_at,omitempty"`
	Last     *store.Micros `json:"last_message_at,omitempty"`
}

// covered is an answer about a guild.
type covered struct {
	Answer   any      `json:"answer"`
	Note     string   `json:"note,omitempty"`
	Coverage coverage `json:"coverage"`
}

// about asks a question of one guild.
func (s *Server) about(ctx context.Context, guild string, q url.Values, into any, rest ...string) (any, error) {
	g, err := s.guild(ctx, guild)
	if err != nil {
		return nil, err
	}
	if _, err := s.get(ctx, api.GuildPath(g.ID.String(), rest...), s.scoped(q), into); err != nil {
		return nil, err
	}
	cover, err := s.coverage(ctx, g.ID)
	return covered{Answer: into, Coverage: cover}, err
}

func (s *Server) guildStats(ctx context.Context, text json.RawMessage) (any, error) {
	var a period
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	var stats api.Guild
	out, err := s.about(ctx, a.Guild, a.query(), &stats)
	if n := len(stats.Daily); err == nil && n > maxDays {
		stats.Daily = stats.Daily[n-maxDays:]
		c := out.(covered)
		c.Note = fmt.Sprintf("daily holds the last %d of %d days with messages: ask for earlier ones with since and until", maxDays, n)
		out = c
	}
	return out, err
}

// maxDays is how many days of a server an answer has; the sums are of all.
const maxDays = 60

func (s *Server) userStats(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		period
		User string `json:"user"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	if a.User == "" {
		return nil, refuse("user is missing: want an id or a name")
	}
	auditOf(ctx).asked(a.User)
	return s.about(ctx, a.Guild, a.query(), new(api.User), "users", a.User)
}

func (s *Server) top(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		period
		By    string `json:"by"`
		Limit int    `json:"limit"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	q := a.query()
	if err := limit(q, a.Limit); err != nil {
		return nil, err
	}
	if a.By != "" {
		q.Set("by", a.By)
	}
	return s.about(ctx, a.Guild, q, &[]api.Leader{}, "top")
}

func (s *Server) words(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		period
		User  string `json:"user"`
		Limit int    `json:"limit"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	q := a.query()
	if err := limit(q, a.Limit); err != nil {
		return nil, err
	}
	if a.User != "" {
		q.Set("user", a.User)
		auditOf(ctx).asked(a.User)
	}
	return s.about(ctx, a.Guild, q, new(api.Words), "words")
}

// userContext is who a user is, in a few lines.
func (s *Server) userContext(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		Guild  string `json:"guild"`
		User   string `json:"user"`
		Tokens int    `json:"tokens"`
		Zone   string `json:"tz"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	if a.User == "" {
		return nil, refuse("user is missing: want an id or a name")
	}
	auditOf(ctx).asked(a.User)
	g, err := s.guild(ctx, a.Guild)
	if err != nil {
		return nil, err
	}
	q := values("tz", a.Zone)
	if a.Tokens != 0 {
		q.Set("tokens", strconv.Itoa(a.Tokens))
	}
	body, _, err := s.ask(ctx, api.GuildPath(g.ID.String(), "users", a.User, "context"), s.scoped(q))
	if err != nil {
		return nil, err
	}
	cover, err := s.coverage(ctx, g.ID)
	return covered{Answer: map[string]string{"text": visible.Text(string(body))}, Coverage: cover}, err
}
