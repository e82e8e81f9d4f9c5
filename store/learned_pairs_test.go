package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/store"
)

// Messages that are stored before the name of their channel is known, of people and of the
// system, end with the lines that they would have had if it had been known, once it is.
func TestNamesThatComeLater(t *testing.T) {
	channels := []store.Channel{{ID: 5, Name: "plans"}, {ID: 6, Name: "other"}}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 17))
		path := filepath.Join(t.TempDir(), "later.db")
		right, db := openTemp(t), openWith(t, path, store.Options{})
		t.Cleanup(func() { db.Close() })
		var steps [][2]func(db *store.DB) // as it is right, and as it comes
		both := func(do func(db *store.DB)) { steps = append(steps, [2]func(db *store.DB){do, do}) }
		put := func(uncounted bool, r store.Record) func(db *store.DB) {
			return func(db *store.DB) {
				if uncounted {
					mustPut(t, db, store.Batch{Uncounted: []store.Record{r}})
				} else {
					mustPut(t, db, store.Batch{Records: []store.Record{r}})
				}
			}
		}
		for i := range 24 {
			r := live(1, store.ID(1+rng.IntN(2)), i+rng.IntN(4)*15, []string{"", "lol"}[rng.IntN(2)])
			r.Channel = channels[rng.IntN(2)]
			uncounted := rng.IntN(3) == 0
			if !uncounted && rng.IntN(5) == 0 {
				r.Edited = r.Time + 1e6
			}
			if rng.IntN(3) > 0 {
				l := r
				l.Message, l.Channel.ID, l.Source, l.Edited = 0, 0, store.SourceLog, 0
				l.Time += store.Micros(rng.IntN(30_000_000))
				both(func(db *store.DB) { mustImport(t, db, l) })
			}
			switch unnamed := r; {
			case rng.IntN(6) == 0: // nobody has heard it
			case rng.IntN(2) == 0:
				unnamed.Channel.Name = store.UnknownChannel
				steps = append(steps, [2]func(db *store.DB){put(uncounted, r), put(uncounted, unnamed)})
			default:
				both(put(uncounted, r))
			}
		}
		rng.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, s := range steps {
			s[0](right)
			s[1](db)
		}
		learned := []store.LearnedName{{Guild: 1, Channel: 5, Name: "plans"}, {Guild: 1, Channel: 6, Name: "other"}}
		if rng.IntN(2) == 0 {
			mustPut(t, db, store.Batch{Learned: learned})
		} else { // with a task that is not finished in between
			mustPut(t, db, store.Batch{Learned: learned[:1]})
			mustPut(t, db, store.Batch{Learned: learned[1:]})
		}
		for tasks, err := db.Tasks(t.Context()); len(tasks) > 0 || err != nil; tasks, err = db.Tasks(t.Context()) {
			if err == nil {
				_, _, err = db.Step(t.Context(), tasks[0])
			}
			if err != nil {
				t.Fatal(err)
			}
			if rng.IntN(4) == 0 {
				db.Close()
				db = openWith(t, path, store.Options{})
			}
		}
		show := func(db *store.DB) (shown []string) {
			for _, r := range all(t, db, store.Query{}) {
				shown = append(shown, fmt.Sprint(r.User, r.Time, r.Message, r.Channel, r.InLogs)) // a text may have gone with its marker
			}
			slices.Sort(shown)
			return shown
		}
		mustBeSound(t, db)
		if have, want := show(db), show(right); !slices.Equal(have, want) {
			t.Fatalf("seed %d: have\n%q\nwant\n%q", seed, have, want)
		}
	}
}
