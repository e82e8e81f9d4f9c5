package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollcall/internal/api"
	"rollcall/internal/coverage"
	"rollcall/internal/visible"
	"rollcall/store"
)

// guildName returns the id and the name of a server.
func (s *Server) guildName(r *http.Request) (id, name string, err error) {
	var guilds []store.Guild
	if _, err := s.get(r, "/v1/guilds", nil, &guilds); err != nil {
		return "", "", err
	}
	text := r.PathValue("guild")
	for _, g := range guilds {
		if g.ID.String() == text || g.Name == text {
			return g.ID.String(), nameOf(g.Name, g.ID), nil
		}
	}
	return "", "", notFound("no server " + visible.Text(text[:min(len(text), 64)]) + " is remembered")
}

func (s *Server) getSearch(w http.ResponseWriter, r *http.Request) error {
	id, name, err := s.guildName(r)
	if err != nil {
		return err
	}
	d := struct {
		ID, Name, Query, Zone, Trouble, Next string
		Lines                                []line
		Asked                                bool
		People, Channels                     []string // for completion
	}{ID: id, Name: name, Query: strings.TrimSpace(r.URL.Query().Get("q")), Zone: r.URL.Query().Get("tz")}
	status := http.StatusOK
	if d.Query != "" {
		d.Asked = true
		q := url.Values{"q": {d.Query}, "names": {"true"}, "limit": {"50"}}
		set(q, "tz", d.Zone)
		set(q, "cursor", r.URL.Query().Get("cursor"))
		var found []api.Match
		header, err := s.get(r, api.GuildPath(id, "search"), q, &found)
		if p, ok := err.(*api.Problem); ok && p.Status < 500 {
			d.Trouble, status = p.Detail, p.Status
		} else if err != nil {
			return err
		} else {
			d.Lines = linesOf(found)
			d.Next = api.NextCursor(header)
		}
	}
	if d.People, d.Channels, err = s.suggestions(r, id); err != nil {
		return err
	}
	return s.render(w, r, status, "search.html", "Search "+name, d)
}

// suggestions are the people and channels with the most messages, for who types from: or in:.
func (s *Server) suggestions(r *http.Request, guild string) (people, channels []string, err error) {
	var leaders []api.Leader
	if _, err := s.get(r, api.GuildPath(guild, "top"), url.Values{"limit": {"200"}}, &leaders); err != nil {
		return nil, nil, err
	}
	for _, l := range leaders {
		if l.Name != "" && l.Name == visible.Text(l.Name) {
			people = append(people, quoted(l.Name))
		}
	}
	var covered []coverage.Channel
	if _, err := s.get(r, "/v1/coverage", url.Values{"guild": {guild}}, &covered); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(covered, func(a, b coverage.Channel) int { return int(b.Messages - a.Messages) })
	for _, c := range covered[:min(len(covered), 200)] {
		if c.Name == visible.Text(c.Name) {
			channels = append(channels, quoted(c.Name))
		}
	}
	return people, channels, nil
}

// quoted writes a name as a query has it.
func quoted(name string) string {
	if strings.ContainsAny(name, " \t\u3000") {
		return `"` + strings.ReplaceAll(name, `"`, "") + `"`
	}
	return name
}

// getAround shows what was said in a channel before and after a message.
func (s *Server) getAround(w http.ResponseWriter, r *http.Request) error {
	guild, name, err := s.guildName(r)
	if err != nil {
		return err
	}
	id, err := store.ParseID(r.PathValue("message"))
	if err != nil {
		return badRequest("message cannot be %.64q: %v", r.PathValue("message"), err)
	}
	channel := r.URL.Query().Get("channel")
	q := url.Values{"before": {"25"}, "after": {"25"}, "names": {"true"}}
	set(q, "channel", channel)
	var records []api.Record
	if _, err := s.get(r, api.GuildPath(guild, "messages", id.String(), "around"), q, &records); err != nil {
		return err
	}
	d := struct {
		ID, Name, Channel string
		Lines             []line
		Found             bool
	}{ID: guild, Name: name, Channel: visible.Text(channel), Lines: linesOf(matchesOf(records))}
	for i := range d.Lines {
		if d.Lines[i].Message == id {
			d.Lines[i].Anchor, d.Found = true, true
			d.Channel = d.Lines[i].Channel
		}
	}
	return s.render(w, r, http.StatusOK, "around.html", "Around a message", d)
}
