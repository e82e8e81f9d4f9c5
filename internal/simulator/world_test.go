package simulator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// world is a server with one guild, one channel and one person.
type world struct {
	t       *testing.T
	s       *simulator.Server
	guild   *simulator.Guild
	general *simulator.Channel
	ada     *simulator.User
}

func newWorld(t *testing.T, o simulator.Options) *world {
	t.Helper()
	s, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, s: s}
	w.guild = s.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	w.general = w.guild.AddChannel(simulator.ChannelSpec{Name: "general"})
	w.ada = s.AddUser(simulator.UserSpec{Name: "Ada"})
	return w
}

// say posts text by Ada in general.
func (w *world) say(text string) simulator.Message {
	w.t.Helper()
	m, err := w.general.Say(w.t.Context(), w.ada, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// limited returns a context that ends when patience does.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestWorldEvents(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	var text, forum, thread, joined *simulator.Channel
	var post simulator.Message
	second := simulator.GuildSpec{Name: "Attic"}
	for _, tt := range []struct {
		name   string
		do     func()
		events []string // with what their data must hold
	}{
		{"guild renamed", func() { w.guild.Rename("Salon") }, []string{`GUILD_UPDATE "name":"Salon"`}},
		{"channel made", func() { text = w.guild.AddChannel(simulator.ChannelSpec{Name: "art"}) }, []string{`CHANNEL_CREATE "name":"art"`}},
		{"channel renamed", func() { text.Rename("fine-art") }, []string{`CHANNEL_UPDATE "name":"fine-art"`}},
		{"thread made", func() { thread = text.StartThread(simulator.ThreadSpec{Name: "oil", Owner: w.ada}) },
			[]string{`THREAD_CREATE "newly_created":true`, `MESSAGE_CREATE "type":18`}},
		{"thread renamed", func() { thread.Rename("oil paint") }, []string{`THREAD_UPDATE "name":"oil paint"`}},
		{"thread archived", func() { thread.Archive() }, []string{`THREAD_UPDATE "archived":true`}},
		{"message in an archived thread", func() { post, _ = thread.Say(t.Context(), w.ada, "still here") },
			[]string{`THREAD_UPDATE "archived":false`, `MESSAGE_CREATE still here`}},
		{"thread of a message", func() { text.StartThreadFrom(w.sayIn(text, "root"), simulator.ThreadSpec{Name: "branch"}) },
			[]string{`MESSAGE_CREATE root`, `THREAD_CREATE branch`, `MESSAGE_UPDATE "flags":32`, `MESSAGE_CREATE "type":21`}},
		{"private thread not joined", func() {
			hidden := text.StartThread(simulator.ThreadSpec{Name: "x", Private: true})
			w.sayIn(hidden, "unheard")
			hidden.Archive()
		}, nil},
		{"private thread joined", func() {
			joined = text.StartThread(simulator.ThreadSpec{Name: "y", Private: true, Joined: true})
			w.sayIn(joined, "heard")
		}, []string{`THREAD_CREATE "type":12`, `MESSAGE_CREATE heard`}},
		{"forum", func() { forum = w.guild.AddChannel(simulator.ChannelSpec{Name: "help", Kind: simulator.Forum}) },
			[]string{`CHANNEL_CREATE "type":15`}},
		{"forum post", func() {
			var err error
			thread, post, err = forum.StartPost(t.Context(), "How?", simulator.Draft{Author: w.ada, Content: "please"})
			if err != nil || post.ID != thread.ID || post.ChannelName != "How?" || !post.Counts {
				t.Errorf("the post is %+v, %v", post, err)
			}
		}, []string{`THREAD_CREATE How?`, `MESSAGE_CREATE please`}},
		{"no access", func() {
			text.SetAccess(simulator.NoAccess)
			w.sayIn(text, "unheard")
			w.sayIn(joined, "unheard")
			joined.Rename("unseen")
		}, []string{`CHANNEL_UPDATE "deny":"1024"`}},
		{"access", func() { text.SetAccess(simulator.Full); w.sayIn(text, "heard") },
			[]string{`CHANNEL_UPDATE fine-art`, `THREAD_LIST_SYNC branch`, `MESSAGE_CREATE heard`}},
		{"no history", func() { text.SetAccess(simulator.NoHistory); w.sayIn(text, "heard") },
			[]string{`CHANNEL_UPDATE "deny":"65536"`, `MESSAGE_CREATE heard`}},
		{"thread deleted", func() { thread.Delete() }, []string{`THREAD_DELETE "parent_id":"` + "FORUM"}},
		{"channel deleted", func() { text.Delete(); text.Delete() }, []string{`CHANNEL_DELETE fine-art`}},
		{"outage", func() { w.guild.SetUnavailable(true); w.say("unheard"); w.guild.SetUnavailable(false) },
			[]string{`GUILD_DELETE "unavailable":true`, `GUILD_CREATE "name":"Salon"`}},
		{"guild left", func() { w.guild.Remove(); w.guild.Remove(); w.say("unheard"); w.guild.Rename("Bar") },
			[]string{`GUILD_DELETE {"id":"` + w.guild.ID.String() + `"}`}},
		{"guild joined again", func() { w.guild.Return(); w.guild.Return() }, []string{`GUILD_CREATE "name":"Bar"`}},
		{"guild joined", func() { w.s.AddGuild(second) }, []string{`GUILD_CREATE "name":"Attic"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.do()
			for _, want := range tt.events {
				event, part, _ := strings.Cut(want, " ")
				if strings.HasSuffix(part, "FORUM") {
					part = strings.Replace(part, "FORUM", forum.ID.String(), 1)
				}
				if f := c.expect(event); !strings.Contains(string(f.D), part) {
					t.Errorf("%s has no %s: %s", event, part, f.D)
				}
			}
		})
	}
	if got := len(w.guild.Channels()); got != 2 { // general and the forum
		t.Errorf("%d channels are left, want 2", got)
	}
	for _, kind := range []simulator.Kind{simulator.Category, simulator.Forum} {
		ch := w.guild.AddChannel(simulator.ChannelSpec{Name: "silent", Kind: kind})
		if _, err := ch.Say(t.Context(), w.ada, "x"); err == nil {
			t.Errorf("a message was posted in a channel of kind %d", kind)
		}
	}
	if _, err := text.Say(t.Context(), w.ada, "x"); err == nil {
		t.Error("a message was posted in a deleted channel")
	}
}

func (w *world) sayIn(c *simulator.Channel, text string) simulator.Message {
	w.t.Helper()
	m, err := c.Say(w.t.Context(), w.ada, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func TestGuildCreateHasActiveThreads(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	w.general.StartThread(simulator.ThreadSpec{Name: "old"}).Archive()
	w.general.StartThread(simulator.ThreadSpec{Name: "young"})
	w.general.StartThread(simulator.ThreadSpec{Name: "hidden", Private: true})
	c := dial(t, w.s)
	c.hello()
	c.identify("")
	c.ready()
	var guild struct{ Channels, Threads []struct{ Name string } }
	c.decode(c.expect("GUILD_CREATE").D, &guild)
	if fmt.Sprint(guild) != "{[{general}] [{young}]}" {
		t.Errorf("GUILD_CREATE told %v", guild)
	}
}

func TestPastMessages(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	start := time.Date(2024, 2, 29, 12, 0, 0, 250e6, time.UTC)
	for _, after := range []time.Duration{3, 1, 2, 2} {
		m, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: fmt.Sprint(after), At: start.Add(after * time.Hour)})
		if err != nil || !m.Time.Equal(start.Add(after*time.Hour)) {
			t.Fatalf("posted at %v, %v", m.Time, err)
		}
	}
	var times []string
	for _, m := range w.general.Messages() {
		times = append(times, m.Content)
	}
	if !slices.Equal(times, []string{"1ns", "2ns", "2ns", "3ns"}) {
		t.Errorf("the history is %v", times)
	}
	c.expectMessage(w.say("now")) // the past was sent to nobody
}

func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t, simulator.Options{History: 3})
	for i := range 5 {
		w.say(fmt.Sprint(i))
	}
	if all := slices.Collect(w.s.Messages()); len(all) != 3 || all[0].Content != "2" {
		t.Errorf("the history is %+v", all)
	}
	if n := w.s.Stats().Posted; n != 5 {
		t.Errorf("%d messages were counted, want 5", n)
	}
}

func TestSnowflakes(t *testing.T) {
	at := time.Date(2015, 1, 1, 0, 0, 1, 0, time.UTC)
	if id := simulator.Snowflake(at); id != 1000<<22 || !id.Time().Equal(at) {
		t.Errorf("the snowflake of %v is %d, which is %v", at, id, id.Time())
	}
	w := newWorld(t, simulator.Options{})
	last := simulator.ID(0)
	for i := range 2000 {
		m := w.say("tick")
		if m.ID <= last {
			t.Fatalf("message %d has id %d after %d", i, m.ID, last)
		}
		last = m.ID
	}
	if lead := time.Until(last.Time()); lead > time.Second {
		t.Errorf("ids are %v ahead of the clock", lead)
	}
}

func TestMessagesOfEverything(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	gone := w.guild.AddChannel(simulator.ChannelSpec{Name: "gone"})
	posted := []simulator.Message{w.say("a"), w.sayIn(gone, "b"), w.sayIn(w.s.DirectWith(w.ada), "c")}
	gone.Delete()
	if got := slices.Collect(w.s.Messages()); !slices.Equal(got, posted) {
		t.Errorf("posted %+v, the history has %+v", posted, got)
	}
	if st := w.s.Stats(); st.Posted != 3 || st.Counting != 2 {
		t.Errorf("%d posted, %d counting, want 3 and 2", st.Posted, st.Counting)
	}
}
