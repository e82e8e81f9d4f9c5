package simulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

func TestPostpone(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	release := w.s.Postpone(func(name string, data []byte) bool {
		return name == "THREAD_CREATE" || name == "MESSAGE_CREATE" && bytes.Contains(data, []byte(`"late"`))
	})
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "plans", Owner: w.ada})
	c.expect("MESSAGE_CREATE") // the system message that announces it
	inThread, err := thread.Say(t.Context(), w.ada, "first")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.expectMessage(inThread); got["channel_type"] != float64(simulator.PublicThread) {
		t.Errorf("the message's channel_type is %v", got["channel_type"])
	}
	late := w.say("late")
	w.general.Edit(late.ID, "edited")
	c.expect("MESSAGE_UPDATE")
	release()
	release()
	c.expect("THREAD_CREATE")
	c.expectMessage(late)
	c.expectMessage(w.say("late")) // nothing is kept back any more
}

func TestWithholdContent(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	w.s.WithholdContent(true)
	m := w.say("a secret")
	if got := c.expectMessage(m); got["content"] != "" {
		t.Errorf("over the gateway: %v", got)
	}
	mention := w.say("hello <@" + w.s.Bot().ID.String() + ">")
	if got := c.expectMessage(mention); got["content"] != mention.Content {
		t.Errorf("a message that mentions the bot: %v", got)
	}
	w.general.Edit(m.ID, "another secret")
	if f := c.expect("MESSAGE_UPDATE"); bytes.Contains(f.D, []byte("another")) {
		t.Errorf("an edit: %s", f.D)
	}
	for _, path := range []string{"/messages", "/messages/" + m.ID.String()} {
		if status, body, _ := get(t, w.s, "/channels/"+w.general.ID.String()+path); status != http.StatusOK || strings.Contains(string(body), "secret") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if flags := applicationFlags(t, w.s); flags != 0 {
		t.Errorf("READY tells the flags %d", flags)
	}
	w.s.WithholdContent(false)
	if got := c.expectMessage(w.say("open")); got["content"] != "open" {
		t.Errorf("after that: %v", got)
	}
	if flags := applicationFlags(t, w.s); flags != 1<<18 {
		t.Errorf("READY tells the flags %d", flags)
	}
}

func applicationFlags(t *testing.T, s *simulator.Server) int {
	t.Helper()
	c := dial(t, s)
	c.hello()
	c.identify("")
	var ready struct{ Application struct{ Flags int } }
	c.decode(c.ready().D, &ready)
	return ready.Application.Flags
}

func TestResumeElsewhere(t *testing.T) {
	w := newWorld(t, simulator.Options{ResumeElsewhere: true})
	c := connect(t, w.s)
	if w.s.ResumeURL() == w.s.GatewayURL() {
		t.Fatal("the address for a RESUME is the gateway's own")
	}
	c.socket.Close()
	missed := w.say("missed")
	socket, _, err := websocket.DefaultDialer.Dial(w.s.ResumeURL()+"?v=10&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	again := &client{t: t, s: w.s, socket: socket}
	again.hello()
	again.resume(c.id, c.seq)
	again.expectMessage(missed)
	again.expect("RESUMED")
	if n := w.s.Stats().Elsewhere; n != 1 {
		t.Errorf("%d connections elsewhere", n)
	}
	w.s.SetResumeURL("wss://elsewhere.example")
	last := dial(t, w.s)
	last.hello()
	last.identify("")
	last.ready()
}

func TestManners(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	for i, properties := range []string{`{}`, `{"os":"linux","browser":"rollcall"}`, `{"$os":"linux","$browser":"a","$device":"a"}`, `{"os":"linux","browser":"a","device":"a"}`} {
		c := dial(t, w.s)
		c.hello()
		c.send(fmt.Sprintf(`{"op":2,"d":{"token":"Bot %s","intents":513,"properties":%s}}`, w.s.Token(), properties))
		c.ready()
		if want := min(i+1, 3); w.s.Stats().BadProperties != want {
			t.Errorf("%s: %d were bad, want %d", properties, w.s.Stats().BadProperties, want)
		}
	}
	before := w.s.Stats().BadAgents
	for agent, bad := range map[string]int{"DiscordBot (https://example.com, 1.2)": 0, "DiscordBot (rollcall, 1)": 1, "Go-http-client/1.1": 1} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.s.URL()+"/api/v10/gateway", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", agent)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if n := w.s.Stats().BadAgents - before; n != bad {
			t.Errorf("%q: %d are bad, want %d", agent, n, bad)
		}
		before = w.s.Stats().BadAgents
	}
}

func TestNamelessGuild(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	g := w.s.AddGuild(simulator.GuildSpec{Name: "Shy", Nameless: true})
	var created struct{ Name string }
	c.decode(c.expect("GUILD_CREATE").D, &created)
	if created.Name != "" {
		t.Errorf("GUILD_CREATE tells the name %q", created.Name)
	}
	_, body, _ := get(t, w.s, "/guilds/"+g.ID.String())
	if json.Unmarshal(body, &created); created.Name != "Shy" {
		t.Errorf("REST tells the name %q", created.Name)
	}
}

func TestAddBot(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "private", Owner: w.ada, Private: true})
	m, err := thread.Say(t.Context(), w.ada, "unheard")
	if err != nil {
		t.Fatal(err)
	}
	thread.AddBot()
	f := c.expect("THREAD_CREATE")
	var created struct {
		Last  string `json:"last_message_id"`
		Newly bool   `json:"newly_created"`
	}
	c.decode(f.D, &created)
	if created.Last != m.ID.String() || created.Newly {
		t.Errorf("THREAD_CREATE tells %+v", created)
	}
}
