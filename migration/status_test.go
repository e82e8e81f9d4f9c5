package migration_test

import (
	"context"
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

// The status follows a guild from its first day to today, and today as it grows.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		day := func(date string) string { return guildA + "/" + date + "/info.jsonl" }
		line := said("one")
		put(t, root, day("20260510"), line, "not JSON\n")
		put(t, root, day("20260511")+".gz", said("two"))
		put(t, root, day("20260514"), said("three"), said("unfin")[:20])
		put(t, root, "The Lounge/20260512/info.jsonl", saidIn(guildB, "four"))
		d := follow(t, db, root, func(o *migration.Options) { o.StartDelay, o.DayDelay = time.Minute, time.Minute })
		start := time.Now()
		if s := d.status(); s.CaughtUp || s.Surveyed != 0 || len(s.Guilds) != 0 || s.Ends != 0 {
			t.Errorf("before it starts: %+v", s)
		}

		d.after(75 * time.Second) // the first day is read, the second one waits
		s := d.status()
		size := int64(len(line) + len("not JSON\n"))
		zipped := int64(len(compress(t, ".gz", said("two"))))
		today := int64(len(said("three")) + 20)
		want := []migration.GuildStatus{
			{Guild: 111111111111111111, Folder: guildA, Files: 3, FilesRead: 1, Bytes: size + zipped + today, BytesRead: size, LastDate: "20260510", Behind: "20260511"},
			{Folder: "The Lounge", Files: 1, Bytes: int64(len(saidIn(guildB, "four"))), Behind: "20260512"},
		}
		if !slices.Equal(s.Guilds, want) || s.CaughtUp || s.Counts != (store.Counts{Lines: 2, Messages: 1, Malformed: 1}) {
			t.Errorf("on the way: %+v\nwant %+v", s, want)
		}
		// It begins after a minute, and waits a minute before the second and the third day.
		if want := store.MicrosOf(start.Add(3 * time.Minute)); s.Ends != want {
			t.Errorf("it is to end at %v, want %v", s.Ends.Time(), want.Time())
		}
		// The second day has ended as noon of the fourteenth was two and a half days later.
		if lag, least := s.Guilds[0].Lag(noon()), 60*time.Hour; lag != least {
			t.Errorf("the lag is %v, want %v", lag, least)
		}

		d.after(10 * time.Minute)
		s = d.status()
		want[0].FilesRead, want[0].BytesRead, want[0].LastDate, want[0].Behind = 3, want[0].Bytes, "20260511", ""
		want[1].FilesRead, want[1].BytesRead, want[1].Behind = 1, want[1].Bytes, ""
		if !slices.Equal(s.Guilds, want) || !s.CaughtUp || s.Ends != 0 || s.Guilds[0].Lag(noon()) != 0 || s.Counts.Messages != 4 {
			t.Errorf("at the end: %+v\nwant %+v", s, want)
		}

		grow(t, root, day("20260514"), said("unfin")[20:], said("five"))
		d.after(time.Minute)
		grown := d.status()
		if g := grown.Guilds[0]; g.Bytes <= want[0].Bytes || g.BytesRead != g.Bytes || g.FilesRead != 3 || grown.Counts.Messages != 6 {
			t.Errorf("when today has grown: %+v", grown)
		}

		known, err := migration.Known(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		// Nobody knows from the file alone whose the other folder is, and that today has no more.
		want[0].Bytes, want[0].BytesRead, want[0].FilesRead = grown.Guilds[0].Bytes, grown.Guilds[0].Bytes, 2
		if !slices.Equal(known, want) {
			t.Errorf("the database says %+v\nwant %+v", known, want)
		}
	})
}

// What cannot be read to its end is told apart from what has not been read yet.
func TestStatusOfTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		path := guildA + "/20260511/info.jsonl"
		whole := compress(t, "x.gz", said("one"))
		put(t, root, path, string(whole[:len(whole)-4]))
		rename(t, root, path, path+".gz")
		d := follow(t, db, root, nil)
		d.after(time.Minute)
		if s := d.status(); len(s.Guilds) != 1 || s.Guilds[0].Damaged != 1 || s.Guilds[0].FilesRead != 1 || s.Guilds[0].LastDate != "" {
			t.Errorf("a damaged file: %+v", s)
		}
		remove(t, root, "")
		d.after(time.Minute)
		if s := d.status(); len(s.Guilds) != 0 || s.Surveyed == 0 {
			t.Errorf("without its root: %+v", s)
		}
	})
}

func TestStatusWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		put(t, root, guildA+"/20260511/info.jsonl", said("one"))
		o, _ := options(db, root)
		o.MinFree = 100
		var free atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		f := migration.NewFollowerWithRoom(o, func(string) (int64, error) { return free.Load(), nil })
		go func() { ended <- f.Run(ctx) }()
		<-time.After(time.Minute)
		if s := f.Status(); !s.Waiting || strings.Join(contents(t, db), "") != "" {
			t.Errorf("without room: %+v", s)
		}
		free.Store(100)
		<-time.After(time.Minute)
		if s := f.Status(); s.Waiting || s.Counts.Messages != 1 {
			t.Errorf("with room: %+v", s)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Nobody knows when there will be room again.
func TestNoEstimateWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		put(t, root, guildA+"/20260510/info.jsonl", said("one"))
		put(t, root, guildA+"/20260511/info.jsonl", said("two"))
		o, _ := options(db, root)
		o.MinFree, o.DayDelay = 100, time.Minute
		var free atomic.Int64
		free.Store(100)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		f := migration.NewFollowerWithRoom(o, func(string) (int64, error) { return free.Load(), nil })
		go func() { ended <- f.Run(ctx) }()
		<-time.After(30 * time.Second)
		if s := f.Status(); s.Waiting || s.Counts.Messages != 1 || s.Ends == 0 {
			t.Errorf("between the days: %+v", s)
		}
		free.Store(0)
		<-time.After(time.Minute)
		if s := f.Status(); !s.Waiting || s.Ends != 0 {
			t.Errorf("without room: %+v", s)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
