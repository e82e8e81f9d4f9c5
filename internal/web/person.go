package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/internal/api"
	"rollcall/internal/visible"
)

// person is what the page of a person shows.
type person struct {
	Guild, GuildName string
	ID, Name         string
	Filter           filter
	User             api.User
	Hours, Weekdays  template.HTML
	HourLabels       []string
	DayLabels        [7]string
	Newest, Oldest   []line
	Prompt           string // what a model is told
}

func (s *Server) getPerson(w http.ResponseWriter, r *http.Request) error {
	f, err := s.filterOf(r)
	if err != nil {
		return err
	}
	if !r.URL.Query().Has("window") && f.Since == "" && f.Until == "" {
		f.Window = "all"
	}
	f.Grains = nil // a person has no series
	guild, guildName, err := s.guildName(r)
	if err != nil {
		return err
	}
	d := person{Guild: guild, GuildName: guildName, Filter: f, DayLabels: weekdays, HourLabels: hourLabels()}
	user := r.PathValue("user")
	if _, err := s.get(r, api.GuildPath(guild, "users", user), f.query(), &d.User); err != nil {
		return err
	}
	d.ID, d.Name = d.User.ID.String(), nameOf(d.User.Name, d.User.ID)
	d.Hours = barsChart("Messages by hour of the day", d.HourLabels, d.User.Hours[:])
	d.Weekdays = barsChart("Messages by weekday", weekdays[:], d.User.Weekdays[:])
	if d.Newest, err = s.newest(r, guild, url.Values{"user": {d.ID}, "limit": {"20"}}); err != nil {
		return err
	}
	first := d.User.First
	if d.Oldest, err = s.newest(r, guild, url.Values{"user": {d.ID}, "since": {first.String()}, "until": {(first + 1).String()}, "limit": {"1"}}); err != nil {
		return err
	}
	q := url.Values{"tokens": {"300"}}
	set(q, "tz", f.Zone)
	prompt, _, err := s.ask(r, http.MethodGet, api.GuildPath(guild, "users", d.ID, "context"), q)
	if err != nil {
		return err
	}
	d.Prompt = visible.Text(string(prompt))
	return s.render(w, r, http.StatusOK, "person.html", d.Name, d)
}

func hourLabels() (labels []string) {
	for hour := range 24 {
		labels = append(labels, fmt.Sprintf("%02d", hour))
	}
	return labels
}

// getExport sends everything that is stored of a person in a server.
func (s *Server) getExport(w http.ResponseWriter, r *http.Request) error {
	guild, _, err := s.guildName(r)
	if err != nil {
		return err
	}
	user := r.PathValue("user")
	if _, err := strconv.ParseUint(user, 10, 64); err != nil {
		return badRequest("user cannot be %.64q: want an id", user)
	}
	w.Header().Set("Content-Disposition", `attachment; filename="rollcall-`+guild+"-"+user+`.ndjson"`)
	s.api.ServeHTTP(w, api.NewQuestion(r.Context(), http.MethodGet, "/v1/export", url.Values{"guild": {guild}, "user": {user}}))
	return nil
}

// erase is what is to go.
type erase struct {
	Guild, GuildName, User, Name string
	Messages                     int64
	Elsewhere                    []api.PersonIn // in other servers, of which nothing goes
	Trouble                      string
	Done                         *api.Erased
}

func (s *Server) erasure(r *http.Request) (e erase, err error) {
	if e.Guild, e.GuildName, err = s.guildName(r); err != nil {
		return e, err
	}
	var p api.Person
	if _, err = s.get(r, api.UserPath(r.PathValue("user")), nil, &p); err != nil {
		return e, err
	}
	e.User, e.Name = p.User.String(), p.User.String()
	for _, in := range p.Guilds {
		if in.Guild.String() != e.Guild {
			e.Elsewhere = append(e.Elsewhere, in)
			continue
		}
		e.Messages, e.Name = in.Messages, nameOf(in.UserName, p.User)
	}
	return e, nil
}

// getErase says what will go, and asks.
func (s *Server) getErase(w http.ResponseWriter, r *http.Request) error {
	e, err := s.erasure(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "erase.html", "Erase "+e.Name, e)
}

// postErase forgets a person in a server, if the id was typed.
func (s *Server) postErase(w http.ResponseWriter, r *http.Request) error {
	e, err := s.erasure(r)
	if err != nil {
		return err
	}
	if r.PostFormValue("confirm") != e.User {
		e.Trouble = "Nothing was erased: the id that was typed is another one."
		return s.render(w, r, http.StatusUnprocessableEntity, "erase.html", "Erase "+e.Name, e)
	}
	var done api.Erased
	answer, _, err := s.ask(r, http.MethodDelete, api.UserPath(e.User), url.Values{"guild": {e.Guild}})
	if err != nil {
		return err
	}
	if err := decode(answer, &done); err != nil {
		return err
	}
	e.Done = &done
	return s.render(w, r, http.StatusOK, "erase.html", "Erased", e)
}
