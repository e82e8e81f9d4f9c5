package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// whatIsKnown puts the traces of a message into words.
func whatIsKnown(t *testing.T, db *store.DB, m store.MessageAt) string {
	t.Helper()
	found, err := db.Lookup(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	if r := found.Record; r != nil {
		words = append(words, fmt.Sprintf("stored in %d of %d, %q", r.Channel.ID, r.Guild, r.Content))
	}
	if r := found.Removed; r != nil {
		words = append(words, fmt.Sprintf("removed in %d of %d by %d", r.Channel.ID, r.Guild, r.User))
	}
	if p := found.Passed; p != nil {
		words = append(words, fmt.Sprintf("passed %d in %d", p.Why, p.Channel))
	}
	for _, g := range found.Guilds {
		line := fmt.Sprintf("guild %d %v", g.Guild, g.Known)
		if g.Cursor != 0 {
			line += fmt.Sprintf(", channel to %d since %d", g.Cursor, g.Channel.Since)
		}
		for _, gap := range g.Gaps {
			line += fmt.Sprintf(", gap %d %s", gap.Channel, gap.State)
		}
		if g.Lines > 0 {
			line += fmt.Sprintf(", %d lines", g.Lines)
		}
		words = append(words, line)
	}
	return strings.Join(words, "; ")
}

func TestLookup(t *testing.T) {
	db := openTemp(t)
	base := saidIn(0, 0, "").Time
	mustPut(t, db, store.Batch{
		Records:      []store.Record{saidIn(1, 7, "x"), saidIn(2, 7, "x"), saidIn(3, 8, "y")},
		Cursors:      []store.ChannelCursor{{Guild: 1, Channel: 7, Last: 1001}, {Guild: 2, Channel: 20, Last: 9}},
		GuildCursors: []store.GuildCursor{{Guild: 1, GuildCursors: store.GuildCursors{Seen: 5}}},
		Channels:     []store.ChannelSeen{{Guild: 1, Channel: 7, Since: base}},
		Passed:       []store.Passed{{Guild: 1, Channel: 7, Message: 1500, Why: store.UncountedWebhook}},
		Gaps: []store.Gap{
			{Guild: 1, Channel: 7, After: 2000, Until: 2010, From: base, To: base + 10e6, State: store.GapOpen, Reason: "away"},
			{Guild: 1, Channel: 8, After: 2000, Until: 2010, From: base, To: base + 10e6, State: store.GapSkipped, Reason: "away"},
			{Guild: 1, Channel: 7, After: 3000, Until: 3000, From: base + 100e6, To: base + 110e6, State: store.GapFilled, Reason: "away"},
			{Guild: 1, Channel: 1, After: 0, Until: 1, From: base + 200e6, To: base + 210e6, State: store.GapOpen, Reason: "archived"},
		},
	})
	mustPut(t, db, store.Batch{Changes: []store.Change{{Guild: 1, Message: 1002, Time: base + 2e6, Action: store.Remove}}})
	if _, err := storetest.Import(t.Context(), db, store.LogBatch{Records: []store.Record{loggedIn(400, "elsewhere")}}); err != nil {
		t.Fatal(err)
	}
	at := func(message store.ID, second int, guild, channel store.ID) store.MessageAt {
		return store.MessageAt{Message: message, Time: base + store.Micros(second)*1e6, Guild: guild, Channel: channel}
	}
	for _, tc := range []struct {
		name string
		m    store.MessageAt
		want string
	}{
		{"stored", at(1001, 1, 0, 0), `stored in 7 of 1, ""`},
		{"stored, its guild", at(1003, 3, 1, 8), `stored in 8 of 1, ""`},
		{"stored in another guild", at(1001, 1, 2, 20), "guild 2 true, channel to 9 since 0"},
		{"removed", at(1002, 2, 0, 0), "removed in 7 of 1 by 0"},
		{"passed by", at(1500, 4, 0, 0), "passed 2 in 7"},
		{"in a gap", at(2005, 5, 1, 7), fmt.Sprintf("guild 1 true, channel to 1001 since %d, gap 7 open", base)},
		{"in a gap of an unknown channel", at(2005, 5, 1, 0), "guild 1 true, gap 7 open, gap 8 skipped"},
		{"behind a gap", at(2011, 5, 1, 7), fmt.Sprintf("guild 1 true, channel to 1001 since %d", base)},
		{"in what was filled", at(3005, 105, 1, 7), fmt.Sprintf("guild 1 true, channel to 1001 since %d, gap 7 filled", base)},
		{"while threads were archived", at(4005, 205, 1, 9), "guild 1 true, gap 1 open"},
		{"near a line", at(5005, 399, 1, 0), "guild 1 true, 1 lines"},
		{"anywhere", at(6000, 900, 0, 0), "guild 1 true; guild 2 true"},
		{"in an unknown guild", at(6000, 900, 3, 0), "guild 3 false"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := whatIsKnown(t, db, tc.m); have != tc.want {
				t.Errorf("have %s\nwant %s", have, tc.want)
			}
		})
	}
}

// A message that does not count is remembered once, also if it comes again from history, and
// goes with its guild.
func TestPassed(t *testing.T) {
	db := openTemp(t)
	for range 2 {
		mustPut(t, db, store.Batch{
			Cursors: []store.ChannelCursor{{Guild: 1, Channel: 7, Last: 9}},
			Passed:  []store.Passed{{Guild: 1, Channel: 7, Message: 9, Why: store.UncountedBot}, {Guild: 2, Channel: 8, Message: 8, Why: store.UncountedSystem}},
		})
	}
	mustPut(t, db, store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: 5}}})
	for done := false; !done; {
		var err error
		if _, done, err = db.RemoveGuild(t.Context(), 1, 6); err != nil {
			t.Fatal(err)
		}
	}
	if have := whatIsKnown(t, db, store.MessageAt{Message: 9}); strings.Contains(have, "passed") {
		t.Errorf("have %s", have)
	}
	if have := whatIsKnown(t, db, store.MessageAt{Message: 8}); have != "passed 3 in 8" {
		t.Errorf("have %s", have)
	}
}

// What is kept out of the file, and what is erased from it, is known to the process alone.
func TestKeptOut(t *testing.T) {
	db := openTemp(t)
	other := saidIn(5, 7, "x")
	other.User = 3
	mustPut(t, db, store.Batch{Records: []store.Record{saidIn(1, 7, "x"), other}})
	if _, err := db.Forget(t.Context(), store.Person{User: 2}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, db, store.Batch{Records: []store.Record{saidIn(2, 7, "x")}})
	db.Guard(func(r *store.Record) (bool, error) { return r.User != 4, nil })
	out := saidIn(3, 7, "x")
	out.User = 4
	mustPut(t, db, store.Batch{Records: []store.Record{out}})
	for message, want := range map[store.ID]store.KeptOut{1001: store.KeptOutForgotten, 1002: store.KeptOutForgotten, 1003: store.KeptOutOptedOut, 1005: 0, 1009: 0} {
		if why, ok := db.WhyKeptOut(message); why != want || ok != (want != 0) {
			t.Errorf("message %d: %d, %v, want %d", message, why, ok, want)
		}
	}
	if have := whatIsKnown(t, db, store.MessageAt{Message: 1001, Time: saidIn(1, 7, "").Time}); have != "guild 1 true" {
		t.Errorf("the file knows of a forgotten message: %s", have)
	}
}

func TestCoverage(t *testing.T) {
	db := openTemp(t)
	base := saidIn(0, 0, "").Time
	mustPut(t, db, store.Batch{
		Records:      []store.Record{saidIn(5, 7, "old"), saidIn(1, 7, "old"), saidIn(2000, 7, "new"), saidIn(3, 8, "y")},
		Cursors:      []store.ChannelCursor{{Guild: 1, Channel: 7, Last: 3000}, {Guild: 1, Channel: 9, Last: 9}, {Guild: 2, Channel: 20, Last: 20}},
		Floors:       []store.ChannelCursor{{Guild: 1, Channel: 11, Last: 5}},
		GuildCursors: []store.GuildCursor{{Guild: 1, GuildCursors: store.GuildCursors{Seen: 5}}},
		Gaps:         []store.Gap{{Guild: 1, Channel: 7, After: 1, Until: 2, State: store.GapOpen}, {Guild: 1, Channel: 1, Until: 1, State: store.GapFilled}, {Guild: 2, Channel: 20, Until: 9, State: store.GapSkipped}},
		Channels: []store.ChannelSeen{
			{Guild: 1, Channel: 7, Since: base},
			{Guild: 1, Channel: 7, Since: base + 5},
			{Guild: 1, Channel: 9, Parent: 7, Name: "thread", At: base, Since: base + 1},
			{Guild: 1, Channel: 10, Name: "gone", At: base, Gone: true},
		},
		Names: []store.Name{{Guild: 1, Name: "One"}},
	})
	if _, err := storetest.Import(t.Context(), db, store.LogBatch{Records: []store.Record{loggedIn(100, "old"), loggedIn(4000, "lost")}}); err != nil {
		t.Fatal(err)
	}
	guilds, err := db.Coverage(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, g := range guilds {
		have = append(have, fmt.Sprintf("guild %d %s %d messages %d gaps", g.ID, g.Name, g.Messages, len(g.Gaps)))
		for _, c := range g.Channels {
			line := fmt.Sprintf("%d %s %d", c.ID, c.Name, c.Messages)
			if c.Messages > 0 {
				line += fmt.Sprintf(" from %d to %d", (c.First-base)/1e6, (c.Last-base)/1e6)
			}
			if c.Since != 0 {
				line += fmt.Sprintf(" since %d", c.Since-base)
			}
			if c.Parent != 0 {
				line += fmt.Sprintf(" below %d", c.Parent)
			}
			if c.Gone {
				line += " gone"
			}
			have = append(have, fmt.Sprintf("%s cursor %d gaps %d", line, c.Cursor, len(c.Gaps)))
		}
	}
	want := []string{
		"guild 1 One 6 messages 1 gaps",
		"10 gone 0 gone cursor 0 gaps 0",
		"0 lost 1 from 4000 to 4000 cursor 0 gaps 0",
		"7 new 4 from 1 to 2000 since 0 cursor 3000 gaps 1",
		"9 thread 0 since 1 below 7 cursor 9 gaps 0",
		"8 y 1 from 3 to 3 cursor 0 gaps 0",
		"guild 2  0 messages 0 gaps",
		"20 unknown 0 cursor 20 gaps 1",
	}
	if !slices.Equal(have, want) {
		t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	if one, err := db.Coverage(t.Context(), 2); err != nil || len(one) != 1 || len(one[0].Channels) != 1 {
		t.Errorf("of one guild: %v, %v", one, err)
	}
}
