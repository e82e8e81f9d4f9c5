package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

func TestPlan(t *testing.T) {
	tests := map[string]struct {
		shards      int
		ids         []int
		recommended int
		count       int
		run         []int
		refused     bool
	}{
		"auto":                {recommended: 3, count: 3, run: []int{0, 1, 2}},
		"a fixed number":      {shards: 2, recommended: 9, count: 2, run: []int{0, 1}},
		"some":                {shards: 8, ids: []int{3, 1, 1}, recommended: 1, count: 8, run: []int{1, 3}},
		"some of auto":        {ids: []int{0}, recommended: 2, count: 2, run: []int{0}},
		"one that is too far": {ids: []int{0, 2}, recommended: 2, refused: true},
		"a negative one":      {shards: 2, ids: []int{-1}, recommended: 2, refused: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			count, ids, err := plan(Options{Shards: test.shards, ShardIDs: test.ids}, test.recommended)
			if count != test.count || !reflect.DeepEqual(ids, test.run) || errors.Is(err, ErrRefused) != test.refused {
				t.Errorf("plan = %d %v %v, want %d %v, refused %v", count, ids, err, test.count, test.run, test.refused)
			}
		})
	}
}

// discord counts IDENTIFYs as Discord does.
type discord struct {
	*testing.T
	mu          sync.Mutex
	concurrency int
	left        int
	resets      time.Time
	last        map[int]time.Time
	times       []time.Duration
	start       time.Time
}

func (d *discord) ask(context.Context) (gatewayInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.resets.IsZero() && !time.Now().Before(d.resets) {
		d.left = 1000
	}
	var info gatewayInfo
	left := d.left
	info.Shards, info.Starts.Remaining, info.Starts.MaxConcurrency = 1, &left, d.concurrency
	info.Starts.ResetAfter = float64(time.Until(d.resets) / time.Millisecond)
	return info, nil
}

func (d *discord) identify(shard int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	key := shard % max(1, d.concurrency)
	if last, ok := d.last[key]; ok && now.Sub(last) < 5*time.Second {
		d.Errorf("shard %d identifies %v after another of its place", shard, now.Sub(last))
	}
	if d.left <= 0 {
		d.Errorf("shard %d identifies though none is left", shard)
	}
	d.last[key], d.left = now, d.left-1
	d.times = append(d.times, now.Sub(d.start))
}

func TestGateKeepsDiscordsPace(t *testing.T) {
	tests := map[string]struct {
		shards, concurrency, left int
		reset                     time.Duration
		slow                      time.Duration // from being let through to the IDENTIFY
		took                      time.Duration
	}{
		"one":                                    {shards: 1, concurrency: 1, left: 10},
		"one after another":                      {shards: 4, concurrency: 1, left: 10, took: 15 * time.Second},
		"max_concurrency is not told":            {shards: 3, left: 10, took: 10 * time.Second},
		"four at a time":                         {shards: 8, concurrency: 4, left: 10, took: 5 * time.Second},
		"slow ones":                              {shards: 3, concurrency: 1, left: 10, slow: 4 * time.Second, took: 22 * time.Second},
		"none left":                              {shards: 1, concurrency: 1, left: 0, reset: time.Hour, took: time.Hour + time.Second},
		"fewer left than would go at once":       {shards: 8, concurrency: 8, left: 3, reset: time.Hour, took: time.Hour + time.Second},
		"fewer left than would go at once, slow": {shards: 8, concurrency: 8, left: 3, reset: time.Hour, slow: 3 * time.Second, took: time.Hour + 4*time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				d := &discord{T: t, concurrency: test.concurrency, left: test.left, last: make(map[int]time.Time), start: start}
				if test.reset > 0 {
					d.resets = start.Add(test.reset)
				}
				g := newGate(5*time.Second, slog.New(slog.DiscardHandler), d.ask)
				var all sync.WaitGroup
				for shard := range test.shards {
					all.Go(func() {
						done, err := g.pass(t.Context(), shard)
						if err != nil {
							t.Error(err)
							return
						}
						time.Sleep(test.slow)
						d.identify(shard)
						done()
						done() // READY and the connection's end both tell
					})
				}
				all.Wait()
				if len(d.times) != test.shards {
					t.Errorf("%d identified, want %d", len(d.times), test.shards)
				}
				// The gate looks once a second while others are under way.
				if took := time.Since(start); took < test.took || took > test.took+2*time.Second {
					t.Errorf("took %v, want %v", took, test.took)
				}
			})
		})
	}
}

func TestGateStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{T: t, left: 0, resets: time.Now().Add(time.Hour)}
		g := newGate(5*time.Second, slog.New(slog.DiscardHandler), d.ask)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := g.pass(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("pass returned %v", err)
		}
		d.left = 1
		done, err := g.pass(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		waits, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if _, err := g.pass(waits, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("pass beside another returned %v", err)
		}
		done()
	})
}

func TestDecodeGatewayInfo(t *testing.T) {
	tests := map[string]struct {
		body      string
		shards    int
		remaining int
		reset     time.Duration
		bad       bool
	}{
		"Discord's":        {body: `{"url":"wss://x","shards":9,"session_start_limit":{"total":1000,"remaining":999,"reset_after":14400000,"max_concurrency":1}}`, shards: 9, remaining: 999, reset: 4 * time.Hour},
		"no limits":        {body: `{"shards":1}`, shards: 1, remaining: 1000},
		"used up":          {body: `{"shards":1,"session_start_limit":{"remaining":0,"reset_after":1}}`, shards: 1, reset: time.Millisecond},
		"a negative reset": {body: `{"shards":1,"session_start_limit":{"remaining":0,"reset_after":-5}}`, shards: 1},
		"an endless reset": {body: `{"shards":1,"session_start_limit":{"remaining":0,"reset_after":1e300}}`, shards: 1, reset: 24 * time.Hour},
		"no shards":        {body: `{}`, bad: true},
		"too many shards":  {body: `{"shards":1000000}`, bad: true},
		"no JSON":          {body: `<html>`, bad: true},
		"null":             {body: `null`, bad: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			info, err := decodeGatewayInfo([]byte(test.body))
			if (err != nil) != test.bad {
				t.Fatalf("error %v", err)
			}
			if err == nil && (info.Shards != test.shards || info.remaining() != test.remaining || info.reset() != test.reset) {
				t.Errorf("got %+v: %d %v", info, info.remaining(), info.reset())
			}
		})
	}
}

// Every shard gets its guilds, in one process or in several that share the bot.
func TestRunShards(t *testing.T) {
	parts := map[string][][]int{
		"in one process":    {nil},
		"in two processes":  {{0, 2}, {1, 3}},
		"only a part of it": {{1, 2}},
	}
	together(t, parts, func(t *testing.T, parts [][]int) {
		const shards = 4
		sim := simulator.Options{Shards: shards, MaxConcurrency: 2, IdentifyWindow: 300 * time.Millisecond}
		r := newRig(t, sim)
		var channels []*simulator.Channel
		for i := range 12 {
			g := r.sim.AddGuild(simulator.GuildSpec{Name: fmt.Sprint("guild ", i)})
			channels = append(channels, g.AddChannel(simulator.ChannelSpec{Name: "general"}))
		}
		ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
		mine, sessions := make(map[int]bool), 0
		l := quick()
		l.identify = 350 * time.Millisecond
		rigs := make([]*rig, len(parts))
		for i, ids := range parts {
			if rigs[i] = r; i > 0 { // a daemon of its own has a file of its own
				rigs[i] = newRig(t, simulator.Options{})
				rigs[i].sim = r.sim
			}
			if ids == nil {
				ids = []int{0, 1, 2, 3}
			}
			o := rigs[i].options()
			o.ShardIDs = parts[i]
			rigs[i].run(o, l)
			for _, id := range ids {
				mine[id] = true
			}
			sessions += len(ids)
			r.ready(sessions) // so that two processes do not identify at once
		}
		r.say(ada, "hello", channels...)
		want := r.expected(func(m simulator.Message) bool { return mine[int(uint64(m.Guild)>>22%shards)] })
		r.until("all is stored", func() bool {
			n := 0
			for _, rig := range rigs {
				n += len(rig.stored())
			}
			return n == len(want)
		})
		got := make(map[store.ID]store.Record)
		for _, rig := range rigs {
			for id, rec := range rig.stored() {
				got[id] = rec
			}
		}
		r.same(got, want)
		if s := r.sim.Stats(); s.Hasty != 0 || s.Identifies != sessions {
			t.Errorf("%d IDENTIFYs (want %d), %d of them too early", s.Identifies, sessions, s.Hasty)
		}
		for _, rig := range rigs {
			rig.stopped()
		}
	})
}

// When session_start_limit is used up, Run waits for more and does not lose the token.
func TestRunWaitsForSessionStarts(t *testing.T) {
	t.Parallel()
	r := newFaultRig(t, simulator.Options{})
	r.sim.SetSessionStarts(0, 300*time.Millisecond)
	r.run(r.options(), quick())
	r.until("it waits", func() bool { return r.log.count("no more sessions") == 1 })
	r.sim.SetSessionStarts(1000, 24*time.Hour)
	r.ready(1)
	r.hears("hello")
	if r.log.count("no more sessions") != 1 || r.sim.Stats().Identifies != 1 {
		t.Errorf("told %d times, %d IDENTIFYs", r.log.count("no more sessions"), r.sim.Stats().Identifies)
	}
	r.stopped()
}

func TestRunRefusesShardsThatDoNotExist(t *testing.T) {
	t.Parallel()
	r := newFaultRig(t, simulator.Options{Shards: 2})
	o := r.options()
	o.ShardIDs = []int{5}
	r.run(o, quick())
	if err := r.wait(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "ROLLCALL_SHARD_IDS") {
		t.Errorf("Run returned %v", err)
	}
}
