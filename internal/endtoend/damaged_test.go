package endtoend_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/internal/simulator"
)

// TestDamaged gives the program files that are no sound database. Each has to be
// refused with exit code 65 and one line that names the file, says what is wrong and
// how to restore it, and must stay as it is.
func TestDamaged(t *testing.T) {
	sound := soundDatabase(t)
	page := os.Getpagesize()
	for _, test := range []struct {
		name string
		make func(path string) error
	}{
		{"empty", contents(nil)},
		{"text", contents([]byte(strings.Repeat("this is no database\n", 5000)))},
		{"zeros", contents(make([]byte, 1<<20))},
		{"another program's format", contents(append([]byte("SQLite format 3\x00"), make([]byte, 1<<16)...))},
		{"another program's bbolt file", func(path string) error {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				return err
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("meta"))
				return err
			})
			if cerr := db.Close(); err == nil {
				err = cerr
			}
			return err
		}},
		{"cut off by one page", contents(sound[:len(sound)-page])},
		{"cut off in the middle", contents(sound[:len(sound)/2])},
		{"cut off after the first pages", contents(sound[:3*page])},
		{"cut off within a page", contents(sound[:page+100])},
		{"both meta pages overwritten", contents(append(bytes.Repeat([]byte{0xff}, 2*page), sound[2*page:]...))},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, t.TempDir())
			if err := test.make(h.db); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(h.logs, 0o755); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(h.db)
			if err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"run", "state", "export", "check", "migrate"} {
				out, errs, code := h.run(command)
				lines := strings.Split(strings.TrimSpace(errs), "\n")
				last := lines[len(lines)-1]
				if code != 65 || out != "" {
					t.Errorf("%s exits with %d and prints %.100q, want 65 and nothing", command, code, out)
				}
				for _, want := range []string{"rollcall: ", h.db, "damaged database: ", "rollcall restore --db "} {
					if !strings.Contains(last, want) {
						t.Errorf("%s says %q, want %q in it", command, last, want)
					}
				}
				if command != "run" && len(lines) != 1 { // run has its log there
					t.Errorf("%s says %q, want one line", command, errs)
				}
				after, err := os.ReadFile(h.db)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(before, after) {
					t.Fatalf("%s has changed the file", command)
				}
			}
			if names := folder(t, filepath.Dir(h.db)); len(names) != 1 {
				t.Errorf("left behind: %v", names)
			}
		})
	}
}

func contents(b []byte) func(string) error {
	return func(path string) error { return os.WriteFile(path, b, 0o600) }
}

// soundDatabase returns the bytes of a database with some thousand records, without
// those at its end that are not used yet.
func soundDatabase(t *testing.T) []byte {
	t.Helper()
	h := newHouse(t, t.TempDir())
	w := newWorld(t, h, simulator.Options{})
	w.other.years(w, w.guilds[0], 3, 1000)
	h.answer("migrate")
	b, err := os.ReadFile(h.db)
	if err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(h.db, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	return b[:tx.Size():tx.Size()]
}

func folder(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestHalfCreated starts where an earlier process was killed while it created the
// database: what it left is no obstacle, and is cleared away.
func TestHalfCreated(t *testing.T) {
	h := newHouse(t, t.TempDir())
	if err := os.WriteFile(h.db+".new-123", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := h.start()
	d.await(saying("running"))
	d.stop()
	h.answer("check")
	if names := folder(t, filepath.Dir(h.db)); len(names) != 1 {
		t.Errorf("there are %v, want the database alone", names)
	}
}

// TestLocked starts a second daemon on the database of a first one, and lets commands
// open it that do not find the first one's socket.
func TestLocked(t *testing.T) {
	h := newHouse(t, t.TempDir())
	if err := os.Mkdir(h.logs, 0o755); err != nil {
		t.Fatal(err)
	}
	d := h.start()
	d.await(saying("running"))
	other := *h
	other.set("SOCKET=" + filepath.Join(t.TempDir(), "other"))
	var wait sync.WaitGroup
	for _, command := range []string{"run", "state", "migrate", "check"} {
		wait.Go(func() { // each waits some seconds for the lock
			_, errs, code := other.run(command)
			lines := strings.Split(strings.TrimSpace(errs), "\n")
			last := lines[len(lines)-1]
			if code != 1 || !strings.Contains(last, "another rollcall holds it") || !strings.Contains(last, h.db) {
				t.Errorf("%s exits with %d and says %q, want 1 and who holds what", command, code, last)
			}
		})
	}
	wait.Wait()
	d.running()
	d.stop()
	d.calm(t)
}

// TestSameAnswers wants the commands to print the same while the daemon runs, through
// its socket, and without it, from the file.
func TestSameAnswers(t *testing.T) {
	h := newHouse(t, t.TempDir())
	w := newWorld(t, h, simulator.Options{})
	w.other.years(w, w.guilds[0], 3, 100)
	d := h.inhabited(w, 1)
	w.build(timeout(t, within))
	for range 50 {
		if err := w.say(timeout(t, within), w.room(), simulator.Draft{}); err != nil {
			t.Fatal(err)
		}
	}
	w.other.write(time.Now().Add(time.Hour), true)
	want := model(w.said(), w.other.all(), nil)
	h.caughtUp(d, w, want, within)
	guild := fmt.Sprint(w.guilds[0].ID)
	commands := [][]string{
		{"guilds"}, {"guilds", "--json"}, {"state"}, {"state", "--json"}, {"export"}, {"export", "--format", "csv"},
		{"export", "--guild", guild}, {"messages", guild}, {"messages", guild, "--json", "--limit", "2000"},
		{"messages", guild, "--channel", "general", "--grep", "^lol$"}, {"messages", "nobody"}, {"messages", guild, "--since", "soon"},
	}
	type answer struct {
		out, errs string
		code      int
	}
	var beside []answer
	for _, c := range commands {
		out, errs, code := h.run(c...)
		beside = append(beside, answer{out, errs, code})
	}
	d.signal(syscall.SIGTERM)
	if code := d.exit(within); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for i, c := range commands {
		out, errs, code := h.run(c...)
		if alone := (answer{out, errs, code}); alone != beside[i] {
			t.Errorf("%v: beside the daemon %+v, without it %+v", c, beside[i], alone)
		}
	}
	h.settled(w, want)
}

// TestCutOff cuts the database off under a daemon that runs, which is a SIGBUS for who
// reads it. The daemon has to end as it does for every damaged file.
func TestCutOff(t *testing.T) {
	h := newHouse(t, t.TempDir())
	w := newWorld(t, h, simulator.Options{})
	w.other.years(w, w.guilds[0], 2, 2000)
	d := h.inhabited(w, 1)
	await(t, within, func() error {
		var s state
		if err := h.read("/v1/state", &s); err != nil {
			return err
		}
		return s.unfinished(h.logs)
	})
	if err := os.Truncate(h.db, int64(4*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	_, errs, code := h.run("export")
	if code != 65 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, h.db) {
		t.Errorf("export exits with %d and says %q, want 65 and one line", code, errs)
	}
	w.probe(timeout(t, within))
	if code := d.exit(within); code != 65 {
		t.Errorf("the daemon exits with %d, want 65", code)
	}
	words := d.log.lastWords()
	if len(words) != 1 || !strings.Contains(words[0], h.db) || !strings.Contains(words[0], "rollcall restore --db ") {
		t.Errorf("it ends with %q, want one line that says how to restore", words)
	}
}
