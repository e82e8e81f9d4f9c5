package endtoend_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// soaking is a soak test while it runs.
type soaking struct {
	t      *testing.T
	h      *house
	w      *world
	d      *daemon
	disk   *disk
	random *rand.Rand
	since  map[simulator.ID]simulator.ID // see model
	done   map[string]int                // faults and changes, by name
}

// soakRate is how many messages a second people write meanwhile, shards how many shards the bot has.
const (
	soakRate = 200
	shards   = 2
)

// TestSoak breaks everything that can break, again and again, while people talk and
// logs are taken in, and Discord hides and shows channels, withholds what is written, and
// tells things late. The daemon must never end by itself, and in the end it must have
// everything once.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("it takes long: ask for it with -soak 1h")
	}
	s := &soaking{t: t, random: rand.New(rand.NewPCG(*seed, 3)), done: map[string]int{}}
	room := 128<<20 + int(soak.Seconds())*200_000 // of which a record takes some hundred bytes
	s.disk = needDisk(t, room)
	folder := s.disk.path
	s.h = newHouse(t, folder)
	s.h.set("COMMIT_INTERVAL=200ms", "MIN_FREE=8MiB")
	s.w = newWorld(t, s.h, simulator.Options{
		HeartbeatInterval: 2 * time.Second, Shards: shards, MaxConcurrency: 2, SessionStarts: 1_000_000,
		IdentifyWindow: time.Second, Replay: 2000, ResumeElsewhere: true,
	})
	s.w.past(10, 30)
	s.since = s.w.since()
	s.d = s.h.inhabited(s.w, shards)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked, logged := s.w.talk(ctx, soakRate), s.w.other.run(ctx)
	s.run(*soak)
	stop()
	t.Logf("%d messages, faults %v", talked(), s.done)
	logged()
	st := s.w.sim.Stats()
	t.Logf("%d connections, %d IDENTIFYs of which %d too early, %d of %d RESUMEs succeeded, %d refused requests",
		st.Connections, st.Identifies, st.Hasty, st.Resumed, st.Resumes, st.Refused)
	// A process does not know when the one before it identified: each shard may come too early once.
	if starts := 1 + s.done["kill"] + s.done["stop"]; st.Hasty > starts*shards {
		t.Errorf("%d IDENTIFYs came too early, of %d starts of the daemon with %d shards", st.Hasty, starts, shards)
	}
	want := model(s.w.said(), s.w.other.all(), s.since)
	// What was withheld is asked for once a minute, for ten minutes after the last of it; and what
	// happened while nobody listened is read from the history of all the time, politely.
	s.idle(15*time.Minute + *soak/3)
	s.h.caughtUp(s.d, s.w, want, time.Minute)
	for channel, readable := range s.readable() {
		if readable != nil && !*readable {
			t.Errorf("channel %v is told as unreadable", channel)
		}
	}
	s.d.stop()
	s.h.settled(s.w, want)
}

// idle waits until the daemon has nothing to fetch and nothing to read again.
func (s *soaking) idle(limit time.Duration) {
	s.t.Helper()
	start := time.Now()
	var status struct {
		Tracker struct {
			Backfill struct{ Open, History int }
			Recheck  struct{ Guilds int }
		}
	}
	err := poll(limit, func() error {
		s.d.running()
		if s.w.sim.Stats().Ready == 0 {
			return errors.New("there is no session")
		}
		err := s.h.read("/v1/status", &status)
		if err == nil && status.Tracker.Backfill.Open+status.Tracker.Backfill.History+status.Tracker.Recheck.Guilds > 0 {
			err = fmt.Errorf("there is something left to do: %+v", status)
		}
		return err
	})
	if err != nil {
		s.t.Errorf("not idle after %v: %v", limit, err)
		return
	}
	s.t.Logf("idle after %v", time.Since(start).Round(time.Second))
}

// run lets one fault after another happen, alone or together with a change.
func (s *soaking) run(d time.Duration) {
	faults, changes := faults(), changes()
	for end := time.Now().Add(d); time.Now().Before(end); {
		var names []string
		var undo []func()
		begin := func(list []fault) {
			f := list[s.random.IntN(len(list))]
			s.done[f.name]++
			names = append(names, f.name)
			undo = append(undo, f.do(s))
			s.pause(4 * time.Second)
		}
		both := s.random.IntN(3)
		if both != 0 {
			begin(changes)
		}
		if both != 1 {
			begin(faults)
		}
		s.random.Shuffle(len(undo), func(i, j int) { undo[i], undo[j] = undo[j], undo[i] })
		for _, f := range undo {
			if f != nil {
				f()
				s.pause(2 * time.Second)
			}
		}
		if s.random.IntN(3) == 0 {
			s.w.build(context.Background())
			s.w.other.years(s.w, s.w.guilds[s.random.IntN(3)], 1, 100)
		}
		s.pause(8 * time.Second)
		s.d.running()
		if bad := s.d.log.find(complains); len(bad) > 0 {
			s.t.Fatalf("after %q: %v", names, bad)
		}
	}
}

// complains reports whether an entry is an error that nothing here explains.
func complains(e entry) bool {
	return e.Level == "ERROR" && !strings.Contains(e.Message, "the disk is full") && !strings.Contains(e.Message, "Discord withholds what people write")
}

// pause lets some time pass, at most d, often much less.
func (s *soaking) pause(d time.Duration) {
	<-time.After(time.Duration(s.random.Float64() * s.random.Float64() * float64(d)))
}
