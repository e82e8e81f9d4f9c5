package backup_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/backup"
	"rollcall/store"
)

// scheduled runs a test in a world whose clock stands at the beginning of the year
// 2000 and moves when everybody waits, beside a schedule of daily backups of which
// three are kept. prepare may change it, and what is in its folder, before it runs.
func scheduled(t *testing.T, prepare func(t *testing.T, o *backup.Options), test func(t *testing.T, s *backup.Schedule, said *strings.Builder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		said := new(strings.Builder)
		o := backup.Options{Store: filled(t), Folder: filepath.Join(t.TempDir(), "backups"), Interval: 24 * time.Hour, Keep: 3,
			Log: slog.New(slog.NewTextHandler(said, nil))}
		if prepare != nil {
			if err := os.Mkdir(o.Folder, 0o700); err != nil {
				t.Fatal(err)
			}
			prepare(t, &o)
		}
		s := backup.NewSchedule(o)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		test(t, s, said)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time go by, and what is due be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func want(t *testing.T, s *backup.Schedule, files ...string) {
	t.Helper()
	if have := names(t, s.Folder); !slices.Equal(have, files) {
		t.Errorf("at %s there are %v, want %v", time.Now().UTC().Format(time.DateTime), have, files)
	}
}

func TestSchedule(t *testing.T) {
	scheduled(t, nil, func(t *testing.T, s *backup.Schedule, said *strings.Builder) {
		want(t, s, "rollcall-20000101T000000Z.db")
		status := s.Status()
		if status.Last != store.MicrosOf(time.Now()) || status.Size == 0 || status.Error != "" || status.Interval != s.Interval {
			t.Errorf("%+v", status)
		}
		pass(24*time.Hour - time.Second)
		want(t, s, "rollcall-20000101T000000Z.db")
		put(t, s.Store, 4000, 100)
		pass(time.Second)
		want(t, s, "rollcall-20000101T000000Z.db", "rollcall-20000102T000000Z.db")
		if n := messages(t, filepath.Join(s.Folder, "rollcall-20000102T000000Z.db")); n != 4100 {
			t.Errorf("the second one has %d messages", n)
		}
		pass(48 * time.Hour)
		want(t, s, "rollcall-20000102T000000Z.db", "rollcall-20000103T000000Z.db", "rollcall-20000104T000000Z.db")
		if err := backup.Sound(context.Background(), filepath.Join(s.Folder, "rollcall-20000104T000000Z.db"), ""); err != nil {
			t.Error(err)
		}
		if n := strings.Count(said.String(), "\n"); n != 4 || strings.Count(said.String(), "msg=backup file=") != 4 {
			t.Errorf("it has said:\n%s", said)
		}
	})
}

// A restart does not make a backup sooner, nor later; what a kill left is removed, and
// nothing else that is not ours.
func TestScheduleGoesOn(t *testing.T) {
	others := []string{"notes.txt", "rollcall-19990101T000000Z.db.zst", "rollcall-1.db", "rollcall-19991399T000000Z.db", "xrollcall-19990101T000000Z.db"}
	ours := []string{"rollcall-19991228T000000Z.db", "rollcall-19991229T000000Z.db", "rollcall-19991231T190000Z.db"}
	folder := "rollcall-19990102T000000Z.db"
	prepare := func(t *testing.T, o *backup.Options) {
		for _, name := range slices.Concat(others, ours, []string{"rollcall-19991231T230000Z.db.part-123"}) {
			write(t, filepath.Join(o.Folder, name), []byte("x"))
		}
		if err := os.Mkdir(filepath.Join(o.Folder, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sorted := func(lists ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(lists...))) }
	scheduled(t, prepare, func(t *testing.T, s *backup.Schedule, _ *strings.Builder) {
		if status := s.Status(); status.Last != store.MicrosOf(time.Date(1999, 12, 31, 19, 0, 0, 0, time.UTC)) || status.Size != 1 {
			t.Errorf("%+v", status)
		}
		pass(19*time.Hour - time.Second)
		want(t, s, sorted(others, ours, []string{folder, "rollcall-19991231T230000Z.db.part-123"})...)
		pass(time.Second)
		want(t, s, sorted(others, ours[1:], []string{folder, "rollcall-20000101T190000Z.db"})...)
	})
}

// A backup of the future does not keep others from being made.
func TestScheduleAfterAWrongClock(t *testing.T) {
	prepare := func(t *testing.T, o *backup.Options) {
		write(t, filepath.Join(o.Folder, "rollcall-20300101T000000Z.db"), []byte("x"))
	}
	scheduled(t, prepare, func(t *testing.T, s *backup.Schedule, _ *strings.Builder) {
		want(t, s, "rollcall-20000101T000000Z.db", "rollcall-20300101T000000Z.db")
		pass(23 * time.Hour)
		want(t, s, "rollcall-20000101T000000Z.db", "rollcall-20300101T000000Z.db")
		pass(time.Hour)
		want(t, s, "rollcall-20000101T000000Z.db", "rollcall-20000102T000000Z.db", "rollcall-20300101T000000Z.db")
	})
}

// What fails is told once, tried again every ten minutes, and told when it is over.
// Old backups stay meanwhile.
func TestScheduleFails(t *testing.T) {
	const old = "rollcall-19991201T000000Z.db"
	prepare := func(t *testing.T, o *backup.Options) {
		for _, name := range []string{old, "rollcall-19991202T000000Z.db", "rollcall-19991203T000000Z.db"} {
			write(t, filepath.Join(o.Folder, name), []byte("x"))
		}
		if err := os.Rename(o.Folder, o.Folder+" away"); err != nil {
			t.Fatal(err)
		}
		write(t, o.Folder, []byte("no folder"))
	}
	scheduled(t, prepare, func(t *testing.T, s *backup.Schedule, said *strings.Builder) {
		for range 12 {
			if status := s.Status(); !strings.Contains(status.Error, "not a directory") || status.Last != 0 {
				t.Errorf("%+v", status)
			}
			pass(5 * time.Minute)
		}
		if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "level=ERROR") {
			t.Errorf("within an hour it has said:\n%s", said)
		}
		if err := os.Remove(s.Folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(s.Folder+" away", s.Folder); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		if status := s.Status(); status.Error != "" || status.Last == 0 {
			t.Errorf("%+v", status)
		}
		if have := names(t, s.Folder); len(have) != 3 || have[0] == old {
			t.Errorf("there are %v", have)
		}
		if !strings.Contains(said.String(), "msg=backup file=") {
			t.Errorf("it has said:\n%s", said)
		}
	})
}

func TestScheduleWithoutRoom(t *testing.T) {
	prepare := func(_ *testing.T, o *backup.Options) { o.MinFree = 1 << 60 }
	scheduled(t, prepare, func(t *testing.T, s *backup.Schedule, _ *strings.Builder) {
		if status := s.Status(); !strings.Contains(status.Error, "no room in") {
			t.Errorf("%+v", status)
		}
		want(t, s)
	})
}

// A clock that is set back while the daemon runs, which is what happens to a machine that
// began with a wrong one, keeps no backup from being made; and those of the time that never
// was are not kept in their place.
func TestScheduleWhenTheClockIsSetBack(t *testing.T) {
	for name, fails := range map[string]bool{"after a backup": false, "after an attempt that failed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "backups")
				o := backup.Options{Store: filled(t), Folder: folder, Interval: 24 * time.Hour, Keep: 2, Log: slog.New(slog.DiscardHandler)}
				if fails {
					write(t, folder, []byte("no folder"))
				}
				var back atomic.Int64
				s := backup.NewScheduleAt(o, func() time.Time { return time.Now().Add(-time.Duration(back.Load())) })
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan error)
				go func() { ended <- s.Run(ctx) }()
				pass(48 * time.Hour) // two backups more, or many attempts
				if fails {
					if err := os.Remove(folder); err != nil {
						t.Fatal(err)
					}
				}
				back.Store(int64(48*time.Hour + 365*24*time.Hour)) // to the beginning of 1999
				pass(time.Minute)
				if have := names(t, folder); !slices.ContainsFunc(have, func(name string) bool { return strings.HasPrefix(name, "rollcall-19990101T") }) {
					t.Errorf("after a minute there are %v", have)
				}
				pass(24 * time.Hour)
				if have := names(t, folder); len(have) != 2 || !strings.HasPrefix(have[0], "rollcall-19990101T") || !strings.HasPrefix(have[1], "rollcall-19990102T") {
					t.Errorf("after a day there are %v", have)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
