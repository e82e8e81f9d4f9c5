package endtoend_test

import (
	"strings"
	"testing"

	"rollcall/internal/simulator"
)

// TestNoToken runs without a token: one warning, and everything but tracking works.
func TestNoToken(t *testing.T) {
	h := newHouse(t, t.TempDir())
	w := newWorld(t, h, simulator.Options{})
	w.past(5, 20)
	w.other.years(w, w.guilds[0], 3, 100)
	h.set("TOKEN=")
	want := model(nil, w.other.all(), nil)
	d := h.start()
	await(t, within, func() error {
		d.running()
		return h.holds(totals(want))
	})
	if ok, text := h.health("/readyz"); !ok {
		t.Errorf("not ready without tracking: %s", text)
	}
	warnings := d.log.find(func(e entry) bool { return e.Level == "WARN" && e.Actor != "migration" })
	if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "ROLLCALL_TOKEN") {
		t.Errorf("warnings %v, want one that says how to give a token", warnings)
	}
	d.stop()
	d.calm(t)
	h.settled(w, want)
	if n := w.sim.Stats().Connections; n != 0 {
		t.Errorf("%d connections to Discord", n)
	}
}

// TestRefused wants the daemon to end with exit code 78, and one line that says what
// to do, when Discord refuses it: at once, or after a while.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		refuse func(*world)
		say    string
		later  bool // it is refused when it was connected already
	}{
		{"token, by REST", func(w *world) { w.sim.SetToken("another") }, "ROLLCALL_TOKEN", false},
		{"token, by the gateway", func(w *world) { w.sim.Every(simulator.AtIdentify, simulator.CloseWith(4004)) }, "ROLLCALL_TOKEN", false},
		{"intents", func(w *world) { w.sim.SetPrivileged(0) }, "MESSAGE CONTENT INTENT", false},
		{"token, later", func(w *world) {
			w.sim.SetToken("another")
			for _, c := range w.sim.Conns() {
				c.Close(4004, "Authentication failed.")
			}
		}, "ROLLCALL_TOKEN", true},
		{"intents, later", func(w *world) {
			for _, c := range w.sim.Conns() {
				c.Close(4014, "Disallowed intent(s).")
			}
		}, "MESSAGE CONTENT INTENT", true},
		{"shards", func(w *world) { w.sim.Every(simulator.AtIdentify, simulator.CloseWith(4011)) }, "ROLLCALL_SHARDS", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, t.TempDir())
			w := newWorld(t, h, simulator.Options{})
			var d *daemon
			if test.later {
				d = h.inhabited(w, 1)
				test.refuse(w)
			} else {
				test.refuse(w)
				d = h.start()
			}
			if code := d.exit(within); code != 78 {
				t.Errorf("exit code %d, want 78", code)
			}
			words := d.log.lastWords()
			if len(words) != 1 || !strings.HasPrefix(words[0], "rollcall: ") || !strings.Contains(words[0], test.say) {
				t.Errorf("it ends with %q, want one line that speaks of %s", words, test.say)
			}
			if strings.Contains(test.say, "TOKEN") || strings.Contains(test.say, "INTENT") {
				if !strings.Contains(strings.Join(words, ""), "developer portal") {
					t.Errorf("%q does not say where to put that right", words)
				}
			}
			if strings.Contains(d.log.tail(), w.sim.Token()) {
				t.Error("the token is in the log")
			}
			if exists(h.socket) {
				t.Error("the socket is still there")
			}
			h.answer("check")
		})
	}
}

// TestMisspelt wants an unknown variable, or one with a value that cannot be, to be
// named, and its value to be kept to ourselves.
func TestMisspelt(t *testing.T) {
	for _, test := range []struct{ variable, say string }{
		{"TOKNE=hush.hush", "ROLLCALL_TOKEN"},
		{"NOTHING_LIKE_IT=hush.hush", "ROLLCALL_NOTHING_LIKE_IT"},
		{"TOKEN=hush hush", "ROLLCALL_TOKEN"},
		{"COMMIT_INTERVAL=soon", "ROLLCALL_COMMIT_INTERVAL"},
		{"BACKFILL=some", "ROLLCALL_BACKFILL"},
	} {
		t.Run(test.variable, func(t *testing.T) {
			h := newHouse(t, t.TempDir())
			h.set(test.variable)
			for _, command := range []string{"run", "state"} {
				out, errs, code := h.run(command)
				if code != 78 || out != "" {
					t.Errorf("%s exits with %d and prints %q, want 78 and nothing", command, code, out)
				}
				if strings.Count(errs, "\n") != 1 || !strings.Contains(errs, test.say) || strings.Contains(errs, "hush") {
					t.Errorf("%s says %q, want one line that names %s and no secret", command, errs, test.say)
				}
			}
			if exists(h.db) {
				t.Error("there is a database")
			}
		})
	}
}
