package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Routes of REST, as Stats.REST and the faults name them.
const (
	RouteGateway                = "/gateway"
	RouteGatewayBot             = "/gateway/bot"
	RouteMe                     = "/users/@me"
	RouteApplication            = "/applications/@me"
	RouteAuthorizedApplication  = "/oauth2/applications/@me"
	RouteMyGuilds               = "/users/@me/guilds"
	RouteGuild                  = "/guilds/{guild}"
	RouteMember                 = "/guilds/{guild}/members/{user}"
	RouteGuildChannels          = "/guilds/{guild}/channels"
	RouteActiveThreads          = "/guilds/{guild}/threads/active"
	RouteChannel                = "/channels/{channel}"
	RouteMessages               = "/channels/{channel}/messages"
	RouteMessage                = "/channels/{channel}/messages/{message}"
	RouteArchivedPublicThreads  = "/channels/{channel}/threads/archived/public"
	RouteArchivedPrivateThreads = "/channels/{channel}/threads/archived/private"
	RouteJoinedPrivateThreads   = "/channels/{channel}/users/@me/threads/archived/private"
	RouteOther                  = "*" // what the simulator does not know
)

// refusal is an answer that is not 200.
type refusal struct {
	status  int
	code    int // Discord's own
	message string
}

var (
	unauthorized   = &refusal{401, 0, "401: Unauthorized"}
	missingAccess  = &refusal{403, 50001, "Missing Access"}
	notFound       = &refusal{404, 0, "404: Not Found"}
	unknownChannel = &refusal{404, 10003, "Unknown Channel"}
	unknownGuild   = &refusal{404, 10004, "Unknown Guild"}
	unknownMember  = &refusal{404, 10007, "Unknown Member"}
	unknownMessage = &refusal{404, 10008, "Unknown Message"}
	invalidForm    = &refusal{400, 50035, "Invalid Form Body"}
)

// endpoint answers a request with something to be encoded as JSON. s.mu is held.
type endpoint func(r *http.Request) (any, *refusal)

// handler serves the gateway wherever a websocket is asked for, and REST under /api/v*/.
func (s *Server) handler() http.Handler {
	api := http.NewServeMux()
	for route, f := range map[string]endpoint{
		RouteGateway:                s.getGateway,
		RouteGatewayBot:             s.getGatewayBot,
		RouteMe:                     func(*http.Request) (any, *refusal) { return json.RawMessage(s.bot.json), nil },
		RouteGuild:                  s.ofGuild(func(g *Guild) any { return guildPayload(g) }),
		RouteApplication:            s.getApplication,
		RouteAuthorizedApplication:  s.getApplication, // which discord.py asks at login
		RouteMyGuilds:               s.getMyGuilds,
		RouteMember:                 s.getMember,
		RouteGuildChannels:          s.ofGuild(guildChannels),
		RouteActiveThreads:          s.ofGuild(activeThreads),
		RouteChannel:                s.getChannel,
		RouteMessages:               s.getMessages,
		RouteMessage:                s.getMessage,
		RouteArchivedPublicThreads:  s.archivedThreads(PublicThread, false),
		RouteArchivedPrivateThreads: s.archivedThreads(PrivateThread, false),
		RouteJoinedPrivateThreads:   s.archivedThreads(PrivateThread, true),
	} {
		api.Handle("GET /api/{version}"+route, s.serveREST(route, f))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, ok := s.enter()
		if !ok {
			return
		}
		defer leave()
		s.checkAgent(r)
		_, pattern := api.Handler(r)
		switch {
		case websocket.IsWebSocketUpgrade(r):
			s.serveGateway(w, r)
		case pattern == "":
			s.countREST(RouteOther)
			notFound.write(w)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// serveREST counts the request, lets faults have it, and otherwise answers it.
func (s *Server) serveREST(route string, f endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, answer := range s.countREST(route) {
			if !answer(s, w, r) {
				return
			}
		}
		s.mu.Lock()
		body, status := s.answer(w.Header(), route, f, r)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write(body)
	})
}

// countREST counts a request and returns what faults do to it.
func (s *Server) countREST(route string) []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.REST[route]++
	s.changed.Broadcast()
	return s.faults.takeREST(route)
}

// answer checks the token and the rate limit and does what is asked. s.mu is held.
func (s *Server) answer(h http.Header, route string, f endpoint, r *http.Request) (body []byte, status int) {
	token := r.Header.Get("Authorization")
	if route != RouteGateway && (!strings.HasPrefix(token, "Bot ") || !s.validToken(token)) {
		s.stats.Refused++
		return unauthorized.body(), unauthorized.status
	}
	if wait := s.limit(h, route, r); wait > 0 {
		s.stats.Refused++
		return tooMany(h, wait, false), http.StatusTooManyRequests
	}
	v, refused := f(r)
	if refused != nil {
		if refused.status == http.StatusForbidden {
			s.stats.Refused++
		}
		return refused.body(), refused.status
	}
	return mustJSON(v), http.StatusOK
}

func (r *refusal) body() []byte {
	return mustJSON(struct {
		Message string `json:"message"`
		Code    int    `json:"code"`
	}{r.message, r.code})
}

func (r *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	w.Write(r.body())
}

func (s *Server) getGateway(*http.Request) (any, *refusal) {
	return struct {
		URL string `json:"url"`
	}{s.GatewayURL()}, nil
}

func (s *Server) getGatewayBot(*http.Request) (any, *refusal) {
	type limit struct {
		Total          int   `json:"total"`
		Remaining      int   `json:"remaining"`
		ResetAfter     int64 `json:"reset_after"` // ms
		MaxConcurrency int   `json:"max_concurrency"`
	}
	return struct {
		URL    string `json:"url"`
		Shards int    `json:"shards"`
		Limit  limit  `json:"session_start_limit"`
	}{s.GatewayURL(), s.o.Shards, limit{
		s.o.SessionStarts, s.starts.remaining, time.Until(s.starts.reset).Milliseconds(), s.o.MaxConcurrency,
	}}, nil
}

// getApplication answers what a bot learns of its own application.
func (s *Server) getApplication(*http.Request) (any, *refusal) {
	return struct {
		ID          ID              `json:"id"`
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Icon        *string         `json:"icon"`
		RPCOrigins  []string        `json:"rpc_origins"`
		Public      bool            `json:"bot_public"`
		NeedsGrant  bool            `json:"bot_require_code_grant"`
		VerifyKey   string          `json:"verify_key"`
		Flags       int             `json:"flags"`
		Bot         json.RawMessage `json:"bot"`
		Owner       json.RawMessage `json:"owner"`
	}{
		ID: s.bot.ID, Name: s.bot.Name, RPCOrigins: []string{}, VerifyKey: strings.Repeat("0", 64),
		Flags: s.applicationFlags(), Bot: s.bot.json, Owner: s.bot.json,
	}, nil
}

// getMyGuilds answers a page of the guilds that the bot is in, by id.
func (s *Server) getMyGuilds(r *http.Request) (any, *refusal) {
	type guild struct {
		ID   ID     `json:"id"`
		Name string `json:"name"`
	}
	limit, after := 200, ID(0)
	query := r.URL.Query()
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 200 {
			return nil, invalidForm
		}
		limit = n
	}
	if text := query.Get("after"); text != "" && after.UnmarshalText([]byte(text)) != nil {
		return nil, invalidForm
	}
	page := []guild{}
	for _, g := range s.guilds {
		if g.ID > after && len(page) < limit {
			page = append(page, guild{g.ID, g.name})
		}
	}
	return page, nil
}

// getMember answers for a member of a guild that the bot is in.
func (s *Server) getMember(r *http.Request) (any, *refusal) {
	var id ID
	if id.UnmarshalText([]byte(r.PathValue("user"))) != nil {
		return nil, invalidForm
	}
	var guild ID
	if guild.UnmarshalText([]byte(r.PathValue("guild"))) != nil {
		return nil, invalidForm
	}
	at, ok := s.findGuild(guild)
	if !ok {
		return nil, unknownGuild
	}
	g := s.guilds[at]
	if u := s.users[id]; u != nil && g.members[u] != nil || id == s.bot.ID {
		u = cmp.Or(u, s.bot)
		p := newMemberPayload(g, u, g.member(u))
		p.User = u.json
		return p, nil
	}
	return nil, unknownMember
}

// ofGuild is an endpoint of a guild that the bot is in.
func (s *Server) ofGuild(f func(*Guild) any) endpoint {
	return func(r *http.Request) (any, *refusal) {
		var id ID
		if id.UnmarshalText([]byte(r.PathValue("guild"))) != nil {
			return nil, invalidForm
		}
		at, ok := s.findGuild(id)
		if !ok {
			return nil, unknownGuild
		}
		return f(s.guilds[at]), nil
	}
}

func guildChannels(g *Guild) any {
	all := []channelPayload{}
	for _, c := range g.channels {
		if _, hidden := c.hidden(); !c.isThread() && !hidden {
			all = append(all, c.payload())
		}
	}
	return all
}

// threadPage is a list of threads, and which of them the bot is a member of.
type threadPage struct {
	Threads []channelPayload `json:"threads"`
	Members []*threadMember  `json:"members"`
	HasMore *bool            `json:"has_more,omitempty"` // nil: not a page but everything
}

func (p *threadPage) add(t *Channel) {
	p.Threads = append(p.Threads, t.payload())
	if t.joined {
		p.Members = append(p.Members, t.botMember())
	}
}

func activeThreads(g *Guild) any {
	p := threadPage{Threads: []channelPayload{}, Members: []*threadMember{}}
	for _, t := range slices.Backward(g.channels) {
		if t.isThread() && !t.archived && t.visible() {
			p.add(t)
		}
	}
	return p
}

// channelOf returns the channel that a request names, if the bot may see it.
func (s *Server) channelOf(r *http.Request) (*Channel, *refusal) {
	var id ID
	if id.UnmarshalText([]byte(r.PathValue("channel"))) != nil {
		return nil, invalidForm
	}
	c := s.channels[id]
	switch {
	case c == nil:
		return nil, unknownChannel
	case !c.visible():
		return nil, missingAccess
	}
	return c, nil
}

func (s *Server) getChannel(r *http.Request) (any, *refusal) {
	c, refused := s.channelOf(r)
	if refused != nil {
		return nil, refused
	}
	return c.payload(), nil
}
