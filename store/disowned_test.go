package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"rollcall/store"
)

// Messages of deleted accounts count for their guild and channel, from every source, and
// belong to nobody.
func TestDeletedUser(t *testing.T) {
	ctx := context.Background()
	path := t.TempDir() + "/rollcall.db"
	db := openWith(t, path, store.Options{})
	imported := live(1, store.DeletedUser, 2, "imported")
	imported.Source = store.SourceImport
	fetched := live(1, store.DeletedUser, 86_400, "fetched")
	fetched.Source = store.SourceBackfill
	mustPut(t, db, store.Batch{
		Records: []store.Record{live(1, store.DeletedUser, 0, "live"), imported, fetched, live(1, 2, 1, "of somebody")},
		Names:   []store.Name{{Guild: 1, User: store.DeletedUser, Name: "Deleted User"}, {Guild: 1, User: 2, Name: "ada"}},
	})
	mustImport(t, db, logged(1, store.DeletedUser, 500, "general", "logged"))
	mustPut(t, db, store.Batch{Records: []store.Record{live(2, store.DeletedUser, 0, "alone here")}})
	for range 2 {
		g, known, err := db.Guild(ctx, 1)
		if err != nil || !known || g.Messages != 5 || g.Users != 1 {
			t.Errorf("the guild is %+v, %t, %v, want 5 messages of 1 user", g, known, err)
		}
		guilds, err := db.Guilds(ctx)
		if err != nil || len(guilds) != 2 || guilds[0].Users != 1 || guilds[1].Messages != 1 || guilds[1].Users != 0 {
			t.Errorf("there are %+v, %v", guilds, err)
		}
		stats, err := db.Stats(ctx)
		if err != nil || stats.Messages != 6 || stats.Profiles != 1 {
			t.Errorf("there are %d messages of %d users, %v, want 6 of 1", stats.Messages, stats.Profiles, err)
		}
		s, err := db.Summary(ctx, 1, store.Days{}, 10)
		if err != nil || s.Messages != 5 || s.Users != 1 || len(s.Leaders) != 1 || s.Leaders[0].User != 2 {
			t.Errorf("the summary is %+v, %v", s, err)
		}
		if len(s.Daily) != 2 || s.Daily[0].Messages != 4 || s.Daily[0].Users != 1 || s.Daily[1].Messages != 1 || s.Daily[1].Users != 0 {
			t.Errorf("by day there are %+v", s.Daily)
		}
		if len(s.Channels) != 1 || s.Channels[0].Messages != 5 {
			t.Errorf("by channel there are %+v", s.Channels)
		}
		for _, by := range []store.By{store.ByMessages, store.ByDays} {
			leaders, total, err := db.Leaders(ctx, 1, store.Days{}, by, 10)
			if err != nil || len(leaders) != 1 || leaders[0].User != 2 || total != 1 {
				t.Errorf("leaders are %+v of %d, %v", leaders, total, err)
			}
		}
		if p, known, err := db.Profile(ctx, 1, store.DeletedUser, store.Days{}, time.Now()); err != nil || known {
			t.Errorf("nobody has the profile %+v, %v", p, err)
		}
		names, err := db.Names(ctx, 1)
		name, errName := db.Name(ctx, 1, store.DeletedUser)
		if err != nil || errName != nil || len(names) != 1 || names[2] != "ada" || name != "" {
			t.Errorf("names are %v and %q, %v, %v", names, name, err, errName)
		}
		if n := len(all(t, db, store.Query{Guild: 1})); n != 5 {
			t.Errorf("there are %d records, want 5", n)
		}
		mustBeSound(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = openWith(t, path, store.Options{})
	}
}

// A message that comes again after its author's account was deleted counts once.
func TestDisowned(t *testing.T) {
	db := openTemp(t)
	first, later, alone := live(1, 2, 0, "before"), live(1, store.DeletedUser, 60, "after"), live(1, store.DeletedUser, 120, "always")
	mustPut(t, db, store.Batch{Records: []store.Record{first, later}})
	again, known := first, later
	again.User, again.Source = store.DeletedUser, store.SourceBackfill
	known.User, known.Source = 3, store.SourceImport
	for range 2 {
		stored, err := db.Put(context.Background(), store.Batch{Records: []store.Record{again, known, alone}})
		if err != nil || stored > 1 {
			t.Fatalf("%d were new, %v", stored, err)
		}
	}
	var have []store.ID
	for _, r := range all(t, db, store.Query{Guild: 1}) {
		have = append(have, r.User)
	}
	equal(t, "authors", have, []store.ID{2, store.DeletedUser, store.DeletedUser})
}

// A line tells who wrote, and a message that history shows of a deleted account does not:
// nothing proves that the two are one, whatever they say, so both count.
func TestDisownedTakesNoLine(t *testing.T) {
	db := openTemp(t)
	mustImport(t, db, logged(1, 2, 1, "general", "lol"))
	mustPut(t, db, store.Batch{Records: []store.Record{live(1, store.DeletedUser, 0, "lol")}})
	mustImport(t, db, logged(1, 3, 2, "general", "lol"))
	var have []store.ID
	for _, r := range all(t, db, store.Query{Guild: 1}) {
		have = append(have, r.User)
	}
	slices.Sort(have)
	equal(t, "authors", have, []store.ID{2, 3, store.DeletedUser})
}
