package endtoend_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// TestBackupUnderLoad makes backups of every kind while people talk and logs are taken
// in. Each is sound, and of every channel it holds the first messages, without a hole,
// and none that was not said.
func TestBackupUnderLoad(t *testing.T) {
	h := newHouse(t, t.TempDir())
	h.set("COMMIT_INTERVAL=100ms")
	w := newWorld(t, h, simulator.Options{})
	w.inOrder = true
	since := w.since()
	d := h.inhabited(w, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked, logged := w.talk(ctx, liveRate), w.other.run(ctx)
	folder := t.TempDir()
	var backups []string
	for i, args := range [][]string{{"a.db"}, {"b.db", "--compact"}, {"c.db.zst"}, {"d.db.zst", "--compact"}} {
		w.more(500)
		args[0] = filepath.Join(folder, args[0])
		h.answer(append([]string{"backup"}, args...)...)
		backups = append(backups, args[0])
		if i == 1 {
			h.answer("compact")
		}
	}
	w.more(500)
	stop()
	talked()
	logged()
	want := model(w.said(), w.other.all(), since)
	h.caughtUp(d, w, want, time.Minute)
	d.stop()
	d.calm(t)
	h.settled(w, want)

	said := map[simulator.ID][]simulator.ID{} // messages by channel
	for m := range w.sim.Messages() {
		if m.Counts && m.ID > since[m.Channel] {
			said[m.Channel] = append(said[m.Channel], m.ID)
		}
	}
	before := 0
	for _, path := range backups {
		h.answer("check", path)
		restored := newHouse(t, t.TempDir())
		restored.answer("restore", path)
		total := 0
		held := map[simulator.ID][]simulator.ID{}
		restored.export(func(r exported) {
			total++
			if r.Message != 0 {
				held[r.ChannelID] = append(held[r.ChannelID], r.Message)
			}
		})
		for channel, ids := range held {
			slices.Sort(ids)
			slices.Sort(said[channel])
			if len(ids) > len(said[channel]) || !slices.Equal(ids, said[channel][:len(ids)]) {
				t.Errorf("%s: of channel %v it holds %d messages that are not the first of %d", path, channel, len(ids), len(said[channel]))
			}
		}
		if total <= before {
			t.Errorf("%s holds %d records, the one before %d", path, total, before)
		}
		before = total
	}
	t.Logf("%d records in the last backup, %d in all", before, len(want))
}

// TestKillCompact kills the daemon at random moments while it compacts its database
// again and again and people talk. Nothing is lost, and nothing is left behind.
func TestKillCompact(t *testing.T) {
	h := newHouse(t, t.TempDir())
	h.set("COMMIT_INTERVAL=50ms")
	w := newWorld(t, h, simulator.Options{})
	since := w.since()
	random := rand.New(rand.NewPCG(*seed, 11))
	d := h.inhabited(w, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked := w.talk(ctx, liveRate)
	left, compacted := 0, 0
	for range *rounds {
		over := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					if h.command(ctx, "compact").Run() == nil {
						compacted++
					}
				}
			}
		})
		w.more(int64(200 + random.IntN(1000)))
		d.kill()
		close(over)
		wait.Wait()
		if slices.ContainsFunc(folder(t, filepath.Dir(h.db)), func(name string) bool { return strings.Contains(name, ".new-") }) {
			left++
		}
		h.left()
		d = h.start()
		if err := w.sim.WaitReady(timeout(t, within), 1); err != nil {
			t.Fatal(err)
		}
	}
	h.answer("compact")
	stop()
	talked()
	want := model(w.said(), nil, since)
	h.caughtUp(d, w, want, time.Minute+time.Duration(*rounds)*5*time.Second)
	d.stop()
	h.settled(w, want)
	if names := folder(t, filepath.Dir(h.db)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	t.Logf("compacted %d times; %d of %d kills left a new file", compacted, left, *rounds)
}

// TestKillBackup kills the commands with SIGKILL until each has once come to its end. A
// backup is there as a whole or not at all; the database is always there as a whole, the
// old one or the restored one.
func TestKillBackup(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 13))
	h := newHouse(t, t.TempDir())
	for day := range 2 {
		writeDay(t, random, filepath.Join(h.logs, "111111111111111111", fmt.Sprint(20260501+day)), 20_000)
	}
	migrate(t, h)
	all := h.answer("export")
	target := filepath.Join(t.TempDir(), "b.db.zst")

	// again runs a command until it is not killed any more, and looks around after each kill.
	again := func(h *house, whole func() error, args ...string) (kills int) {
		t.Helper()
		for limit := 2 * time.Millisecond; ; limit += time.Duration(1+random.IntN(8)) * time.Millisecond {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			var errs bytes.Buffer
			cmd := h.command(ctx, args...)
			cmd.Stderr = &errs
			err := cmd.Run() // the context's end kills it
			killed := ctx.Err() != nil
			cancel()
			if err == nil {
				return kills
			}
			if !killed {
				t.Fatalf("%v: %v: %s", args, err, errs.String())
			}
			if kills++; kills > 500 {
				t.Fatalf("%v does not come to its end", args)
			}
			if err := whole(); err != nil {
				t.Fatalf("after %d kills of %v: %v", kills, args, err)
			}
		}
	}
	wholeOrNot := func() error {
		if _, err := os.Stat(target); os.IsNotExist(err) {
			return nil
		}
		if out, errs, code := h.run("check", target); code != 0 {
			return fmt.Errorf("check: %s%s", out, errs)
		}
		return os.Remove(target)
	}
	kills := again(h, wholeOrNot, "backup", target)

	// Something else is in the house in which it is then restored.
	other := newHouse(t, t.TempDir())
	writeDay(t, random, filepath.Join(other.logs, "222222222222222222", "20260501"), 5000)
	migrate(t, other)
	old := other.answer("export")
	oldOrNew := func() error {
		have, errs, code := other.run("export")
		if code != 0 || have != old && have != all {
			return fmt.Errorf("export exits with %d (%s) and has %d bytes, want %d or %d", code, errs, len(have), len(old), len(all))
		}
		if have == all { // and killed before it could say so
			return os.Rename(other.db+".before-restore", other.db)
		}
		return nil
	}
	kills += again(other, oldOrNew, "restore", target)
	if have := other.answer("export"); have != all {
		t.Errorf("it has not been restored")
	}
	if kept, _, code := other.run("export", "--db", other.db+".before-restore"); code != 0 || kept != old {
		t.Errorf("what is kept is not the old one")
	}
	kills += again(other, func() error {
		if have := other.answer("export"); have != all {
			return fmt.Errorf("the export has %d bytes, want %d", len(have), len(all))
		}
		return nil
	}, "compact")
	if have := other.answer("export"); have != all {
		t.Errorf("compacting has changed what it holds")
	}
	names := folder(t, filepath.Dir(other.db))
	if !slices.Equal(names, []string{"rollcall.db", "rollcall.db.before-restore"}) {
		t.Errorf("left behind: %v", names)
	}
	t.Logf("killed %d times", kills)
}
