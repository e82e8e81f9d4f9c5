package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollcall/internal/api"
	"rollcall/internal/coverage"
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
	return "", "", notFound("no server " + visible(text[:min(len(text), 64)]) + " is remembered")
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
		answer, err := s.get(r, guildPath(id, "search"), q, &found)
		if p, ok := err.(*api.Problem); ok && p.Status < 500 {
			d.Trouble, status = p.Detail, p.Status
		} else if err != nil {
			return err
		} else {
			d.Lines = linesOf(found)
			d.Next = nextOf(answer.header.Get("Link"))
		}
	}
	if d.People, d.Channels, err = s.suggestions(r, id); err != nil {
		return err
	}
	return s.render(w, r, status, "search.html", "Search "+name, d)
}

// nextOf returns the cursor of a Link header.
func nextOf(header string) string {
	target, rel, _ := strings.Cut(header, ">")
	next, err := url.Parse(strings.TrimPrefix(target, "<"))
	if err != nil || !strings.Contains(rel, `rel="next"`) {
		return ""
	}
	return next.Query().Get("cursor")
}

// suggestions are the people and channels with the most messages, for who types from: or in:.
func (s *Server) suggestions(r *http.Request, guild string) (people, channels []string, err error) {
	var leaders []api.Leader
	if _, err := s.get(r, guildPath(guild, "top"), url.Values{"limit": {"200"}}, &leaders); err != nil {
		return nil, nil, err
	}
	for _, l := range leaders {
		if l.Name != "" && l.Name == visible(l.Name) {
			people = append(people, quoted(l.Name))
		}
	}
	var covered []coverage.Channel
	if _, err := s.get(r, "/v1/coverage", url.Values{"guild": {guild}}, &covered); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(covered, func(a, b coverage.Channel) int { return int(b.Messages - a.Messages) })
	for _, c := range covered[:min(len(covered), 200)] {
		if c.Name == visible(c.Name) {
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
	at := store.Micros(id.Millis() * 1000)
	channel := r.URL.Query().Get("channel")
	const each = 25
	after := url.Values{"since": {at.String()}, "until": {(at + 86400e6).String()}, "limit": {"1000"}}
	before := url.Values{"until": {at.String()}, "limit": {"25"}}
	set(after, "channel", channel)
	set(before, "channel", channel)
	later, err := s.newest(r, guild, after)
	if err != nil {
		return err
	}
	if len(later) > each {
		later = later[len(later)-each:]
	}
	earlier, err := s.newest(r, guild, before)
	if err != nil {
		return err
	}
	d := struct {
		ID, Name, Channel string
		Lines             []line
		Found             bool
	}{ID: guild, Name: name, Channel: visible(channel), Lines: append(later, earlier...)}
	slices.Reverse(d.Lines)
	for i := range d.Lines {
		if d.Lines[i].Message == id {
			d.Lines[i].Anchor, d.Found = true, true
			d.Channel = d.Lines[i].Channel
		}
	}
	return s.render(w, r, http.StatusOK, "around.html", "Around a message", d)
}
