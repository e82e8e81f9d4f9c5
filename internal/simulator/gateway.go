package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// identify is the d of IDENTIFY.
type identify struct {
	Token    string   `json:"token"`
	Compress bool     `json:"compress"`
	Shard    *[2]int  `json:"shard"`
	Intents  *Intents `json:"intents"`
	// Properties are checked, see Stats.BadProperties.
	Properties json.RawMessage `json:"properties"`
}

// resume is the d of RESUME.
type resume struct {
	Token     string `json:"token"`
	SessionID string `json:"session_id"`
	Seq       uint64 `json:"seq"`
}

const (
	maxCommand     = 4096 // bytes; Discord closes with 4002 for a longer command of a client
	guildsPerShard = 2500
)

// serveGateway takes a websocket connection and serves it until it ends.
func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	refusal := s.refusals
	s.mu.Unlock()
	if refusal != 0 {
		http.Error(w, http.StatusText(refusal), refusal)
		return
	}
	up := websocket.Upgrader{WriteBufferSize: 16 << 10}
	socket, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	version, _ := strconv.Atoi(r.URL.Query().Get("v"))
	c := &Conn{
		s: s, socket: socket, wire: socket.NetConn().(*wire), version: version, stream: r.URL.Query().Get("compress") == "zlib-stream",
		wake: make(chan struct{}, 1), over: make(chan struct{}), gone: make(chan struct{}),
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.stats.Connections++
	if s.elsewhere(r) {
		s.stats.Elsewhere++
	}
	if s.closed {
		c.end()
	}
	s.changed.Broadcast()
	s.mu.Unlock()
	s.running.Go(c.write)
	c.read()
}

// read serves the client's commands until the connection ends.
func (c *Conn) read() {
	defer func() {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.detach(false)
		c.end()
	}()
	c.socket.SetReadLimit(1 << 20)
	c.socket.SetCloseHandler(c.clientCloses)
	c.awaitHeartbeat()
	c.hello()
	for {
		if c.isSilent() {
			<-c.gone
			return
		}
		_, data, err := c.socket.ReadMessage()
		if err != nil {
			if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
				c.Close(4009, "Session timed out.")
				<-c.gone
			}
			return
		}
		if !c.isSilent() {
			c.command(data)
		}
	}
}

func (c *Conn) hello() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.passes(AtHello) {
		c.send(fmt.Appendf(nil, `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":%d,"_trace":["[\"simulator\"]"]}}`,
			c.s.o.HeartbeatInterval.Milliseconds()))
	}
}

// clientCloses ends the session if the client closes with 1000 or 1001; with another code it can be
// resumed. An answer to our own close frame changes nothing.
func (c *Conn) clientCloses(code int, _ string) error {
	c.s.mu.Lock()
	c.detach(code == websocket.CloseNormalClosure || code == websocket.CloseGoingAway)
	c.s.mu.Unlock()
	c.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	return nil
}

// awaitHeartbeat starts the time within which the next heartbeat must come.
func (c *Conn) awaitHeartbeat() {
	c.socket.SetReadDeadline(time.Now().Add(c.s.o.HeartbeatInterval*3/2 + c.s.grace))
}

func (c *Conn) isSilent() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.silent
}

// command carries out what a client sends.
func (c *Conn) command(data []byte) {
	var p struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if len(data) > maxCommand || json.Unmarshal(data, &p) != nil || p.Op == nil {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	switch *p.Op {
	case 1:
		c.heartbeat()
	case 2:
		var id identify
		if json.Unmarshal(p.D, &id) != nil {
			c.Close(4002, "Error while decoding payload.")
			return
		}
		c.identify(id)
	case 6:
		var r resume
		if json.Unmarshal(p.D, &r) != nil {
			c.Close(4002, "Error while decoding payload.")
			return
		}
		c.resume(r)
	case 3, 4, 8, 31: // presence, voice, members, soundboard: nothing comes of them here
		if _, _, ok := c.Shard(); !ok {
			c.Close(4003, "Not authenticated.")
		}
	default:
		c.Close(4001, "Unknown opcode.")
	}
}

func (c *Conn) heartbeat() {
	c.awaitHeartbeat()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.stats.Heartbeats++
	c.s.changed.Broadcast()
	if !c.deaf {
		c.send([]byte(`{"t":null,"s":null,"op":11,"d":null}`))
	}
}

// identify makes a session, or closes the connection with what is wrong.
func (c *Conn) identify(id identify) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Identifies++
	if badProperties(id.Properties) {
		s.stats.BadProperties++
	}
	s.changed.Broadcast()
	if !c.passes(AtIdentify) {
		return
	}
	if id.Shard == nil {
		id.Shard = &[2]int{0, 1}
	}
	code, reason := c.refuse(id)
	if code == 0 && !s.starts.spend(s.o.SessionStarts) {
		code, reason = 4004, "Authentication failed."
	}
	if code != 0 {
		c.close(code, reason)
		return
	}
	if !s.starts.take(id.Shard[0]%s.o.MaxConcurrency, s.o.IdentifyWindow) {
		s.stats.Hasty++
		c.invalidate(false)
		return
	}
	if c.passes(AtReady) && c.alive() {
		c.begin(id)
	}
}

// begin makes the session and queues READY and the guilds. s.mu is held.
func (c *Conn) begin(id identify) {
	s := c.s
	ss := s.newSession(id)
	ss.conn, c.session = c, ss
	s.push(ss, frame{"READY", s.renderReady(ss)})
	s.stats.Readies++
	s.changed.Broadcast()
	if !c.passes(AtGuilds) || !c.alive() {
		return
	}
	for _, g := range s.guilds {
		if ss.handles(g.ID) && ss.intents&IntentGuilds != 0 && !g.unavailable {
			s.push(ss, frame{"GUILD_CREATE", renderGuildCreate(g)})
		}
	}
	ss.readyAt = ss.last()
	ss.subscribed = time.Now().Add(s.subscribe)
}

// alive reports whether there is still somebody to answer. s.mu is held.
func (c *Conn) alive() bool { return c.closing == nil && !c.ended }

// refuse checks an IDENTIFY as Discord does; 0 means that it is in order. s.mu is held.
func (c *Conn) refuse(id identify) (code int, reason string) {
	s := c.s
	switch {
	case c.session != nil:
		return 4005, "Already authenticated."
	case c.version != 9 && c.version != 10:
		return 4012, "Invalid API version."
	case !s.validToken(id.Token):
		return 4004, "Authentication failed."
	case id.Shard[1] < 1 || id.Shard[0] < 0 || id.Shard[0] >= id.Shard[1]:
		return 4010, "Invalid shard."
	case id.Intents == nil || *id.Intents&^knownIntents != 0:
		return 4013, "Invalid intent(s)."
	case *id.Intents&privilegedIntents&^s.privileged != 0:
		return 4014, "Disallowed intent(s)."
	}
	ss := session{shard: id.Shard[0], shards: id.Shard[1]}
	guilds := 0
	for _, g := range s.guilds {
		if ss.handles(g.ID) {
			guilds++
		}
	}
	if guilds > guildsPerShard {
		return 4011, "Sharding required."
	}
	return 0, ""
}

// resume takes up a session again, or says that it is over.
func (c *Conn) resume(r resume) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Resumes++
	s.changed.Broadcast()
	if !c.passes(AtResume) {
		return
	}
	ss := s.findSession(r.SessionID)
	switch {
	case c.session != nil:
		c.close(4005, "Already authenticated.")
	case !s.validToken(r.Token):
		c.close(4004, "Authentication failed.")
	case ss == nil || r.Seq+1 < ss.first:
		if ss != nil {
			s.forget(ss)
		}
		c.invalidate(false)
	case r.Seq > ss.sent:
		s.forget(ss)
		c.close(4007, "Invalid seq.")
	case c.alive():
		if old := ss.conn; old != nil {
			old.detach(false)
			old.close(4000, "Taken over.")
		}
		ss.conn, c.session = c, ss
		ss.sent, ss.written = r.Seq, r.Seq
		s.push(ss, frame{"RESUMED", []byte(`{"_trace":["[\"simulator\"]"]}`)})
		ss.readyAt = ss.last()
		s.stats.Resumed++
	}
}

// validToken checks a token with or without the word Bot before it. s.mu is held.
func (s *Server) validToken(token string) bool {
	token = strings.TrimPrefix(token, "Bot ")
	return token == s.token && token != "" && !s.starts.revoked
}

func (s *Server) renderReady(ss *session) []byte {
	guilds := []unavailableGuild{}
	for _, g := range s.guilds {
		if ss.handles(g.ID) {
			guilds = append(guilds, unavailableGuild{g.ID, true})
		}
	}
	return mustJSON(struct {
		V               int                `json:"v"`
		User            json.RawMessage    `json:"user"`
		UserSettings    struct{}           `json:"user_settings"`
		SessionType     string             `json:"session_type"`
		SessionID       string             `json:"session_id"`
		ResumeURL       string             `json:"resume_gateway_url"`
		Relationships   []any              `json:"relationships"`
		PrivateChannels []any              `json:"private_channels"`
		Presences       []any              `json:"presences"`
		Guilds          []unavailableGuild `json:"guilds"`
		Application     application        `json:"application"`
		Shard           [2]int             `json:"shard"`
		Trace           []string           `json:"_trace"`
	}{
		V: ss.conn.version, User: s.bot.json, SessionType: "normal", SessionID: ss.id,
		ResumeURL: s.resumeURL, Relationships: []any{}, PrivateChannels: []any{}, Presences: []any{},
		Guilds: guilds, Application: application{s.bot.ID, s.applicationFlags()},
		Shard: [2]int{ss.shard, ss.shards}, Trace: []string{`["simulator"]`},
	})
}

// application is the bot's entry in the developer portal.
type application struct {
	ID    ID  `json:"id"`
	Flags int `json:"flags"`
}
