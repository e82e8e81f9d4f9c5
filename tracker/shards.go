package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// gatewayInfo is the answer of /gateway/bot: the number of shards that Discord
// recommends, and how many IDENTIFYs are left.
type gatewayInfo struct {
	Shards int `json:"shards"`
	Starts struct {
		Remaining      *int    `json:"remaining"`
		ResetAfter     float64 `json:"reset_after"` // milliseconds
		MaxConcurrency int     `json:"max_concurrency"`
	} `json:"session_start_limit"`
}

// remaining is how many IDENTIFYs are left; a server that says nothing has no limit.
func (g gatewayInfo) remaining() int {
	if g.Starts.Remaining == nil {
		return 1000
	}
	return *g.Starts.Remaining
}

// reset is how long it takes until there are more, at most the day of Discord's limit.
func (g gatewayInfo) reset() time.Duration {
	ms := min(max(g.Starts.ResetAfter, 0), float64(24*time.Hour/time.Millisecond))
	return time.Duration(ms) * time.Millisecond
}

// tooManyRequests is an answer of 429.
type tooManyRequests struct{ wait time.Duration }

func (e *tooManyRequests) Error() string {
	return fmt.Sprintf("Discord asks to wait %v before the next request", e.wait.Round(time.Millisecond))
}

// askGateway asks /gateway/bot, for at most limit. It does not queue behind the
// history's requests, because nothing is recorded before it is answered.
func askGateway(ctx context.Context, r *rest, limit time.Duration) (gatewayInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, body, err := r.ask(ctx, "/gateway/bot", nil)
	if err != nil {
		return gatewayInfo{}, fmt.Errorf("/gateway/bot: %w", err)
	}
	r.limits.note("/gateway/bot", answer, body, 1)
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return gatewayInfo{}, fmt.Errorf("%w: %s", ErrRefused, refusedToken)
	case http.StatusTooManyRequests:
		wait, _ := retryAfter(answer.Header, body, 1)
		return gatewayInfo{}, fmt.Errorf("/gateway/bot: %w", &tooManyRequests{wait})
	default:
		return gatewayInfo{}, fmt.Errorf("/gateway/bot: %w", refusal(answer.StatusCode, body))
	}
	return decodeGatewayInfo(body)
}

func decodeGatewayInfo(body []byte) (gatewayInfo, error) {
	var info gatewayInfo
	if err := json.Unmarshal(body, &info); err != nil {
		return gatewayInfo{}, fmt.Errorf("/gateway/bot: %w", err)
	}
	if info.Shards < 1 || info.Shards > maxShards {
		return gatewayInfo{}, fmt.Errorf("/gateway/bot: %d shards are no number of shards", info.Shards)
	}
	return info, nil
}

// maxShards is far above the largest bots; more is a mistake.
const maxShards = 1 << 14

// plan returns how many shards the bot has, and which of them run here.
func plan(o Options, recommended int) (shards int, ids []int, err error) {
	shards = o.Shards
	if shards == 0 {
		shards = recommended
	}
	if len(o.ShardIDs) == 0 {
		for id := range shards {
			ids = append(ids, id)
		}
		return shards, ids, nil
	}
	ids = slices.Compact(slices.Sorted(slices.Values(o.ShardIDs)))
	if first, last := ids[0], ids[len(ids)-1]; first < 0 || last >= shards {
		return 0, nil, fmt.Errorf("%w: shard %d of %d does not exist: check ROLLCALL_SHARD_IDS and ROLLCALL_SHARDS", ErrRefused, last, shards)
	}
	return shards, ids, nil
}

// gate lets IDENTIFYs through as Discord's rules want it: one at a time, and one in
// limits.identify, of the shards whose numbers are equal modulo max_concurrency,
// and none when session_start_limit is used up. Breaking the last one resets the token.
//
// It knows of its own process alone. The first IDENTIFY after a restart may come within
// limits.identify of the last one of before; Discord then answers with op 9, which takes
// one of session_start_limit, and the next attempt waits for its turn here. To wait at each
// start instead would take as long, for nothing after nearly all of them.
type gate struct {
	ask    func(context.Context) (gatewayInfo, error)
	window time.Duration
	log    *slog.Logger

	mu      sync.Mutex
	slots   map[int]*slot // by shard modulo max_concurrency
	keys    int           // max_concurrency, as it was told last; 0: not yet
	started int           // IDENTIFYs let through
	ended   int           // those of them that Discord has counted, or that failed
}

type slot struct {
	busy chan struct{} // holds a token while an IDENTIFY is under way
	next time.Time     // when the next one may be; guarded by gate.mu
	here int           // how many shards have the token or wait for it; guarded by gate.mu
}

func newGate(window time.Duration, log *slog.Logger, ask func(context.Context) (gatewayInfo, error)) *gate {
	return &gate{ask: ask, window: window, log: log, slots: make(map[int]*slot)}
}

// pass waits until a shard may IDENTIFY. done must be called when it has, or when
// it has failed to; further calls do nothing.
func (g *gate) pass(ctx context.Context, shard int) (done func(), err error) {
	info, err := g.ask(ctx)
	if err != nil {
		return nil, err
	}
	s := g.enter(shard, max(1, info.Starts.MaxConcurrency))
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		g.leave(s, time.Time{})
		return nil, ctx.Err()
	}
	pause(ctx, g.wait(s))
	if err := g.book(ctx); err != nil {
		g.leave(s, time.Time{})
		<-s.busy
		return nil, err
	}
	return sync.OnceFunc(func() {
		g.mu.Lock()
		g.ended++
		g.mu.Unlock()
		g.leave(s, time.Now().Add(g.window))
		<-s.busy
	}), nil
}

// due returns how long a shard would wait for its turn if it came now, as far as that
// can be known: 0 before Discord has told how many may go at once.
func (g *gate) due(shard int) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.keys == 0 {
		return 0
	}
	s := g.slots[shard%g.keys]
	if s == nil {
		return 0
	}
	return max(time.Until(s.next), 0) + time.Duration(s.here)*g.window
}

// wait returns how long the one that has a slot's token has to wait.
func (g *gate) wait(s *slot) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(s.next)
}

// leave counts a shard out. next is when the next one may IDENTIFY, zero if nothing
// has changed.
func (g *gate) leave(s *slot, next time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.here--
	if !next.IsZero() {
		s.next = next
	}
}

// enter counts a shard into its slot.
func (g *gate) enter(shard, keys int) *slot {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys = keys
	key := shard % keys
	s := g.slots[key]
	if s == nil {
		s = &slot{busy: make(chan struct{}, 1)}
		g.slots[key] = s
	}
	s.here++
	return s
}

// book waits until an IDENTIFY is left, and takes it.
func (g *gate) book(ctx context.Context) error {
	for ctx.Err() == nil {
		g.mu.Lock()
		counted := g.ended
		g.mu.Unlock()
		info, err := g.ask(ctx)
		if err != nil {
			return err
		}
		g.mu.Lock()
		// The answer may be from before those ended that have ended while we asked.
		free := info.remaining() > g.started-counted
		if free {
			g.started++
		}
		g.mu.Unlock()
		if free {
			return nil
		}
		wait := time.Second // for those under way
		if info.remaining() <= 0 {
			wait += info.reset()
			g.log.Warn("Discord allows no more sessions for now, waiting", "wait", wait.Round(time.Second).String())
		}
		pause(ctx, wait)
	}
	return ctx.Err()
}

// waitAsked returns how long Discord wants us to wait after an error, 0 if it has not said.
func waitAsked(err error) time.Duration {
	if e := (*tooManyRequests)(nil); errors.As(err, &e) {
		return e.wait
	}
	return 0
}
