package store_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// Of a guild that was removed no key and no value has its id any more, whatever was known of
// it: only who is forgotten there stays so.
func TestRemovedGuildLeavesNothing(t *testing.T) {
	const guild, other = store.ID(0x0123456789abcdef), store.ID(0x0223456789abcdef)
	db := openTemp(t)
	for _, g := range []store.ID{guild, other} {
		first, second := live(g, 2, 0, "first"), live(g, 3, 1, "second")
		second.Message++
		early := of(live(g, 4, 9, ""), store.Edit)
		early.Content, early.Edited = "was edited before it came", early.Time+1
		mustPut(t, db, store.Batch{
			Records:      []store.Record{first, second},
			Uncounted:    []store.Record{live(g, 5, 3, "a join")},
			Changes:      []store.Change{of(second, store.Remove), early},
			Deleted:      []store.DeletedChannel{{Guild: g, Channel: 7, Action: store.Redact}, {Guild: g, Channel: 8, Action: store.Remove}},
			Names:        []store.Name{{Guild: g, Name: "guild"}, {Guild: g, User: 2, Name: "two"}},
			Learned:      []store.LearnedName{{Guild: g, Channel: 5, Name: "general"}},
			Cursors:      []store.ChannelCursor{{Guild: g, Channel: 5, Last: 9}},
			Floors:       []store.ChannelCursor{{Guild: g, Channel: 6, Last: 9}},
			GuildCursors: []store.GuildCursor{{Guild: g, GuildCursors: store.GuildCursors{Seen: 1, Heard: 2}}},
			Gaps:         []store.Gap{{Guild: g, Channel: 5, Until: 9, State: store.GapOpen, Kind: store.GapHistory}},
			Access:       []store.AccessChange{{Guild: g, Channel: 6, Since: 1, Reason: store.ReasonHidden}},
			Channels:     []store.ChannelSeen{{Guild: g, Channel: 5, Name: "general", At: 1, Since: 1}},
			Passed:       []store.Passed{{Guild: g, Channel: 5, Message: g + 1, Why: store.UncountedBot}},
		})
		line := logged(g, 6, 100, "general", "a line")
		if _, err := storetest.Import(t.Context(), db, store.LogBatch{Records: []store.Record{line}, Done: []store.GuildDay{{Guild: g, Date: "20260511"}}}); err != nil {
			t.Fatal(err)
		}
		unnamed := live(g, 6, 99, "a line, too")
		unnamed.Channel = store.Channel{ID: 9, Name: store.UnknownChannel}
		mustPut(t, db, store.Batch{Records: []store.Record{unnamed}})
		mustPut(t, db, store.Batch{Learned: []store.LearnedName{{Guild: g, Channel: 9, Name: "learned"}}}) // leaves a task of pairing
	}
	has := func(id store.ID) (where []string) {
		binary, text := string(binary.BigEndian.AppendUint64(nil, uint64(id))), id.String()
		for key, value := range store.Dump(t, db) {
			if strings.Contains(key, binary) || strings.Contains(key, text) || strings.Contains(value, binary) || strings.Contains(value, text) {
				where = append(where, key)
			}
		}
		return where
	}
	before := len(has(other))
	if len(has(guild)) < 20 {
		t.Fatalf("the file has %d values of the guild", len(has(guild)))
	}
	mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: guild, At: 1}}})
	for done := false; !done; {
		var err error
		if _, done, err = db.RemoveGuild(t.Context(), guild, 2); err != nil {
			t.Fatal(err)
		}
	}
	if left := has(guild); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if after := len(has(other)); after != before {
		t.Errorf("of the other guild %d values are left of %d", after, before)
	}
}

// Whatever was begun in a guild outlives what it is about: if the bot comes back while the guild is
// being removed, nothing of somebody who is being forgotten is left to stay.
func TestRemovedGuildKeepsTasksToTheEnd(t *testing.T) {
	const guild, person = store.ID(1), store.ID(2)
	for back := 1; ; back++ { // after so many steps
		db := openTemp(t)
		r := live(guild, person, 0, "mine")
		mustPut(t, db, store.Batch{
			Records: []store.Record{r},
			Names:   []store.Name{{Guild: guild, User: person, Name: "two"}},
			Gaps:    []store.Gap{{Guild: guild, Channel: 5, Until: 9, State: store.GapOpen}},
		})
		mustPut(t, db, store.Batch{Changes: []store.Change{of(r, store.Remove)}})
		if _, err := store.ForgetPartly(t.Context(), db, store.Person{User: person, Guild: guild}, 1); err != nil {
			t.Fatal(err)
		}
		mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: guild, At: 1}}})
		done := false
		for range back {
			var err error
			if _, done, err = db.RemoveGuild(t.Context(), guild, 2); err != nil {
				t.Fatal(err)
			}
		}
		mustPut(t, db, store.Batch{Rejoined: []store.ID{guild}})
		tasks, err := db.Tasks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			for done := false; !done && err == nil; {
				_, done, err = db.Step(t.Context(), task)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		for key := range store.Dump(t, db) {
			if strings.HasPrefix(key, "state/markers/") || strings.HasPrefix(key, "names/") {
				t.Errorf("back after %d steps, %q is left", back, key)
			}
		}
		mustBeSound(t, db)
		if done {
			if back < 3 {
				t.Errorf("it was removed in %d steps", back)
			}
			return
		}
	}
}
