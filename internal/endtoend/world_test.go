package endtoend_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// world is what happens in Discord and in the logs: guilds full of people who talk, and
// another bot that logs a part of it. What has been said is in the simulator's history,
// what has been logged in the bot's account: model makes of both what is to be kept.
type world struct {
	t      *testing.T
	sim    *simulator.Server
	other  *otherBot
	guilds []*simulator.Guild
	people []*simulator.User
	app    *simulator.User // a bot
	prober *simulator.User
	forums map[*simulator.Guild]*simulator.Channel

	mu     sync.Mutex // guards what follows; it is not held while somebody speaks
	random *rand.Rand
	rooms  []*simulator.Channel // where people talk, the liveliest first
	lately map[*simulator.Channel]simulator.Message
	shown  map[*simulator.Channel]time.Time // since when rooms are shown that were not at first
	made   int                              // channels and threads, for their names
	// heard is when somebody listened for the first time: from then on ids may be out of order.
	heard time.Time
	// inOrder lets ids come in their order, for a test of what was stored until when.
	inOrder bool
}

const people = 1500 // each says about one message a second then, which is lively enough

// newWorld makes three guilds with a past: channels in which something was said before
// anybody listened, one thread in the archive and one that is not.
func newWorld(t *testing.T, h *house, o simulator.Options) *world {
	sim, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{
		t: t, sim: sim, random: rand.New(rand.NewPCG(*seed, 0)),
		lately: map[*simulator.Channel]simulator.Message{}, shown: map[*simulator.Channel]time.Time{},
		app:    sim.AddUser(simulator.UserSpec{Name: "dicebot", Bot: true}),
		prober: sim.AddUser(simulator.UserSpec{Name: "probe"}),
		forums: map[*simulator.Guild]*simulator.Channel{},
	}
	w.other = newOtherBot(t, h.logs, w.random.Uint64())
	for i := range people {
		w.people = append(w.people, sim.AddUser(simulator.UserSpec{Name: fmt.Sprint("person ", i)}))
	}
	for i := range 3 {
		w.guilds = append(w.guilds, sim.AddGuild(simulator.GuildSpec{Name: fmt.Sprint("guild ", i)}))
	}
	for _, name := range []string{"general", "news", "lounge"} {
		kind := map[string]simulator.Kind{"news": simulator.Announcement, "lounge": simulator.Voice}[name]
		for _, g := range w.guilds {
			// As old as its past, or its messages would be older than itself.
			id := simulator.Snowflake(time.Now().AddDate(0, 0, -20)) + simulator.ID(len(w.rooms))
			w.rooms = append(w.rooms, g.AddChannel(simulator.ChannelSpec{ID: id, Name: name, Kind: kind}))
		}
	}
	for _, g := range w.guilds {
		w.forums[g] = g.AddChannel(simulator.ChannelSpec{Name: "help", Kind: simulator.Forum})
	}
	h.set("DISCORD_URL="+sim.URL(), "TOKEN="+sim.Token())
	return w
}

// past lets people talk on the days before today, and in threads just before anybody
// listens. The other bot has logged the half of it.
func (w *world) past(days, perRoom int) {
	for _, room := range w.rooms {
		for range perRoom {
			ago := time.Hour + time.Duration(w.draw(days*24*3600))*time.Second
			w.say(context.Background(), room, simulator.Draft{At: time.Now().Add(-ago).Truncate(time.Millisecond)})
		}
	}
	for _, g := range w.guilds {
		general := g.Channels()[0]
		for _, archived := range []bool{false, true} {
			thread := general.StartThread(simulator.ThreadSpec{Name: w.name("old thread")})
			for range 20 {
				w.say(context.Background(), thread, simulator.Draft{})
			}
			if archived {
				thread.Archive()
			} else {
				w.enter(thread)
			}
		}
	}
}

// say lets somebody say something in a room, and the other bot hear it, or not.
func (w *world) say(ctx context.Context, room *simulator.Channel, d simulator.Draft) error {
	at := d.At
	heard := false
	w.mu.Lock()
	if d.Author == nil {
		d, heard = w.draft(room), w.random.IntN(2) == 0
	}
	d.At = at
	if at.IsZero() {
		d.Late = w.late(room)
	}
	delay := time.Duration(200+w.random.IntN(4800))*time.Millisecond + time.Duration(w.random.IntN(1000))*time.Microsecond
	w.mu.Unlock()
	m, err := room.Post(ctx, d)
	if err != nil {
		return err
	}
	if heard && m.Counts {
		w.other.heard(m, delay)
	}
	if m.Counts && at.IsZero() {
		w.mu.Lock()
		w.lately[room] = m
		w.mu.Unlock()
	}
	return nil
}

// late draws for how long a message has been under way, so that others with higher ids came
// before it. Nobody speaks in a room before there is one. w.mu is held.
func (w *world) late(room *simulator.Channel) time.Duration {
	late := time.Duration(w.random.IntN(2000)) * time.Millisecond
	if w.inOrder || w.heard.IsZero() || w.random.IntN(20) > 0 || time.Since(w.heard) <= late || time.Since(room.ID.Time()) <= late+10*time.Millisecond || time.Since(w.shown[room]) <= late {
		return 0
	}
	return late
}

// draft is what somebody says: often one of few short texts, so that many equal ones
// stand close together; sometimes something that does not count. w.mu is held.
func (w *world) draft(room *simulator.Channel) simulator.Draft {
	d := simulator.Draft{Author: w.people[w.random.IntN(len(w.people))], Content: w.text()}
	switch n := w.random.IntN(100); {
	case n < 8:
		d.ReplyTo = w.lately[room]
	case n < 11:
		d.Attachments, d.Content = 1+w.random.IntN(3), ""
	case n < 12:
		d.Components = simulator.UnknownComponents()
	case n < 14:
		d.Author = w.app
	case n < 15:
		d = simulator.Draft{Webhook: "feed", Content: "news"}
	case n < 16:
		d.Type = simulator.TypeJoin
	case n < 19:
		passed, ok := w.lately[room]
		if ok {
			d = simulator.Draft{Author: d.Author, Forward: &passed}
		}
	case n < 20:
		d.Poll, d.Content = &simulator.Poll{Question: w.text(), Answers: []string{w.text(), "火锅"}}, ""
	case n < 21:
		d.Type, d.ReplyTo, d.Content = simulator.TypePollEnd, w.lately[room], ""
	case n < 23:
		d.Stickers = []string{"Wave", "晚安"}
	case n < 24:
		d.Voice, d.Content = true, ""
	}
	return d
}

func (w *world) text() string {
	if w.random.IntN(5) < 3 {
		return []string{"lol", "gg", "ok", "?", "+1", "🦊", "no\nway", `"so"`}[w.random.IntN(8)]
	}
	return fmt.Sprintf("number %d <b>&amp; ünïcode ☃ of %d", w.random.IntN(1e9), w.random.IntN(1e9))
}

func (w *world) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

func (w *world) name(kind string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	if w.made%5 == 0 {
		return "general" // equal names are allowed, and a trap for who goes by names
	}
	return fmt.Sprint(kind, " ", w.made)
}

// enter opens a room for talk: it is as lively as any.
func (w *world) enter(room *simulator.Channel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rooms = append(w.rooms, room)
}

// room draws a room, one of the first rather than one of the last.
func (w *world) room() *simulator.Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.rooms)
	return w.rooms[min(w.random.IntN(n), w.random.IntN(n))]
}

// talk lets people talk until ctx is done, rate messages a second as far as sessions
// take them. It returns a function that waits for the end and tells the number.
func (w *world) talk(ctx context.Context, rate int) (wait func() int) {
	said, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		start := time.Now()
		ticks := time.NewTicker(2 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			due := int(time.Since(start).Seconds() * float64(rate))
			if due-said > rate { // who was held up does not make up for more than a second
				start = start.Add(time.Duration(due-said-rate) * time.Second / time.Duration(rate))
				due = said + rate
			}
			for ; said < due; said++ {
				err := w.say(ctx, w.room(), simulator.Draft{})
				if errors.Is(err, context.Canceled) {
					return
				}
				if err != nil {
					w.t.Error(err)
					return
				}
			}
		}
	}()
	return func() int {
		<-done
		return said
	}
}

// build makes new channels and threads of every kind, speaks in them, and archives
// some. It is meant for a time in which nobody listens, when it does not wait.
func (w *world) build(ctx context.Context) {
	g := w.guilds[w.draw(len(w.guilds))]
	general := g.Channels()[0]
	fresh := g.AddChannel(simulator.ChannelSpec{Name: w.name("channel")})
	w.crowd(ctx, fresh, 30)
	w.enter(fresh)

	start, err := general.Post(ctx, simulator.Draft{Author: w.people[0], Content: "let us make a thread of this"})
	if err != nil {
		w.t.Error(err)
		return
	}
	post, _, err := w.forums[g].StartPost(ctx, w.name("question"), simulator.Draft{Author: w.people[1], Content: "how?"})
	if err != nil {
		w.t.Error(err)
		return
	}
	threads := []*simulator.Channel{
		post,
		general.StartThreadFrom(start, simulator.ThreadSpec{Name: w.name("thread"), Owner: w.people[0]}),
		general.StartThread(simulator.ThreadSpec{Name: w.name("thread"), Owner: w.people[2]}),
		fresh.StartThread(simulator.ThreadSpec{Name: w.name("secret"), Private: true, Joined: true}),
	}
	for _, thread := range threads {
		w.crowd(ctx, thread, 12)
		if w.draw(3) > 0 {
			thread.Archive()
		}
		if w.draw(4) == 0 {
			w.enter(thread)
		}
	}
	// Somebody goes back to a thread of long ago.
	for _, c := range g.Channels() {
		if c.Kind == simulator.PublicThread && w.draw(4) == 0 {
			w.crowd(ctx, c, 2)
			c.Archive()
		}
	}
}

// crowd lets up to n people speak in a room.
func (w *world) crowd(ctx context.Context, room *simulator.Channel, n int) {
	for range 1 + w.draw(n) {
		if err := w.say(ctx, room, simulator.Draft{}); err != nil {
			w.t.Error(err)
			return
		}
	}
}

// probe says something in each guild.
func (w *world) probe(ctx context.Context) {
	w.t.Helper()
	for _, g := range w.guilds {
		if _, err := g.Channels()[0].Say(ctx, w.prober, "is this on?"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// taken waits until the daemon has taken in all that was sent to it; nobody may be
// speaking. It asks each connection for a heartbeat, which comes after the events before
// it have been taken in.
func (w *world) taken() {
	w.t.Helper()
	ctx := timeout(w.t, within)
	if err := w.sim.WaitSent(ctx); err != nil {
		w.t.Fatal(err)
	}
	beats := w.sim.Stats().Heartbeats
	conns := w.sim.Conns()
	for _, c := range conns {
		c.AskHeartbeat()
	}
	if err := w.sim.Wait(ctx, func(s simulator.Stats) bool { return s.Heartbeats >= beats+len(conns) }); err != nil {
		w.t.Fatal(err)
	}
}

// more waits until so many more messages that count have been said.
func (w *world) more(n int64) {
	w.t.Helper()
	n += w.sim.Stats().Counting
	if err := w.sim.Wait(timeout(w.t, within), func(s simulator.Stats) bool { return s.Counting >= n }); err != nil {
		w.t.Fatal(err)
	}
}
