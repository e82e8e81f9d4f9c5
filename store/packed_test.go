package store_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// Many users share chunks, which are divided, joined by newcomers on all sides, and
// emptied: the answers stay those that the records make.
func TestPacked(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	db := openTemp(t)
	users := []store.ID{1, 1<<64 - 1}
	for range 1500 {
		users = append(users, store.ID(random.Uint64()|1))
	}
	for round := range 12 {
		var lines store.LogBatch
		var batch store.Batch
		for range 400 {
			r := store.Record{
				Guild: 1, User: users[random.IntN(len(users))], Time: store.Micros(random.Int64N(14 * 86400 * 1e6)),
				Channel: store.Channel{Name: "general"}, Content: "x", Source: store.SourceLog,
			}
			lines.Records = append(lines.Records, r)
			if random.IntN(2) == 0 { // the same message takes the line's record away
				r.Time -= 3e6
				r.Source, r.Message = store.SourceLive, store.ID(1+random.Int64N(1<<60))
				batch.Records = append(batch.Records, r)
			}
		}
		if _, err := storetest.Import(context.Background(), db, lines); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Put(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
		if round%4 != 3 {
			continue
		}
		mustBeSound(t, db)
		records := all(t, db, store.Query{Guild: 1})
		d := store.Days{Zone: time.UTC}
		leaders, _, err := db.Leaders(context.Background(), 1, d, store.ByMessages, 5000)
		if err != nil {
			t.Fatal(err)
		}
		want := obviousLeaders(records, d, store.ByMessages, 5000)
		for i := range want {
			want[i].Name = ""
		}
		equal(t, "leaders", leaders, want)
		for _, user := range users[:50] {
			have, known, err := db.Profile(context.Background(), 1, user, d, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			want, wantKnown := obviousProfile(records, user, d, time.Unix(0, 0))
			want.Name = ""
			if equal(t, "known", known, wantKnown); known {
				equal(t, "profile", have, want)
			}
		}
	}
}
