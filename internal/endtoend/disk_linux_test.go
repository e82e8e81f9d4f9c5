package endtoend_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/internal/storetest"
)

// disk is a small file system of its own that can be filled.
type disk struct {
	t    *testing.T
	path string
}

// newDisk mounts a disk of so many bytes. Not everybody may.
func newDisk(t *testing.T, size int) (*disk, error) {
	d := &disk{t, t.TempDir()}
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=700", size)); err != nil {
		return nil, fmt.Errorf("mount a disk that can be filled: %w", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d, nil
}

// needDisk is newDisk for a test that makes no sense without.
func needDisk(t *testing.T, size int) *disk {
	t.Helper()
	d, err := newDisk(t, size)
	storetest.Requires(t, err)
	return d
}

func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill takes all the room but for so many bytes.
func (d *disk) fill(but int) {
	d.t.Helper()
	var now syscall.Statfs_t
	if err := syscall.Statfs(d.path, &now); err != nil {
		d.t.Fatal(err)
	}
	left := int(now.Bavail)*int(now.Bsize) - but
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	// The daemon may be quicker, or give some room back: to be full is to be refused.
	for block := make([]byte, 1<<16); len(block) > 0 && (but == 0 || left > 0); left -= len(block) {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

// empty gives back what fill has taken.
func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

// TestFullDisk fills the disk while people talk and logs are taken in. The daemon has
// to stay, to say so, to hold what it has and then the gateway, and to go on by itself.
func TestFullDisk(t *testing.T) {
	small := needDisk(t, 64<<20)
	h := newHouse(t, small.path)
	h.set("COMMIT_INTERVAL=100ms", "MIN_FREE=0")
	w := newWorld(t, h, simulator.Options{Queue: 64})
	d := h.inhabited(w, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked, logged := w.talk(ctx, 1500), w.other.run(ctx)
	w.more(1000)

	small.fill(0)
	w.other.years(w, w.guilds[0], 4, 2000)
	for _, actor := range []string{"tracker", "migration"} {
		d.await(fullDisk(actor))
	}
	await(t, within, func() error { return h.sick("/healthz", "the disk is full") })
	// The queue has room for 4096 messages. When it is full the gateway waits.
	await(t, time.Minute, func() error { return h.sick("/readyz", "the disk is full: 4096 messages wait") })
	d.running()
	h.answer("guilds") // what is known can still be asked for
	for _, actor := range []string{"tracker", "migration"} {
		if n := len(d.log.find(fullDisk(actor))); n != 1 {
			t.Errorf("%s has said %d times within a minute that the disk is full", actor, n)
		}
	}

	small.empty()
	await(t, within, func() error { return h.well("/healthz") })
	await(t, within, func() error { return h.well("/readyz") })
	w.more(1000)
	stop()
	t.Logf("%d messages", talked())
	logged()
	want := model(w.said(), w.other.all(), nil)
	h.caughtUp(d, w, want, 2*time.Minute)
	d.running()
	if errs := d.log.find(func(e entry) bool { return e.Level == "ERROR" }); len(errs) != 2 {
		t.Errorf("it complains of more than the disk: %v", errs)
	}
	d.stop()
	h.settled(w, want)
}

// TestRoomForMessages wants the migration to leave the last room of the disk to the
// messages that come live, and to go on when there is more.
func TestRoomForMessages(t *testing.T) {
	small := needDisk(t, 96<<20)
	h := newHouse(t, small.path)
	h.set("COMMIT_INTERVAL=100ms", "MIN_FREE=24MiB")
	w := newWorld(t, h, simulator.Options{})
	d := h.inhabited(w, 1)
	small.fill(20 << 20)
	w.other.years(w, w.guilds[0], 4, 2000)
	d.await(fullDisk("migration"))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked := w.talk(ctx, 500)
	w.more(1000)
	stop()
	talked()
	await(t, within, func() error { return h.counts(totals(model(w.said(), nil, nil))) })
	if err := h.well("/readyz"); err != nil {
		t.Error(err)
	}
	small.empty()
	want := model(w.said(), w.other.all(), nil)
	h.caughtUp(d, w, want, time.Minute)
	d.stop()
	h.settled(w, want)
}

// TestStopOnFullDisk stops a daemon that cannot store what it holds. It has to end in
// time and say what happened; with room again, nothing is lost.
func TestStopOnFullDisk(t *testing.T) {
	small := needDisk(t, 32<<20)
	h := newHouse(t, small.path)
	h.set("COMMIT_INTERVAL=100ms", "MIN_FREE=0")
	w := newWorld(t, h, simulator.Options{})
	d := h.inhabited(w, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	talked := w.talk(ctx, 500)
	small.fill(0)
	d.await(fullDisk("tracker"))
	w.more(300)
	d.signal(syscall.SIGTERM)
	code := d.exit(10 * time.Second)
	stop()
	talked()
	if words := d.log.lastWords(); code != 1 || len(words) != 1 || !strings.Contains(words[0], h.db) || !strings.Contains(words[0], "no space left") {
		t.Errorf("exit code %d with %q, want 1 and one line that says why", code, words)
	}
	small.empty()
	d = h.start()
	want := model(w.said(), nil, nil)
	h.caughtUp(d, w, want, time.Minute)
	d.stop()
	h.settled(w, want)
}

// fullDisk matches what an actor says of a full disk.
func fullDisk(actor string) func(entry) bool {
	return func(e entry) bool { return e.Actor == actor && strings.Contains(e.Message, "the disk is full") }
}

// sick returns nil if a condition is red and says why.
func (h *house) sick(path, why string) error {
	if ok, text := h.health(path); ok || !strings.Contains(text, why) {
		return fmt.Errorf("%s: %t %s, want %q", path, ok, text, why)
	}
	return nil
}

// well returns nil if a condition is green.
func (h *house) well(path string) error {
	if ok, text := h.health(path); !ok {
		return fmt.Errorf("%s: %s", path, text)
	}
	return nil
}

// TestBackupWithoutRoom gives backups a disk that is too small: the command and the
// daemon say so, leave nothing there, and go on. What the daemon needs beside its own
// database it takes only if there is enough.
func TestBackupWithoutRoom(t *testing.T) {
	small := needDisk(t, 256<<10)
	h := newHouse(t, t.TempDir())
	h.set("BACKUP_DIR="+filepath.Join(small.path, "backups"), "MIN_FREE=0")
	w := newWorld(t, h, simulator.Options{})
	w.other.years(w, w.guilds[0], 3, 3000)
	h.answer("migrate")
	target := filepath.Join(small.path, "b.db")
	refused := func(want string, args ...string) {
		t.Helper()
		_, errs, code := h.run(args...)
		if code != 1 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
			t.Errorf("%v exits with %d and says %q, want 1 and %q", args, code, errs, want)
		}
	}
	refused("no space left", "backup", target)
	refused("no space left", "backup", "--compact", target)
	d := h.inhabited(w, 1)
	d.await(func(e entry) bool {
		return e.Actor == "backup" && e.Level == "ERROR" && strings.Contains(e.Text, "no room in")
	})
	refused("no space left", "backup", target)
	if names := folder(t, small.path); len(names) != 1 || len(folder(t, filepath.Join(small.path, "backups"))) != 0 {
		t.Errorf("left behind: %v", names)
	}
	if err := h.well("/readyz"); err != nil {
		t.Error(err)
	}
	d.stop()

	tight := newHouse(t, needDisk(t, 64<<20).path)
	tight.set("MIN_FREE=512MiB")
	d = tight.start()
	d.await(saying("running"))
	for _, command := range []string{"backup " + filepath.Join(t.TempDir(), "b.db"), "compact"} {
		_, errs, code := tight.run(strings.Fields(command)...)
		if code != 1 || !strings.Contains(errs, "no room in") {
			t.Errorf("%s exits with %d and says %q", command, code, errs)
		}
	}
	d.stop()
}
