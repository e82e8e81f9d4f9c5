package tracker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"rollcall/internal/rules"
	"rollcall/store"
)

// Options of New.
type Options struct {
	Store *store.DB
	Token string // the bot's, with or without the word Bot before it
	// DiscordURL stands for https://discord.com: a REST proxy, or a server that speaks
	// the same language. It may have a path. Empty: https://discord.com.
	DiscordURL string
	// CommitInterval is how long records gather, at most, before they are committed
	// together. 0: as soon as the previous commit has synced.
	CommitInterval time.Duration
	Rules          *rules.Rules // nil: everything is recorded
	// Backfill is "gap" (or empty: what was missed while we were not listening is
	// fetched), "none", or "all" (also what was before we listened for the first time).
	Backfill string
	// OnDelete is "redact" (or empty: the text of a message that is deleted in Discord
	// goes, and it still counts), "keep", or "remove". OnEdit is "update" (or empty) or "keep".
	OnDelete, OnEdit string
	// Recheck is how much of the recent past is read from the history after an absence, to
	// learn of deletions and edits; 0: nothing.
	Recheck time.Duration
	// Shards is how many shards the bot has in all; 0: as many as Discord recommends.
	Shards int
	// ShardIDs are those that run here; empty: all.
	ShardIDs []int
	Version  string // of the program, which Discord wants to be told
	Log      *slog.Logger
}

// Tracker brings what people write in Discord into the store.
type Tracker struct {
	options  Options
	log      *slog.Logger
	base     *url.URL
	limits   limits
	tls      *tls.Config // of the gateway; nil: the system's
	rest     *rest
	names    *names
	access   *access
	members  *roster
	rules    *rules.Rules
	policy   policy
	passed   *passedMessages
	writer   *writer
	backfill *backfill
	hold     *hold
	recheck  *recheck

	mu        sync.Mutex
	shards    []*shard // nil until their number is known
	unreached string   // Status.Unreached
}

// Status is the state of a Tracker at a moment.
type Status struct {
	// Shards are those that run here; none until Discord has told their number.
	Shards []ShardStatus `json:"shards"`
	// Unreached says, in one line, why Discord did not tell it when it was asked last; "" if
	// it was not asked yet, or has told.
	Unreached string `json:"unreached,omitempty"`
	// Events counts what was taken in from the gateway, of the kinds that matter;
	// Messages the messages among them that count, each of which is or will be stored;
	// Filtered those that do not; Malformed messages that could not be read;
	// Rejected all payloads that could not be.
	Events    int64 `json:"events"`
	Messages  int64 `json:"messages"`
	Filtered  int64 `json:"filtered"`
	Malformed int64 `json:"malformed"`
	Rejected  int64 `json:"rejected"`
	Guilds    int   `json:"guilds"` // known by name
	Channels  int   `json:"channels"`
	// Of the channels that are to be recorded: Hidden are those that Discord hides from
	// the bot, Unreadable those that it may not view (or, voice channels, not connect to),
	// NoHistory those whose past it may not read.
	Hidden     int `json:"hidden_channels"`
	Unreadable int `json:"unreadable_channels"`
	NoHistory  int `json:"no_history_channels"`
	// REST counts the requests to Discord's REST interface by how they were answered:
	// "2xx", "3xx", "4xx" (but for 429), "429", "5xx", or "none" without an answer.
	REST     map[string]int64 `json:"rest"`
	Writer   WriterStatus     `json:"writer"`
	Backfill BackfillStatus   `json:"backfill"`
	Content  ContentStatus    `json:"content"`
	Recheck  RecheckStatus    `json:"recheck"`
}

// New checks the options and reads from the store where the last run ended. It does
// not ask Discord anything.
func New(o Options) (*Tracker, error) {
	if o.DiscordURL == "" {
		o.DiscordURL = "https://discord.com"
	}
	base, err := url.Parse(o.DiscordURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("address of Discord %q: want http:// or https:// and a host", o.DiscordURL)
	}
	o.Token = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(o.Token)+" ", "Bot "))
	if o.Token == "" {
		return nil, errors.New("no bot token")
	}
	if o.Rules == nil {
		if o.Rules, err = rules.New(rules.Options{Log: o.Log}); err != nil {
			return nil, err
		}
	}
	policy, err := newPolicy(o)
	if err != nil {
		return nil, err
	}
	if o.Backfill == "" {
		o.Backfill = backfillGap
	}
	plan, err := newPlanner(context.Background(), o.Store, o.Backfill)
	if err != nil {
		return nil, err
	}
	t := &Tracker{
		options: o, log: o.Log, base: base, limits: gatewayLimits(),
		rest: newREST(o.DiscordURL, o.Token, userAgent(o.Version), o.Log), names: newNames(), rules: o.Rules, policy: policy, passed: newPassed(),
		writer: newWriter(o.Store, o.CommitInterval, plan, o.Log),
	}
	t.access = newAccess(t.names, o.Log)
	t.members = newRoster(t.rest)
	t.backfill = newBackfill(t.writer, t.rest, t.names, t.access, t.rules, o.Log)
	t.hold = newHold(t.backfill, t.writer, t.names, t.rules, o.Log)
	t.recheck = newRecheck(t.backfill, o.Recheck, policy)
	return t, nil
}

// Run tracks until ctx is done, or until something happens that ends the daemon: an
// error that wraps ErrRefused, or one of the store. When ctx is done it leaves the
// gateway, commits what it has taken in, and returns nil, within ten seconds. Run
// can be called once.
func (t *Tracker) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Handlers may hand over what they hold even when ctx is done, and the writer
	// goes on until there are no handlers.
	handoff, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	writing, drain := context.WithCancel(context.WithoutCancel(ctx))
	defer drain()
	defer context.AfterFunc(ctx, func() {
		pause(handoff, t.limits.stop)
		giveUp()
	})()

	var once sync.Once
	var failure error
	end := func(err error) {
		if err != nil {
			once.Do(func() { failure = err })
			stop()
		}
	}
	var sources, sink sync.WaitGroup
	sources.Go(func() { end(t.runShards(ctx, handoff)) })
	sources.Go(func() { end(t.backfill.run(ctx)) })
	sources.Go(func() { end(t.hold.run(ctx, handoff, t.limits.hold)) })
	sources.Go(func() { end(t.recheck.run(ctx)) })
	sink.Go(func() {
		end(t.writer.run(writing))
		giveUp() // nobody makes room in the queue any more
	})
	sources.Wait()
	drain()
	sink.Wait()
	t.rest.close()
	return failure
}

// runShards runs all shards until ctx is done or one of them fails.
func (t *Tracker) runShards(ctx, handoff context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	shards, err := t.makeShards(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	failed := make(chan error, len(shards))
	for _, s := range shards {
		go func() { failed <- s.run(ctx, handoff) }()
	}
	for range shards {
		if e := <-failed; e != nil && err == nil {
			err = e
			cancel()
		}
	}
	return err
}

// makeShards asks Discord, until it answers, how many shards there are.
func (t *Tracker) makeShards(ctx context.Context) ([]*shard, error) {
	var info gatewayInfo
	for attempts := 0; ; attempts++ {
		var err error
		if info, err = t.askGateway(ctx); err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		if errors.Is(err, ErrRefused) {
			return nil, err
		}
		wait := max(min(backoff(t.limits, attempts), t.limits.unreached), waitAsked(err))
		reason := oneLine(err.Error())
		t.mu.Lock()
		t.unreached = reason
		t.mu.Unlock()
		t.log.Warn("gateway not reached", "reason", reason, "next_attempt_in", wait.Round(time.Millisecond).String())
		pause(ctx, wait)
	}
	count, ids, err := plan(t.options, info.Shards)
	if err != nil {
		return nil, err
	}
	t.log.Info("gateway found", "shards", count, "here", len(ids), "recommended", info.Shards)
	gate := newGate(t.limits.identify, t.log, t.askGateway)
	shards := make([]*shard, 0, len(ids))
	for _, id := range ids {
		shards = append(shards, t.newShard(id, count, gate))
	}
	t.mu.Lock()
	t.shards, t.unreached = shards, ""
	t.mu.Unlock()
	return shards, nil
}

func (t *Tracker) askGateway(ctx context.Context) (gatewayInfo, error) {
	return askGateway(ctx, t.rest, t.limits.open)
}

func (t *Tracker) newShard(id, count int, gate *gate) *shard {
	log := t.log
	if count > 1 {
		log = log.With("shard", id)
	}
	return &shard{
		id: id, shards: count, token: t.options.Token, agent: t.rest.agent, base: t.base, limits: t.limits,
		dialer: dialer{tls: t.tls, proxy: http.ProxyFromEnvironment}, transport: t.rest.client.Transport,
		gate: gate, backfill: t.backfill, log: log,
		receiver: &receiver{
			shard: id, shards: count, writer: t.writer, backfill: t.backfill, hold: t.hold, content: t.backfill.content,
			names: t.names, access: t.access, members: t.members, rules: t.rules, policy: t.policy, passed: t.passed, log: log,
		},
	}
}

// Status returns the state of this moment. It may be called at any time, from any goroutine.
func (t *Tracker) Status() Status {
	t.mu.Lock()
	shards, unreached := t.shards, t.unreached
	t.mu.Unlock()
	s := Status{
		Shards: make([]ShardStatus, 0, len(shards)), Unreached: unreached, Writer: t.writer.state(),
		Backfill: t.backfill.state(), Recheck: t.recheck.state(), REST: t.rest.answers.state(),
	}
	for _, shard := range shards {
		s.Shards = append(s.Shards, shard.state())
		s.Events += shard.receiver.events.Load()
		s.Messages += shard.receiver.messages.Load()
		s.Filtered += shard.receiver.filtered.Load()
		s.Malformed += shard.receiver.malformed.Load()
		s.Rejected += shard.receiver.rejected.Load()
	}
	s.Guilds, s.Channels = t.names.count()
	s.Content = t.backfill.content.state()
	n := t.access.count()
	s.Hidden, s.Unreadable, s.NoHistory = n.hidden, n.unreadable, n.noHistory
	return s
}
