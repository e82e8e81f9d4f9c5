package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// parlour is a small world in which it is known who said what: Ada, Bob and what they say.
type parlour struct {
	t        *testing.T
	h        *house
	sim      *simulator.Server
	guild    *simulator.Guild
	general  *simulator.Channel
	ada, bob *simulator.User
	said     map[*simulator.User]int
	heard    []simulator.Message // by the bot before us
}

func newParlour(t *testing.T, h *house) *parlour {
	sim, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	p := &parlour{t: t, h: h, sim: sim, said: map[*simulator.User]int{}}
	p.ada, p.bob = sim.AddUser(simulator.UserSpec{Name: "Ada Lovelace"}), sim.AddUser(simulator.UserSpec{Name: "Bob"})
	p.guild = sim.AddGuild(simulator.GuildSpec{Name: "Parlour"})
	p.general = p.guild.AddChannel(simulator.ChannelSpec{ID: simulator.Snowflake(time.Now().AddDate(0, -1, 0)), Name: "general"})
	h.set("DISCORD_URL="+sim.URL(), "TOKEN="+sim.Token(), "COMMIT_INTERVAL=10ms")
	return p
}

// say lets both say something that nobody has said before. ago is 0 for now.
func (p *parlour) say(n int, ago time.Duration) {
	p.t.Helper()
	for range n {
		for _, u := range []*simulator.User{p.ada, p.bob} {
			d := simulator.Draft{Author: u, Content: fmt.Sprintf("%s says secret number %d", u.Name, p.said[u])}
			if ago > 0 {
				d.At = time.Now().Add(-ago)
			}
			if _, err := p.general.Post(timeout(p.t, within), d); err != nil {
				p.t.Fatal(err)
			}
			p.said[u]++
		}
	}
}

// log writes the log of a day in which both say something; every day is the same.
func (p *parlour) log(root, date string, n int) {
	p.t.Helper()
	var text []byte
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		for _, u := range []*simulator.User{p.ada, p.bob} {
			at = at.Add(time.Millisecond)
			text = appendLine(text, line{guild: p.guild.ID, user: u.ID, channel: "general", content: fmt.Sprintf("%s logs secret number %d", u.Name, i), at: at})
		}
	}
	p.write(root, date, text)
}

// write writes the log of a day.
func (p *parlour) write(root, date string, text []byte) {
	p.t.Helper()
	folder := filepath.Join(root, p.guild.ID.String(), date)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "info.jsonl"), text, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// kept returns how many messages are stored of a user.
func (p *parlour) kept(u *simulator.User) (n int, err error) {
	var person struct {
		Guilds []struct {
			Messages int `json:"total_messages"`
		} `json:"guilds"`
	}
	err = p.h.read("/v1/users/"+u.ID.String(), &person)
	for _, g := range person.Guilds {
		n += g.Messages
	}
	return n, err
}

// awaitKept waits until so many messages are stored of a user.
func (p *parlour) awaitKept(u *simulator.User, want int) {
	p.t.Helper()
	await(p.t, time.Minute, func() error {
		n, err := p.kept(u)
		if err == nil && n != want {
			err = fmt.Errorf("%d messages of %s are stored, want %d", n, u.Name, want)
		}
		return err
	})
}

// TestKillForget kills the daemon with SIGKILL again and again while it forgets Ada,
// who goes on talking. Afterwards neither the gateway, nor the history, nor the logs
// bring anything of hers back, and all of Bob's is there.
func TestKillForget(t *testing.T) {
	h := newHouse(t, t.TempDir())
	p := newParlour(t, h)
	const logged = 30_000
	p.say(150, 48*time.Hour) // for the crawl in the end
	p.log(h.logs, "20260101", logged)
	h.answer("migrate")
	past := p.said[p.bob]
	d := h.start()
	if err := p.sim.WaitReady(timeout(t, within), 1); err != nil {
		t.Fatal(err)
	}
	p.say(50, 0)
	p.awaitKept(p.ada, logged+50)

	go func() { // whose answer never comes
		request, _ := http.NewRequestWithContext(context.Background(), http.MethodDelete, "http://rollcall/v1/users/"+p.ada.ID.String(), nil)
		if response, err := h.client.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	left, kills := logged+50, 0
	for left > 0 {
		before := left
		await(t, time.Minute, func() (err error) {
			d.running()
			left, err = p.kept(p.ada)
			if err == nil && left == before {
				err = fmt.Errorf("%d messages are left and none goes", left)
			}
			return err
		})
		if left > before {
			t.Fatalf("%d messages of Ada's after %d", left, before)
		}
		if left == 0 || kills == 12 {
			break
		}
		d.kill()
		kills++
		p.say(3, 0) // into a gap
		d = h.start()
		p.say(2, 0)
	}
	if kills < 5 {
		t.Errorf("killed only %d times before it was done", kills)
	}
	t.Logf("killed %d times", kills)
	p.awaitKept(p.ada, 0)
	p.awaitKept(p.bob, logged+p.said[p.bob]-past)

	// All of it again: what was before, the logs under another name, and live.
	d.stop()
	again := filepath.Join(t.TempDir(), "logs")
	p.log(again, "20260102", logged)
	var sum struct{ Messages, Skipped, Duplicates int }
	if err := json.Unmarshal([]byte(h.answer("migrate", "--json", "--logs", again)), &sum); err != nil || sum.Messages != 0 || sum.Skipped != logged || sum.Duplicates != logged {
		t.Errorf("the logs again: %+v, %v", sum, err)
	}
	h.set("BACKFILL=all")
	d = h.start()
	p.say(20, 0)
	p.awaitKept(p.bob, logged+p.said[p.bob])
	d.stop()
	for line := range strings.Lines(h.answer("export")) {
		if strings.Contains(line, p.ada.ID.String()) || strings.Contains(line, p.ada.Name) {
			t.Fatalf("left: %s", line)
		}
	}
	h.answer("check")
}
