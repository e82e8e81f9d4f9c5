package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// intents are what we ask to be told of: guilds, channels and threads, and messages.
// What these say is asked for, too, where a guild stores it: that intent is privileged.
const intents = discordgo.IntentGuilds | discordgo.IntentGuildMessages

// session is one session with the gateway: READY, and as many connections as
// resume it. discordgo keeps its id and sequence, and does HELLO, IDENTIFY,
// RESUME and heartbeats; wire decides what it sees, the supervisor when it connects.
//
// discordgo logs nothing here (LogLevel is below its lowest): whatever it has to
// tell, wire has seen with the connection it belongs to, while discordgo's lines
// do not say whose they are and may hold the token.
type session struct {
	dg     *discordgo.Session
	limits limits
	dialer dialer
	log    *slog.Logger
	// receive takes in an event; up is told of READY and RESUMED, in their place
	// among the events; reject of payloads that were left out.
	receive func(name string, data json.RawMessage) error
	up      func(resumed bool)
	reject  func(error)

	dialing  context.Context      // of the present connection; set before discordgo opens it
	current  atomic.Pointer[wire] // the present connection, nil before it is dialled
	handling chan struct{}        // holds a token while the handler runs
	left     chan struct{}        // gets a token when discordgo has left a connection
	dropped  atomic.Bool          // events that still come are ignored

	base    *url.URL // stands for https://discord.com
	agent   string   // the User-Agent
	resume  *url.URL // where READY wants the session to be resumed; nil: at the general address
	general bool     // the next RESUME goes to the general address all the same, see target

	// content: the session asks for what people write; wanted reports whether that is wanted now.
	content bool
	wanted  func() bool

	ready   bool // READY came: there is something to resume
	greeted bool // HELLO came on the last connection
	stuck   bool // discordgo did not leave the last connection: it cannot be used again
}

// sessionOptions are what newSession needs to know.
type sessionOptions struct {
	token         string
	base          *url.URL // stands for https://discord.com
	shard, shards int
	limits        limits
	dialer        dialer
	transport     http.RoundTripper
	agent         string      // the User-Agent
	content       func() bool // reports whether what people write is wanted
	log           *slog.Logger
	receive       func(name string, data json.RawMessage) error
	up            func(resumed bool)
	reject        func(error)
}

func newSession(o sessionOptions) (*session, error) {
	dg, err := discordgo.New("Bot " + o.token)
	if err != nil {
		return nil, err
	}
	s := &session{
		dg: dg, limits: o.limits, dialer: o.dialer, log: o.log, base: o.base, agent: o.agent,
		content: o.content(), wanted: o.content,
		receive: o.receive, up: o.up, reject: o.reject,
		dialing:  context.Background(),
		handling: make(chan struct{}, 1),
		left:     make(chan struct{}, 8),
	}
	dg.LogLevel = discordgo.LogError - 1
	dg.ShouldReconnectOnError = false
	dg.ShouldRetryOnRateLimit = false
	dg.MaxRestRetries = 0
	dg.StateEnabled = false
	dg.SyncEvents = true
	dg.ShardID, dg.ShardCount = o.shard, o.shards
	dg.UserAgent = o.agent
	dg.Identify.Intents = intents
	if s.content {
		dg.Identify.Intents |= discordgo.IntentMessageContent
	}
	dg.Client = &http.Client{Transport: &redirect{o.base, o.transport, s}}
	dg.Dialer = &websocket.Dialer{
		HandshakeTimeout: o.limits.open,
		NetDialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return s.dial(addr, false)
		},
		NetDialTLSContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return s.dial(addr, true)
		},
	}
	dg.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { s.handle(e) })
	dg.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) { give(s.left) })
	return s, nil
}

// redirect sends discordgo's requests, whose addresses are fixed, to base. They end
// with the connection that they are for.
type redirect struct {
	base *url.URL
	next http.RoundTripper
	s    *session
}

func (r *redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(r.s.dialing)
	req.URL.Scheme, req.URL.Host, req.Host = r.base.Scheme, r.base.Host, ""
	req.URL.Path, req.URL.RawPath = strings.TrimSuffix(r.base.Path, "/")+req.URL.Path, ""
	resp, err := r.next.RoundTrip(req)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, 1<<20)
	}
	return resp, err
}

// dial opens the connection below the websocket.
func (s *session) dial(addr string, secure bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.dialing, s.limits.open)
	defer cancel()
	target := s.target()
	if target != nil {
		addr, secure = dialAddress(target)
	}
	c, err := s.dialer.dial(ctx, addr, secure)
	if err != nil {
		return nil, err
	}
	w := newWire(c, s.limits, s.reject)
	w.agent, w.target = s.agent, target
	s.current.Store(w)
	if s.dialing.Err() != nil { // given up meanwhile, perhaps before it could be seen here
		w.fail(s.dialing.Err())
	}
	return w, nil
}

// run opens a connection, with a RESUME if there is a session to resume, and
// stays until it is over. It returns why, never nil; ctx.Err() if that was the reason.
// When it returns, the handler does not run, and unless the session is stuck,
// run may be called again.
func (s *session) run(ctx context.Context) error {
	dialing, cancel := context.WithCancel(ctx)
	defer cancel()
	s.dialing = dialing
	s.greeted = false
	s.current.Store(nil)
	for len(s.left) > 0 {
		<-s.left
	}
	opened := make(chan error, 1)
	go func() { opened <- s.dg.Open() }()
	err := s.open(ctx, cancel, opened)
	if err == nil {
		err = s.serve(ctx)
	}
	if w := s.current.Load(); w != nil {
		greeted, ready, resume := w.reached()
		s.greeted, s.ready = greeted, s.ready || ready
		if resume != "" {
			s.resume = resumeAddress(resume, s.base)
		}
	}
	s.noteTarget()
	return err
}

// drop makes the session ignore whatever may still come.
func (s *session) drop() { s.dropped.Store(true) }

// open waits until discordgo has opened the connection. The error says that there is none.
func (s *session) open(ctx context.Context, cancel func(), opened <-chan error) error {
	start := time.Now()
	tick := time.NewTicker(s.limits.watch)
	defer tick.Stop()
	for {
		select {
		case err := <-opened:
			if err == nil {
				return nil
			}
			return s.closeCause(err)
		case <-ctx.Done():
			return s.giveUp(cancel, opened, ctx.Err())
		case now := <-tick.C:
			if err := s.overdue(now, start); err != nil {
				return s.giveUp(cancel, opened, err)
			}
		}
	}
}

// giveUp ends a connection that discordgo has not opened yet.
func (s *session) giveUp(cancel func(), opened <-chan error, reason error) error {
	cancel()
	if w := s.current.Load(); w != nil {
		w.fail(reason)
	}
	s.idle()
	limit := time.NewTimer(s.limits.closing)
	defer limit.Stop()
	select {
	case err := <-opened:
		if err == nil { // it came up at the last moment
			return s.awaitClose(reason)
		}
	case <-limit.C:
		s.stuck = true
	}
	return reason
}

// closeCause returns why Open failed: what the connection knows is more exact.
func (s *session) closeCause(err error) error {
	if w := s.current.Load(); w != nil {
		if cause := w.ended(); cause != nil && !errors.Is(cause, errClosedHere) {
			return cause
		}
	}
	return err
}

// overdue returns an error if the connection is to be given up.
func (s *session) overdue(now, start time.Time) error {
	if w := s.current.Load(); w != nil {
		return w.overdue(now, len(s.handling) > 0)
	}
	if now.Sub(start) > s.limits.open {
		return fmt.Errorf("no connection within %v", s.limits.open)
	}
	return nil
}

// serve watches over the open connection until it is over.
func (s *session) serve(ctx context.Context) error {
	w := s.current.Load()
	tick := time.NewTicker(s.limits.watch)
	defer tick.Stop()
	looked := time.Now()
	for {
		select {
		case <-w.done:
			return s.awaitClose(w.ended())
		case <-ctx.Done():
			return s.leave(w, ctx.Err())
		case now := <-tick.C:
			s.suppressAckTimeout(now)
			if now.Sub(looked) > s.limits.intents {
				looked = now
				if !s.content && s.wanted() {
					w.fail(errIntents)
				}
			}
			if err := w.overdue(now, len(s.handling) > 0); err != nil {
				w.fail(err)
			}
		}
	}
}

// suppressAckTimeout keeps discordgo from judging the heartbeat's ACKs itself: it does so only
// after five intervals, and takes a handler that waits for the disk for a dead peer.
func (s *session) suppressAckTimeout(now time.Time) {
	if s.dg.TryLock() {
		s.dg.LastHeartbeatAck = now.UTC()
		s.dg.Unlock()
	}
}

// awaitClose waits until discordgo has left a connection that is over.
func (s *session) awaitClose(reason error) error {
	s.idle()
	limit := time.NewTimer(s.limits.closing)
	defer limit.Stop()
	select {
	case <-s.left:
	case <-limit.C:
		s.stuck = true
	}
	return reason
}

// leave closes the connection as one who does not come back.
func (s *session) leave(w *wire, reason error) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.dg.Close() // its error is always nil
	}()
	limit := time.NewTimer(s.limits.closing)
	defer limit.Stop()
	select {
	case <-closed:
	case <-limit.C:
		s.stuck = true
	}
	w.fail(reason)
	s.idle()
	return reason
}

// idle waits until the handler does not run. It runs for long only while the
// writer's queue is full, and no longer than the context of receive.
func (s *session) idle() {
	s.handling <- struct{}{}
	<-s.handling
}

// handle is called by discordgo for each event, in a goroutine of discordgo's.
func (s *session) handle(e *discordgo.Event) {
	s.handling <- struct{}{}
	defer func() { <-s.handling }()
	if s.dropped.Load() {
		return
	}
	w := s.current.Load()
	if err := s.take(e.Type, w.data); err != nil {
		w.fail(err)
	}
}

// take takes in one event. A panic costs the connection, not the process.
func (s *session) take(name string, data json.RawMessage) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic while taking in an event, please report it", "event", name, "panic", oneLine(fmt.Sprint(p)), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	switch name {
	case "READY":
		s.up(false)
		return s.receive(name, data)
	case "RESUMED":
		s.up(true)
		return nil
	}
	return s.receive(strings.TrimPrefix(name, rawPrefix), data)
}
