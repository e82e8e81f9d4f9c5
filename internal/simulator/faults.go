package simulator

import (
	"slices"
	"time"
)

// Phase is a moment in the life of a connection to the gateway, just before something is done.
type Phase int

// The phases, in the order in which a connection reaches them.
const (
	AtHello    Phase = iota // before HELLO is sent
	AtIdentify              // an IDENTIFY has come and is about to be checked
	AtResume                // a RESUME has come and is about to be checked
	AtReady                 // an IDENTIFY was in order; before READY is sent
	AtGuilds                // READY is on its way; before the guilds are sent
	phases
)

// Action is what is done to a connection that reaches a phase. The gateway goes on as usual only if
// it returns true.
type Action func(*Conn) (proceed bool)

// Withhold leaves out what the phase is about: no HELLO, no READY, no answer to a RESUME.
func Withhold(*Conn) bool { return false }

// GoSilent is Conn.Silence.
func GoSilent(c *Conn) bool {
	c.Silence()
	return false
}

// CutOff is Conn.Cut.
func CutOff(c *Conn) bool {
	c.Cut()
	return false
}

// AskReconnect sends op 7 instead.
func AskReconnect(c *Conn) bool {
	c.Reconnect()
	return false
}

// CloseWith closes the connection with a code instead.
func CloseWith(code int) Action {
	return func(c *Conn) bool {
		c.Close(code, "")
		return false
	}
}

// Refuse sends op 9 instead.
func Refuse(resumable bool) Action {
	return func(c *Conn) bool {
		c.Invalidate(resumable)
		return false
	}
}

// SendFirst sends a payload as it is, and then goes on.
func SendFirst(payload string) Action {
	return func(c *Conn) bool {
		c.Send(payload)
		return true
	}
}

// Delay waits, and then goes on.
func Delay(d time.Duration) Action {
	return func(c *Conn) bool { return c.pause(d) }
}

// faults are the actions that wait for connections, and for REST requests.
type faults struct {
	next      [phases][]Action
	every     [phases]standing[Action]
	drops     standing[func(event string) bool]
	postponed []*postponed // oldest first
	nextREST  map[string][]Answer
	everyREST map[string]*standing[Answer]
}

// standing are things that hold until they are taken back, oldest first.
type standing[T any] []*T

// enroll adds a thing and returns what takes it back. s.mu is held.
func enroll[T any](s *Server, to *standing[T], v T) (stop func()) {
	*to = append(*to, &v)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		*to = slices.DeleteFunc(*to, func(p *T) bool { return p == &v })
	}
}

// Next takes the action for the next connection that reaches the phase. Several are taken one after
// another, one a connection.
func (s *Server) Next(p Phase, a Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.next[p] = append(s.faults.next[p], a)
}

// Every takes the action for every connection that reaches the phase and finds none of Next, until
// stop is called.
func (s *Server) Every(p Phase, a Action) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return enroll(s, &s.faults.every[p], a)
}

// take returns what is to be done at a phase. s.mu is held.
func (f *faults) take(p Phase) []Action {
	if next := f.next[p]; len(next) > 0 {
		f.next[p] = next[1:]
		return next[:1]
	}
	var todo []Action
	for _, a := range f.every[p] {
		todo = append(todo, *a)
	}
	return todo
}

// passes does the actions of a phase and reports whether the gateway goes on. s.mu is held, and
// released only if there is something to do, so that without faults no event comes in between.
func (c *Conn) passes(p Phase) bool {
	todo := c.s.faults.take(p)
	if len(todo) > 0 {
		c.s.mu.Unlock()
		defer c.s.mu.Lock()
	}
	for _, a := range todo {
		if !a(c) {
			return false
		}
	}
	return true
}

// Drop loses every event whose name match accepts: it is numbered, but never sent, not even after a
// RESUME. match must not call the Server. It ends when stop is called.
func (s *Server) Drop(match func(event string) bool) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return enroll(s, &s.faults.drops, match)
}

func (s *Server) loses(event string) bool {
	lost := false
	for _, match := range s.faults.drops {
		lost = (*match)(event) || lost
	}
	return lost
}

// RefuseConnections resets every new connection, REST's too, as if nobody were there; false ends
// that. Connections that are open stay so.
func (s *Server) RefuseConnections(refuse bool) {
	s.listener.refuse.Store(refuse)
	if s.resuming != nil {
		s.resuming.refuse.Store(refuse)
	}
}

// RefuseGateway answers requests for the gateway's websocket with an HTTP status, such as 503,
// until it is called with 0.
func (s *Server) RefuseGateway(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = status
}

// SetSessionStarts sets how many IDENTIFYs are left, and when all of Options.SessionStarts are
// again.
func (s *Server) SetSessionStarts(remaining int, resetAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starts.remaining, s.starts.reset = remaining, time.Now().Add(resetAfter)
}

// SetPrivileged says which privileged intents the developer portal allows. It is
// IntentMessageContent alone at first.
func (s *Server) SetPrivileged(allowed Intents) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.privileged = allowed
}

// SetToken makes another token, or with "" none, the valid one.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}
