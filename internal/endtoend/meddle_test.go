package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// meddler posts, edits and deletes in a few rooms, whether or not anybody listens. Some
// messages come late, so that ids are out of order.
type meddler struct {
	w      *world
	h      *house
	rooms  []*simulator.Channel
	begin  time.Time // from here on ids may be out of order
	random *rand.Rand
	lately []simulator.Message // a ring of what was posted
	next   int
	posted int
}

func (m *meddler) run(ctx context.Context, rate int) {
	ticks := time.NewTicker(time.Second / time.Duration(rate))
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if err := m.step(ctx); err != nil && ctx.Err() == nil {
			m.w.t.Error(err)
			return
		}
	}
}

func (m *meddler) step(ctx context.Context) error {
	d := simulator.Draft{Author: m.w.people[m.random.IntN(20)], Content: fmt.Sprint("said ", m.posted)}
	if late := time.Duration(m.random.IntN(3000)) * time.Millisecond; m.random.IntN(4) == 0 && time.Since(m.begin) > late {
		d.Late = late
	}
	said, err := m.rooms[m.random.IntN(len(m.rooms))].Post(ctx, d)
	if err != nil {
		return err
	}
	m.posted++
	if len(m.lately) < 500 {
		m.lately = append(m.lately, said)
	} else {
		m.lately[m.next] = said
		m.next = (m.next + 1) % len(m.lately)
	}
	victim := m.lately[m.random.IntN(len(m.lately))]
	for _, room := range m.rooms {
		switch {
		case room.ID != victim.Channel:
		case m.random.IntN(10) == 0:
			room.DeleteMessages(victim.ID)
		case m.random.IntN(10) == 0:
			room.Edit(victim.ID, fmt.Sprint("edited ", m.posted))
		}
	}
	return nil
}

// asInDiscord returns what is wrong with what is stored: each message that counts has to be there once
// with its present text; of one that was deleted there may be nothing, or no text.
func (m *meddler) asInDiscord() error {
	out, errs, code := m.h.run("export")
	if code != 0 {
		return fmt.Errorf("export exits with %d: %s", code, errs)
	}
	type record struct {
		Message  simulator.ID `json:"message_id"`
		Content  string       `json:"message_content"`
		Redacted bool         `json:"redacted"`
	}
	have := map[simulator.ID]record{}
	wrong := map[string]int{}
	for line := range strings.Lines(out) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return err
		}
		if _, twice := have[r.Message]; twice {
			wrong[fmt.Sprintf("message %v is there twice", r.Message)]++
		}
		have[r.Message] = r
	}
	for said := range m.w.sim.Messages() {
		r, there := have[said.ID]
		delete(have, said.ID)
		switch {
		case said.Deleted && r.Content != "":
			wrong[fmt.Sprintf("message %v was deleted, and reads %q", said.ID, r.Content)]++
		case said.Deleted:
		case !there:
			wrong[fmt.Sprintf("message %v is missing: %q", said.ID, said.Content)]++
		case r.Redacted || r.Content != said.Content:
			wrong[fmt.Sprintf("message %v reads %q instead of %q", said.ID, r.Content, said.Content)]++
		}
	}
	for id := range have {
		wrong[fmt.Sprintf("message %v was never said", id)]++
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d messages are wrong:\n%s", len(wrong), m.posted, sample("", wrong, 15))
	}
	return nil
}

// TestKillWhileMeddled kills the daemon while messages are posted, edited and deleted,
// with ids out of order, snapshots whose last messages are too low, and sessions that hear of nothing
// at first. When it is left alone, what it has is what Discord has.
func TestKillWhileMeddled(t *testing.T) {
	h := newHouse(t, t.TempDir())
	h.set("COMMIT_INTERVAL=1s")
	w := newWorld(t, h, simulator.Options{EditsMoveLast: true})
	m := &meddler{w: w, h: h, rooms: w.rooms[:4], random: rand.New(rand.NewPCG(*seed, 7))}
	d := h.inhabited(w, 1)
	m.begin = time.Now()
	w.sim.SubscribeAfter(300 * time.Millisecond)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { m.run(ctx, 200) })
	random := rand.New(rand.NewPCG(*seed, 8)) // the meddler's belongs to its goroutine
	for range *rounds {
		moment(t, w, d, random)
		d.kill()
		d.calm(t)
		posted := w.sim.Stats().Posted + int64(random.IntN(200))
		w.sim.Wait(timeout(t, 2*time.Second), func(s simulator.Stats) bool { return s.Posted >= posted })
		d = h.start()
	}
	moment(t, w, d, random)
	stop()
	running.Wait()
	await(t, 2*time.Minute+time.Duration(*rounds)*5*time.Second, m.asInDiscord)
	d.stop()
	d.calm(t)
	h.answer("check")
}
