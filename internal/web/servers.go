package web

import (
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/coverage"
	"rollcall/internal/health"
	"rollcall/internal/visible"
	"rollcall/store"
)

// serverCard is a server among the others.
type serverCard struct {
	store.Guild
	Spark  template.HTML
	Recent int64  // messages of the last 30 days
	Change string // against the 30 days before
}

func (s *Server) getServers(w http.ResponseWriter, r *http.Request) error {
	var guilds []store.Guild
	if _, err := s.get(r, "/v1/guilds", nil, &guilds); err != nil {
		return err
	}
	data := struct {
		Cards   []serverCard
		Trouble []string
	}{}
	for i, g := range guilds {
		card := serverCard{Guild: g}
		if i < maxCards {
			if err := s.recent(r, &card); err != nil {
				return err
			}
		}
		data.Cards = append(data.Cards, card)
	}
	var report health.Report
	if _, err := s.get(r, "/v1/status", nil, &report); err != nil {
		return err
	}
	data.Trouble = troubles(report)
	return s.render(w, r, http.StatusOK, "servers.html", "Servers", data)
}

// maxCards is for how many servers the last days are counted on the first page: each costs some
// milliseconds.
const maxCards = 50

// recent counts what happened in a server of late.
func (s *Server) recent(r *http.Request, card *serverCard) error {
	f := filter{Window: "30d", zone: s.zone}
	now, before, err := s.twoWindows(r, card.ID.String(), f)
	if err != nil {
		return err
	}
	card.Recent, card.Change = now.Messages, change(now.Messages, before)
	var values []int64
	for _, b := range f.series(now.Daily, s.now()) {
		values = append(values, b.Messages)
	}
	card.Spark = sparkline(values)
	return nil
}

// twoWindows asks for what happened in the days of the filter, and for how many messages there were in as
// many days before; before is -1 where the filter has no beginning.
func (s *Server) twoWindows(r *http.Request, guild string, f filter) (g api.Guild, before int64, err error) {
	if _, err = s.get(r, api.GuildPath(guild), f.query(), &g); err != nil {
		return g, 0, err
	}
	from, to := f.days(s.now())
	if from.IsZero() {
		return g, -1, nil
	}
	days := int(to.Sub(from).Hours()/24 + 0.5)
	q := url.Values{"since": {from.AddDate(0, 0, -days).Format(time.DateOnly)}, "until": {from.Format(time.DateOnly)}, "tz": {f.zone.String()}}
	var earlier api.Guild
	if _, err = s.get(r, api.GuildPath(guild), q, &earlier); err != nil {
		return g, -1, nil // before the year 0, say
	}
	return g, earlier.Messages, nil
}

// change says how much a number differs from the one before it.
func change(now, before int64) string {
	switch {
	case before < 0, before == 0 && now == 0:
		return ""
	case before == 0:
		return "new"
	}
	percent := 100 * (now - before) / before
	if percent > 0 {
		return "+" + count(percent) + " %"
	}
	return count(percent) + " %"
}

// troubles are the parts of the daemon that are not well.
func troubles(report health.Report) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(report.Parts)) {
		if p := report.Parts[name]; p.Status == health.Failed {
			lines = append(lines, name+": "+p.Detail)
		}
	}
	return lines
}

// server is what the page of a server shows.
type server struct {
	ID, Name string
	Filter   filter
	Guild    api.Guild
	Change   string
	Series   template.HTML
	Buckets  []Bucket
	Heatmap  template.HTML
	Weekdays [7]string
	Leaders  []api.Leader
	Words    api.Words
	Newest   []line
	Gaps     []span
}

func (s *Server) getServer(w http.ResponseWriter, r *http.Request) error {
	f, err := s.filterOf(r)
	if err != nil {
		return err
	}
	d := server{ID: r.PathValue("guild"), Filter: f, Weekdays: weekdays}
	var before int64
	if d.Guild, before, err = s.twoWindows(r, d.ID, f); err != nil {
		return err
	}
	d.ID, d.Name, d.Change = d.Guild.ID.String(), nameOf(d.Guild.Name, d.Guild.ID), change(d.Guild.Messages, before)
	q := f.query()
	q.Set("limit", "25")
	if _, err := s.get(r, api.GuildPath(d.ID, "top"), q, &d.Leaders); err != nil {
		return err
	}
	if _, err := s.get(r, api.GuildPath(d.ID, "words"), q, &d.Words); err != nil {
		return err
	}
	if d.Newest, err = s.newest(r, d.ID, url.Values{"limit": {"20"}}); err != nil {
		return err
	}
	if d.Gaps, err = s.gaps(r, d.ID); err != nil {
		return err
	}
	d.Buckets = f.series(d.Guild.Daily, s.now())
	d.Series = seriesChart(d.Buckets, d.Gaps)
	d.Heatmap = heatmapChart(d.Guild.Heatmap)
	return s.render(w, r, http.StatusOK, "server.html", d.Name, d)
}

// nameOf is a display name, or the id where none is known.
func nameOf(name string, id store.ID) string {
	if name == "" {
		return id.String()
	}
	return visible.Text(name)
}

// gaps returns the times of a server in which something may be missing.
func (s *Server) gaps(r *http.Request, guild string) (spans []span, err error) {
	var channels []coverage.Channel
	if _, err := s.get(r, "/v1/coverage", url.Values{"guild": {guild}}, &channels); err != nil {
		return nil, err
	}
	for _, c := range channels {
		spans = append(spans, s.gapsOf(c)...)
		if len(spans) > maxGaps {
			return spans[:maxGaps], nil
		}
	}
	return spans, nil
}

const maxGaps = 500 // in a chart

// gapsOf returns those of a channel.
func (s *Server) gapsOf(c coverage.Channel) (spans []span) {
	for _, g := range c.Gaps {
		if g.State == store.GapFilled {
			continue
		}
		to := s.now()
		if g.To != nil {
			to = g.To.Time()
		}
		spans = append(spans, span{g.From.Time(), to, "#" + visible.Text(c.Name) + ": " + g.Reason + " (" + g.State + ")"})
	}
	return spans
}
