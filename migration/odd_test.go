package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// The rules of files hold wherever a guild's name has put them: today's are read as they
// grow, a day is complete when it is over, a compressed file goes on where the plain one
// was left, and the plain one wins.
func TestOddPlaces(t *testing.T) {
	for name, place := range map[string]string{
		"a slash":                  "Cats/Dogs/%s/bot_log_INFO.jsonl",
		"a bar":                    "Red/Blue/bot_log_%s|INFO.jsonl",
		"two bars":                 "Red/Blue/bot_log_Green|%s|INFO.jsonl",
		"a guild called emergency": "emergency/%s/bot_log_INFO.jsonl",
		"emergency and a bar":      "emergency/x/bot_log_%s|INFO.jsonl",
		"a name of digits":         "12/%s/bot_log_INFO.jsonl",
		"a day in the name":        "a/20250101/%s/bot_log_INFO.jsonl",
		"a bar for a name":         "bot_log_%s|INFO.jsonl",
	} {
		t.Run(name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			o, book := options(db, root)
			yesterday, today := fmt.Sprintf(place, "20260513"), fmt.Sprintf(place, "20260514")
			put(t, root, yesterday, said("one"), bare(said("two")))
			put(t, root, today, said("three"), bare(said("four")))
			mustOnce(t, o)
			wantContents(t, db, "one", "two", "three")
			wantDates(t, db, guildA+" 20260513")
			if cursor(t, db, today).Complete || !cursor(t, db, yesterday).Complete {
				t.Error("today is complete, or yesterday is not")
			}
			put(t, root, yesterday+".gz", said("one"), said("two"), said("late"))
			remove(t, root, yesterday)
			grow(t, root, today, "\n", said("five"))
			if got := mustOnce(t, o); got.Messages != 3 || got.Lines != 3 {
				t.Errorf("did %+v", got)
			}
			put(t, root, yesterday, said("one"), said("two"), said("late"), said("later"))
			o.Now = func() time.Time { return noon().AddDate(0, 0, 1) }
			if got := mustOnce(t, o); got.Messages != 1 || got.Lines != 1 || got.UnsupportedFiles != 0 {
				t.Errorf("did %+v", got)
			}
			wantContents(t, db, "one", "two", "three", "four", "five", "late", "later")
			wantDates(t, db, guildA+" 20260514")
			if got := book.Lines("level=WARN"); len(got) > 0 {
				t.Errorf("the log says %q", got)
			}
			if again := mustOnce(t, o); !same(again, migration.Summary{}) {
				t.Errorf("a second run did %+v", again)
			}
		})
	}
}

func TestFollowOddPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, root := storetest.New(t, store.Options{}), t.TempDir()
		nested, split := "Cats/Dogs/20260514/bot_log_INFO.jsonl", "Red/Blue/bot_log_20260514|INFO.jsonl"
		put(t, root, nested, said("one"))
		put(t, root, split, said("two"))
		start := time.Now()
		d := follow(t, db, root, func(o *migration.Options) {
			o.Now = func() time.Time { return noon().Add(12*time.Hour - 5*time.Minute + time.Since(start)) }
		})
		d.after(time.Minute)
		d.want("one", "two")
		grow(t, root, nested, said("three"))
		grow(t, root, split, said("four"))
		put(t, root, "notes.txt", "x")
		d.after(time.Minute)
		d.want("one", "two", "three", "four")
		wantDates(t, db)
		d.after(5 * time.Minute)
		wantDates(t, db, guildA+" 20260514")
		if got := d.book.Lines("WARN"); len(got) != 1 || !strings.Contains(got[0], "path=notes.txt") {
			t.Errorf("the log says %q", got)
		}
		var read []string
		for _, g := range d.status().Guilds {
			if g.Files > 0 {
				read = append(read, fmt.Sprint(g.Folder, " ", g.FilesRead, " of ", g.Files))
			}
		}
		if want := []string{"Cats/Dogs 1 of 1", "Red/Blue 1 of 1"}; !slices.Equal(read, want) {
			t.Errorf("status: %q, want %q", read, want)
		}
		known, err := migration.Known(t.Context(), db)
		if err != nil || len(known) != 2 || known[0].Folder != "Cats/Dogs" || known[1].Folder != "Red/Blue" {
			t.Errorf("without a follower: %+v, %v", known, err)
		}
	})
}

// With one guild asked for, its files are found by what guilds_map.json makes of its name.
func TestOddPlacesOfOneGuild(t *testing.T) {
	root := t.TempDir()
	put(t, root, "guilds_map.json", `{"Cats/Dogs":"11","Red|Blue":"12","Red/Blue":"13","emergency":"14","a|b|c":"15","x/20250101":"16"}`)
	put(t, root, "11/guilds_and_channels.json", `{"channels":[{"name":"general","id":"77"}]}`)
	for guild, path := range map[string]string{
		"11": "Cats/Dogs/20251118/bot_log_INFO.jsonl",
		"12": "Red/Blue/bot_log_20251118|INFO.jsonl",
		"13": "Red/Blue/20251118/bot_log_INFO.jsonl",
		"14": "emergency/20251118/bot_log_INFO.jsonl",
		"15": "a/b/bot_log_c|20251118|INFO.jsonl",
	} {
		put(t, root, path, saidIn(guild, "of "+guild))
		put(t, root, "emergency/emergency_"+guild+"_20251118T000000Z.jsonl", saidIn(guild, "saved of "+guild))
	}
	put(t, root, "emergency/emergency_Cats/Dogs_20251119T000000Z.jsonl", saidIn("11", "saved of a name"))
	put(t, root, "nobody/knows/20251118/bot_log_INFO.jsonl", saidIn("99", "unknown"))
	put(t, root, "notes.txt", "x")
	for _, guild := range []store.ID{11, 12, 13, 14, 15} {
		db := storetest.New(t, store.Options{})
		o, book := options(db, root)
		o.Guild = guild
		sum := mustOnce(t, o)
		want := []string{fmt.Sprint("of ", guild), fmt.Sprint("saved of ", guild)}
		if guild == 11 {
			want = append(want, "saved of a name")
		}
		wantContents(t, db, want...)
		wantDates(t, db, fmt.Sprint(guild, " 20251118"))
		if got := book.Lines("left out"); len(got) != 1 || !strings.Contains(got[0], "path=nobody/knows") || sum.UnsupportedFiles != 0 {
			t.Errorf("%d: %+v, the log says %q", guild, sum, got)
		}
		for r, err := range db.Records(t.Context(), store.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if known := r.Channel.ID != 0; known != (r.Content == "of 11") {
				t.Errorf("%q is of channel %d", r.Content, r.Channel.ID)
			}
		}
	}
}

// What is neither read nor known to hold no messages is named once and counted.
func TestUnread(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	for _, path := range []string{
		guildA + "/20260511/info.jsonl", guildA + "/20260511/info.jsonl.gz", guildA + "/20260511/warning.jsonl", "guilds_map.json", guildA + "/guilds_and_channels.json",
		"Bot/20260511/anything", "DirectMessage/someone/20260511/info.jsonl", "system/x", "Cats/Dogs/20251118/bot_log_DEBUG.jsonl", "a/b/bot_log_20251118|ERROR.jsonl", "archive/may.jsonl",
	} {
		put(t, root, path, "{}")
	}
	link(t, "../../archive/may.jsonl", root, guildA+"/20260510/info.jsonl")
	link(t, "../archive/may.jsonl", root, guildA+"/latest") // what it shows is read
	link(t, guildA, root, "same")
	unread := []string{
		"notes.txt", "info.jsonl", guildA + "/info.jsonl", guildA + "/20260511/info.jsonl.bak", guildA + "/20260511/sub/folder/x", "archive/june.jsonl",
		"Cats/Dogs/20251118/info.jsonl", "emergency/readme", "20260511/info.jsonl",
	}
	for _, path := range unread {
		put(t, root, path, said("OUT"))
	}
	put(t, root, "Old/20250101/bot_log_09.log", "x")
	put(t, root, "Old/One/20250101/bot_log_09.log", "x")
	put(t, root, "Old/One/20250101/bot_log_10.log", "x")
	outside := t.TempDir()
	link(t, outside, root, guildA+"/elsewhere")
	link(t, "nowhere", root, "archive/gone")
	unread = append(unread, guildA+"/elsewhere", "archive/gone")
	o, book := options(db, root)
	for range 2 {
		if sum := mustOnce(t, o); sum.UnsupportedFiles != int64(len(unread)+3) || sum.Incomplete != 0 {
			t.Errorf("%+v, want %d files", sum, len(unread)+3)
		}
	}
	wantContents(t, db)
	for _, path := range unread {
		if got := book.Lines("WARN", "path="+path+" "); len(got)+len(book.Lines("WARN", "path="+path+"\n")) != 2 { // once a run
			t.Errorf("of %s: %q", path, got)
		}
	}
	if got := book.Lines("WARN"); len(got) != 2*(len(unread)+2) {
		t.Errorf("the log says %q", got)
	}
}

// However many there are, only some are named, and all are counted.
func TestUnreadIsBounded(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	for i := range 250 {
		put(t, root, fmt.Sprintf("x/%d/y", i), "")
	}
	o, book := options(db, root)
	if sum := mustOnce(t, o); sum.UnsupportedFiles != 250 {
		t.Errorf("%+v", sum)
	}
	if got := book.Lines("WARN"); len(got) != 101 || !strings.Contains(got[100], "files=250") {
		t.Errorf("%d lines, the last one %q", len(got), got[len(got)-1])
	}
}

// Links lead to folders below those of guilds, too: once each, without loops, and nothing
// that has a place of its own is read elsewhere.
func TestOddLinks(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, "Cats/Dogs/20251118/bot_log_INFO.jsonl", said("one"))
	put(t, root, "Red/Blue/bot_log_20251118|INFO.jsonl", said("two"))
	put(t, root, "archive/a-day/bot_log_INFO.jsonl", said("three"))
	put(t, root, "archive/lines", said("four"))
	link(t, "../archive/a-day", root, "Shown/20251119")
	link(t, "../../archive/a-day", root, "Shown/Again/20251119")
	link(t, "nowhere", root, "Lost/Again/20251119")
	link(t, "../../archive/lines", root, "Red/Green/bot_log_20251118|INFO.jsonl")
	link(t, "Cats", root, "Kittens")
	link(t, "..", root, "Cats/up")
	link(t, ".", root, "Cats/Dogs/here")
	link(t, "../../..", root, "Cats/Dogs/20251118/round")
	link(t, ".", root, "Cats/Dogs/20251118/20251118")
	for i := range 12 { // each of which shows all of the others
		link(t, "..", root, fmt.Sprintf("many/%d", i))
	}
	o, book := options(db, root)
	sum := mustOnce(t, o)
	if sum.Lines != 4 || sum.Messages != 4 || sum.UnsupportedFiles != 1 || len(book.Lines("WARN")) != 1 {
		t.Errorf("did %+v; the log says %q", sum, book.Lines("WARN"))
	}
	wantContents(t, db, "one", "two", "three", "four")
	wantDates(t, db, guildA+" 20251119")
	if again := mustOnce(t, o); !same(again, migration.Summary{UnsupportedFiles: 1}) {
		t.Errorf("a second run did %+v", again)
	}
}

// Folders may be deeper than any name makes them.
func TestDepthIsBounded(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	deep := strings.Repeat("d/", 60)
	put(t, root, deep+"20251118/bot_log_INFO.jsonl", said("one"))
	put(t, root, deep+deep+"20251118/bot_log_INFO.jsonl", said("OUT"))
	o, book := options(db, root)
	if sum := mustOnce(t, o); sum.UnsupportedFiles != 1 || sum.Messages != 1 {
		t.Errorf("did %+v", sum)
	}
	wantContents(t, db, "one")
	if got := book.Lines("WARN"); len(got) != 1 {
		t.Errorf("the log says %q", got)
	}
}
