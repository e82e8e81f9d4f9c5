package endtoend_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// texts returns what is stored, in order of time: "-" for a text that is gone.
func (p *parlour) texts() (texts []string, err error) {
	out, errs, code := p.h.run("export")
	if code != 0 {
		return nil, fmt.Errorf("export exits with %d: %s", code, errs)
	}
	type record struct {
		Content  string `json:"message_content"`
		Time     string `json:"timestamp"`
		Redacted bool   `json:"redacted"`
	}
	var all []record
	for line := range strings.Lines(out) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, err
		}
		if r.Redacted {
			r.Content = "-" + r.Content
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b record) int { return strings.Compare(a.Time, b.Time) })
	for _, r := range all {
		texts = append(texts, r.Content)
	}
	return texts, nil
}

// awaitTexts waits until just this is stored.
func (p *parlour) awaitTexts(want ...string) {
	p.t.Helper()
	await(p.t, time.Minute, func() error {
		have, err := p.texts()
		if err == nil && !slices.Equal(have, want) {
			err = fmt.Errorf("stored: %q, want %q", have, want)
		}
		return err
	})
}

// post lets somebody say something and the bot before us hear it, and returns its id.
func (p *parlour) post(room *simulator.Channel, author *simulator.User, text string, at time.Time) simulator.ID {
	p.t.Helper()
	m, err := room.Post(timeout(p.t, within), simulator.Draft{Author: author, Content: text, At: at})
	if err != nil {
		p.t.Fatal(err)
	}
	p.heard = append(p.heard, m)
	return m.ID
}

// logAll writes what was said into the log of a day gone by.
func (p *parlour) logAll(root, date string) {
	p.t.Helper()
	var text []byte
	for _, m := range p.heard {
		text = appendLine(text, line{guild: m.Guild, user: m.Author, channel: m.ChannelName, content: m.Content, at: m.Time.Add(200 * time.Millisecond)})
	}
	p.write(root, date, text)
}

// TestPrivacy lets the daemon live through what people and operators may want, with
// the gateway, the history and the logs telling of the same messages again and again.
func TestPrivacy(t *testing.T) {
	h := newHouse(t, t.TempDir())
	p := newParlour(t, h)
	carol := p.sim.AddUser(simulator.UserSpec{Name: "Carol"})
	attic := p.guild.AddChannel(simulator.ChannelSpec{ID: simulator.Snowflake(time.Now().AddDate(0, -1, 0)) + 1, Name: "attic"})
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Millisecond)
	p.post(p.general, p.ada, "long ago", old)
	h.set("BACKFILL=all", "OPT_OUT="+carol.ID.String())
	d := h.start()
	if err := p.sim.WaitReady(timeout(t, within), 1); err != nil {
		t.Fatal(err)
	}
	first := p.post(p.general, p.ada, "first", time.Time{})
	second := p.post(p.general, p.bob, "second", time.Time{})
	p.post(p.general, carol, "not for you", time.Time{})
	p.post(attic, p.bob, "in the attic", time.Time{})
	p.awaitTexts("long ago", "first", "second", "in the attic")

	// Deleted and edited, and the logs tell what was said first.
	p.general.DeleteMessages(first)
	p.general.Edit(second, "second, edited")
	attic.Delete()
	p.awaitTexts("long ago", "-", "second, edited", "-")
	d.stop()
	p.logAll(h.logs, "20260103")
	var sum struct{ Messages, Skipped, Duplicates int }
	if err := json.Unmarshal([]byte(h.answer("migrate", "--json")), &sum); err != nil || sum.Messages != 4 || sum.Skipped != 1 {
		t.Errorf("the logs: %+v, %v", sum, err)
	}
	p.awaitTexts("long ago", "-", "second, edited", "-")

	// Deleted for good, and old texts go.
	h.set("ON_DELETE=remove", "RETENTION=24h")
	d = h.start()
	if err := p.sim.WaitReady(timeout(t, within), 1); err != nil { // or nobody tells the daemon of the deletion
		t.Fatal(err)
	}
	p.awaitTexts("-", "-", "second, edited", "-")
	p.general.DeleteMessages(second)
	p.awaitTexts("-", "-", "-")
	d.stop()
	again := t.TempDir()
	p.logAll(again, "20260104")
	if err := json.Unmarshal([]byte(h.answer("migrate", "--json", "--logs", again)), &sum); err != nil || sum.Messages != 0 || sum.Skipped != 1 {
		t.Errorf("the logs again: %+v, %v", sum, err)
	}
	p.awaitTexts("-", "-", "-")

	// Counts alone; then the bot is taken out of the server, and comes back.
	h.set("STORE_CONTENT=false", "GUILD_GRACE=1s")
	d = h.start()
	if err := p.sim.WaitReady(timeout(t, within), 1); err != nil {
		t.Fatal(err)
	}
	p.post(p.general, p.bob, "third", time.Time{})
	p.awaitTexts("-", "-", "-", "-")
	p.guild.Remove()
	p.awaitTexts()
	h.set("BACKFILL=gap") // or all there ever was would be fetched again
	d.stop()
	d = h.start()
	p.guild.Return()
	if err := p.sim.WaitReady(timeout(t, within), 1); err != nil {
		t.Fatal(err)
	}
	p.post(p.general, p.bob, "fourth", time.Time{})
	p.awaitTexts("-")
	d.stop()
	d.calm(t)
	h.answer("check")
}
