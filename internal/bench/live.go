package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"

	"rollcall/store"
	"rollcall/tracker"
)

// daemonInterval is the daemon's commit interval, daemonGather the number of
// messages that are committed without waiting for its end.
const (
	daemonInterval = time.Second
	daemonGather   = 500
)

// live is a flood from the gateway.
func live() scenario {
	return scenario{
		name: "live", title: "live, as fast as the gateway is read",
		job:        func(s sizes) (task, int) { return task{Messages: s.flood}, 0 },
		contenders: []contender{{ours, trackFlood}, {bare, receiveFlood}},
		rows: []row{
			{what: "messages a second, from the gateway to durable", of: perSecond, unit: number, against: bare, target: ratioOf(atLeast, 0.9)},
			{what: "processor time a message (µs)", of: cpuEach, unit: decimal, against: bare},
		},
	}
}

// latency is a busy gateway and no commit interval.
func latency() scenario {
	return scenario{
		name: "latency", title: "live, 1,000 a second, COMMIT_INTERVAL=0", most: 1,
		job: func(s sizes) (task, int) {
			return task{Messages: s.latency, Preload: s.preload, Rate: 1000}, 0
		},
		contenders: []contender{{ours, trackSteadily(0)}},
		rows: []row{
			{what: "from receipt to durable, median (ms)", of: p50, unit: decimal},
			{what: "from receipt to durable, 99 % (ms)", of: p99, unit: decimal, target: valueOf(atMost, 20)},
			{what: "written to disk, a message (KiB)", of: writtenEach, unit: decimal},
		},
	}
}

// trickle is what most bots see.
func trickle() scenario {
	return scenario{
		name: "trickle", title: "live, 10 a second from 1,000 users", most: 1,
		job: func(s sizes) (task, int) {
			return task{Messages: s.trickle, Preload: s.preload, Rate: 10}, 0
		},
		contenders: []contender{{ours, trackSteadily(daemonInterval)}},
		rows: []row{
			{what: "written to disk, a message (KiB)", of: writtenEach, unit: decimal, target: valueOf(atMost, 16)},
		},
	}
}

// rig is the daemon's tracker and store before a simulated Discord.
type rig struct {
	*discord
	db      *store.DB
	tracker *tracker.Tracker
	stop    context.CancelFunc
	ended   chan error
}

func startRig(ctx context.Context, t task, interval time.Duration) (*rig, error) {
	d, err := startDiscord(ctx)
	if err != nil {
		return nil, err
	}
	r := &rig{discord: d, ended: make(chan error, 1), stop: func() {}}
	if err := r.start(ctx, t, interval); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) start(ctx context.Context, t task, interval time.Duration) (err error) {
	if r.db, err = store.Open(t.database(), store.Options{}); err != nil {
		return err
	}
	r.tracker, err = tracker.New(tracker.Options{
		Store: r.db, Token: r.Token, DiscordURL: r.URL, CommitInterval: interval, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	ctx, r.stop = context.WithCancel(ctx)
	go func() { r.ended <- r.tracker.Run(ctx) }()
	return nil
}

func (r *rig) close() error {
	var err error
	r.stop()
	if r.tracker != nil {
		err = <-r.ended
	}
	if r.db != nil {
		err = errors.Join(err, r.db.Close())
	}
	return errors.Join(err, r.discord.close())
}

// until looks every so often until the tracker's counts are as wanted.
func (r *rig) until(ctx context.Context, every time.Duration, ok func(tracker.Status) bool) error {
	for !ok(r.tracker.Status()) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-r.ended:
			r.ended <- nil
			return fmt.Errorf("the tracker ended: %w", err)
		default:
			nap(every)
		}
	}
	return nil
}

func (r *rig) untilStored(ctx context.Context, messages int) error {
	return r.until(ctx, time.Millisecond, func(s tracker.Status) bool { return s.Writer.Stored >= int64(messages) })
}

// trackFlood measures from the first message to the last full commit: those behind
// it wait for the commit interval.
func trackFlood(ctx context.Context, t task) (result measures, err error) {
	r, err := startRig(ctx, t, daemonInterval)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.chat(order{Messages: t.Messages}); err != nil {
		return result, err
	}
	if err := r.until(ctx, time.Millisecond, func(s tracker.Status) bool { return s.Messages > 0 }); err != nil {
		return result, err
	}
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	if err := r.untilStored(ctx, t.Messages-daemonGather); err != nil {
		return result, err
	}
	result.Count = r.tracker.Status().Writer.Stored
	if err := m.read(&result); err != nil {
		return result, err
	}
	return result, r.untilStored(ctx, t.Messages)
}

// receiveFlood is discordgo with nothing to do but to count.
func receiveFlood(ctx context.Context, t task) (result measures, err error) {
	d, err := startDiscord(ctx)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	var received atomic.Int64
	session, err := openSession(d.address, func(*discordgo.Session, *discordgo.MessageCreate) { received.Add(1) })
	if err != nil {
		return result, err
	}
	defer session.Close()
	if err := d.chat(order{Messages: t.Messages}); err != nil {
		return result, err
	}
	until := func(n int) {
		for received.Load() < int64(n) && ctx.Err() == nil {
			nap(time.Millisecond)
		}
	}
	until(1)
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	until(t.Messages - daemonGather)
	result.Count = received.Load()
	return result, errors.Join(ctx.Err(), m.read(&result))
}

// openSession opens a session that keeps nothing and calls its handler in turn.
func openSession(a address, handler func(*discordgo.Session, *discordgo.MessageCreate)) (*discordgo.Session, error) {
	to, err := url.Parse(a.URL)
	if err != nil {
		return nil, err
	}
	session, err := discordgo.New("Bot " + a.Token)
	if err != nil {
		return nil, err
	}
	session.Client = &http.Client{Transport: redirect{to}}
	session.Identify.Intents = discordgo.IntentGuilds | discordgo.IntentGuildMessages | discordgo.IntentMessageContent
	session.SyncEvents = true
	session.StateEnabled = false
	session.AddHandler(handler)
	if err := session.Open(); err != nil {
		return nil, fmt.Errorf("open discordgo's session: %w", err)
	}
	return session, nil
}

// redirect sends every request to another server.
type redirect struct{ to *url.URL }

func (r redirect) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host = r.to.Scheme, r.to.Host
	return http.DefaultTransport.RoundTrip(request)
}

// trackSteadily returns a contender that fills a database, then measures a stream
// of messages into it.
func trackSteadily(interval time.Duration) func(context.Context, task) (measures, error) {
	return func(ctx context.Context, t task) (result measures, err error) {
		r, err := startFullRig(ctx, t, interval)
		if err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, r.close()) }()
		return r.stream(ctx, t)
	}
}

// startFullRig also fills the database.
func startFullRig(ctx context.Context, t task, interval time.Duration) (*rig, error) {
	r, err := startRig(ctx, t, interval)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.chat(order{Messages: t.Preload}), r.untilStored(ctx, t.Preload), r.wait()); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// stream measures a stream of messages until the last one is durable.
func (r *rig) stream(ctx context.Context, t task) (result measures, err error) {
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	if err := r.chat(order{Messages: t.Messages, Rate: t.Rate}); err != nil {
		return result, err
	}
	waits, err := r.watch(ctx, t.Preload, t.Messages)
	if err != nil {
		return result, err
	}
	slices.Sort(waits)
	result.Count = int64(len(waits))
	result.P50, result.P99 = quantile(waits, 0.5), quantile(waits, 0.99)
	return result, m.read(&result)
}

// watchEvery is how exactly watch sees when something happened.
const watchEvery = 200 * time.Microsecond

// watch returns how long (milliseconds) each of the next messages took from its
// receipt to the end of the sync that made it durable. Messages are stored in the
// order in which they are received, so that their numbers tell.
func (r *rig) watch(ctx context.Context, before, messages int) ([]float64, error) {
	received := make([]time.Time, 0, messages)
	waits := make([]float64, 0, messages)
	err := r.until(ctx, watchEvery, func(s tracker.Status) bool {
		now := time.Now()
		for len(received) < int(s.Messages)-before {
			received = append(received, now)
		}
		for len(waits) < min(int(s.Writer.Handled)-before, len(received)) {
			waits = append(waits, float64(now.Sub(received[len(waits)]).Microseconds())/1000)
		}
		return len(waits) == messages
	})
	return waits, err
}

// nap sleeps on a thread of its own: Go's timers are too coarse when nothing else
// goes on.
func nap(d time.Duration) {
	if d > 0 {
		until := syscall.NsecToTimespec(int64(d))
		syscall.Nanosleep(&until, nil)
	}
}
