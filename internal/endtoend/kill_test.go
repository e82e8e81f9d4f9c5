package endtoend_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// liveRate is how many messages a second people write while the daemon is killed.
const liveRate = 2000

// TestKill kills the daemon at random moments: while it migrates, while people talk,
// while it fetches what it missed, while it starts. Nobody stops talking meanwhile. In
// the end it must have what was said and what was logged, everything once.
func TestKill(t *testing.T) {
	for _, test := range []struct {
		name     string
		discord  simulator.Options
		sessions int
		vars     []string
		all      bool // of the history is to be fetched
	}{
		{"interval 200ms", simulator.Options{}, 1, []string{"COMMIT_INTERVAL=200ms"}, false},
		{"interval 0, two shards, all history, encrypted", simulator.Options{Shards: 2, MaxConcurrency: 2}, 2,
			[]string{"COMMIT_INTERVAL=0s", "BACKFILL=all", "ENCRYPTION_KEY_FILE=" + keyFile(t, 'k')}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, t.TempDir())
			h.set("MIGRATION_BATCH=200")
			h.set(test.vars...)
			w := newWorld(t, h, test.discord)
			w.past(10, 30)
			for _, g := range w.guilds {
				w.other.years(w, g, 4, 300)
			}
			since := w.since()
			if test.all {
				since = nil
			}
			random := rand.New(rand.NewPCG(*seed, 2))

			d := h.inhabited(w, test.sessions)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			talked, logged := w.talk(ctx, liveRate), w.other.run(ctx)
			begin := time.Now()
			var gaps, files int
			for range *rounds {
				moment(t, w, d, random)
				d.kill()
				d.calm(t)
				left := h.left()
				gaps, files = gaps+min(left.open(), 1), files+min(left.unread(h.logs), 1)
				w.build(timeout(t, within))
				w.other.years(w, w.guilds[random.IntN(3)], 2, 200)
				d = h.start()
			}
			moment(t, w, d, random)
			lasted := time.Since(begin)
			stop()
			said := talked()
			logged()
			t.Logf("%d rounds in %v, %.0f messages a second; gaps were open in %d, logs unread in %d",
				*rounds, lasted.Round(time.Millisecond), float64(said)/lasted.Seconds(), gaps, files)

			want := model(w.said(), w.other.all(), since)
			h.caughtUp(d, w, want, time.Minute+time.Duration(*rounds)*5*time.Second)
			d.stop()
			d.calm(t)
			h.settled(w, want)
		})
	}
}

// left is the state of a database whose daemon was killed; it has to be sound.
func (h *house) left() (s state) {
	h.t.Helper()
	h.answer("check")
	if err := json.Unmarshal([]byte(h.answer("state", "--json")), &s); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// moment waits for a random moment in the life of a daemon that has just been started:
// of its start, of its first seconds, or after it has asked for so much of the history.
func moment(t *testing.T, w *world, d *daemon, random *rand.Rand) {
	t.Helper()
	alive := time.Duration(random.IntN(2000)) * time.Millisecond
	switch random.IntN(4) {
	case 0:
		alive /= 10
	case 1:
		pages := w.sim.Stats().REST[simulator.RouteMessages] + 1 + random.IntN(30)
		// It may not have that much to ask for.
		w.sim.Wait(timeout(t, 2*time.Second), func(s simulator.Stats) bool { return s.REST[simulator.RouteMessages] >= pages })
		alive = 0
	}
	select {
	case <-time.After(alive):
	case <-d.over:
		d.running()
	}
}
