package simulator_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

func TestIdentify(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := dial(t, w.s)
	c.hello()
	c.identify("")
	var ready struct {
		User   struct{ Bot bool }
		Guilds []struct {
			ID          string
			Unavailable bool
		}
	}
	c.decode(c.ready().D, &ready)
	if !ready.User.Bot || len(ready.Guilds) != 1 || !ready.Guilds[0].Unavailable || ready.Guilds[0].ID != w.guild.ID.String() {
		t.Errorf("READY told %+v", ready)
	}
	f := c.expect("GUILD_CREATE")
	var guild struct{ Channels []struct{ ID, Name string } }
	c.decode(f.D, &guild)
	if f.S != 2 || len(guild.Channels) != 1 || guild.Channels[0].Name != "general" {
		t.Errorf("GUILD_CREATE was number %d: %s", f.S, f.D)
	}
	wait(t, w.s, "ready", func(st simulator.Stats) bool { return st.Ready == 1 })
	if id, count, ok := w.s.Conns()[0].Shard(); id != 0 || count != 1 || !ok || w.s.Conns()[0].SessionID() != c.id {
		t.Errorf("the connection is shard %d of %d, %v", id, count, ok)
	}
}

func TestIdentifyIsRefused(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	tests := []struct {
		name    string
		version string
		payload string
		code    int
	}{
		{"wrong token", "9", `{"op":2,"d":{"token":"Bot wrong","intents":33281}}`, 4004},
		{"shard out of range", "9", `{"op":2,"d":{"token":"TOKEN","intents":33281,"shard":[2,2]}}`, 4010},
		{"no shards", "9", `{"op":2,"d":{"token":"TOKEN","intents":33281,"shard":[0,0]}}`, 4010},
		{"no intents", "9", `{"op":2,"d":{"token":"TOKEN"}}`, 4013},
		{"unknown intents", "9", `{"op":2,"d":{"token":"TOKEN","intents":2147483648}}`, 4013},
		{"members are not allowed", "9", `{"op":2,"d":{"token":"TOKEN","intents":33283}}`, 4014},
		{"old version", "6", `{"op":2,"d":{"token":"TOKEN","intents":33281}}`, 4012},
		{"not authenticated", "10", `{"op":3,"d":{}}`, 4003},
		{"unknown opcode", "10", `{"op":77,"d":{}}`, 4001},
		{"not JSON", "10", `hello`, 4002},
		{"no opcode", "10", `{}`, 4002},
		{"wrong type", "10", `{"op":2,"d":7}`, 4002},
		{"RESUME of a wrong type", "10", `{"op":6,"d":7}`, 4002},
		{"too long", "10", `{"op":1,"d":"` + strings.Repeat("x", 4096) + `"}`, 4002},
		{"RESUME with a wrong token", "10", `{"op":6,"d":{"token":"wrong","session_id":"x","seq":1}}`, 4004},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialVersion(t, w.s, tt.version)
			c.hello()
			c.send(strings.ReplaceAll(tt.payload, "TOKEN", w.s.Token()))
			if code := c.expectClose(); code != tt.code {
				t.Errorf("closed with %d, want %d", code, tt.code)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		c := connect(t, w.s)
		c.identify("")
		if code := c.expectClose(); code != 4005 {
			t.Errorf("closed with %d, want 4005", code)
		}
	})
	t.Run("content is not allowed", func(t *testing.T) {
		w.s.SetPrivileged(0)
		defer w.s.SetPrivileged(simulator.IntentMessageContent)
		c := dial(t, w.s)
		c.hello()
		c.identify("")
		if code := c.expectClose(); code != 4014 {
			t.Errorf("closed with %d, want 4014", code)
		}
	})
	t.Run("token taken back", func(t *testing.T) {
		w.s.SetToken("")
		c := dial(t, w.s)
		c.hello()
		c.identify("")
		if code := c.expectClose(); code != 4004 {
			t.Errorf("closed with %d, want 4004", code)
		}
	})
}

func TestSessionStarts(t *testing.T) {
	t.Run("budget", func(t *testing.T) {
		w := newWorld(t, simulator.Options{SessionStarts: 2})
		connect(t, w.s)
		connect(t, w.s)
		c := dial(t, w.s)
		c.hello()
		c.identify("")
		if code := c.expectClose(); code != 4004 {
			t.Errorf("the third IDENTIFY was closed with %d, want 4004", code)
		}
		if status, _, _ := get(t, w.s, "/users/@me"); status != http.StatusUnauthorized {
			t.Errorf("the token still works: %d", status)
		}
	})
	t.Run("budget is full again", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		w.s.SetSessionStarts(0, -time.Second)
		connect(t, w.s)
	})
	t.Run("concurrency", func(t *testing.T) {
		w := newWorld(t, simulator.Options{MaxConcurrency: 2, IdentifyWindow: time.Hour})
		c := make([]*client, 3)
		for i := range c {
			c[i] = dial(t, w.s)
			c[i].hello()
		}
		c[0].identify(`,"shard":[0,4]`)
		c[0].ready()
		c[1].identify(`,"shard":[1,4]`)
		c[1].ready()
		c[2].identify(`,"shard":[2,4]`)
		if f := c[2].read(); f.Op != 9 || string(f.D) != "false" {
			t.Errorf("want op 9, got %+v", f)
		}
		if st := w.s.Stats(); st.Hasty != 1 {
			t.Errorf("%d hasty IDENTIFYs, want 1", st.Hasty)
		}
	})
}

func TestShards(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	var guilds []*simulator.Guild
	for i := range 8 {
		guilds = append(guilds, w.s.AddGuild(simulator.GuildSpec{ID: simulator.ID(100+i) << 22, Name: fmt.Sprint(i)}))
	}
	w.guild.Remove()
	for shard := range 3 {
		c := dial(t, w.s)
		c.hello()
		c.identify(fmt.Sprintf(`,"shard":[%d,3]`, shard))
		c.ready()
		for _, g := range guilds {
			if int(uint64(g.ID)>>22)%3 != shard {
				continue
			}
			if f := c.expect("GUILD_CREATE"); !strings.Contains(string(f.D), g.ID.String()) {
				t.Errorf("shard %d: want guild %s, got %s", shard, g.Name(), f.D)
			}
		}
		direct, err := w.s.DirectWith(w.ada).Say(t.Context(), w.ada, "psst")
		if err != nil {
			t.Fatal(err)
		}
		if shard == 0 {
			if m := c.expectMessage(direct); m["guild_id"] != nil || m["member"] != nil {
				t.Errorf("a direct message has a guild: %v", m)
			}
		}
	}
}

func TestIntentsDecideWhatIsSent(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := dial(t, w.s)
	c.hello()
	c.send(fmt.Sprintf(`{"op":2,"d":{"token":%q,"intents":%d}}`, w.s.Token(), simulator.IntentGuildMessages))
	c.ready()
	m, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: "secret", Attachments: 1, Embeds: 1})
	if err != nil {
		t.Fatal(err)
	}
	got := c.expectMessage(m) // no GUILD_CREATE before it
	if got["content"] != "" || len(got["attachments"].([]any)) != 0 || len(got["embeds"].([]any)) != 0 {
		t.Errorf("content was told without the intent: %v", got)
	}
	w.general.Rename("private")
	if got := c.expectMessage(w.say("next")); got["content"] != "" {
		t.Errorf("content was told without the intent: %v", got)
	}
}

func TestHeartbeats(t *testing.T) {
	w := newWorld(t, simulator.Options{HeartbeatInterval: 1234 * time.Millisecond})
	c := dial(t, w.s)
	if f := c.read(); !strings.Contains(string(f.D), `"heartbeat_interval":1234`) {
		t.Errorf("HELLO was %s", f.D)
	}
	c.send(`{"op":1,"d":null}`)
	if f := c.read(); f.Op != 11 {
		t.Errorf("want an ACK, got %+v", f)
	}
	conn := w.s.Conns()[0]
	conn.AskHeartbeat()
	if f := c.read(); f.Op != 1 {
		t.Errorf("want op 1, got %+v", f)
	}
	conn.StopACKs()
	c.send(`{"op":1,"d":3}`)
	wait(t, w.s, "heartbeat", func(st simulator.Stats) bool { return st.Heartbeats == 2 })
	conn.Reconnect() // so that there is something to read
	if f := c.read(); f.Op != 7 {
		t.Errorf("a zombie answered with %+v", f)
	}
}

func TestCompression(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := dial(t, w.s)
	c.hello()
	c.identify(`,"compress":true`)
	long := strings.Repeat("long ", 1000)
	for _, want := range []struct {
		event  string
		post   string
		binary bool
	}{{"READY", "", true}, {"GUILD_CREATE", "", true}, {"MESSAGE_CREATE", "short", false}, {"MESSAGE_CREATE", long, true}} {
		if want.post != "" {
			w.say(want.post)
		}
		f := c.expect(want.event)
		if f.binary != want.binary {
			t.Errorf("%s of %d bytes: compressed is %v", f.T, len(f.D), f.binary)
		}
		if want.post != "" && !strings.Contains(string(f.D), want.post) {
			t.Errorf("%s came as %.100s", f.T, f.D)
		}
	}
}

// A client that asks for it, as discord.py does, gets one stream: each frame is a piece of it
// that ends where a flush ends.
func TestCompressedStream(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := dialVersion(t, w.s, "10&compress=zlib-stream")
	var packed bytes.Buffer
	take := func() {
		t.Helper()
		c.socket.SetReadDeadline(time.Now().Add(patience))
		kind, data, err := c.socket.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if kind != websocket.BinaryMessage || !bytes.HasSuffix(data, []byte{0, 0, 0xff, 0xff}) {
			t.Fatalf("a frame of kind %d ends with % x", kind, data[max(0, len(data)-4):])
		}
		packed.Write(data)
	}
	take()                         // HELLO
	c.identify(`,"compress":true`) // which counts for less than the stream
	names := []string{"READY", "GUILD_CREATE", "MESSAGE_CREATE"}
	take()
	take()
	w.say("short")
	take()
	z, err := zlib.NewReader(&packed)
	if err != nil {
		t.Fatal(err)
	}
	all := json.NewDecoder(z)
	var hello frame
	if err := all.Decode(&hello); err != nil || hello.Op != 10 {
		t.Fatalf("%v, %+v", err, hello)
	}
	for _, name := range names {
		var f frame
		if err := all.Decode(&f); err != nil || f.T != name {
			t.Errorf("%v: %+v, want %s", err, f, name)
		}
	}
}

// TestFramesHaveAllKeys keeps the shape of frames: t, s and op are always there.
func TestFramesHaveAllKeys(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := dial(t, w.s)
	for _, event := range []bool{false, true} {
		_, data, err := c.socket.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]json.RawMessage{}
		c.decode(data, &keys)
		for _, k := range []string{"t", "s", "op", "d"} {
			if _, ok := keys[k]; !ok {
				t.Errorf("no %q in %s", k, data)
			}
		}
		if !event {
			c.identify("")
		}
	}
}
