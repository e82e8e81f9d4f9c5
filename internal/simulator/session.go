package simulator

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"time"
)

// Intents are the groups of events that a session asks for.
type Intents uint32

// The intents that the simulator knows the meaning of.
const (
	IntentGuilds         Intents = 1 << 0
	IntentGuildMembers   Intents = 1 << 1 // privileged
	IntentGuildPresences Intents = 1 << 8 // privileged
	IntentGuildMessages  Intents = 1 << 9
	IntentMessageContent Intents = 1 << 15 // privileged

	privilegedIntents         = IntentGuildMembers | IntentGuildPresences | IntentMessageContent
	knownIntents      Intents = 1<<26 - 1 // those that Discord has given a meaning to, and some room
)

// event is something that happens and that sessions are told of.
type event struct {
	name  string
	guild ID // 0: shard 0 gets it
	needs Intents
	data  []byte // the payload's d; nil: lost on the way
	// bare is data for sessions without IntentMessageContent, nil if it is the same.
	bare []byte
}

// session is what a RESUME takes up again: the events since it was identified, by their numbers,
// and how far they have been sent.
type session struct {
	id       string
	shard    int
	shards   int
	intents  Intents
	compress bool

	conn    *Conn   // nil while there is none
	events  []frame // the latest, numbered first, first+1, …
	first   uint64  // events are numbered from 1
	sent    uint64  // number of the last event that was given to a connection
	written uint64  // number of the last event that was written to it
	readyAt uint64  // number of the event that ends READY or RESUMED
	// subscribed is from when on the session hears of messages, see SubscribeAfter.
	subscribed time.Time
}

// frame is an event as one session gets it.
type frame struct {
	name string
	data []byte // nil: lost on the way
}

const maxDetached = 64 // sessions without a connection that are kept for a RESUME

// newSession makes a session. s.mu is held.
func (s *Server) newSession(id identify) *session {
	ss := &session{
		id: sessionID(), shard: id.Shard[0], shards: id.Shard[1], intents: *id.Intents, compress: id.Compress, first: 1,
	}
	s.sessions = append(s.sessions, ss)
	return ss
}

// sessionID returns 32 hexadecimal digits.
func sessionID() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b[:])
}

func (ss *session) last() uint64 { return ss.first + uint64(len(ss.events)) - 1 }

func (ss *session) unsent() int { return int(ss.last() - ss.sent) }

// listening reports whether there is a connection that will send what is queued.
func (ss *session) listening() bool { return ss.conn != nil && !ss.conn.silent }

func (ss *session) ready() bool {
	return ss.listening() && ss.readyAt > 0 && ss.written >= ss.readyAt
}

// handles reports whether the session's shard is the one of the guild, 0 being outside of all.
func (ss *session) handles(guild ID) bool {
	return int(uint64(guild>>counterBits)%uint64(ss.shards)) == ss.shard
}

// wants reports whether the session is told of e.
func (ss *session) wants(e event) bool {
	if e.needs == IntentGuildMessages && time.Now().Before(ss.subscribed) {
		return false
	}
	return ss.intents&e.needs == e.needs && ss.handles(e.guild)
}

// SubscribeAfter is how long after it was told of its guilds each session from now on begins to
// hear of their messages. What happens to messages meanwhile is in no event and in no snapshot.
func (s *Server) SubscribeAfter(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribe = d
}

// push numbers a frame and queues it. s.mu is held.
func (s *Server) push(ss *session, f frame) {
	ss.events = append(ss.events, f)
	s.stats.Dispatched++
	for len(ss.events) > s.o.Replay && (ss.first <= ss.sent || !ss.listening()) {
		ss.events[0] = frame{}
		ss.events = ss.events[1:]
		ss.first++
	}
	if ss.conn != nil {
		ss.conn.wakeUp()
	}
}

// forgetLost forgets the sessions without a connection that cannot be resumed, since events that
// were never sent are gone, and the oldest ones of too many. s.mu is held.
func (s *Server) forgetLost() {
	detached := 0
	for _, ss := range s.sessions {
		if ss.conn == nil {
			detached++
		}
	}
	if detached == 0 {
		return
	}
	s.sessions = slices.DeleteFunc(s.sessions, func(ss *session) bool {
		if ss.conn != nil || (ss.first <= ss.sent+1 && detached <= maxDetached) {
			return false
		}
		detached--
		return true
	})
}

// forget makes a RESUME of the session fail. s.mu is held.
func (s *Server) forget(ss *session) {
	s.sessions = slices.DeleteFunc(s.sessions, func(o *session) bool { return o == ss })
	s.changed.Broadcast()
}

// ForgetSessions makes every RESUME of what has been identified so far fail. Connections stay, but
// are told of nothing any more.
func (s *Server) ForgetSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = nil
	s.changed.Broadcast()
}

// findSession returns the session with this id, or nil. s.mu is held.
func (s *Server) findSession(id string) *session {
	for _, ss := range s.sessions {
		if ss.id == id {
			return ss
		}
	}
	return nil
}
