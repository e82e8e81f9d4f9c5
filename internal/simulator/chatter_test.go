package simulator_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

func newChatter(t testing.TB, s *simulator.Server, o simulator.ChatterOptions) *simulator.Chatter {
	t.Helper()
	c, err := s.NewChatter(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChatterPostsWhatItCounts(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	w.guild.AddChannel(simulator.ChannelSpec{Name: "art"})
	w.guild.AddChannel(simulator.ChannelSpec{Name: "all", Kind: simulator.Category})
	chatter := newChatter(t, w.s, simulator.ChatterOptions{Seed: 7})
	c := connect(t, w.s)
	const total = 5000
	errs := make(chan error, 1)
	go func() { errs <- chatter.Run(limited(t), 0, total) }()
	last := simulator.ID(0)
	for range total {
		var m struct{ ID simulator.ID }
		c.decode(c.expect("MESSAGE_CREATE").D, &m)
		if m.ID <= last {
			t.Fatalf("%v came after %v", m.ID, last)
		}
		last = m.ID
	}
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	all, counting := chatter.Posted()
	st := w.s.Stats()
	if all != total || st.Posted != total || counting != st.Counting || counting < total*9/10 || counting == total {
		t.Errorf("posted %d, counting %d; the server has %d and %d", all, counting, st.Posted, st.Counting)
	}
	people, channels, texts := map[simulator.ID]int{}, map[string]int{}, map[string]int{}
	kinds := map[string]int{"forward": 0, "poll": 0, "end of a poll": 0, "stickers": 0}
	for m := range w.s.Messages() {
		switch x := m.Extra; {
		case m.Type == simulator.TypePollEnd:
			kinds["end of a poll"]++
		case x == nil:
		case x.Forwarded != nil:
			kinds["forward"]++
		case x.Poll != nil:
			kinds["poll"]++
		default:
			kinds["stickers"]++
		}
		if m.Counts {
			people[m.Author]++
			channels[m.ChannelName]++
			texts[m.Content]++
		}
	}
	for kind, n := range kinds {
		if n == 0 {
			t.Errorf("nobody posted a %s", kind)
		}
	}
	loudest := 0
	for _, n := range people {
		loudest = max(loudest, n)
	}
	if len(people) < 30 || loudest < 5*total/40 || len(channels) != 2 || channels["general"] <= channels["art"] || len(texts) < 500 {
		t.Errorf("%d people, of whom one said %d, channels %v, %d texts", len(people), loudest, channels, len(texts))
	}
}

func TestChatterKeepsTheRate(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	chatter := newChatter(t, w.s, simulator.ChatterOptions{})
	start := time.Now()
	if err := chatter.Run(t.Context(), 2000, 1000); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 350*time.Millisecond {
		t.Errorf("1000 messages at 2000 a second took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := chatter.Run(ctx, 0.001, 0); err != nil { // waits for a quarter of an hour
		t.Errorf("the end of the context is an error: %v", err)
	}
}

func TestChatterIsSeeded(t *testing.T) {
	texts := func(seed uint64) (all []string) {
		chatter := newChatter(t, newWorld(t, simulator.Options{}).s, simulator.ChatterOptions{Seed: seed})
		for range 100 {
			all = append(all, chatter.Text())
		}
		return all
	}
	if !slices.Equal(texts(1), texts(1)) || slices.Equal(texts(1), texts(2)) {
		t.Error("the seed does not decide what is said")
	}
}

func TestChatterLeavesDeletedChannels(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	art := w.guild.AddChannel(simulator.ChannelSpec{Name: "art"})
	chatter := newChatter(t, w.s, simulator.ChatterOptions{})
	w.general.Delete()
	if err := chatter.Run(t.Context(), 0, 50); err != nil || len(art.Messages()) != 50 {
		t.Errorf("%d messages in what is left, %v", len(art.Messages()), err)
	}
	art.Delete()
	if err := chatter.Run(t.Context(), 0, 50); err == nil {
		t.Error("they chat without a channel")
	}
	if _, err := w.s.NewChatter(simulator.ChatterOptions{}); err == nil {
		t.Error("a chatter was made without a channel")
	}
}

// BenchmarkSession is the rate at which one session takes what is posted, with a client that only
// reads the frames.
func BenchmarkSession(b *testing.B) {
	s, err := simulator.Start(simulator.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	chatter := newChatter(b, s, simulator.ChatterOptions{})
	socket, _, err := websocket.DefaultDialer.Dial(s.GatewayURL()+"/?v=9", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer socket.Close()
	identify := fmt.Sprintf(`{"op":2,"d":{"token":%q,"intents":%d}}`, s.Token(), trackerIntents)
	if err := socket.WriteMessage(websocket.TextMessage, []byte(identify)); err != nil {
		b.Fatal(err)
	}
	for range 3 { // HELLO, READY, GUILD_CREATE
		if _, _, err := socket.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	go chatter.Run(b.Context(), 0, int64(b.N))
	for range b.N {
		if _, _, err := socket.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
