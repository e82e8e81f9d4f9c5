package simulator_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

// patience bounds every wait of the tests.
const patience = 20 * time.Second

const trackerIntents = simulator.IntentGuilds | simulator.IntentGuildMessages | simulator.IntentMessageContent

// client is a websocket client that shows every frame as it comes.
type client struct {
	t      *testing.T
	s      *simulator.Server
	socket *websocket.Conn
	seq    uint64
	id     string // of the session
}

// frame is a payload of the gateway.
type frame struct {
	Op     int             `json:"op"`
	S      uint64          `json:"s"`
	T      string          `json:"t"`
	D      json.RawMessage `json:"d"`
	binary bool
}

func dial(t *testing.T, s *simulator.Server) *client {
	t.Helper()
	return dialVersion(t, s, "10")
}

func dialVersion(t *testing.T, s *simulator.Server, version string) *client {
	t.Helper()
	socket, _, err := websocket.DefaultDialer.Dial(s.GatewayURL()+"/?v="+version+"&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return &client{t: t, s: s, socket: socket}
}

// connect dials, identifies and reads all up to the last guild.
func connect(t *testing.T, s *simulator.Server) *client {
	t.Helper()
	c := dial(t, s)
	c.hello()
	c.identify("")
	c.ready()
	for range s.Guilds() {
		c.expect("GUILD_CREATE")
	}
	return c
}

func (c *client) hello() {
	c.t.Helper()
	if f := c.read(); f.Op != 10 || !strings.Contains(string(f.D), `"heartbeat_interval":`) {
		c.t.Fatalf("want HELLO, got %+v", f)
	}
}

func (c *client) send(payload string) {
	c.t.Helper()
	if err := c.socket.WriteMessage(websocket.TextMessage, []byte(payload)); err != nil {
		c.t.Fatal(err)
	}
}

// identify sends an IDENTIFY; more is put into its d, with a comma first.
func (c *client) identify(more string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`{"op":2,"d":{"token":"Bot %s","intents":%d,"properties":{}%s}}`, c.s.Token(), trackerIntents, more))
}

func (c *client) resume(id string, seq uint64) {
	c.t.Helper()
	c.send(fmt.Sprintf(`{"op":6,"d":{"token":"Bot %s","session_id":%q,"seq":%d}}`, c.s.Token(), id, seq))
}

func (c *client) ready() frame {
	c.t.Helper()
	f := c.expect("READY")
	var ready struct {
		SessionID string `json:"session_id"`
		Resume    string `json:"resume_gateway_url"`
	}
	c.decode(f.D, &ready)
	if ready.SessionID == "" || ready.Resume != c.s.ResumeURL() {
		c.t.Fatalf("READY was %s", f.D)
	}
	c.id = ready.SessionID
	return f
}

// expect reads the next frame, which must be this event.
func (c *client) expect(event string) frame {
	c.t.Helper()
	f := c.read()
	if f.Op != 0 || f.T != event {
		c.t.Fatalf("want %s, got op %d %s %s", event, f.Op, f.T, f.D)
	}
	return f
}

// expectMessage reads the next frame, which must be the creation of this message.
func (c *client) expectMessage(m simulator.Message) map[string]any {
	c.t.Helper()
	f := c.expect("MESSAGE_CREATE")
	got := map[string]any{}
	c.decode(f.D, &got)
	if got["id"] != m.ID.String() {
		c.t.Fatalf("want message %v %q, got %s", m.ID, m.Content, f.D)
	}
	return got
}

func (c *client) read() frame {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("no frame came: %v", err)
	}
	return f
}

func (c *client) next() (f frame, err error) {
	c.socket.SetReadDeadline(time.Now().Add(patience))
	kind, data, err := c.socket.ReadMessage()
	if err != nil {
		return frame{}, err
	}
	if f.binary = kind == websocket.BinaryMessage; f.binary {
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return frame{}, err
		}
		if data, err = io.ReadAll(z); err != nil {
			return frame{}, err
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return frame{}, fmt.Errorf("%w: %.200s", err, data)
	}
	if f.S > 0 {
		c.seq = f.S
	}
	return f, nil
}

func (c *client) decode(data []byte, v any) {
	c.t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		c.t.Fatalf("%v: %s", err, data)
	}
}

// expectClose reads until the connection is closed, and returns the code; 0 is a connection that
// vanished without one.
func (c *client) expectClose() int {
	c.t.Helper()
	for {
		_, err := c.next()
		var closed *websocket.CloseError
		var late net.Error
		switch {
		case err == nil:
		case errors.As(err, &closed):
			if closed.Code == websocket.CloseAbnormalClosure {
				return 0
			}
			return closed.Code
		case errors.As(err, &late) && late.Timeout():
			c.t.Fatal("the connection is still open")
		default:
			return 0
		}
	}
}

// wait waits for the server's counts.
func wait(t *testing.T, s *simulator.Server, what string, want func(simulator.Stats) bool) {
	t.Helper()
	if err := s.Wait(limited(t), want); err != nil {
		t.Fatalf("%s: %v; %+v", what, err, s.Stats())
	}
}
