package simulator_test

import (
	"fmt"
	"testing"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

func TestResume(t *testing.T) {
	t.Run("replays what was missed", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		c := connect(t, w.s)
		seen := w.say("seen")
		c.expectMessage(seen)
		unread := w.say("sent but not read")
		if err := w.s.WaitSent(limited(t)); err != nil {
			t.Fatal(err)
		}
		w.s.Conns()[0].Cut()
		wait(t, w.s, "cut", func(st simulator.Stats) bool { return st.Open == 0 })
		missed := w.say("missed")
		again := dial(t, w.s)
		again.hello()
		again.resume(c.id, c.seq)
		again.expectMessage(unread)
		again.expectMessage(missed)
		again.expect("RESUMED")
		again.expectMessage(w.say("live"))
		if again.seq != c.seq+4 {
			t.Errorf("the last event has number %d, want %d", again.seq, c.seq+4)
		}
		if err := w.s.WaitReady(limited(t), 1); err != nil {
			t.Error(err)
		}
	})
	t.Run("takes the session over", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		old := connect(t, w.s)
		again := dial(t, w.s)
		again.hello()
		again.resume(old.id, old.seq)
		again.expect("RESUMED")
		if code := old.expectClose(); code != 4000 {
			t.Errorf("the old connection was closed with %d", code)
		}
		again.expectMessage(w.say("only here"))
	})
	refused := func(t *testing.T, s *simulator.Server, id string, seq uint64) {
		t.Helper()
		again := dial(t, s)
		again.hello()
		again.resume(id, seq)
		if f := again.read(); f.Op != 9 || string(f.D) != "false" {
			t.Fatalf("want op 9 false, got %+v", f)
		}
		again.identify("") // on the same connection, as discordgo does
		again.ready()
	}
	t.Run("unknown session", func(t *testing.T) {
		refused(t, newWorld(t, simulator.Options{}).s, "nobody", 1)
	})
	t.Run("forgotten session", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		c := connect(t, w.s)
		w.s.ForgetSessions()
		refused(t, w.s, c.id, c.seq)
	})
	t.Run("too much missed", func(t *testing.T) {
		w := newWorld(t, simulator.Options{Replay: 10})
		c := connect(t, w.s)
		w.s.Conns()[0].Close(4000, "")
		for range 10 {
			w.say("while nobody listens")
		}
		again := dial(t, w.s)
		again.hello()
		again.resume(c.id, c.seq)
		for range 10 {
			again.expect("MESSAGE_CREATE")
		}
		again.expect("RESUMED")
		w.s.Conns()[0].Close(4000, "")
		again.expectClose()
		for range 11 {
			w.say("once too often")
		}
		refused(t, w.s, again.id, again.seq)
	})
	t.Run("too many sessions", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		var gone []*client
		for range 70 {
			c := connect(t, w.s)
			w.s.Conns()[0].Cut()
			gone = append(gone, c)
		}
		for _, c := range gone[6:] { // the latest 64
			again := dial(t, w.s)
			again.hello()
			again.resume(c.id, c.seq)
			again.expect("RESUMED")
		}
		refused(t, w.s, gone[5].id, gone[5].seq)
	})
	t.Run("number of the future", func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		c := connect(t, w.s)
		again := dial(t, w.s)
		again.hello()
		again.resume(c.id, 99)
		if code := again.expectClose(); code != 4007 {
			t.Errorf("closed with %d, want 4007", code)
		}
	})
	for _, tt := range []struct {
		code int
		ends bool
	}{{4000, false}, {4001, false}, {4003, false}, {4008, false}, {4009, true}, {4014, true}} {
		t.Run(fmt.Sprintf("after close code %d", tt.code), func(t *testing.T) {
			w := newWorld(t, simulator.Options{})
			c := connect(t, w.s)
			w.s.Conns()[0].Close(tt.code, "because")
			if code := c.expectClose(); code != tt.code {
				t.Fatalf("closed with %d", code)
			}
			if tt.ends {
				refused(t, w.s, c.id, c.seq)
				return
			}
			again := dial(t, w.s)
			again.hello()
			again.resume(c.id, c.seq)
			again.expect("RESUMED")
		})
	}
	for code, ends := range map[int]bool{websocket.CloseNormalClosure: true, websocket.CloseGoingAway: true, 1012: false} {
		t.Run(fmt.Sprintf("after the client closed with %d", code), func(t *testing.T) {
			w := newWorld(t, simulator.Options{})
			c := connect(t, w.s)
			c.socket.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""))
			if got := c.expectClose(); got != code {
				t.Errorf("the close was answered with %d", got)
			}
			wait(t, w.s, "close", func(st simulator.Stats) bool { return st.Open == 0 })
			if ends {
				refused(t, w.s, c.id, c.seq)
				return
			}
			again := dial(t, w.s)
			again.hello()
			again.resume(c.id, c.seq)
			again.expect("RESUMED")
		})
	}
}
