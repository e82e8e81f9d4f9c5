package mcp

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"

	"rollcall/internal/api"
	"rollcall/internal/portrait"
	"rollcall/internal/visible"
	"rollcall/store"
)

const (
	defaultTokens, minTokens, maxTokens = 2000, 100, 20_000 // of an answer with messages
	maxHits                             = 200               // messages of an answer, whatever their tokens
	maxText                             = 4000              // characters of a text, as Discord allows at most
	maxAround                           = 50                // messages before and after one
)

// messages are those of an answer that fit its budget.
type messages struct {
	Messages []message `json:"messages"` // newest first in a search, oldest first around one
	Cut      int       `json:"cut"`      // messages of this page that did not fit
	Cursor   string    `json:"cursor,omitempty"`
}

func (s *Server) searchMessages(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		Guild   string `json:"guild"`
		Query   string `json:"query"`
		User    string `json:"user"`
		Channel string `json:"channel"`
		Since   string `json:"since"`
		Until   string `json:"until"`
		Zone    string `json:"tz"`
		Tokens  int    `json:"tokens"`
		Cursor  string `json:"cursor"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	budget, err := tokens(a.Tokens)
	if err != nil {
		return nil, err
	}
	g, err := s.guild(ctx, a.Guild)
	if err != nil {
		return nil, err
	}
	auditOf(ctx).asked(a.User)
	q := values("q", a.Query, "user", a.User, "channel", a.Channel, "since", a.Since, "until", a.Until, "tz", a.Zone, "cursor", a.Cursor, "limit", "25", "names", "true")
	found, err := s.fitting(ctx, api.GuildPath(g.ID.String(), "search"), s.scoped(q), budget)
	if err != nil {
		return nil, err
	}
	return s.withCoverage(ctx, g.ID, found)
}

// tokens checks a budget.
func tokens(asked int) (int, error) {
	switch {
	case asked == 0:
		return defaultTokens, nil
	case asked < minTokens || asked > maxTokens:
		return 0, refuse("tokens cannot be %d: want a whole number from %d to %d", asked, minTokens, maxTokens)
	}
	return asked, nil
}

// fitting takes pages of messages until the budget is used up, and says how to go on.
func (s *Server) fitting(ctx context.Context, path string, q url.Values, budget int) (out messages, err error) {
	out.Messages = []message{}
	for {
		var page []api.Match
		header, err := s.get(ctx, path, q, &page)
		if err != nil {
			return out, err
		}
		taken := 0
		for _, m := range page {
			shown := messageOf(m)
			cost := shown.tokens()
			if cost > budget && (len(out.Messages) > 0 || taken > 0) || len(out.Messages) == maxHits {
				break
			}
			budget -= cost
			out.Messages = append(out.Messages, shown)
			taken++
		}
		next := api.NextCursor(header)
		switch {
		case taken < len(page):
			out.Cut = len(page) - taken
			if taken == 0 { // all of it comes again
				out.Cursor = q.Get("cursor")
				return out, nil
			}
			q.Set("limit", strconv.Itoa(taken)) // whose cursor is behind what was taken
			if header, err = s.get(ctx, path, q, &page); err != nil {
				return out, err
			}
			out.Cursor = api.NextCursor(header)
			return out, nil
		case next == "":
			return out, nil
		}
		q.Set("cursor", next)
	}
}

// withCoverage adds what is stored at all, and how many of the messages have no text any more.
func (s *Server) withCoverage(ctx context.Context, guild store.ID, found messages) (any, error) {
	cover, err := s.coverage(ctx, guild)
	if err != nil {
		return nil, err
	}
	for _, m := range found.Messages {
		if m.Redacted {
			cover.Redacted++
		}
	}
	out := covered{Answer: found, Coverage: cover}
	if len(found.Messages) == 0 {
		out.Note = "nothing found in what is covered"
	}
	return out, nil
}

func (s *Server) messagesAround(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		Guild   string `json:"guild"`
		Message string `json:"message"`
		Before  *int   `json:"before"`
		After   *int   `json:"after"`
		Tokens  int    `json:"tokens"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	budget, err := tokens(a.Tokens)
	if err != nil {
		return nil, err
	}
	named, err := parseMessage(a.Message)
	if err != nil {
		return nil, err
	}
	auditOf(ctx).message = named.ID
	if named.Guild != 0 {
		a.Guild = named.Guild.String()
	}
	g, err := s.guild(ctx, a.Guild)
	if err != nil {
		return nil, err
	}
	q := url.Values{"names": {"true"}}
	for name, n := range map[string]*int{"before": a.Before, "after": a.After} {
		if n == nil {
			continue
		}
		if *n < 0 || *n > maxAround {
			return nil, refuse("%s cannot be %d: want a whole number from 0 to %d", name, *n, maxAround)
		}
		q.Set(name, strconv.Itoa(*n))
	}
	if named.Channel != 0 {
		q.Set("channel", named.Channel.String())
	}
	var page []api.Match
	if _, err := s.get(ctx, api.GuildPath(g.ID.String(), "messages", named.ID.String(), "around"), s.scoped(q), &page); err != nil {
		return nil, err
	}
	return s.withCoverage(ctx, g.ID, nearest(page, named.ID, budget))
}

// nearest takes, of messages in the order of time, those nearest to one of them that fit the budget.
func nearest(page []api.Match, id store.ID, budget int) messages {
	center, _ := slices.BinarySearchFunc(page, id, func(m api.Match, id store.ID) int { return compare(m.MessageID, id) })
	low, high := center, center // what is taken: [low, high)
	fits := func(i int) bool {
		cost := messageOf(page[i]).tokens()
		if cost > budget && high > low {
			return false
		}
		budget -= cost
		return true
	}
	for more := true; more && high-low < len(page); {
		more = false
		if high < len(page) && fits(high) {
			high++
			more = true
		}
		if low > 0 && fits(low-1) {
			low--
			more = true
		}
	}
	out := messages{Messages: []message{}, Cut: len(page) - (high - low)}
	for _, m := range page[low:high] {
		out.Messages = append(out.Messages, messageOf(m))
	}
	return out
}

func compare(a, b store.ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// message is a message as models see it.
type message struct {
	ID        store.ID     `json:"message_id,omitzero"`
	Channel   string       `json:"channel_name"`
	ChannelID store.ID     `json:"channel_id,omitzero"`
	User      store.ID     `json:"user_id"`
	UserName  string       `json:"user_name,omitempty"`
	Time      store.Micros `json:"timestamp"`
	Text      string       `json:"text"`
	Forwarded string       `json:"forwarded_text,omitempty"` // somebody else's
	Poll      []string     `json:"poll,omitempty"`           // the question, then the answers
	Stickers  []string     `json:"stickers,omitempty"`
	Files     int          `json:"attachments,omitempty"`
	ReplyTo   store.ID     `json:"reply_to_user_id,omitzero"`
	Edited    store.Micros `json:"edited_at,omitzero"`
	Redacted  bool         `json:"redacted,omitempty"`
	Matches   [][2]int     `json:"matches,omitempty"`
}

func messageOf(r api.Match) message {
	m := message{
		ID: r.MessageID, Channel: visible.Text(r.ChannelName), ChannelID: r.ChannelID, User: r.User, UserName: visible.Text(r.UserName), Time: r.Time,
		Text: visible.Text(bounded(r.Content)), ReplyTo: r.ReplyToUser, Edited: r.Edited, Redacted: r.Redacted,
	}
	if m.Text == r.Content { // else the places are others
		m.Matches = r.Matches
	}
	if r.Attachments != nil {
		m.Files = *r.Attachments
	}
	if f := r.Forwarded; f != nil {
		m.Forwarded = visible.Text(bounded(f.Content))
		m.Files += f.Attachments
	}
	if p := r.Poll; p != nil {
		m.Poll = append(m.Poll, visible.Text(bounded(p.Question)))
		for _, answer := range p.Answers {
			m.Poll = append(m.Poll, visible.Text(bounded(answer)))
		}
	}
	for _, name := range r.Stickers {
		m.Stickers = append(m.Stickers, visible.Text(name))
	}
	return m
}

// tokens estimates what a message costs.
func (m message) tokens() int {
	text, err := encode(m)
	if err != nil {
		return 1 << 30
	}
	return portrait.Tokens(string(text)) + 1
}

// bounded cuts a text that is longer than Discord allows.
func bounded(text string) string {
	n := 0
	for i := range text {
		if n++; n > maxText {
			return text[:i] + "…"
		}
	}
	return text
}
