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

func (s *Server) calls() map[string]call {
	return map[string]call{
		"guilds": s.listGuilds, "guild_stats": s.guildStats, "user_stats": s.userStats, "user_context": s.userContext,
		"top": s.top, "words": s.words, "search_messages": s.searchMessages, "messages_around": s.messagesAround,
	}
}

// selection is what several tools are asked with.
type selection struct {
	Guild  string `json:"guild"`
	User   string `json:"user"`
	Window string `json:"window"`
	Since  string `json:"since"`
	Until  string `json:"until"`
	Zone   string `json:"tz"`
	Limit  int    `json:"limit"`
}

// query is the selection as a question of /v1.
func (a selection) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"window": a.Window, "since": a.Since, "until": a.Until, "tz": a.Zone} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if a.Limit != 0 {
		q.Set("limit", strconv.Itoa(a.Limit))
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

// checkLimit bounds how many entries an answer has.
func checkLimit(n int) error {
	if n < 0 || n > maxEntries {
		return refuse("limit cannot be %d: want a whole number from 1 to %d", n, maxEntries)
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
	if len(s.channels) > 0 {
		ids := make([]string, len(s.channels))
		for i, id := range s.channels {
			ids[i] = id.String()
		}
		q.Set("channels", strings.Join(ids, ","))
	}
	return q
}

func guildPath(guild store.ID, rest ...string) string {
	path := "/v1/guilds/" + guild.String()
	for _, part := range rest {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// visibleGuilds returns the guilds that may be seen.
func (s *Server) visibleGuilds(ctx context.Context) (guilds []store.Guild, err error) {
	if _, err = s.get(ctx, "/v1/guilds", nil, &guilds); err != nil || len(s.guilds) == 0 {
		return guilds, err
	}
	return slices.DeleteFunc(guilds, func(g store.Guild) bool { return !slices.Contains(s.guilds, g.ID) }), nil
}

// guild finds the guild that a model names: by id, or by a name that only one has. It may be left out where
// there is one.
func (s *Server) guild(ctx context.Context, text string) (store.Guild, error) {
	guilds, err := s.visibleGuilds(ctx)
	if err != nil {
		return store.Guild{}, err
	}
	if text == "" && len(guilds) == 1 {
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

func (s *Server) listGuilds(ctx context.Context, text json.RawMessage) (any, error) {
	if err := arguments(text, &struct{}{}); err != nil {
		return nil, err
	}
	guilds, err := s.visibleGuilds(ctx)
	if err != nil {
		return nil, err
	}
	out := struct {
		Guilds []guildLine `json:"guilds"`
	}{Guilds: []guildLine{}}
	for _, g := range guilds {
		line := guildLine{ID: g.ID, Name: visible.Text(g.Name)}
		if len(s.channels) == 0 { // the numbers are of all channels
			line.Messages, line.Users, line.First, line.Last = &g.Messages, &g.Users, &g.First, &g.Last
		}
		out.Guilds = append(out.Guilds, line)
	}
	return out, nil
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
	if _, err := s.get(ctx, guildPath(g.ID, rest...), s.scoped(q), into); err != nil {
		return nil, err
	}
	cover, err := s.coverage(ctx, g.ID)
	return covered{Answer: into, Coverage: cover}, err
}

func (s *Server) guildStats(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		Guild  string `json:"guild"`
		Window string `json:"window"`
		Since  string `json:"since"`
		Until  string `json:"until"`
		Zone   string `json:"tz"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	var stats api.Guild
	out, err := s.about(ctx, a.Guild, selection{Window: a.Window, Since: a.Since, Until: a.Until, Zone: a.Zone}.query(), &stats)
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
		Guild  string `json:"guild"`
		User   string `json:"user"`
		Window string `json:"window"`
		Since  string `json:"since"`
		Until  string `json:"until"`
		Zone   string `json:"tz"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	if a.User == "" {
		return nil, refuse("user is missing: want an id or a name")
	}
	return s.about(ctx, a.Guild, selection{Window: a.Window, Since: a.Since, Until: a.Until, Zone: a.Zone}.query(), new(api.User), "users", a.User)
}

func (s *Server) top(ctx context.Context, text json.RawMessage) (any, error) {
	var a struct {
		Guild  string `json:"guild"`
		By     string `json:"by"`
		Window string `json:"window"`
		Since  string `json:"since"`
		Until  string `json:"until"`
		Zone   string `json:"tz"`
		Limit  int    `json:"limit"`
	}
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	if err := checkLimit(a.Limit); err != nil {
		return nil, err
	}
	q := selection{Window: a.Window, Since: a.Since, Until: a.Until, Zone: a.Zone, Limit: a.Limit}.query()
	if a.By != "" {
		q.Set("by", a.By)
	}
	return s.about(ctx, a.Guild, q, &[]api.Leader{}, "top")
}

func (s *Server) words(ctx context.Context, text json.RawMessage) (any, error) {
	var a selection
	if err := arguments(text, &a); err != nil {
		return nil, err
	}
	if err := checkLimit(a.Limit); err != nil {
		return nil, err
	}
	q := a.query()
	if a.User != "" {
		q.Set("user", a.User)
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
	g, err := s.guild(ctx, a.Guild)
	if err != nil {
		return nil, err
	}
	q := selection{Zone: a.Zone}.query()
	if a.Tokens != 0 {
		q.Set("tokens", strconv.Itoa(a.Tokens))
	}
	body, _, err := s.ask(ctx, guildPath(g.ID, "users", a.User, "context"), s.scoped(q))
	if err != nil {
		return nil, err
	}
	cover, err := s.coverage(ctx, g.ID)
	return covered{Answer: map[string]string{"text": visible.Text(string(body))}, Coverage: cover}, err
}

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
	q := selection{Since: a.Since, Until: a.Until, Zone: a.Zone, Limit: 25}.query()
	for name, value := range map[string]string{"q": a.Query, "user": a.User, "channel": a.Channel, "cursor": a.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	q.Set("names", "true")
	found, err := s.fitting(ctx, guildPath(g.ID, "search"), s.scoped(q), budget)
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
	if _, err := s.get(ctx, guildPath(g.ID, "messages", named.ID.String(), "around"), s.scoped(q), &page); err != nil {
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
