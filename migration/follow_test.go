package migration_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// daemon is a Follower running in a bubble, where waiting takes no time.
type daemon struct {
	t      *testing.T
	db     *store.DB
	root   string
	book   *storetest.Log
	status func() migration.Status
	cancel context.CancelFunc
	ended  chan error
}

// follow starts a Follower at noon of 2026-05-14, with no delays but those that
// change sets. It is stopped at the test's end.
func follow(t *testing.T, db *store.DB, root string, change func(*migration.Options)) *daemon {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d := &daemon{t: t, db: db, root: root, cancel: cancel, ended: make(chan error, 1)}
	var o migration.Options
	o, d.book = options(db, root)
	start := time.Now()
	o.Now = func() time.Time { return noon().Add(time.Since(start)) }
	if change != nil {
		change(&o)
	}
	f := migration.NewFollower(o)
	d.status = f.Status
	go func() { d.ended <- f.Run(ctx) }()
	t.Cleanup(d.stop)
	return d
}

// stop cancels the daemon, which must end at once and without an error.
func (d *daemon) stop() {
	d.t.Helper()
	d.cancel()
	start := time.Now()
	if err := <-d.ended; err != nil {
		d.t.Error(err)
	}
	if took := time.Since(start); took > time.Second {
		d.t.Errorf("it took %v to stop", took)
	}
	d.ended <- nil // for the cleanup, if the test has stopped it before
}

// after lets time pass.
func (d *daemon) after(span time.Duration) {
	<-time.After(span)
	synctest.Wait()
}

// want compares what is stored.
func (d *daemon) want(contents ...string) {
	d.t.Helper()
	wantContents(d.t, d.db, contents...)
}

// A daemon is "a few seconds behind" if it has a line this long after it was written.
const soon = 4 * time.Second

func TestFollowDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		for _, guild := range []string{guildA, guildB} {
			put(t, root, guild+"/20260509/info.jsonl")
			put(t, root, guild+"/20260510/info.jsonl", saidIn(guild, "one"))
			put(t, root, guild+"/20260511/warning.jsonl", saidIn(guild, "OUT"))
			put(t, root, guild+"/20260512/info.jsonl", saidIn(guild, "two"))
			put(t, root, guild+"/20260514/info.jsonl", saidIn(guild, "three"))
		}
		start := time.Now()
		d := follow(t, db, root, func(o *migration.Options) { o.StartDelay, o.DayDelay = 10*time.Second, 30*time.Second })
		d.after(10 * time.Minute)
		var got []string
		for _, line := range d.book.Lines("INFO") {
			stamp, what, _ := strings.Cut(strings.TrimPrefix(line, "time="), " level=INFO msg=")
			at, err := time.Parse(time.RFC3339, stamp)
			if err != nil {
				t.Fatal(err)
			}
			what, _, _ = strings.Cut(what, " lines=")
			got = append(got, fmt.Sprint(at.Sub(start).Round(100*time.Millisecond), " ", strings.TrimSpace(what)))
		}
		// A day without lines is read like any other: the next one waits for it.
		want := []string{
			`10s "a day is read" guild=111111111111111111 date=20260509`,
			`40s "a day is read" guild=111111111111111111 date=20260510`,
			`1m10s "a day is read" guild=111111111111111111 date=20260512`,
			`1m40s "the logs of a guild are read as far as they go" guild=111111111111111111`,
			`1m40s "a day is read" guild=222222222222222222 date=20260509`,
			`2m10s "a day is read" guild=222222222222222222 date=20260510`,
			`2m40s "a day is read" guild=222222222222222222 date=20260512`,
			`3m10s "the logs of a guild are read as far as they go" guild=222222222222222222`,
			`3m10s "the past is read; following the logs as they grow" guilds=2`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		wantDates(t, db, guildA+" 20260512", guildB+" 20260512")
	})
}

func TestFollowGrowth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		today := guildA + "/20260514/info.jsonl"
		put(t, root, guildA+"/20260501/info.jsonl", said("old"))
		put(t, root, today, said("one"))
		d := follow(t, db, root, nil)
		d.after(time.Second)
		d.want("old", "one")

		line := said("two")
		grow(t, root, today, line[:50])
		d.after(soon)
		d.want("old", "one")
		grow(t, root, today, line[50:])
		d.after(soon)
		d.want("old", "one", "two")

		put(t, root, guildB+"/20260510/info.jsonl", saidIn(guildB, "a new guild's past"))
		put(t, root, guildB+"/20260514/info.jsonl", saidIn(guildB, "a new guild"))
		d.after(soon)
		d.want("old", "one", "two", "a new guild's past", "a new guild")

		grow(t, root, guildA+"/20260501/info.jsonl", said("old, later"))
		put(t, root, guildA+"/20260502/info.jsonl.gz", said("an old day, later"))
		put(t, root, "emergency/emergency_x_20260514T110000Z.jsonl", said("emergency"))
		d.after(10 * time.Second)
		d.want("old", "one", "two", "a new guild's past", "a new guild", "old, later", "an old day, later", "emergency")
		wantDates(t, db, guildA+" 20260502", guildB+" 20260510")
	})
}

func TestFollowMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		today := guildA + "/20260514/info.jsonl"
		put(t, root, today, said("one"))
		put(t, root, guildA+"/20260515/info.jsonl", said("a clock that is ahead"))
		start := time.Now()
		d := follow(t, db, root, func(o *migration.Options) {
			o.Now = func() time.Time { return noon().Add(12*time.Hour - time.Minute + time.Since(start)) }
		})
		d.after(50 * time.Second)
		line := said("over midnight")
		grow(t, root, today, said("two"), line[:40])
		d.after(soon)
		d.want("one", "two", "a clock that is ahead")
		wantDates(t, db)
		grow(t, root, today, line[40:])
		d.after(time.Minute)
		d.want("one", "two", "over midnight", "a clock that is ahead")
		wantDates(t, db, guildA+" 20260514")
		if got := d.book.Lines("a day is read", guildA, "date=20260514", "lines=3"); len(got) != 1 {
			t.Errorf("the end of the day: %q", d.book.Lines("a day is read"))
		}
		grow(t, root, today, said("late"))
		grow(t, root, guildA+"/20260515/info.jsonl", said("the new day"))
		d.after(soon)
		d.want("one", "two", "over midnight", "a clock that is ahead", "late", "the new day")
	})
}

// TestFollowPollsDuringThePast: a guild that comes later has a long past, and
// the others are followed while it is read.
func TestFollowPollsDuringThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		today := guildA + "/20260514/info.jsonl"
		put(t, root, today, said("one"))
		d := follow(t, db, root, func(o *migration.Options) { o.DayDelay = time.Hour })
		d.after(time.Minute)
		for day := 10; day <= 14; day++ {
			put(t, root, fmt.Sprintf("%s/202605%d/info.jsonl", guildB, day), saidIn(guildB, fmt.Sprint(day)))
		}
		d.after(soon)
		d.want("one", "10") // its newest day has to wait
		grow(t, root, today, said("two"))
		d.after(soon)
		d.want("one", "10", "two")
		wantDates(t, db, guildB+" 20260510")
		d.after(4 * time.Hour)
		d.want("one", "10", "two", "11", "12", "13", "14")
	})
}

func TestFollowReportsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), filepath.Join(t.TempDir(), "logs")
		d := follow(t, db, root, nil)
		d.after(time.Hour)
		if got := d.book.Lines("WARN"); len(got) != 1 || !strings.Contains(got[0], root) {
			t.Fatalf("a missing root: %q", got)
		}

		path := guildA + "/20260511/info.jsonl"
		put(t, root, path+"/x", "")
		put(t, root, "Old/20250101/bot_log_01.log", "x")
		put(t, root, guildA+"/20260510/info.jsonl", said("one"), "junk\n")
		d.after(time.Hour)
		d.want("one")
		warnings := func(texts ...string) int { return len(d.book.Lines(append(texts, "WARN")...)) }
		if warnings("path="+path+" ") != 1 || warnings("not read", "path="+path+"/x") != 1 || warnings("text logs") != 1 || warnings("malformed") != 1 || warnings() != 5 {
			t.Fatalf("the log says %q", d.book.Lines("WARN"))
		}

		remove(t, root, path)
		link(t, "nowhere", root, path)
		d.after(time.Hour)
		if warnings("path="+path+" ") != 2 {
			t.Fatalf("another reason: %q", d.book.Lines("WARN", "path="+path))
		}
		remove(t, root, path)
		put(t, root, path, said("two"))
		d.after(10 * time.Second)
		d.want("one", "two")
		wantDates(t, db, guildA+" 20260511")

		remove(t, root, "")
		d.after(time.Hour)
		put(t, root, path, said("two"), said("three"))
		d.after(10 * time.Second)
		d.want("one", "two", "three")
		if warnings(root) != 2 {
			t.Errorf("the root was missing twice: %q", d.book.Lines("WARN", root))
		}
	})
}

func TestFollowDamagedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		path := guildA + "/20260511/info.jsonl"
		whole := compress(t, "x.gz", said("one"))
		put(t, root, path, string(whole[:len(whole)-4]))
		rename(t, root, path, path+".gz")
		d := follow(t, db, root, nil)
		d.after(time.Hour)
		d.want("one")
		wantDates(t, db)
		if got := d.book.Lines("WARN"); len(got) != 1 || !strings.Contains(got[0], "corrupt") {
			t.Errorf("the log says %q", got)
		}
		// The other file of the day does not make it done.
		put(t, root, guildA+"/20260511/bot_log_INFO.jsonl", said("beside"))
		d.after(10 * time.Second)
		d.want("one", "beside")
		wantDates(t, db)
		put(t, root, path+".gz", said("one"), said("two"))
		d.after(10 * time.Second)
		d.want("one", "beside", "two")
		if got := d.book.Lines("a day is read", "lines=3"); len(got) != 1 {
			t.Errorf("the end of the day: %q", d.book.Lines("a day is read"))
		}
		wantDates(t, db, guildA+" 20260511")
	})
}

// TestFollowSettled: what has no more to give is not read again and again. A
// file that is changed behind the daemon's back, so that it looks as before,
// shows that.
func TestFollowSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		today, damaged := guildA+"/20260514/info.jsonl", guildA+"/20260511/info.jsonl.gz"
		whole := compress(t, damaged, said("three"))
		putAt(t, root, today, noon(), said("one"))
		putAt(t, root, guildA+"/20260511/x", noon(), strings.Repeat("x", len(whole)))
		rename(t, root, guildA+"/20260511/x", damaged)
		d := follow(t, db, root, nil)
		d.after(time.Minute)
		putAt(t, root, today, noon(), said("two"))
		putAt(t, root, damaged, noon(), said("three"))
		d.after(time.Minute)
		d.want("one")
		putAt(t, root, today, noon().Add(1), said("two"))
		putAt(t, root, damaged, noon().Add(1), said("three"))
		d.after(10 * time.Second)
		d.want("one", "two", "three")
	})
}

// TestFollowLeavesRoom waits while the disk has less room than MinFree, says so,
// and goes on when there is more.
func TestFollowLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		put(t, root, guildA+"/20260511/info.jsonl", said("one"), said("two"))
		o, book := options(db, root)
		o.Now, o.MinFree = noon, 100<<20
		var free atomic.Int64
		free.Store(100<<20 - 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- migration.NewFollowerWithRoom(o, func(string) (int64, error) { return free.Load(), nil }).Run(ctx)
		}()
		d := &daemon{t: t, db: db, root: root, book: book, cancel: cancel, ended: ended}
		d.after(time.Minute)
		d.want()
		if got := book.Lines("ROLLCALL_MIN_FREE"); len(got) < 1 || len(got) > 2 {
			t.Errorf("in a minute the log said %d times that room is left", len(got))
		}
		free.Store(100 << 20)
		d.after(5 * time.Second)
		d.want("one", "two")
		d.stop()
	})
}

func TestFollowFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root, path := t.TempDir(), filepath.Join(t.TempDir(), "full.db")
		var want, lines []string
		for i := range 500 {
			want = append(want, fmt.Sprint(i, strings.Repeat(" long", 200)))
			lines = append(lines, said(want[i]))
		}
		put(t, root, guildA+"/20260511/info.jsonl", lines...)
		db, err := store.Open(path, store.Options{MaxSize: 400 << 10})
		if err != nil {
			t.Fatal(err)
		}
		d := follow(t, db, root, func(o *migration.Options) { o.Batch = 20 })
		d.after(5*time.Minute + time.Second)
		if got := d.book.Lines("disk is full"); len(got) < 5 || len(got) > 7 {
			t.Errorf("in five minutes the log said %d times that the disk is full", len(got))
		}
		d.stop()
		stored := len(contents(t, db))
		if stored == 0 || stored == len(want) {
			t.Errorf("%d messages are stored", stored)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if db, err = store.Open(path, store.Options{}); err != nil {
			t.Fatal(err)
		}
		d = follow(t, db, root, nil)
		d.after(time.Minute)
		d.want(want...)
		if got := cursor(t, db, guildA+"/20260511/info.jsonl"); got.Counts != (store.Counts{Lines: 500, Messages: 500}) {
			t.Errorf("the place was lost: %+v", got)
		}
		d.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
