package tracker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/internal/simulator"
)

// clientFrame is a masked text frame, as discordgo writes it.
func clientFrame(text string) []byte {
	return appendClientText(nil, []byte(text), [4]byte{1, 2, 3, 250})
}

func TestFixIdentify(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	tests := map[string]struct {
		text string
		want bool // it is rewritten
	}{
		"an IDENTIFY":       {`{"op":2,"d":{"token":"Bot t","properties":{"$os":"linux"},"intents":513,"shard":[1,2]}}` + "\n", true},
		"a long IDENTIFY":   {`{"op":2,"d":{"token":"` + long + `","properties":{}}}`, true},
		"a heartbeat":       {`{"op":1,"d":7}`, false},
		"a RESUME":          {`{"op":6,"d":{"token":"Bot t","session_id":"s","seq":3}}`, false},
		"not an IDENTIFY":   {`{"op":2,"d":7}`, false},
		"not JSON":          {`{"op":2,"d"`, false},
		"nothing":           {``, false},
		"an op of 2 digits": {`{"op":22,"d":{}}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			frame := clientFrame(test.text)
			before := bytes.Clone(frame)
			fixed := fixIdentify(frame)
			if !bytes.Equal(frame, before) {
				t.Error("the frame itself is changed")
			}
			if (fixed != nil) != test.want {
				t.Fatalf("rewritten: %v", fixed != nil)
			}
			if fixed == nil {
				return
			}
			payload, mask, ok := clientText(fixed)
			if !ok {
				t.Fatal("what comes out is no frame")
			}
			applyMask(payload, mask)
			var was, is struct {
				Op int
				D  map[string]json.RawMessage
			}
			if err := json.Unmarshal(payload, &is); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.text), &was); err != nil {
				t.Fatal(err)
			}
			var properties map[string]string
			if err := json.Unmarshal(is.D["properties"], &properties); err != nil {
				t.Fatal(err)
			}
			if len(properties) != 3 || properties["os"] == "" || properties["browser"] == "" || properties["device"] == "" {
				t.Errorf("properties are %v", properties)
			}
			delete(was.D, "properties")
			for key, value := range was.D {
				if string(is.D[key]) != string(value) {
					t.Errorf("%s is %.40s, was %.40s", key, is.D[key], value)
				}
			}
		})
	}
}

// Whatever is written, a frame stays a frame, and nothing but an IDENTIFY is touched.
func FuzzFixIdentify(f *testing.F) {
	f.Add(clientFrame(`{"op":2,"d":{"properties":{}}}`))
	f.Add(clientFrame(`{"op":1,"d":1}`))
	f.Add([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, frame []byte) {
		fixed := fixIdentify(frame)
		if fixed == nil {
			return
		}
		if _, _, ok := clientText(fixed); !ok {
			t.Errorf("%x becomes no frame: %x", frame, fixed)
		}
	})
}

func TestFixUpgrade(t *testing.T) {
	const head = "GET /?v=9&encoding=json HTTP/1.1\r\nHost: gateway.discord.gg\r\nUser-Agent: Go-http-client/1.1\r\nUpgrade: websocket"
	tests := map[string]struct{ target, line, host string }{
		"as it was":    {"", "GET /?v=9&encoding=json HTTP/1.1", "gateway.discord.gg"},
		"elsewhere":    {"wss://gateway-us-east1-b.discord.gg", "GET /?v=9&encoding=json HTTP/1.1", "gateway-us-east1-b.discord.gg"},
		"with a path":  {"wss://x.discord.gg:8443/a%20b?v=1", "GET /a%20b?v=9&encoding=json HTTP/1.1", "x.discord.gg:8443"},
		"with a slash": {"ws://127.0.0.1:1/", "GET /?v=9&encoding=json HTTP/1.1", "127.0.0.1:1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var target *url.URL
			if test.target != "" {
				var err error
				if target, err = url.Parse(test.target); err != nil {
					t.Fatal(err)
				}
			}
			text := string(fixUpgrade([]byte(head), "DiscordBot (a, b)", target)) + "\r\n\r\n"
			if line, _, _ := strings.Cut(text, "\r\n"); line != test.line {
				t.Errorf("the request is %q", line)
			}
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
			if err != nil {
				t.Fatal(err)
			}
			if r.Host != test.host || r.Header["User-Agent"][0] != "DiscordBot (a, b)" || len(r.Header["User-Agent"]) != 1 || r.Header.Get("Upgrade") != "websocket" {
				t.Errorf("host %q, %v", r.Host, r.Header)
			}
		})
	}
}

// The request may come in pieces, and the frames after it go out as they are.
func TestOutgoingInPieces(t *testing.T) {
	to := &sink{}
	w := newWire(to, gatewayLimits(), nil)
	w.agent = "DiscordBot (a, b)"
	for _, piece := range []string{"GET / HTTP/1.1\r\nHost: a\r", "\n", "\r\nrest"} {
		if n, err := io.WriteString(w, piece); n != len(piece) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	beat := clientFrame(`{"op":1,"d":1}`)
	if _, err := w.Write(beat); err != nil {
		t.Fatal(err)
	}
	want := "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: DiscordBot (a, b)\r\n\r\nrest" + string(beat)
	if to.String() != want {
		t.Errorf("sent %q, want %q", to.String(), want)
	}
	w = newWire(&sink{}, gatewayLimits(), nil)
	if _, err := w.Write(make([]byte, maxHead+1)); err == nil {
		t.Error("an endless request is sent")
	}
}

// sink is a connection that keeps what is written.
type sink struct {
	source
	bytes.Buffer
}

func (s *sink) Read(b []byte) (int, error)  { return s.source.Read(b) }
func (s *sink) Write(b []byte) (int, error) { return s.Buffer.Write(b) }

// A whole run is polite: every request says whose it is, and each IDENTIFY what.
func TestRunIsPolite(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.say(w.ada, "missed", w.general)
	before := w.sim.Stats() // the town's own requests are not
	o := w.options()
	o.Version = "(devel)"
	w.again(o)
	w.filled()
	w.stopped()
	s := w.sim.Stats()
	if s.BadAgents != before.BadAgents || s.BadProperties != before.BadProperties || s.Connections == before.Connections {
		t.Errorf("before %+v\nafter %+v", before, s)
	}
}
