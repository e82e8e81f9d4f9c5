package web

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"rollcall/internal/api"
)

// chart is a chart as a drawing and as its numbers.
type chart struct {
	drawing template.HTML // "": there is none
	header  []string
	rows    [][]string
}

// getChart sends a chart of a server as a file, name.svg or name.csv.
func (s *Server) getChart(w http.ResponseWriter, r *http.Request) error {
	f, err := s.filterOf(r)
	if err != nil {
		return err
	}
	name, extension, _ := strings.Cut(r.PathValue("name"), ".")
	guild := r.PathValue("guild")
	q := f.query()
	var c chart
	switch name {
	case "series", "heatmap", "channels":
		var g api.Guild
		if _, err := s.get(r, api.GuildPath(guild), q, &g); err != nil {
			return err
		}
		if c, err = s.guildChart(r, f, name, g); err != nil {
			return err
		}
	case "people":
		q.Set("limit", "1000")
		var leaders []api.Leader
		if _, err := s.get(r, api.GuildPath(guild, "top"), q, &leaders); err != nil {
			return err
		}
		c.header = []string{"rank", "user_id", "user_name", "messages", "days", "share"}
		for _, l := range leaders {
			c.rows = append(c.rows, []string{strconv.Itoa(l.Rank), l.User.String(), l.Name, number(l.Messages), number(l.Days), fmt.Sprint(l.Share)})
		}
	case "words":
		q.Set("limit", "1000")
		var words api.Words
		if _, err := s.get(r, api.GuildPath(guild, "words"), q, &words); err != nil {
			return err
		}
		c.header = []string{"word", "count"}
		for _, word := range words.Words {
			c.rows = append(c.rows, []string{word.Word, number(word.Count)})
		}
		for _, e := range words.Emojis {
			c.rows = append(c.rows, []string{e.Emoji, number(e.Count)})
		}
	default:
		return notFound("there is no such chart")
	}
	return c.send(w, "rollcall-"+name, extension)
}

// guildChart makes one of the charts of what happened in a server.
func (s *Server) guildChart(r *http.Request, f filter, name string, g api.Guild) (c chart, err error) {
	switch name {
	case "series":
		gaps, err := s.gaps(r, g.ID.String())
		if err != nil {
			return c, err
		}
		buckets := f.series(g.Daily, s.now())
		c.drawing, c.header = seriesChart(buckets, gaps), []string{"start", "messages"}
		for _, b := range buckets {
			c.rows = append(c.rows, []string{b.Label, number(b.Messages)})
		}
	case "heatmap":
		c.drawing, c.header = heatmapChart(g.Heatmap), append([]string{"weekday"}, hourLabels()...)
		for day, hours := range g.Heatmap {
			row := []string{weekdays[day]}
			for _, n := range hours {
				row = append(row, number(n))
			}
			c.rows = append(c.rows, row)
		}
	default:
		c.header = []string{"channel_id", "channel_name", "messages"}
		for _, channel := range g.TopChannels {
			id := ""
			if channel.ID != 0 {
				id = channel.ID.String()
			}
			c.rows = append(c.rows, []string{id, channel.Name, number(channel.Messages)})
		}
	}
	return c, nil
}

// getPersonChart sends a chart of a person as a file.
func (s *Server) getPersonChart(w http.ResponseWriter, r *http.Request) error {
	f, err := s.filterOf(r)
	if err != nil {
		return err
	}
	var u api.User
	if _, err := s.get(r, api.GuildPath(r.PathValue("guild"), "users", r.PathValue("user")), f.query(), &u); err != nil {
		return err
	}
	name, extension, _ := strings.Cut(r.PathValue("name"), ".")
	labels, values, title := hourLabels(), u.Hours[:], "Messages by hour of the day"
	switch name {
	case "hours":
	case "weekdays":
		labels, values, title = weekdays[:], u.Weekdays[:], "Messages by weekday"
	default:
		return notFound("there is no such chart")
	}
	c := chart{drawing: barsChart(title, labels, values), header: []string{strings.TrimSuffix(name, "s"), "messages"}}
	for i, n := range values {
		c.rows = append(c.rows, []string{labels[i], number(n)})
	}
	return c.send(w, "rollcall-"+name, extension)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// send sends a chart as a file.
func (c *chart) send(w http.ResponseWriter, name, extension string) error {
	switch {
	case extension == "svg" && c.drawing != "":
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.svg"`)
		fmt.Fprint(w, c.drawing)
		return nil
	case extension != "csv":
		return notFound("there is no such chart")
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	out := csv.NewWriter(w)
	out.Write(c.header)
	for _, row := range c.rows {
		for i, cell := range row {
			row[i] = api.Guarded(cell)
		}
		out.Write(row)
	}
	out.Flush()
	return nil
}
