package tracker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What people write is asked for only where it is stored.
func TestIntentsAreThoseThatAreNeeded(t *testing.T) {
	t.Parallel()
	together(t, map[string]struct {
		rules rules.Options
		files map[string]string
		asks  bool
	}{
		"texts are stored":               {asks: true},
		"texts are not stored":           {rules: rules.Options{DropContent: true}},
		"a guild of its own stores them": {rules: rules.Options{DropContent: true}, files: map[string]string{"1.json": `{"mode":"unrestricted","store_content":true}`}, asks: true},
		"a denied guild stores them":     {rules: rules.Options{DropContent: true, GuildsDeny: []store.ID{1}}, files: map[string]string{"1.json": `{"mode":"unrestricted","store_content":true}`}},
	}, func(t *testing.T, c struct {
		rules rules.Options
		files map[string]string
		asks  bool
	}) {
		r := newRig(t, simulator.Options{})
		r.sim.SetPrivileged(0) // who asks is closed with 4014
		channel := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
		if c.files != nil {
			c.rules.ConfigDir = t.TempDir()
			for name, text := range c.files {
				writeFile(t, c.rules.ConfigDir, name, text)
			}
		}
		o := r.options()
		o.Rules = r.rules(c.rules)
		r.run(o, quick())
		if c.asks {
			if err := r.wait(); err == nil || !strings.Contains(err.Error(), "4014") || !strings.Contains(err.Error(), "10,000") {
				t.Errorf("Run: %v", err)
			}
			return
		}
		r.ready(1)
		r.say(r.sim.AddUser(simulator.UserSpec{Name: "Ada"}), "counted", channel)
		r.until("the message is counted", func() bool { return len(r.stored()) == 1 })
		r.stopped()
	})
}

// Once a guild's texts are to be stored, a session that asks for them takes the place of
// the one that does not.
func TestIntentsFollowTheRules(t *testing.T) {
	t.Parallel()
	r := newFaultRig(t, simulator.Options{})
	o := r.options()
	dir := t.TempDir()
	o.Rules = r.rules(rules.Options{DropContent: true, ConfigDir: dir})
	r.run(o, quick())
	r.ready(1)
	r.hears("counted alone")
	writeFile(t, dir, r.channel.Guild().ID.String()+".json", `{"mode":"unrestricted","store_content":true}`)
	r.stats("another session has begun", func(s simulator.Stats) bool { return s.Readies == 2 && s.Ready == 1 })
	r.hears("stored")
	r.until("the text is stored", func() bool { return r.text(r.channel, "stored") })
	if n := r.tracker.Status().Shards[0].Ended["intents"]; n != 1 {
		t.Errorf("%+v", r.tracker.Status().Shards)
	}
	r.stopped()
}
