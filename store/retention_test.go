package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// sweep takes the texts before an instant out and returns how many, in how many steps.
func sweep(t *testing.T, db *store.DB, before store.Micros) (swept int64, steps int) {
	t.Helper()
	for {
		n, done, err := db.SweepTexts(context.Background(), before)
		if err != nil {
			t.Fatal(err)
		}
		swept += n
		if done {
			return swept, steps
		}
		if steps++; steps > 1000 {
			t.Fatal("it does not end")
		}
	}
}

// Texts that are older than an instant go, counts stay, and what comes in later with
// an old time is found as well. It goes on where it was stopped.
func TestSweepTexts(t *testing.T) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(7, 8))
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { db.Close() }()
	given := map[store.ID]store.Record{}
	write := func(n int) {
		var batch store.Batch
		for range n {
			r := live(store.ID(1+random.IntN(3)), store.ID(1+random.IntN(9)), 0, fmt.Sprint("secret ", random.IntN(5)))
			r.Message, r.Time = store.ID(1+random.Int64N(1<<40)), r.Time+store.Micros(random.Int64N(40)*900e6+random.Int64N(900e6))
			if random.IntN(10) == 0 {
				r.Content = ""
			}
			batch.Records = append(batch.Records, r)
			given[r.Message] = r
		}
		mustPut(t, db, batch)
	}
	gone := func(before store.Micros) {
		before -= (before%900e6 + 900e6) % 900e6
		for id, r := range given {
			if r.Time < before && r.Content != "" {
				r.Content, r.Redacted = "", true
				given[id] = r
			}
		}
	}
	compare := func(what string) {
		t.Helper()
		have := map[store.ID]store.Record{}
		for _, r := range all(t, db, store.Query{}) {
			have[r.Message] = r
		}
		if !reflect.DeepEqual(have, given) {
			for id, r := range given {
				if have[id] != r {
					t.Fatalf("%s: have %+v, want %+v", what, have[id], r)
				}
			}
			t.Fatalf("%s: %d records, want %d", what, len(have), len(given))
		}
		mustBeSound(t, db)
	}
	const start = store.Micros(1_700_000_000e6)
	write(3000)
	compare("as it came")
	if n, steps := sweep(t, db, start-86400e6); n != 0 || steps != 0 {
		t.Errorf("nothing is so old, and yet %d were swept in %d steps", n, steps)
	}
	for i, before := range []store.Micros{start + 10*900e6, start + 10*900e6 + 1, start + 20*900e6 + 5, start + 15*900e6, start + 39*900e6} {
		if i == 2 { // stopped in the middle
			if _, done, err := db.SweepTexts(ctx, before); err != nil || done {
				t.Fatal(done, err)
			}
			mustBeSound(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = store.Open(path, store.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		sweep(t, db, before)
		gone(before)
		compare(fmt.Sprint("swept ", i))
		if n, steps := sweep(t, db, before); n != 0 || steps != 0 {
			t.Errorf("swept again: %d in %d steps", n, steps)
		}
		write(50)
		compare("written")
		sweep(t, db, before)
		gone(before)
		compare("swept once more")
	}
	sweep(t, db, start+1000*900e6)
	mustBeSound(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(bytesOf(t, path), []byte("secret")) {
		t.Error("the compacted file holds what was swept")
	}
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
}

// A guild that was left goes in steps, whole, and only it; if the bot comes back in
// the middle, the rest stays.
func TestRemoveGuild(t *testing.T) {
	ctx := context.Background()
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint("back: ", back), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db, err := store.Open(path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			v := newVillage()
			v.names = append(v.names, store.Name{Guild: 1, Name: "secret guild"})
			v.move(t, db)
			var changes []store.Change
			for _, r := range v.records[:40] {
				changes = append(changes, of(r, store.Remove))
			}
			mustPut(t, db, store.Batch{
				Changes: changes, Deleted: []store.DeletedChannel{{Guild: 1, Channel: 5, Action: store.Redact}},
				Cursors:  []store.ChannelCursor{{Guild: 1, Channel: 5, Last: 9}, {Guild: 2, Channel: 6, Last: 9}},
				Gaps:     []store.Gap{{Guild: 1, Channel: 5, Until: 9, State: store.GapOpen}, {Guild: 2, Channel: 6, Until: 9, State: store.GapOpen}},
				Departed: []store.DepartedGuild{{Guild: 1, At: 1000}},
			})
			if _, err := storetest.Import(ctx, db, store.LogBatch{Done: []store.GuildDay{{Guild: 1, Date: "20260511"}, {Guild: 2, Date: "20260511"}}}); err != nil {
				t.Fatal(err)
			}
			mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: 2000}}}) // it is known already
			others := all(t, db, store.Query{Guild: 2})
			for _, early := range []struct {
				guild  store.ID
				before store.Micros
			}{{1, 1000}, {2, 5000}, {3, 5000}} {
				if erased, done, err := db.RemoveGuild(ctx, early.guild, early.before); err != nil || !done || erased != (store.Erased{}) {
					t.Errorf("%+v: %+v, %v, %v", early, erased, done, err)
				}
			}
			var sum store.Erased
			steps := 0
			for done := false; !done; steps++ {
				var erased store.Erased
				if erased, done, err = db.RemoveGuild(ctx, 1, 1001); err != nil {
					t.Fatal(err)
				}
				sum.Add(erased)
				mustBeSound(t, db)
				if back && steps == 0 {
					mustPut(t, db, store.Batch{Rejoined: []store.ID{1}})
				}
			}
			if have := all(t, db, store.Query{Guild: 2}); !reflect.DeepEqual(have, others) {
				t.Errorf("of the other guild %d records are left of %d", len(have), len(others))
			}
			left := all(t, db, store.Query{Guild: 1})
			if back {
				if len(left) == 0 || sum.Messages == 0 {
					t.Errorf("%d are left, %d were removed", len(left), sum.Messages)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				return
			}
			if steps < 4 || len(left) != 0 || sum.Names != 5 {
				t.Errorf("%d steps removed %+v and left %d", steps, sum, len(left))
			}
			for what, n := range map[string]func() (int, error){
				"guilds":  func() (int, error) { l, err := db.Guilds(ctx); return len(l), err },
				"left":    func() (int, error) { l, err := db.DepartedGuilds(ctx); return len(l) + 1, err },
				"cursors": func() (int, error) { l, err := db.GuildsListened(ctx); return len(l), err },
				"gaps":    func() (int, error) { l, err := db.Gaps(ctx, false); return len(l), err },
				"open":    func() (int, error) { l, err := db.Gaps(ctx, true); return len(l), err },
				"dates":   func() (int, error) { l, err := db.LastDates(ctx); return len(l), err },
				"tasks":   func() (int, error) { l, err := db.Tasks(ctx); return len(l) + 1, err },
			} {
				if have, err := n(); err != nil || have != 1 {
					t.Errorf("%s: %d, %v, want those of the other guild", what, have, err)
				}
			}
			// It may begin again as if it had never been there.
			mustPut(t, db, store.Batch{Records: v.records[:40]})
			if have := all(t, db, store.Query{Guild: 1}); len(have) == 0 {
				t.Error("it does not begin again")
			}
			mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: 1000}, {Guild: 2, At: 1000}}})
			for _, guild := range []store.ID{1, 2} {
				for done := false; !done && err == nil; {
					_, done, err = db.RemoveGuild(ctx, guild, 1001)
				}
			}
			mustBeSound(t, db)
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(bytesOf(t, path), []byte("secret")) {
				t.Error("the compacted file holds what was removed")
			}
		})
	}
}
