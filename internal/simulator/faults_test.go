package simulator_test

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

// quiet fails if anything comes within a tenth of a second.
func (c *client) quiet() {
	c.t.Helper()
	c.socket.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	_, data, err := c.socket.ReadMessage()
	if late, ok := err.(net.Error); !ok || !late.Timeout() {
		c.t.Fatalf("want silence, got %s, %v", data, err)
	}
}

func TestPhases(t *testing.T) {
	start := func(t *testing.T, p simulator.Phase, a simulator.Action) (*world, *client) {
		w := newWorld(t, simulator.Options{})
		w.s.Next(p, a)
		return w, dial(t, w.s)
	}
	t.Run("no HELLO", func(t *testing.T) {
		w, c := start(t, simulator.AtHello, simulator.Withhold)
		c.quiet()
		connect(t, w.s) // the next one is served
	})
	t.Run("silent from the start", func(t *testing.T) {
		w, c := start(t, simulator.AtHello, simulator.GoSilent)
		c.send(`{"op":1,"d":null}`)
		c.quiet()
		if n := w.s.Stats().Heartbeats; n != 0 {
			t.Errorf("%d heartbeats were read", n)
		}
	})
	t.Run("op 7 instead of READY", func(t *testing.T) {
		_, c := start(t, simulator.AtReady, simulator.AskReconnect)
		c.hello()
		c.identify("")
		if f := c.read(); f.Op != 7 {
			t.Errorf("got %+v", f)
		}
		c.quiet()
	})
	t.Run("READY without guilds", func(t *testing.T) {
		w, c := start(t, simulator.AtGuilds, simulator.Withhold)
		c.hello()
		c.identify("")
		c.ready()
		c.quiet()
		if st := w.s.Stats(); st.Ready != 0 || st.Readies != 1 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("op 9 instead of READY", func(t *testing.T) {
		_, c := start(t, simulator.AtIdentify, simulator.Refuse(true))
		c.hello()
		c.identify("")
		if f := c.read(); f.Op != 9 || string(f.D) != "true" {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("garbage before READY", func(t *testing.T) {
		_, c := start(t, simulator.AtReady, simulator.SendFirst("null"))
		c.hello()
		c.identify("")
		if f := c.read(); f.T != "" {
			t.Errorf("got %+v", f)
		}
		c.ready()
	})
	t.Run("delay", func(t *testing.T) {
		_, c := start(t, simulator.AtReady, simulator.Delay(20*time.Millisecond))
		c.hello()
		c.identify("")
		c.ready()
	})
	t.Run("cut off", func(t *testing.T) {
		_, c := start(t, simulator.AtIdentify, simulator.CutOff)
		c.hello()
		c.identify("")
		if code := c.expectClose(); code != 0 {
			t.Errorf("closed with %d", code)
		}
	})
	for _, code := range []int{4000, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014} {
		t.Run("close code", func(t *testing.T) {
			_, c := start(t, simulator.AtIdentify, simulator.CloseWith(code))
			c.hello()
			c.identify("")
			if got := c.expectClose(); got != code {
				t.Errorf("closed with %d, want %d", got, code)
			}
		})
	}
	t.Run("every RESUME refused until stopped", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		c := connect(t, w.s)
		w.s.Conns()[0].Close(4000, "")
		stop := w.s.Every(simulator.AtResume, simulator.Refuse(false))
		for range 2 {
			again := dial(t, w.s)
			again.hello()
			again.resume(c.id, c.seq)
			if f := again.read(); f.Op != 9 {
				t.Errorf("got %+v", f)
			}
		}
		stop()
		again := dial(t, w.s)
		again.hello()
		again.resume(c.id, c.seq)
		again.expect("RESUMED")
	})
}

func TestConnFaults(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	conn := w.s.Conns()[0]

	conn.Dispatch("SOMETHING_NEW", `{"a":[1]}`)
	if f := c.expect("SOMETHING_NEW"); string(f.D) != `{"a":[1]}` || f.S != 3 {
		t.Errorf("got %+v", f)
	}
	conn.Dispatch("MESSAGE_CREATE", `null`)
	if f := c.expect("MESSAGE_CREATE"); string(f.D) != "null" {
		t.Errorf("got %+v", f)
	}
	for _, payload := range []string{"garbage", "null", `{"op":`, "[]", `"` + strings.Repeat("x", 8<<20) + `"`} {
		conn.Send(payload)
		c.socket.SetReadDeadline(time.Now().Add(patience))
		if kind, data, err := c.socket.ReadMessage(); err != nil || kind != websocket.TextMessage || string(data) != payload {
			t.Fatalf("sent %.20q, got %.20q, %v", payload, data, err)
		}
	}

	stop := w.s.Drop(func(event string) bool { return event == "MESSAGE_CREATE" })
	w.say("lost")
	stop()
	before := c.seq
	c.expectMessage(w.say("arrives"))
	if c.seq != before+2 {
		t.Errorf("the event after a lost one has number %d, want %d", c.seq, before+2)
	}

	conn.Invalidate(false)
	if f := c.read(); f.Op != 9 {
		t.Errorf("got %+v", f)
	}
	if n := len(w.general.Messages()); n != 2 {
		t.Errorf("%d messages in the history, want 2", n)
	}
}

func TestSilenceLosesNothing(t *testing.T) {
	w := newWorld(t, simulator.Options{Queue: 4})
	c := connect(t, w.s)
	w.s.Conns()[0].Silence()
	missed := []simulator.Message{}
	for range 100 { // more than the queue holds: a silent connection makes nobody wait
		missed = append(missed, w.say("into the void"))
	}
	c.quiet()
	again := dial(t, w.s)
	again.hello()
	again.resume(c.id, c.seq)
	for _, m := range missed {
		again.expectMessage(m)
	}
	again.expect("RESUMED")
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	w.s.RefuseConnections(true)
	if _, err := http.Get(w.s.URL() + "/api/v9/gateway"); err == nil {
		t.Error("REST answers although connections are refused")
	}
	if _, _, err := websocket.DefaultDialer.Dial(w.s.GatewayURL(), nil); err == nil {
		t.Error("the gateway answers although connections are refused")
	}
	w.s.RefuseConnections(false)
	w.s.RefuseGateway(http.StatusServiceUnavailable)
	if _, resp, err := websocket.DefaultDialer.Dial(w.s.GatewayURL(), nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("want 503, got %v, %v", resp, err)
	}
	if status, _, _ := get(t, w.s, "/gateway"); status != http.StatusOK {
		t.Errorf("REST answers %d", status)
	}
	w.s.RefuseGateway(0)
	connect(t, w.s)
}

func TestSlowClientSlowsThePoster(t *testing.T) {
	w := newWorld(t, simulator.Options{Queue: 8})
	c := connect(t, w.s)
	conn := w.s.Conns()[0]
	conn.Throttle(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	posted := make(chan int)
	go func() {
		n := 0
		for {
			if _, err := w.general.Say(ctx, w.ada, "hello"); err != nil {
				posted <- n
				return
			}
			n++
		}
	}()
	wait(t, w.s, "full queue", func(st simulator.Stats) bool { return st.Posted >= 8 })
	cancel()
	n := <-posted
	if n < 8 || n > 9 { // one event is with the writer
		t.Errorf("%d messages were posted to a queue of 8", n)
	}
	if int64(n) != w.s.Stats().Posted {
		t.Errorf("Post succeeded %d times, %d were recorded", n, w.s.Stats().Posted)
	}
	conn.Cut()
	again := dial(t, w.s)
	again.hello()
	again.resume(c.id, c.seq)
	for range n {
		again.expect("MESSAGE_CREATE")
	}
	again.expect("RESUMED")
}

func TestCloseOfAThrottledConn(t *testing.T) {
	w := newWorld(t, simulator.Options{Queue: 1})
	c := connect(t, w.s)
	conn := w.s.Conns()[0]
	conn.Throttle(time.Hour)
	m := w.say("on its way for an hour")
	w.say("posted when the first one has been taken from the queue of one")
	conn.Close(4000, "")
	if code := c.expectClose(); code != 4000 {
		t.Errorf("closed with %d, want 4000", code)
	}
	again := dial(t, w.s)
	again.hello()
	again.resume(c.id, c.seq)
	again.expectMessage(m)
}

func TestDeadClientsAreCutOff(t *testing.T) {
	t.Run("no heartbeat", func(t *testing.T) {
		w := newWorld(t, simulator.Options{HeartbeatInterval: time.Millisecond})
		w.s.SetLimits(50*time.Millisecond, patience)
		c := connect(t, w.s)
		if code := c.expectClose(); code != 4009 {
			t.Errorf("closed with %d, want 4009", code)
		}
	})
	t.Run("reads nothing", func(t *testing.T) {
		w := newWorld(t, simulator.Options{Queue: 1})
		w.s.SetLimits(patience, 50*time.Millisecond)
		connect(t, w.s)
		w.s.Conns()[0].Send(strings.Repeat("x", 64<<20)) // more than the system takes
		for range 3 {
			w.say("waits until the client is given up")
		}
		wait(t, w.s, "cut off", func(st simulator.Stats) bool { return st.Open == 0 })
	})
}

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	w := newWorld(t, simulator.Options{Queue: 1})
	connect(t, w.s)
	silent := connect(t, w.s)
	for _, c := range w.s.Conns() {
		if c.SessionID() == silent.id {
			c.Silence()
		} else {
			c.Throttle(time.Hour)
		}
	}
	w.s.Every(simulator.AtHello, simulator.Delay(time.Hour))
	dial(t, w.s)
	w.s.EveryREST(simulator.RouteMe, simulator.Slow(time.Hour))
	w.s.EveryREST(simulator.RouteGateway, simulator.Hang)
	errs := make(chan error, 4)
	for _, route := range []string{simulator.RouteMe, simulator.RouteGateway} {
		go func() {
			_, err := http.Get(w.s.URL() + "/api/v9" + route)
			errs <- err
		}()
	}
	go func() {
		for {
			if _, err := w.general.Say(context.Background(), w.ada, "hello"); err != nil {
				errs <- err
				return
			}
		}
	}()
	go func() { errs <- w.s.Wait(context.Background(), func(simulator.Stats) bool { return false }) }()
	wait(t, w.s, "everything waits", func(st simulator.Stats) bool {
		return st.Posted >= 1 && st.REST[simulator.RouteMe] == 1 && st.REST[simulator.RouteGateway] == 1 && st.Open == 3
	})
	if err := w.s.Close(); err != nil { // what waits would wait for ever
		t.Fatal(err)
	}
	for range 4 {
		if err := <-errs; err == nil {
			t.Error("something succeeded on a closed server")
		}
	}
	http.DefaultClient.CloseIdleConnections()
	for limit := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(limit) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
