package tracker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// Whatever moment a daemon is told to stop at: what it counts as handled is
// stored, and what the session was sent before is not lost for the next one.
func TestRunStopsInMidStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	g := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	for i := range 5 {
		g.AddChannel(simulator.ChannelSpec{Name: fmt.Sprint("channel-", i)})
	}
	o := r.options()
	o.CommitInterval = time.Hour // a stop does not wait for it
	r.run(o, quick())
	r.ready(1)
	chatter, err := r.sim.NewChatter(simulator.ChatterOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, quiet := context.WithCancel(r.ctx)
	chatted := make(chan error, 1)
	go func() { chatted <- chatter.Run(ctx, 0, 0) }()
	r.until("a thousand are handled", func() bool { return r.tracker.Status().Writer.Handled > 1000 })
	r.stop()
	if err := r.wait(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	quiet()
	if err := <-chatted; err != nil {
		t.Fatal(err)
	}
	got, want := r.stored(), r.expected(everywhere)
	if n := r.log.count("could not be taken in"); n != 0 {
		t.Errorf("messages that had come were not taken in")
	}
	if taken := r.tracker.Status().Messages; int(taken) != len(got) {
		t.Errorf("%d were taken from the gateway, %d are stored", taken, len(got))
	}
	var last store.ID
	for id := range got {
		last = max(last, id)
	}
	for id := range want {
		if id > last { // on its way when the session was left
			delete(want, id)
		}
	}
	r.same(got, want)
	t.Logf("%d messages were taken in before the stop", len(got))
}

// A handler that waits for room when the daemon is told to stop gets it, and what it
// holds is stored.
func TestRunStoresWhatWaitsForRoom(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{Queue: 2 * queueLen})
	c := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	r.run(r.options(), quick())
	r.ready(1)
	r.say(ada, "before", c)
	r.complete(everywhere)
	r.tracker.writer.mu.Lock() // a disk that hangs
	for i := range queueLen + 1000 {
		r.say(ada, fmt.Sprint(i), c)
	}
	r.until("the queue is full", func() bool { n, _ := r.tracker.writer.queue.len(); return n == queueLen })
	r.stop()
	r.stats("the gateway is left", func(s simulator.Stats) bool { return s.Open == 0 })
	r.tracker.writer.mu.Unlock()
	if err := r.wait(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if n := r.log.count("could not be taken in"); n != 0 {
		t.Error("a message that had come was not taken in")
	}
	if taken, stored := int(r.tracker.Status().Messages), len(r.stored()); taken != stored || stored <= queueLen {
		t.Errorf("%d were taken from the gateway, %d are stored", taken, stored)
	}
}

// A handler that is at work when the daemon is told to stop finishes it, and the
// writer waits for it.
func TestRunWaitsForAHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	c := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	r.run(r.options(), quick())
	r.ready(1)
	r.say(ada, "before", c)
	r.complete(everywhere)
	events := &r.tracker.shards[0].receiver.events
	before := events.Load()
	r.tracker.names.mu.Lock() // the handler asks for the channel's name
	r.say(ada, "at the last moment", c)
	for events.Load() == before {
		if pause(r.ctx, time.Millisecond); r.ctx.Err() != nil {
			r.tracker.names.mu.Unlock()
			t.Fatal("waited in vain until the handler is at work")
		}
	}
	r.stop()
	r.stats("the gateway is left", func(s simulator.Stats) bool { return s.Open == 0 })
	r.tracker.names.mu.Unlock()
	if err := r.wait(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	r.same(r.stored(), r.expected(everywhere))
}
