package store_test

import (
	"fmt"
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
