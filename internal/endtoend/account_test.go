package endtoend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// state is what rollcall state tells.
type state struct {
	LastDates []struct {
		Guild simulator.ID `json:"guild_id"`
		Date  string       `json:"last_date"`
	} `json:"log_migration_state"`
	Files []struct {
		Path     string `json:"path"`
		Offset   int64  `json:"offset"`
		Size     int64  `json:"size"`
		Complete bool   `json:"complete"`
	} `json:"files"`
	Gaps []struct {
		Channel simulator.ID `json:"channel_id"`
		Reason  string       `json:"reason"`
		State   string       `json:"state"`
		Note    string       `json:"note"`
	} `json:"gaps"`
}

// open returns how many gaps are open.
func (s state) open() (n int) {
	for _, g := range s.Gaps {
		if g.State == "open" {
			n++
		}
	}
	return n
}

// unread returns how many of the logs have not been read to their end.
func (s state) unread(logs string) int {
	read := map[string]int64{} // complete compressed files by -1
	for _, f := range s.Files {
		read[f.Path] = f.Offset
		if !strings.HasSuffix(f.Path, ".jsonl") && f.Complete {
			read[f.Path] = -1
		}
	}
	n := 0
	filepath.WalkDir(logs, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		below, _ := filepath.Rel(logs, path)
		if offset, ok := read[filepath.ToSlash(below)]; !ok || err != nil || offset >= 0 && offset != info.Size() {
			n++
		}
		return nil
	})
	return n
}

// unfinished says what there is still to do, nil if nothing.
func (s state) unfinished(logs string) error {
	if gaps, files := s.open(), s.unread(logs); gaps > 0 || files > 0 {
		return fmt.Errorf("%d gaps are open, %d logs are not read to their end", gaps, files)
	}
	return nil
}

// totals returns how many records each guild has.
func totals(records map[string]int) map[string]int {
	n := map[string]int{}
	for r, times := range records {
		guild, _, _ := strings.Cut(r, " ")
		n[guild] += times
	}
	return n
}

// counts asks the daemon whether the guilds have so many records.
func (h *house) counts(want map[string]int) error {
	var guilds []struct {
		ID       string `json:"guild_id"`
		Messages int    `json:"total_messages"`
	}
	if err := h.read("/v1/guilds", &guilds); err != nil {
		return err
	}
	have := map[string]int{}
	for _, g := range guilds {
		have[g.ID] = g.Messages
	}
	if !maps.Equal(have, want) {
		return fmt.Errorf("guilds have %v records, want %v", have, want)
	}
	return nil
}

// holds is counts, and asks whether nothing is left to do.
func (h *house) holds(want map[string]int) error {
	if err := h.counts(want); err != nil {
		return err
	}
	var s state
	if err := h.read("/v1/state", &s); err != nil {
		return err
	}
	return s.unfinished(h.logs)
}

// caughtUp waits until the daemon has nothing to do any more. It does not fail if that
// does not come about: what is wrong then is for settled to say.
func (h *house) caughtUp(d *daemon, w *world, want map[string]int, limit time.Duration) {
	h.t.Helper()
	count := totals(want)
	start := time.Now()
	err := poll(limit, func() error {
		d.running()
		if w.sim.Stats().Ready == 0 {
			return fmt.Errorf("there is no session")
		}
		return h.holds(count)
	})
	if err != nil {
		h.t.Errorf("not caught up after %v: %v", limit, err)
		return
	}
	h.t.Logf("caught up within %v", time.Since(start).Round(time.Millisecond))
}

// settled compares what a stopped house has kept with what it should have.
func (h *house) settled(w *world, want map[string]int) {
	h.t.Helper()
	if text := h.answer("check", "--json"); !strings.Contains(text, `"sound":true`) {
		h.t.Errorf("check: %s", text)
	}
	rest, extra, sources := maps.Clone(want), map[string]int{}, map[string]int{}
	h.export(func(r exported) {
		sources[r.Source]++
		switch text := r.describe(); rest[text] {
		case 0:
			extra[text]++
		case 1:
			delete(rest, text)
		default:
			rest[text]--
		}
	})
	if len(rest)+len(extra) > 0 {
		h.t.Errorf("the export is not what was said and logged: %d missing, %d too many\n%s\n%s",
			len(rest), len(extra), sample("missing", rest, 15), sample("too many", extra, 15))
	}
	h.t.Cleanup(func() {
		if h.t.Failed() && *keep != "" {
			h.leave(sample("missing", rest, len(rest)) + "\n" + sample("too many", extra, len(extra)))
		}
	})
	var s state
	if err := json.Unmarshal([]byte(h.answer("state", "--json")), &s); err != nil {
		h.t.Fatal(err)
	}
	if err := s.unfinished(h.logs); err != nil {
		h.t.Error(err)
	}
	states := map[string]int{}
	for _, g := range s.Gaps {
		states[g.State]++
		if g.State == "skipped" && !strings.Contains(g.Note, "a later session looks for them") && !strings.Contains(g.Note, "a later entry stands for it") {
			h.t.Errorf("the gap of channel %v was skipped: %s", g.Channel, g.Note)
		}
	}
	for _, d := range s.LastDates {
		if want := w.other.lastDate(d.Guild); d.Date < want {
			h.t.Errorf("guild %v is read up to %s, want %s", d.Guild, d.Date, want)
		}
	}
	h.t.Logf("%d records, %v; %d lines were logged; gaps %v", len(want), sources, len(w.other.all()), states)
}

// leave puts what a stopped house has kept, and how that differs from what it should
// have, into the folder for it.
func (h *house) leave(differences string) {
	db, err := os.ReadFile(h.db)
	if err == nil {
		err = os.WriteFile(filepath.Join(*keep, "rollcall.db"), db, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*keep, "differences.txt"), []byte(differences), 0o600)
	}
	if err != nil {
		h.t.Error(err)
	}
}

// said returns all that was said in the simulator.
func (w *world) said() []simulator.Message { return slices.Collect(w.sim.Messages()) }

// since returns, by channel, the last message that there is.
func (w *world) since() map[simulator.ID]simulator.ID {
	last := map[simulator.ID]simulator.ID{}
	for m := range w.sim.Messages() {
		last[m.Channel] = max(last[m.Channel], m.ID)
	}
	return last
}

// all returns all lines that were logged and count.
func (b *otherBot) all() []line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.logged)
}

// lastDate returns the last whole day of which a guild has logs.
func (b *otherBot) lastDate(guild simulator.ID) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dates[guild]
}

// inhabited starts a daemon and returns when it is known to have told all guilds' first
// sight into its database: from then on nothing may be lost.
func (h *house) inhabited(w *world, sessions int) *daemon {
	h.t.Helper()
	d := h.start()
	if err := w.sim.WaitReady(timeout(h.t, within), sessions); err != nil {
		h.t.Fatalf("no session: %v\n%s", err, d.log.tail())
	}
	w.probe(timeout(h.t, within))
	await(h.t, within, func() error {
		d.running()
		for _, g := range w.guilds {
			var probes []exported
			if err := h.read(fmt.Sprintf("/v1/guilds/%v/messages?user=%v", g.ID, w.prober.ID), &probes); err != nil {
				return err
			}
			if len(probes) == 0 {
				return fmt.Errorf("guild %v: the probe is not stored", g.ID)
			}
		}
		return nil
	})
	w.mu.Lock()
	w.heard = time.Now()
	w.mu.Unlock()
	return d
}

// calm fails the test for everything that a daemon had to complain of.
func (d *daemon) calm(t *testing.T) {
	t.Helper()
	for _, e := range d.log.find(func(e entry) bool { return e.Level == "ERROR" }) {
		t.Errorf("process %d complains: %s", d.cmd.Process.Pid, e.Text)
	}
}
