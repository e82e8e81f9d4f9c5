package store_test

import (
	"fmt"
	"reflect"
	"testing"

	"rollcall/store"
)

// Of two edits in the same millisecond, which is as finely as Discord tells their times,
// the one that arrives later counts: in one commit or in two, and before or after the
// message. An older edit that arrives late changes nothing.
func TestEditsInOneMillisecond(t *testing.T) {
	for _, early := range []bool{false, true} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("before the message: %v, in one commit: %v", early, together), func(t *testing.T) {
				db := openTemp(t)
				m := live(1, 2, 0, "as it was")
				var edits []store.Change
				for i, text := range []string{"first", "second", "of before"} {
					e := of(m, store.Edit)
					e.Content, e.Edited = text, m.Time+2e3
					if i == 2 {
						e.Edited -= 1e3
					}
					edits = append(edits, e)
				}
				if !early {
					mustPut(t, db, store.Batch{Records: []store.Record{m}})
				}
				if together {
					mustPut(t, db, store.Batch{Changes: edits})
				} else {
					for _, e := range edits {
						mustPut(t, db, store.Batch{Changes: []store.Change{e}})
					}
				}
				if early {
					mustPut(t, db, store.Batch{Records: []store.Record{m}})
				}
				if have := all(t, db, store.Query{}); len(have) != 1 || have[0].Content != "second" || have[0].Edited != m.Time+2e3 {
					t.Errorf("stored: %+v", have)
				}
			})
		}
	}
}

// An edit that takes another back counts, though it changes nothing of what is stored: the
// one that it took back may arrive later.
func TestEditsTakenBack(t *testing.T) {
	for _, early := range []bool{false, true} {
		for _, withLine := range []bool{false, true} {
			t.Run(fmt.Sprintf("before the message: %v, in the logs: %v", early, withLine), func(t *testing.T) {
				db := openTemp(t)
				m := live(1, 2, 0, "as it was")
				back, late := of(m, store.Edit), of(m, store.Edit)
				back.Content, back.Edited = m.Content, m.Time+2e6
				late.Content, late.Edited = "taken back", m.Time+1e6
				steps := []store.Batch{{Records: []store.Record{m}}, {Changes: []store.Change{back}}, {Changes: []store.Change{late}}}
				if early {
					steps = append(steps[1:], steps[0])
				}
				if withLine {
					mustImport(t, db, logged(1, 2, 1, "general", "as it was"))
				}
				for _, b := range steps {
					mustPut(t, db, b)
				}
				want := m
				want.Edited, want.InLogs = back.Edited, withLine
				have := all(t, db, store.Query{})
				if len(have) != 1 || !reflect.DeepEqual(have[0], want) {
					t.Errorf("stored: %+v\nwant %+v", have, want)
				}
				if mustImport(t, db, logged(1, 2, 2, "general", "something else")); len(all(t, db, store.Query{})) != 2 {
					t.Error("it takes a line of another text, as if it had been edited before it was seen")
				}
			})
		}
	}
}

// What an edit leaves empty while Discord withholds texts, unnoticed since the message shows its
// sticker, comes back from the history.
func TestEditWhoseTextComesLater(t *testing.T) {
	db := openTemp(t)
	m := live(1, 2, 0, "a text")
	m.Extra = &store.Extra{Stickers: []string{"Wave"}}
	mustPut(t, db, store.Batch{Records: []store.Record{m}})
	withheld := of(m, store.Edit)
	withheld.Edited = m.Time + 1e6
	mustPut(t, db, store.Batch{Changes: []store.Change{withheld}})
	told := m
	told.Content, told.Edited, told.Source = "edited", withheld.Edited, store.SourceBackfill
	mustPut(t, db, store.Batch{Records: []store.Record{told}})
	if have := all(t, db, store.Query{}); len(have) != 1 || have[0].Content != "edited" || have[0].Edited != told.Edited {
		t.Errorf("stored: %+v", have)
	}
}
