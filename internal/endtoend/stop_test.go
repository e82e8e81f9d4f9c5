package endtoend_test

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// TestStop stops the daemon while people talk. All that it has taken from the gateway
// must be stored, though it would have gathered for a minute; the rest comes from the
// history when it runs again.
func TestStop(t *testing.T) {
	h := newHouse(t, t.TempDir())
	h.set("COMMIT_INTERVAL=1m")
	// Without heartbeats of its own, so that those that taken asks for can be told.
	w := newWorld(t, h, simulator.Options{HeartbeatInterval: time.Hour})
	d := h.start()
	for range 3 {
		if err := w.sim.WaitReady(timeout(t, within), 1); err != nil {
			t.Fatal(err)
		}
		w.taken() // the first sight of all guilds, too
		ctx, stop := context.WithCancel(context.Background())
		talked := w.talk(ctx, 1000)
		w.more(700) // one commit, and a good part of the next one
		stop()
		talked()
		w.taken()
		handled := len(counting(w.said()))

		ctx, stop = context.WithCancel(context.Background())
		talked = w.talk(ctx, liveRate)
		w.more(20)
		begin := time.Now()
		d.stop()
		t.Logf("stopped within %v", time.Since(begin).Round(time.Millisecond))
		stop()
		talked()
		d.calm(t)
		if exists(h.socket) {
			t.Error("the socket is still there")
		}
		h.seamless(w, handled)
		d = h.start()
		h.caughtUp(d, w, model(w.said(), nil, nil), time.Minute)
	}
	d.stop()
	h.settled(w, model(w.said(), nil, nil))
}

// counting returns the messages that count by id, which is how they were sent.
func counting(said []simulator.Message) (ids []simulator.ID) {
	for _, m := range said {
		if m.Counts {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// seamless wants the first messages that were sent to be stored, at least so many, with
// none missing between them.
func (h *house) seamless(w *world, least int) {
	h.t.Helper()
	var stored []simulator.ID
	h.export(func(r exported) { stored = append(stored, r.Message) })
	slices.Sort(stored)
	sent := counting(w.said())
	if len(stored) < least {
		h.t.Errorf("%d messages are stored, %d had been taken in", len(stored), least)
	}
	if len(stored) > len(sent) || !slices.Equal(stored, sent[:len(stored)]) {
		h.t.Errorf("of %d messages that were sent one after another, the %d stored ones are not the first", len(sent), len(stored))
	}
	h.t.Logf("%d of %d messages stored, %d taken in for sure", len(stored), len(sent), least)
}

// TestSecondSignal wants a second SIGTERM to end the process at once, and nothing to
// be lost by that.
func TestSecondSignal(t *testing.T) {
	h := newHouse(t, t.TempDir())
	w := newWorld(t, h, simulator.Options{})
	d := h.inhabited(w, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked := w.talk(ctx, 1000)
	w.more(700)
	d.signal(syscall.SIGTERM)
	d.await(saying("a second signal ends the process at once")) // closing the gateway takes it a second
	d.signal(syscall.SIGTERM)
	d.exit(within)
	if status, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the process ended with %v, want the signal", d.cmd.ProcessState)
	}
	stop()
	talked()
	d = h.start() // the socket that was left behind is no obstacle
	want := model(w.said(), nil, nil)
	h.caughtUp(d, w, want, time.Minute)
	d.stop()
	h.settled(w, want)
}
