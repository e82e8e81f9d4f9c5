package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/api"
	"rollcall/store"
)

func (s *Server) calls() map[string]call {
	return map[string]call{
		"guilds": s.listGuilds, "guild_stats": s.guildStats, "user_stats": s.userStats, "user_context": s.userContext,
		"top": s.top, "words": s.words, "search_messages": s.searchMessages, "messages_around": s.messagesAround,
	}
}

// period is of which guild and of which days a tool is asked.
type period struct {
	Guild  string `json:"guild"`
	Window string `json:"window"`
	Since  string `json:"since"`
	Until  string `json:"until"`
	Zone   string `json:"tz"`
}

// query is the period as a question of /v1.
func (p period) query() url.Values {
	return values("window", p.Window, "since", p.Since, "until", p.Until, "tz", p.Zone)
}

// values makes a question of names and values, without those that are empty.
func values(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// arguments reads those of a call. One that no schema has is a mistake of the model's: it would think that it
// had an effect.
func arguments(text json.RawMessage, into any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse("the arguments cannot be read: %v", err)
	}
	return nil
}

func refuse(format string, a ...any) error {
	return &api.Problem{Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, a...)}
}

// limit adds to a question how many entries its answer has; 0: as /v1 likes.
func limit(q url.Values, n int) error {
	switch {
	case n < 0 || n > maxEntries:
		return refuse("limit cannot be %d: want a whole number from 1 to %d", n, maxEntries)
	case n > 0:
		q.Set("limit", strconv.Itoa(n))
	}
	return nil
}

const maxEntries = 100

// get asks a question and decodes its answer.
func (s *Server) get(ctx context.Context, path string, q url.Values, into any) (http.Header, error) {
	body, header, err := s.ask(ctx, path, q)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("the answer of %s cannot be read: %w", path, err)
	}
	return header, nil
}

// scoped adds to a question of a guild that only the channels count that may be seen.
func (s *Server) scoped(q url.Values) url.Values {
	if s.as != 0 {
		q.Set("as", s.as.String())
	}
	if len(s.channels) > 0 {
		q.Set("channels", idList(s.channels))
	}
	return q
}

// visibleGuilds returns the guilds that may be seen.
func (s *Server) visibleGuilds(ctx context.Context) (guilds []store.Guild, err error) {
	if s.as != 0 {
		member, err := ReadingOf(ctx, s.ask, s.as.String(), s.guilds)
		for _, g := range member.Guilds {
			guilds = append(guilds, store.Guild{ID: g.ID, Name: g.Name})
		}
		return guilds, err
	}
	if _, err = s.get(ctx, "/v1/guilds", nil, &guilds); err != nil || len(s.guilds) == 0 {
		return guilds, err
	}
	return slices.DeleteFunc(guilds, func(g store.Guild) bool { return !slices.Contains(s.guilds, g.ID) }), nil
}

// ReadingOf asks in which guilds a user, named by id or name, is a member: of these, or of all if none is
// given. The error is an *api.Problem if nothing can be answered as them.
func ReadingOf(ctx context.Context, ask Ask, user string, guilds []store.ID) (member api.Reading, err error) {
	q := values("user", user)
	if len(guilds) > 0 {
		q.Set("guilds", idList(guilds))
	}
	body, _, err := ask(ctx, api.ReadingPath, q)
	if err != nil {
		return member, err
	}
	if err := json.Unmarshal(body, &member); err != nil {
		return member, fmt.Errorf("the answer of %s cannot be read: %w", api.ReadingPath, err)
	}
	return member, nil
}

// idList writes ids as a parameter has them.
func idList(ids []store.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ",")
}

// guild finds the guild that a model names: by id, or by a name that only one has. It may be left out where
// there is one.
func (s *Server) guild(ctx context.Context, text string) (store.Guild, error) {
	guilds, err := s.visibleGuilds(ctx)
	if err != nil {
		return store.Guild{}, err
	}
	if text == "" && len(guilds) == 1 {
		auditOf(ctx).guild = guilds[0].ID
		return guilds[0], nil
	}
	var found []store.Guild
	for _, same := range []func(store.Guild) bool{
		func(g store.Guild) bool { return g.ID.String() == text },
		func(g store.Guild) bool { return g.Name == text && text != "" },
		func(g store.Guild) bool { return strings.EqualFold(g.Name, text) && text != "" },
	} {
		for _, g := range guilds {
			if same(g) {
				found = append(found, g)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) == 1 {
		auditOf(ctx).guild = found[0].ID
		return found[0], nil
	}
	candidates := guilds
	what := fmt.Sprintf("no server is called %.64q", text)
	switch {
	case len(found) > 1:
		candidates, what = found, fmt.Sprintf("%.64q is the name of several servers", text)
	case text == "":
		what = "guild is missing"
	}
	return store.Guild{}, refuse("%s; there are: %s", what, candidatesOf(candidates))
}

func candidatesOf(guilds []store.Guild) string {
	var names []string
	for _, g := range guilds[:min(len(guilds), 20)] {
		names = append(names, fmt.Sprintf("%s (%.64q)", g.ID, g.Name))
	}
	if len(guilds) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
