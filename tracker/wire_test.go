package tracker

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
)

// source is a connection that has nothing but what was received.
type source struct {
	net.Conn // nil: nothing else may be called
	io.Reader
	closed bool
}

func (s *source) Read(p []byte) (int, error)       { return s.Reader.Read(p) }
func (s *source) SetReadDeadline(time.Time) error  { return nil }
func (s *source) SetWriteDeadline(time.Time) error { return nil }
func (s *source) Write(p []byte) (int, error)      { return len(p), nil }
func (s *source) Close() error                     { s.closed = true; return nil }

const upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

// frame makes one frame of a server.
func frameOf(opcode byte, final bool, payload []byte) []byte {
	head := opcode
	if final {
		head |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		return append([]byte{head, byte(n)}, payload...)
	case n < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{head, 126}, uint16(n)), payload...)
	default:
		return append(binary.BigEndian.AppendUint64([]byte{head, 127}, uint64(n)), payload...)
	}
}

func textFrame(payload string) []byte { return frameOf(frameText, true, []byte(payload)) }

func zlibFrame(t testing.TB, payload string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(payload)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return frameOf(frameBinary, true, b.Bytes())
}

// passed reads what wire hands on: the head of the answer to the upgrade, and the
// payloads of the frames, each followed by "data" and that of the event, if there is
// any; then why it ended.
func passed(t testing.TB, in io.Reader, l limits) (w *wire, payloads []string, rejected []error, end error) {
	t.Helper()
	w = newWire(&source{Reader: in}, l, func(err error) { rejected = append(rejected, err) })
	out := bufio.NewReader(w)
	for { // the HTTP head
		line, err := out.ReadString('\n')
		if err != nil {
			return w, nil, rejected, err
		}
		if line == "\r\n" {
			break
		}
	}
	for {
		var head [2]byte
		if _, err := io.ReadFull(out, head[:]); err != nil {
			return w, payloads, rejected, err
		}
		if head[0]&0x80 == 0 || head[1]&0x80 != 0 {
			t.Fatalf("a frame that begins with %x", head)
		}
		n := uint64(head[1])
		if n >= 126 {
			ext := make([]byte, 2<<((n-126)*2))
			if _, err := io.ReadFull(out, ext); err != nil {
				t.Fatal(err)
			}
			n = binary.BigEndian.Uint64(append(make([]byte, 8-len(ext)), ext...))
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(out, payload); err != nil {
			t.Fatal(err)
		}
		switch head[0] & 0x0f {
		case frameText:
			payloads = append(payloads, string(payload))
			if w.data != nil {
				payloads = append(payloads, "data "+string(w.data))
			}
		case frameBinary, frameContinuation:
			t.Fatalf("a frame that begins with %x", head)
		}
	}
}

func TestWireHandsOn(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	tests := map[string]struct {
		in   []byte
		want []string
	}{
		"HELLO":             {textFrame(`{"op":10,"d":{"heartbeat_interval":41250,"_trace":["x"]},"s":null,"t":null}`), []string{`{"op":10,"d":{"heartbeat_interval":41250}}`}},
		"a broken interval": {textFrame(`{"op":10,"d":{"heartbeat_interval":41250.7}}`), []string{`{"op":10,"d":{"heartbeat_interval":41250}}`}},
		"an ACK":            {textFrame(`{"op":11}`), []string{`{"op":11}`}},
		"a heartbeat":       {textFrame(`{"op":1,"d":null}`), []string{`{"op":1}`}},
		"READY":             {textFrame(`{"op":0,"s":1,"t":"READY","d":{"v":9,"session_id":"a\"b","guilds":[null]}}`), []string{`{"op":0,"s":1,"t":"READY","d":{"session_id":"a\"b"}}`, `data {"v":9,"session_id":"a\"b","guilds":[null]}`}},
		"RESUMED":           {textFrame(`{"op":0,"s":5,"t":"RESUMED","d":null}`), []string{`{"op":0,"s":5,"t":"RESUMED","d":{}}`}},
		"an event":          {textFrame(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"id":"1"}}`), []string{`{"op":0,"s":2,"t":"RAW_MESSAGE_CREATE","d":null}`, `data {"id":"1"}`}},
		"no data":           {textFrame(`{"t":"GUILD_CREATE","s":2,"op":0}`), []string{`{"op":0,"s":2,"t":"RAW_GUILD_CREATE","d":null}`}},
		"another event":     {textFrame(`{"t":"TYPING_START","s":3,"op":0,"d":{"x":1}}`), []string{`{"op":0,"s":3,"t":"RAW_OTHER","d":null}`}},
		"no number, after one": {
			slicesOf(textFrame(`{"t":"X","s":7,"op":0,"d":1}`), textFrame(`{"t":"X","s":null,"op":0,"d":1}`)),
			[]string{`{"op":0,"s":7,"t":"RAW_OTHER","d":null}`, `{"op":0,"s":7,"t":"RAW_OTHER","d":null}`},
		},
		"compressed":       {zlibFrame(t, `{"t":"MESSAGE_CREATE","s":2,"op":0,"d":"`+long+`"}`), []string{`{"op":0,"s":2,"t":"RAW_MESSAGE_CREATE","d":null}`, `data "` + long + `"`}},
		"compressed twice": {slicesOf(zlibFrame(t, `{"op":11}`), zlibFrame(t, `{"op":1}`)), []string{`{"op":11}`, `{"op":1}`}},
		"in pieces": {
			slicesOf(frameOf(frameText, false, []byte(`{"op"`)), frameOf(9, true, []byte("ping")), frameOf(frameContinuation, false, nil), frameOf(frameContinuation, true, []byte(`:11}`))),
			[]string{`{"op":11}`},
		},
		"invalid UTF-8": {textFrame("{\"t\":\"MESSAGE_CREATE\",\"s\":2,\"op\":0,\"d\":\"\xff\"}"), []string{`{"op":0,"s":2,"t":"RAW_MESSAGE_CREATE","d":null}`, "data \"\xff\""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{
				"at once":      bytes.NewReader(append([]byte(upgrade), test.in...)),
				"byte by byte": iotest.OneByteReader(bytes.NewReader(append([]byte(upgrade), test.in...))),
			} {
				_, got, rejected, end := passed(t, in, gatewayLimits())
				if fmt.Sprint(got) != fmt.Sprint(test.want) || len(rejected) > 0 || !errors.Is(end, errBrokenOff) {
					t.Errorf("%s: got %.300q, rejected %v, end %v; want %.300q", how, got, rejected, end, test.want)
				}
				for _, payload := range got { // discordgo's own reading
					if strings.HasPrefix(payload, "data ") {
						continue
					}
					var e discordgo.Event
					if err := json.Unmarshal([]byte(payload), &e); err != nil {
						t.Errorf("%q: %v", payload, err)
					}
				}
			}
		})
	}
}

func slicesOf(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func TestWireRejects(t *testing.T) {
	l := gatewayLimits()
	l.payload = 1000
	long := `{"op":11,"d":"` + strings.Repeat("x", 1000) + `"}`
	tests := map[string][]byte{
		"null":                   textFrame(`null`),
		"nothing":                textFrame(``),
		"garbage":                textFrame(`{"op":`),
		"two payloads":           textFrame(`{"op":11}{"op":11}`),
		"no op":                  textFrame(`{"d":1}`),
		"a fraction of a number": textFrame(`{"op":0,"s":1.5,"t":"X"}`),
		"not zlib":               frameOf(frameBinary, true, []byte("hello")),
		"half of zlib":           frameOf(frameBinary, true, zlibFrame(t, `{"op":11}`)[2:10]),
		"too large":              textFrame(long),
		"too large, in pieces":   slicesOf(frameOf(frameText, false, []byte(long[:900])), frameOf(frameContinuation, true, []byte(long[900:]))),
		"too large, unpacked":    zlibFrame(t, long),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			all := slicesOf([]byte(upgrade), in, textFrame(`{"op":11}`), zlibFrame(t, `{"op":1}`))
			_, got, rejected, end := passed(t, bytes.NewReader(all), l)
			if want := []string{`{"op":11}`, `{"op":1}`}; fmt.Sprint(got) != fmt.Sprint(want) || len(rejected) != 1 || !errors.Is(end, errBrokenOff) {
				t.Errorf("got %q, rejected %v, end %v", got, rejected, end)
			}
		})
	}
}

func TestWireEnds(t *testing.T) {
	code := func(code uint16, text string) []byte {
		return frameOf(frameClose, true, append(binary.BigEndian.AppendUint16(nil, code), text...))
	}
	tests := map[string]struct {
		in   []byte
		want string
	}{
		"op 7":                  {textFrame(`{"op":7,"d":null}`), "asked by Discord to reconnect"},
		"op 9":                  {textFrame(`{"op":9,"d":false}`), "Discord no longer knows the session"},
		"op 9, resumable":       {textFrame(`{"op":9,"d":true}`), "Discord asked us to resume again"},
		"op 9, neither":         {textFrame(`{"op":9,"d":"x"}`), "Discord no longer knows the session"},
		"a code":                {code(4008, ""), "closed by Discord with code 4008"},
		"a code and a reason":   {code(4004, "Authentication\nfailed"), "closed by Discord with code 4004 (Authentication failed)"},
		"no code":               {frameOf(frameClose, true, nil), "closed by Discord with code 1005"},
		"an interval of 0":      {textFrame(hello("0")), "HELLO without a usable heartbeat_interval"},
		"an interval of days":   {textFrame(hello("3600001")), "HELLO without a usable heartbeat_interval"},
		"a session id of 7":     {textFrame(`{"op":0,"s":1,"t":"READY","d":{"session_id":7}}`), "READY without a session_id"},
		"READY null":            {textFrame(`{"op":0,"s":1,"t":"READY","d":null}`), "READY without a session_id"},
		"a masked frame":        {[]byte{0x81, 0x80, 1, 2, 3, 4}, "websocket: a frame with bits that were not agreed on"},
		"a compressed frame":    {[]byte{0xc1, 0}, "websocket: a frame with bits that were not agreed on"},
		"an unknown opcode":     {[]byte{0x83, 0}, "websocket: unknown opcode 3"},
		"a long ping":           {[]byte{0x89, 126, 0, 200}, "websocket: malformed control frame"},
		"a ping in pieces":      {[]byte{0x09, 0}, "websocket: malformed control frame"},
		"the end in mid-header": {[]byte{0x81}, errBrokenOff.Error()},
		"the end in mid-frame":  {[]byte{0x81, 5, 'x'}, errBrokenOff.Error()},
		"the end after a boast": {[]byte{0x81, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255, 'x'}, errBrokenOff.Error()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, got, _, _ := passed(t, bytes.NewReader(append([]byte(upgrade), test.in...)), gatewayLimits())
			if len(got) > 0 {
				t.Errorf("handed on %q", got)
			}
			if cause := w.ended(); cause == nil || cause.Error() != test.want {
				t.Errorf("ended for %v, want %s", cause, test.want)
			}
			select {
			case <-w.done:
			default:
				t.Error("done is open")
			}
			if _, err := w.Write([]byte("x")); err == nil {
				t.Error("something was written afterwards")
			}
		})
	}
}

func TestWirePassesARefusalOn(t *testing.T) {
	answer := "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
	w := newWire(&source{Reader: strings.NewReader(answer)}, gatewayLimits(), nil)
	if got, err := io.ReadAll(w); string(got) != answer || !errors.Is(err, errBrokenOff) {
		t.Errorf("got %q, %v", got, err)
	}
	w = newWire(&source{Reader: strings.NewReader("HTTP/1.1 101 x\r\n" + strings.Repeat("X: y\r\n", 20_000))}, gatewayLimits(), nil)
	if got, err := io.ReadAll(w); len(got) > 0 || err == nil {
		t.Errorf("an endless head: %d bytes, %v", len(got), err)
	}
}

// What is overdue, and whose time counts.
func TestWireOverdue(t *testing.T) {
	l := limits{open: 30 * time.Second, ackSlack: 10 * time.Second, payload: 1 << 20}
	const beat = 40 * time.Second
	up := func(w *wire) { w.interval, w.ready = beat, true }
	tests := map[string]struct {
		do       func(w *wire)
		handling bool
		want     string
	}{
		"READY is still to come":         {func(w *wire) { w.turn(true); time.Sleep(l.open) }, false, ""},
		"READY does not come":            {func(w *wire) { w.turn(true); time.Sleep(l.open + 1) }, false, "no READY within 30s"},
		"READY does not come after all":  {func(w *wire) { w.turn(true); w.interval = beat; time.Sleep(l.open + 1) }, false, "no READY within 30s"},
		"events are replayed before it":  {func(w *wire) { w.turn(true); time.Sleep(l.open); w.progress = time.Now(); time.Sleep(l.open) }, false, ""},
		"the next ACK is still to come":  {func(w *wire) { up(w); w.turn(true); time.Sleep(2*beat + l.ackSlack) }, false, ""},
		"the ACKs do not come":           {func(w *wire) { up(w); w.turn(true); time.Sleep(2*beat + l.ackSlack + 1) }, false, errZombie.Error()},
		"they do not come under load":    {func(w *wire) { up(w); busy(w, 2*beat+l.ackSlack+time.Second) }, false, errZombie.Error()},
		"the handler waits":              {func(w *wire) { up(w); time.Sleep(time.Hour) }, true, ""},
		"the handler has waited":         {func(w *wire) { up(w); time.Sleep(time.Hour); w.turn(true); time.Sleep(beat) }, false, ""},
		"it has waited in a replay":      {func(w *wire) { w.interval = beat; time.Sleep(time.Hour); w.turn(true); time.Sleep(time.Second) }, false, ""},
		"nobody reads, nor is it busy":   {func(w *wire) { up(w); time.Sleep(l.open + 1) }, false, errStuck.Error()},
		"ACKs do not come after waiting": {func(w *wire) { up(w); time.Sleep(time.Hour); w.turn(true); time.Sleep(3 * beat) }, false, errZombie.Error()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(&source{}, l, nil)
				test.do(w)
				got := ""
				if err := w.overdue(time.Now(), test.handling); err != nil {
					got = err.Error()
				}
				if got != test.want {
					t.Errorf("overdue: %q, want %q", got, test.want)
				}
			})
		})
	}
}

// busy spends d with events, whose handler takes nearly all of the time.
func busy(w *wire, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		w.turn(true)
		time.Sleep(time.Millisecond)
		w.turn(false)
		time.Sleep(longTurn / 2)
	}
}

// Whatever a server sends: no panic, nothing but whole text and control frames to
// discordgo, and in them nothing but payloads that it reads without harm.
func FuzzWire(f *testing.F) {
	for _, in := range [][]byte{
		textFrame(hello("41250")), textFrame(`null`), textFrame(`{"op":0,"s":1,"t":"READY","d":{"session_id":"x"}}`),
		zlibFrame(f, `{"op":0,"s":2,"t":"GUILD_CREATE","d":null}`), frameOf(frameClose, true, []byte{0x0f, 0xa4, 'x'}),
		slicesOf(frameOf(frameText, false, []byte(`{"op"`)), frameOf(frameContinuation, true, []byte(`:11}`))),
		{0x81, 127, 0xff, 255, 255, 255, 255, 255, 255, 255}, textFrame(`{"op":9,"d":true}`), textFrame(`{"op":7}`),
	} {
		f.Add(in, uint64(1))
	}
	l := gatewayLimits()
	l.payload = 1 << 16
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		all := bytes.NewReader(append([]byte(upgrade), in...))
		_, payloads, _, _ := passed(t, readerFunc(func(p []byte) (int, error) {
			return all.Read(p[:min(len(p), 1+r.IntN(64))])
		}), l)
		for _, payload := range payloads {
			if strings.HasPrefix(payload, "data ") {
				continue
			}
			var e *discordgo.Event
			if err := json.Unmarshal([]byte(payload), &e); err != nil || e == nil {
				t.Fatalf("%q: %v", payload, err)
			}
			switch {
			case e.Operation == opReconnect, e.Operation == opInvalidSession:
				t.Fatalf("op %d was handed on", e.Operation)
			case e.Operation == opDispatch && e.Type != "READY" && e.Type != "RESUMED" && !strings.HasPrefix(e.Type, rawPrefix):
				t.Fatalf("event %q was handed on", e.Type)
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
