package web

import (
	"html/template"
	"net/http"
	"net/url"

	"rollcall/internal/api"
	"rollcall/internal/visible"
	"rollcall/store"
)

// line is a message as pages show it.
type line struct {
	Time      store.Micros
	Guild     store.ID
	User      store.ID
	UserName  string
	Channel   string
	ChannelID store.ID
	Message   store.ID
	Text      template.HTML
	Notes     []string // what it says without content
	Forwarded template.HTML
	Edited    store.Micros
	Anchor    bool // the one that others stand around
}

// newest asks for messages, newest first.
func (s *Server) newest(r *http.Request, guild string, q url.Values) ([]line, error) {
	var records []api.Record
	q.Set("names", "true")
	if _, err := s.get(r, api.GuildPath(guild, "messages"), q, &records); err != nil {
		return nil, err
	}
	return linesOf(matchesOf(records)), nil
}

// matchesOf makes matches of records, in which nothing was looked for.
func matchesOf(records []api.Record) []api.Match {
	matches := make([]api.Match, len(records))
	for i, record := range records {
		matches[i].Record = record
	}
	return matches
}

// linesOf makes lines of records. Mentions have names where one of the authors is meant.
func linesOf(records []api.Match) []line {
	names := map[string]string{}
	for _, r := range records {
		if r.UserName != "" {
			names[r.User.String()] = r.UserName
		}
	}
	lines := make([]line, len(records))
	for i, r := range records {
		lines[i] = lineOf(r, names)
	}
	return lines
}

func lineOf(r api.Match, names map[string]string) line {
	l := line{
		Time: r.Time, Guild: r.Guild, User: r.User, UserName: nameOf(r.UserName, r.User), Channel: visible.Text(r.ChannelName), ChannelID: r.ChannelID,
		Message: r.MessageID, Text: said(r.Content, names, r.Matches), Edited: r.Edited,
	}
	if r.Redacted {
		l.Notes = append(l.Notes, "the text is not kept")
	}
	if p := r.Poll; p != nil {
		l.Notes = append(l.Notes, "poll: "+visible.Text(p.Question))
		for _, answer := range p.Answers {
			l.Notes = append(l.Notes, "– "+visible.Text(answer))
		}
	}
	for _, name := range r.Stickers {
		l.Notes = append(l.Notes, "sticker: "+visible.Text(name))
	}
	if r.Attachments != nil && *r.Attachments > 0 {
		l.Notes = append(l.Notes, plural(*r.Attachments, "attachment"))
	}
	if f := r.Forwarded; f != nil {
		l.Notes = append(l.Notes, "forwarded:")
		l.Forwarded = said(f.Content, names, nil)
		if f.Attachments > 0 {
			l.Notes = append(l.Notes, plural(f.Attachments, "attachment"))
		}
	}
	return l
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(int64(n)) + " " + what + "s"
}

// Link leads to the message in Discord, "" where that is not known.
func (l line) Link() string {
	if l.Message == 0 || l.ChannelID == 0 {
		return ""
	}
	return "https://discord.com/channels/" + l.Guild.String() + "/" + l.ChannelID.String() + "/" + l.Message.String()
}
