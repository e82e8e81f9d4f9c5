package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"rollcall/store"
)

// States of a shard, see ShardStatus.
const (
	ShardStopped    = "stopped"
	ShardConnecting = "connecting" // waits for its turn, or for Discord's answer
	ShardConnected  = "connected"
	ShardWaiting    = "waiting" // before the next attempt
)

// ShardStatus is the state of one shard's connection to the gateway.
type ShardStatus struct {
	Shard int          `json:"shard"`
	State string       `json:"state"` // "stopped", "connecting", "connected" or "waiting"
	Since store.Micros `json:"since"`
	// Identifies counts the IDENTIFYs that were due, Sessions READY, Resumes RESUMED.
	Identifies int64 `json:"identifies"`
	Sessions   int64 `json:"sessions"`
	Resumes    int64 `json:"resumes"`
	// Ended counts the connections, and the attempts, that ended and were followed by
	// another one, by what ended them: see causeName.
	Ended map[string]int64 `json:"ended,omitempty"`
	// Reason says why the last connection or attempt ended, "" if none has.
	Reason string `json:"reason,omitempty"`
}

// shard keeps one shard connected: a session after the other, each resumed as long
// as that works.
type shard struct {
	id, shards int
	token      string
	agent      string // the User-Agent
	base       *url.URL
	limits     limits
	dialer     dialer
	transport  http.RoundTripper
	gate       *gate
	receiver   *receiver
	backfill   *backfill
	log        *slog.Logger

	mu       sync.Mutex
	status   ShardStatus
	upSince  time.Time // zero unless connected
	complete func()    // gate.pass' done, while an IDENTIFY is under way
}

// maxResumes is how many attempts to resume a session may fail before a new one.
const maxResumes = 3

// run stays connected until ctx is done, then returns nil, or until Discord refuses
// the bot. Handlers wait for the writer until handoff is done at the latest.
func (s *shard) run(ctx, handoff context.Context) error {
	defer s.setState(ShardStopped)
	var current *session
	pace := pace{limits: s.limits}
	resumes := 0
	for ctx.Err() == nil {
		s.setState(ShardConnecting)
		if current == nil {
			var err error
			if current, err = s.newSession(handoff); err != nil {
				return err
			}
			resumes = 0
		}
		resuming := current.ready
		lasted, err := s.connect(ctx, current)
		switch {
		case ctx.Err() != nil:
			current.drop()
			return nil
		case errors.Is(err, ErrRefused):
			return err
		case fatal(err) != nil:
			return fatal(err)
		}
		switch {
		case lasted > 0:
			resumes = 0
		case resuming && current.greeted:
			resumes++
		}
		// Without READY there is nothing to resume, yet discordgo would try to if an
		// event has given it a sequence number.
		greeted := current.greeted
		if !current.ready || current.stuck || endsSession(err) || resumes >= maxResumes {
			current.drop()
			current = nil
		}
		wait := pace.next(attempt{cause: err, resuming: resuming, greeted: greeted, lasted: lasted, resumes: current != nil})
		if current == nil {
			wait = max(wait, s.gate.due(s.id))
		}
		s.note(err, lasted > 0, wait)
		pause(ctx, wait)
	}
	return nil
}

// connect connects once and returns why, and after how long, the connection ended;
// 0 if it did not get to READY or RESUMED.
func (s *shard) connect(ctx context.Context, current *session) (lasted time.Duration, err error) {
	if !current.ready {
		done, err := s.gate.pass(ctx, s.id)
		if err != nil {
			return 0, err
		}
		s.mu.Lock()
		s.complete = done
		s.status.Identifies++
		s.mu.Unlock()
	}
	err = current.run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete != nil {
		s.complete()
		s.complete = nil
	}
	if !s.upSince.IsZero() {
		lasted = max(time.Since(s.upSince), 1)
		s.upSince = time.Time{}
		if ctx.Err() == nil {
			s.backfill.disconnected(s.id, time.Now(), oneLine(err.Error()))
		}
	}
	return lasted, err
}

func (s *shard) newSession(handoff context.Context) (*session, error) {
	return newSession(sessionOptions{
		token: s.token, base: s.base, shard: s.id, shards: s.shards,
		limits: s.limits, dialer: s.dialer, transport: s.transport, log: s.log,
		receive: func(name string, data json.RawMessage) error { return s.receiver.receive(handoff, name, data) },
		up:      s.up,
		reject:  s.receiver.reject,
		agent:   s.agent,
		content: s.receiver.rules.StoresTexts,
	})
}

// up is called at READY and RESUMED, between the events before and after it.
func (s *shard) up(resumed bool) {
	if !resumed { // before anybody sees that we are connected: a new session tells nothing of what was missed
		s.receiver.access.distrust(s.receiver.mine)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete != nil {
		s.complete()
		s.complete = nil
	}
	s.upSince = time.Now()
	s.status.State, s.status.Since = ShardConnected, store.MicrosOf(s.upSince)
	if resumed {
		s.status.Resumes++
		s.log.Info("gateway session resumed")
	} else {
		s.status.Sessions++
		s.log.Info("gateway session started")
	}
	s.backfill.connected(s.id, resumed)
}

// note tells of a connection or an attempt that ended.
func (s *shard) note(err error, wasUp bool, wait time.Duration) {
	reason := oneLine(err.Error())
	s.mu.Lock()
	s.status.State, s.status.Since, s.status.Reason = ShardWaiting, store.MicrosOf(time.Now()), reason
	if s.status.Ended == nil {
		s.status.Ended = map[string]int64{}
	}
	s.status.Ended[causeName(err)]++
	s.mu.Unlock()
	what := "gateway not reached"
	if wasUp {
		what = "gateway disconnected"
	}
	s.log.Warn(what, "reason", reason, "next_attempt_in", wait.Round(time.Millisecond).String())
}

func (s *shard) setState(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.State, s.status.Since = state, store.MicrosOf(time.Now())
}

// state returns the shard's state of this moment.
func (s *shard) state() ShardStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	status.Ended = maps.Clone(status.Ended)
	return status
}

// backoff is how long to wait before an attempt: twice as long each time, at most
// lastRetry, and a random part of that, so that many shards do not come back at once.
func backoff(l limits, attempts int) time.Duration {
	most := l.lastRetry
	if attempts < 20 {
		most = min(most, l.firstRetry<<attempts)
	}
	return most/2 + rand.N(most/2+1)
}
