package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"rollcall/internal/simulator"
)

// lone is a session without anything around it.
type lone struct {
	*session
	ups chan bool // of READY (false) and RESUMED (true)
}

func newLone(t *testing.T, sim *simulator.Server, l limits, receive func(name string, data json.RawMessage) error) *lone {
	t.Helper()
	base, err := url.Parse(sim.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := &lone{ups: make(chan bool, 100)}
	out := &lines{t: t}
	s.session, err = newSession(sessionOptions{
		token: sim.Token(), base: base, shards: 1, limits: l,
		dialer: dialer{proxy: http.ProxyFromEnvironment}, transport: http.DefaultTransport, log: out.logger(),
		receive: receive,
		agent:   userAgent(""),
		content: func() bool { return true },
		up:      func(resumed bool) { s.ups <- resumed },
		reject:  func(err error) { t.Errorf("rejected: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func startSim(t *testing.T, o simulator.Options) (*simulator.Server, *simulator.Channel, *simulator.User) {
	t.Helper()
	sim, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	c := sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	return sim, c, sim.AddUser(simulator.UserSpec{Name: "Ada"})
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func await[V any](t *testing.T, what string, from <-chan V) V {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// While the handler waits, because the disk is full, the connection is not given up,
// and nothing of it is lost.
func TestSessionOutlivesAHandlerThatWaits(t *testing.T) {
	t.Parallel()
	const beat = 100 * time.Millisecond // discordgo itself would give up after five of them
	sim, c, ada := startSim(t, simulator.Options{HeartbeatInterval: beat})
	l := quick()
	l.ackSlack, l.open = 100*time.Millisecond, 500*time.Millisecond
	room, blocked := make(chan struct{}), make(chan struct{}, 100)
	var got atomic.Int64
	s := newLone(t, sim, l, func(name string, _ json.RawMessage) error {
		if name == "MESSAGE_CREATE" {
			blocked <- struct{}{}
			<-room
			got.Add(1)
		}
		return nil
	})
	ctx, stop := context.WithCancel(within(t))
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	await(t, "READY", s.ups)
	const posted = 10
	for range posted {
		if _, err := c.Say(ctx, ada, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the first message", blocked)
	// Fifteen heartbeats take longer than any limit that could be passed.
	before := sim.Stats().Heartbeats
	if err := sim.Wait(ctx, func(st simulator.Stats) bool { return st.Heartbeats >= before+15 || st.Open == 0 }); err != nil {
		t.Fatal(err)
	}
	close(room)
	for range posted - 1 {
		await(t, "the other messages", blocked)
	}
	select {
	case err := <-ended:
		t.Fatalf("the connection ended: %v", err)
	default:
	}
	stop()
	if err := await(t, "the end", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("run returned %v", err)
	}
	if n := got.Load(); n != posted {
		t.Errorf("%d messages were taken in, want %d", n, posted)
	}
}

// A panic while an event is taken in costs the connection, nothing else.
func TestSessionSurvivesAPanic(t *testing.T) {
	t.Parallel()
	sim, c, ada := startSim(t, simulator.Options{})
	said := make(chan string, 10)
	s := newLone(t, sim, quick(), func(name string, data json.RawMessage) error {
		if m, _ := decodeMessage(data); name == "MESSAGE_CREATE" {
			if m.Content == "boom" {
				panic(m.Content)
			}
			said <- m.Content
		}
		return nil
	})
	ctx, stop := context.WithCancel(within(t))
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	await(t, "READY", s.ups)
	for _, text := range []string{"boom", "after"} {
		if _, err := c.Say(ctx, ada, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := await(t, "the connection's end", ended); !errors.Is(err, errPanic) {
		t.Errorf("run returned %v, want %v", err, errPanic)
	}
	go func() { ended <- s.run(ctx) }()
	if text := await(t, "the next message", said); text != "after" {
		t.Errorf("got %q", text)
	}
	if resumed := await(t, "RESUMED", s.ups); !resumed {
		t.Error("the session was not resumed")
	}
	stop()
	await(t, "the end", ended)
}

// An event that could not be handed over because time is up ends the connection: no
// later one may be taken in its place.
func TestSessionEndsWhenAnEventIsNotTaken(t *testing.T) {
	t.Parallel()
	sim, c, ada := startSim(t, simulator.Options{})
	refusal := errors.New("time is up")
	var calls atomic.Int64
	s := newLone(t, sim, quick(), func(name string, _ json.RawMessage) error {
		if name == "MESSAGE_CREATE" {
			calls.Add(1)
			return refusal
		}
		return nil
	})
	ctx := within(t)
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	await(t, "READY", s.ups)
	for range 5 {
		if _, err := c.Say(ctx, ada, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	if err := await(t, "the end", ended); !errors.Is(err, refusal) {
		t.Errorf("run returned %v, want %v", err, refusal)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d messages were offered, want 1", n)
	}
}

// A session that was dropped takes nothing in any more.
func TestSessionIsDropped(t *testing.T) {
	sim, _, _ := startSim(t, simulator.Options{})
	s := newLone(t, sim, quick(), func(name string, _ json.RawMessage) error {
		t.Errorf("%s was taken in", name)
		return nil
	})
	s.drop()
	for _, name := range []string{rawPrefix + "MESSAGE_CREATE", "READY", "RESUMED"} {
		s.handle(&discordgo.Event{Type: name})
	}
	if len(s.ups) > 0 {
		t.Error("READY was told")
	}
}
