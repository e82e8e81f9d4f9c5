package web

import (
	"html/template"
	"net/http"
	"net/url"
	"time"

	"rollcall/internal/coverage"
	"rollcall/internal/visible"
	"rollcall/store"
)

// channelLine is a channel on the page of coverage.
type channelLine struct {
	Name, ID      string
	Messages      int64
	From          string
	CompleteSince string
	Readable      string
	Bar           template.HTML
	Gaps          []span
}

// From and To are when a gap began and ended.
func (g span) From() string  { return g.from.UTC().Format("2006-01-02 15:04Z") }
func (g span) To() string    { return g.to.UTC().Format("2006-01-02 15:04Z") }
func (g span) Title() string { return g.title }

func (s *Server) getCoverage(w http.ResponseWriter, r *http.Request) error {
	id, name, err := s.guildName(r)
	if err != nil {
		return err
	}
	var channels []coverage.Channel
	if _, err := s.get(r, "/v1/coverage", url.Values{"guild": {id}}, &channels); err != nil {
		return err
	}
	begin, end := s.now(), s.now()
	for _, c := range channels {
		if c.From != nil && c.From.Time().Before(begin) {
			begin = c.From.Time()
		}
	}
	d := struct {
		ID, Name, Begin, End string
		Lines                []channelLine
	}{ID: id, Name: name, Begin: begin.Format(time.DateOnly), End: end.Format(time.DateOnly)}
	for _, c := range channels {
		l := channelLine{Name: visible.Text(c.Name), Messages: c.Messages, Gaps: s.gapsOf(c), From: "–", CompleteSince: "not known", Readable: "not known"}
		if c.ID != nil {
			l.ID = c.ID.String()
		}
		var from, since *time.Time
		if from = timeOf(c.From); from != nil {
			l.From = from.Format(time.DateOnly)
		}
		if since = timeOf(c.CompleteSince); since != nil {
			l.CompleteSince = since.Format("2006-01-02 15:04Z")
		}
		if c.Readable != nil {
			l.Readable = map[bool]string{true: "yes", false: "no"}[*c.Readable]
		}
		l.Bar = coverageBar(begin, end, from, since, l.Gaps)
		d.Lines = append(d.Lines, l)
	}
	return s.render(w, r, http.StatusOK, "coverage.html", "Coverage of "+name, d)
}

func timeOf(m *store.Micros) *time.Time {
	if m == nil {
		return nil
	}
	t := m.Time()
	return &t
}
