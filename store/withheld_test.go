package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"rollcall/store"
)

// Messages whose texts come later, because Discord withheld them at first, end with the
// lines that they would have had: what they took meanwhile is let go. That does not depend
// on the order of arrival, and lines that are read again are known.
func TestTextsThatComeLater(t *testing.T) {
	texts := []string{"", "lol", "gg", "lol", "something"}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 11))
		var told, lines []store.Record
		for i := range 30 {
			r := live(1, store.ID(1+rng.IntN(2)), i+rng.IntN(4)*20, texts[rng.IntN(len(texts))])
			r.Message = store.ID(1000 + i)
			if r.Channel = (store.Channel{ID: 5, Name: "general"}); rng.IntN(3) == 0 {
				r.Channel = store.Channel{ID: 6, Name: "other"}
			}
			switch {
			case r.Content == "":
				r.Attachments = 1
			case rng.IntN(5) == 0:
				r.Extra = &store.Extra{Stickers: []string{"Wave"}}
			case rng.IntN(5) == 0:
				r.Content, r.Extra = "", &store.Extra{Forwarded: &store.Forwarded{Content: "passed on"}}
			}
			if rng.IntN(4) == 0 {
				r.Edited = r.Time + 1e6
			}
			if rng.IntN(2) == 0 {
				l := r
				if l.Edited = 0; r.Edited != 0 && rng.IntN(2) == 0 {
					l.Content = "before it was edited"
				}
				l.Message, l.Channel.ID, l.Attachments, l.Extra, l.Source = 0, 0, 0, nil, store.SourceLog
				l.Time += store.Micros(rng.IntN(20_000_000))
				lines = append(lines, l)
			}
			if rng.IntN(6) > 0 { // or nobody has heard it
				told = append(told, r)
			}
		}
		show := func(db *store.DB) (shown []string) {
			for _, r := range all(t, db, store.Query{}) {
				extra, err := json.Marshal(r.Extra)
				if err != nil {
					t.Fatal(err)
				}
				shown = append(shown, fmt.Sprint(r.User, r.Time, r.Message, r.Channel, r.Content, r.Attachments, string(extra), r.InLogs, r.Edited))
			}
			slices.Sort(shown)
			return shown
		}
		right := openTemp(t)
		mustPut(t, right, store.Batch{Records: told})
		mustImport(t, right, lines...)
		want := show(right)

		db := openTemp(t)
		var steps []func()
		var later []func()
		for _, r := range told {
			if rng.IntN(4) == 0 {
				steps = append(steps, func() { mustPut(t, db, store.Batch{Records: []store.Record{r}}) })
				continue
			}
			blank := r
			blank.Content, blank.Attachments = "", 0
			blank.Formatted = blank.Extra == nil // of a sticker's message or a forward it does not show
			if x := blank.Extra; x != nil && x.Forwarded != nil {
				blank.Extra = &store.Extra{Forwarded: &store.Forwarded{}}
			}
			if rng.IntN(2) == 0 && blank.Formatted {
				blank.Edited = 0 // the edit came later, and was withheld, too
			}
			fetched := r
			fetched.Source = store.SourceBackfill
			steps = append(steps, func() { mustPut(t, db, store.Batch{Records: []store.Record{blank}}) })
			later = append(later, func() { mustPut(t, db, store.Batch{Records: []store.Record{fetched}}) })
		}
		for _, l := range lines {
			if do := func() { mustImport(t, db, l) }; rng.IntN(2) == 0 {
				steps = append(steps, do)
			} else {
				later = append(later, do)
			}
		}
		for _, list := range [][]func(){steps, later} {
			rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			for _, do := range list {
				do()
			}
		}
		if done := mustImport(t, db, lines...); done.Messages != 0 {
			t.Errorf("seed %d: of lines that are read again %+v", seed, done)
		}
		if have := show(db); !slices.Equal(have, want) {
			t.Fatalf("seed %d: have\n%q\nwant\n%q", seed, have, want)
		}
	}
}
