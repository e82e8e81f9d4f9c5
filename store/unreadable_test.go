package store_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall/store"
)

// A channel that cannot be read has a gap from then on, which goes on in the file until
// the channel can be read again, and then is the same gap with its end.
func TestUnreadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openWith(t, path, store.Options{})
	ctx := t.Context()
	access := func(changes ...store.AccessChange) {
		t.Helper()
		mustPut(t, db, store.Batch{Access: changes})
	}
	check := func(what string, want ...store.Unreadable) {
		t.Helper()
		got, err := db.Unreadable(ctx, 0)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
		}
	}
	gap := func(seq uint64) store.Gap {
		t.Helper()
		gaps, err := db.Gaps(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gaps {
			if g.Seq == seq {
				return g
			}
		}
		t.Fatalf("gap %d is not among %+v", seq, gaps)
		return store.Gap{}
	}
	begin := store.Gap{Guild: 1, Channel: 20, After: 7, From: 100, Reason: store.ReasonHidden, State: store.GapOpen, Waits: store.WaitPermission}
	access(
		store.AccessChange{Guild: 1, Channel: 20, Since: 100, Reason: store.ReasonHidden, Span: &begin},
		store.AccessChange{Guild: 1, Channel: 21, Since: 100, Reason: store.ReasonHidden},
		store.AccessChange{Guild: 2, Channel: 20, Since: 101, Reason: store.ReasonNoHistory},
	)
	hidden := store.Unreadable{Guild: 1, Channel: 20, Since: 100, Reason: store.ReasonHidden, Gap: 1}
	never := store.Unreadable{Guild: 1, Channel: 21, Since: 100, Reason: store.ReasonHidden}
	deaf := store.Unreadable{Guild: 2, Channel: 20, Since: 101, Reason: store.ReasonNoHistory}
	check("at first", hidden, never, deaf)
	if g := gap(1); g.Until != 0 || g.To != 0 || g.State != store.GapOpen || g.Waits != store.WaitPermission {
		t.Errorf("the gap is %+v", g)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openChecked(t, path)
	check("opened again", hidden, never, deaf)
	if list, err := db.Unreadable(ctx, 2); err != nil || !slices.Equal(list, []store.Unreadable{deaf}) {
		t.Errorf("of one guild: %+v, %v", list, err)
	}

	// Another reason, and the gap goes on.
	access(store.AccessChange{Guild: 1, Channel: 20, Since: 200, Reason: store.ReasonUnreadable})
	hidden.Reason = store.ReasonUnreadable
	check("for another reason", hidden, never, deaf)
	// It is heard again: the gap ends, though it cannot be filled.
	end := begin
	end.Until, end.To = 9, 300
	access(store.AccessChange{Guild: 1, Channel: 20, Since: 300, Reason: store.ReasonNoHistory, Span: &end})
	hidden = store.Unreadable{Guild: 1, Channel: 20, Since: 300, Reason: store.ReasonNoHistory}
	check("heard again", hidden, never, deaf)
	if g := gap(1); g.Until != 9 || g.To != 300 {
		t.Errorf("the gap is %+v", g)
	}
	// Not any more: another gap. In the same transaction that ends, and a third begins and ends.
	second := store.Gap{Guild: 1, Channel: 20, After: 9, From: 400, Reason: store.ReasonHidden, State: store.GapOpen}
	third := store.Gap{Guild: 1, Channel: 20, After: 11, From: 500, Reason: store.ReasonHidden, State: store.GapOpen}
	ended := func(g store.Gap, until store.ID) *store.Gap { g.Until, g.To = until, 600; return &g }
	access(
		store.AccessChange{Guild: 1, Channel: 20, Since: 400, Reason: store.ReasonHidden, Span: &second},
		store.AccessChange{Guild: 1, Channel: 20, Span: ended(second, 10)},
		store.AccessChange{Guild: 1, Channel: 20, Since: 500, Reason: store.ReasonHidden, Span: &third},
		store.AccessChange{Guild: 1, Channel: 20, Span: ended(third, 12)},
		store.AccessChange{Guild: 1, Channel: 21},
		store.AccessChange{Guild: 1, Channel: 22}, // was readable all the time
	)
	check("readable", deaf)
	if second, third := gap(2), gap(3); second.Until != 10 || third.After != 11 || third.Until != 12 {
		t.Errorf("the gaps are %+v and %+v", second, third)
	}
	if gaps, err := db.Gaps(ctx, false); err != nil || len(gaps) != 3 {
		t.Errorf("the ledger is %+v, %v", gaps, err)
	}
}

func TestUnreadableOfAGuildThatWasLeft(t *testing.T) {
	db := openChecked(t, filepath.Join(t.TempDir(), "rollcall.db"))
	for guild := store.ID(1); guild <= 2; guild++ {
		mustPut(t, db, store.Batch{
			Cursors: []store.ChannelCursor{{Guild: guild, Channel: 20, Last: 7}},
			Access:  []store.AccessChange{{Guild: guild, Channel: 20, Since: 1, Reason: store.ReasonHidden}},
		})
	}
	now := store.MicrosOf(time.Now())
	mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: now - 10}}})
	for done := false; !done; {
		var err error
		if _, done, err = db.RemoveGuild(t.Context(), 1, now); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := db.Unreadable(t.Context(), 0); err != nil || len(list) != 1 || list[0].Guild != 2 {
		t.Errorf("unreadable are %+v, %v", list, err)
	}
}
