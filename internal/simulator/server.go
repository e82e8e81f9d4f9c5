package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options of Start. The zero value is a Discord with no guild that lets any number of IDENTIFYs
// through.
type Options struct {
	// Listen is the address to listen on, host:port; empty: a free port of 127.0.0.1. It is also
	// the address that clients are told.
	Listen string
	// Token is the bot's token, without the word Bot; empty: a made-up one, see Server.Token.
	Token string
	// HeartbeatInterval is what HELLO asks for; 0: 41.25 s, as Discord.
	HeartbeatInterval time.Duration
	// Shards is the number that /gateway/bot recommends; 0: 1.
	Shards int
	// SessionStarts is how many IDENTIFYs a day are allowed; 0: 1000. One more and the token is
	// reset: it is refused from then on.
	SessionStarts int
	// MaxConcurrency is how many shards may IDENTIFY in one IdentifyWindow; 0: 1.
	MaxConcurrency int
	// IdentifyWindow is the time for which one IDENTIFY locks its key (shard modulo
	// MaxConcurrency); another one in it is answered with op 9. Discord's is 5 s; 0: not enforced.
	IdentifyWindow time.Duration
	// Queue is how many events may wait to be sent to a session before Post waits; 0: 1024.
	Queue int
	// Replay is how many events a session keeps for a RESUME; 0: 16384.
	Replay int
	// History is how many messages a channel keeps, the oldest go first; 0: 1,000,000.
	History int
	// RateLimit is how many REST requests a second each bucket (a route with its channel or guild)
	// answers before it answers 429; 0: 1000.
	RateLimit int
	// ResumeElsewhere makes READY name another address than the gateway's own for a RESUME: another
	// port of 127.0.0.1, see Stats.Elsewhere. SetResumeURL names any other.
	ResumeElsewhere bool
	// EditsMoveLast lets an edit set a channel's last_message_id to the message that was edited, as
	// a compatible server does, until something is posted again.
	EditsMoveLast bool
	// Hiding is how channels that the bot may not view are told of; 0: HideNull.
	Hiding Hiding
	// OmitMembers leaves the bot's own membership out of GUILD_CREATE, so that a client does not
	// learn which roles it has.
	OmitMembers bool
}

// ErrClosed is returned by what was asked of a Server that has been closed.
var ErrClosed = errors.New("simulator is closed")

// Server is a running Discord. Its methods may be called from any goroutine.
type Server struct {
	o                 Options
	started           time.Time
	host              string // 127.0.0.1:port
	listener          *listener
	resuming          *listener // see Options.ResumeElsewhere; else nil
	http              *http.Server
	stop              context.CancelFunc // ends what ctx bounds: delays of answers
	ctx               context.Context
	running           sync.WaitGroup // every goroutine of the server
	grace, writeLimit time.Duration  // see heartbeatGrace and clientWriteLimit

	mu           sync.Mutex // guards all below, and everything of the world and the sessions
	changed      *sync.Cond // something below has changed
	closed       bool
	lastID       ID
	pastIDs      ID // how many of mintAt, as guildIDs of mintGuild
	guildIDs     ID
	lateIDs      ID            // how many of mintLate
	subscribe    time.Duration // see SubscribeAfter
	lastArchived time.Time

	token        string
	resumeURL    string // what READY tells
	withheld     bool   // see WithholdContent: over the gateway
	withheldREST bool
	privileged   Intents
	bot          *User
	guilds       []*Guild        // by id
	channels     map[ID]*Channel // those that exist
	everyChannel []*Channel      // deleted ones too, in the order in which they were made
	users        map[ID]*User
	dms          map[ID]*Channel // by the other one's id

	conns    map[*Conn]struct{}
	sessions []*session // oldest first
	starts   startLimit
	refusals int // HTTP status with which the gateway refuses to be connected to, 0: it does not
	faults   faults
	buckets  map[string]*bucket
	stats    Stats
}

// Start starts a Discord, unless Options.Listen says otherwise on a free port of 127.0.0.1.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	inner, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulator: %w", err)
	}
	s := &Server{
		o:       o,
		started: time.Now(),
		grace:   heartbeatGrace, writeLimit: clientWriteLimit,
		host:       reachable(inner.Addr()),
		listener:   &listener{Listener: inner},
		token:      o.Token,
		privileged: IntentMessageContent,
		channels:   map[ID]*Channel{},
		users:      map[ID]*User{},
		dms:        map[ID]*Channel{},
		conns:      map[*Conn]struct{}{},
		starts:     startLimit{remaining: o.SessionStarts, reset: time.Now().Add(24 * time.Hour), keys: map[int]time.Time{}},
		buckets:    map[string]*bucket{},
		faults:     faults{nextREST: map[string][]Answer{}, everyREST: map[string]*standing[Answer]{}},
		stats:      Stats{REST: map[string]int{}},
	}
	s.changed = sync.NewCond(&s.mu)
	s.resumeURL = s.GatewayURL()
	if o.ResumeElsewhere {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.listener.Close()
			return nil, fmt.Errorf("listen for the simulator: %w", err)
		}
		s.resuming = &listener{Listener: inner}
		s.resumeURL = "ws://" + inner.Addr().String() + "/"
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.bot = s.AddUser(UserSpec{Name: "rollcall", Bot: true})
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	s.running.Go(func() { s.http.Serve(s.listener) }) // returns when Close closes the listener
	if s.resuming != nil {
		s.running.Go(func() { s.http.Serve(s.resuming) })
	}
	return s, nil
}

// reachable returns an address under which clients on this machine reach a listener.
func reachable(addr net.Addr) string {
	if a, ok := addr.(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return addr.String()
}

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Token == "" {
		o.Token = "simulated.bot.token"
	}
	if o.HeartbeatInterval == 0 {
		o.HeartbeatInterval = 41250 * time.Millisecond
	}
	for _, d := range []struct {
		value *int
		is    int
	}{
		{&o.Shards, 1}, {&o.SessionStarts, 1000}, {&o.MaxConcurrency, 1},
		{&o.Queue, 1024}, {&o.Replay, 16384}, {&o.History, 1000000}, {&o.RateLimit, 1000},
	} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	return o
}

// URL returns the address that stands for https://discord.com, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.host }

// GatewayURL returns the address that /gateway answers.
func (s *Server) GatewayURL() string { return "ws://" + s.host }

// Token returns the bot's token, without the word Bot.
func (s *Server) Token() string { return s.o.Token }

// Bot returns the user whose token it is.
func (s *Server) Bot() *User { return s.bot }

// Close cuts every connection, as a machine does that loses its power, and waits until nothing of
// the server runs any more. What waits for the server returns ErrClosed.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.changed.Broadcast()
	for c := range s.conns {
		c.end()
	}
	s.mu.Unlock()
	s.stop()
	err := s.http.Close()
	s.running.Wait()
	if err != nil {
		return fmt.Errorf("close the simulator: %w", err)
	}
	return nil
}

// enter counts a handler in, so that Close waits for it; ok is false when it is too late.
func (s *Server) enter() (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	s.running.Add(1)
	return s.running.Done, true
}

// await returns nil once done holds, and an error when ctx ends or the server closes first. s.mu is
// held, and released while it waits.
func (s *Server) await(ctx context.Context, done func() bool) error {
	if !s.closed && done() {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})()
	for {
		switch {
		case s.closed:
			return ErrClosed
		case done():
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		s.changed.Wait()
	}
}
