package coverage_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/coverage"
	"rollcall/internal/rules"
	"rollcall/internal/snowflake"
	"rollcall/internal/storetest"
	"rollcall/store"
	"rollcall/tracker"
)

// noon is when the guild 1 was seen first; minutes are counted from then.
var noon = store.MicrosOf(time.Date(2026, 5, 11, 12, 0, 0, 0, time.UTC))

func at(minute int) store.Micros { return noon + store.Micros(minute)*60e6 }

// message is the id of a message of a minute.
func message(minute int) store.ID {
	return store.ID(uint64(int64(at(minute))/1000-snowflake.Epoch) << 22)
}

func put(t *testing.T, db *store.DB, b store.Batch) {
	t.Helper()
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

const (
	general store.ID = 20 // listened to since noon
	thread  store.ID = 21 // since the bot was added to it, at minute 50
	hidden  store.ID = 22
	denied  store.ID = 23
	below   store.ID = 24 // a thread of denied
	old     store.ID = 25 // of a build that did not note since when
	crawled store.ID = 26 // read back to its beginning
)

// known is a store with what happened in a guild.
func known(t *testing.T) *store.DB {
	db := storetest.New(t, store.Options{})
	gap := func(kind store.GapKind, channel store.ID, from, to int, state, reason, note string) store.Gap {
		g := store.Gap{Guild: 1, Channel: channel, After: message(from) - 1, Until: message(to), From: at(from), To: at(to), Kind: kind, Reason: reason, State: state, Note: note}
		if state == store.GapFilled {
			g.After = g.Until
		}
		return g
	}
	put(t, db, store.Batch{
		Records:      []store.Record{{Guild: 1, User: 2, Time: at(10), Message: message(10), Channel: store.Channel{ID: general, Name: "general"}, Content: "hi", Source: store.SourceLive}},
		Names:        []store.Name{{Guild: 1, Name: "One"}},
		GuildCursors: []store.GuildCursor{{Guild: 1, GuildCursors: store.GuildCursors{Seen: message(0), Heard: message(90)}}},
		Cursors: []store.ChannelCursor{
			{Guild: 1, Channel: general, Last: message(90)}, {Guild: 1, Channel: thread, Last: message(60)}, {Guild: 1, Channel: hidden, Last: message(20)}, {Guild: 1, Channel: old, Last: message(5)},
		},
		Channels: []store.ChannelSeen{
			{Guild: 1, Channel: general, Name: "general", At: at(0), Since: at(0), After: message(-1)},
			{Guild: 1, Channel: thread, Parent: general, Name: "thread", At: at(50), Since: at(50), After: message(50) - 1},
			{Guild: 1, Channel: hidden, Name: "hidden", At: at(0), Since: at(0)},
			{Guild: 1, Channel: below, Parent: denied, Name: "below", At: at(0)},
			{Guild: 1, Channel: crawled, Name: "crawled", At: at(0), Since: at(0), After: message(-2)},
		},
		Gaps: []store.Gap{
			gap(store.GapMissed, general, 30, 32, store.GapOpen, "rollcall was not running", ""),
			gap(store.GapMissed, general, 34, 36, store.GapSkipped, "rollcall was not running", "backfill is off"),
			gap(store.GapMissed, general, 38, 40, store.GapFilled, "rollcall was not running", ""),
			gap(store.GapUnreadable, general, 42, 44, store.GapSkipped, "the network", "no permission: the bot needs View Channel and Read Message History"),
			gap(store.GapUnreadable, hidden, 20, 99, store.GapOpen, "hidden", ""),
			gap(store.GapHistory, crawled, -100, 0, store.GapFilled, "before we listened", ""),
		},
		Passed: []store.Passed{{Guild: 1, Channel: general, Message: message(11), Why: store.UncountedBot}, {Guild: 1, Channel: general, Message: message(12), Why: store.UncountedWebhook}, {Guild: 1, Channel: general, Message: message(13), Why: store.UncountedSystem}},
	})
	return db
}

func TestWhy(t *testing.T) {
	db := known(t)
	r, err := rules.New(rules.Options{ChannelsDeny: []store.ID{denied}, GuildsDeny: []store.ID{9}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	daemon := func(m store.ID) (tracker.PassedBy, bool) {
		why, ok := map[store.ID]tracker.PassedBy{message(61): tracker.PassedDirect, message(62): tracker.PassedGuildDenied, message(63): tracker.PassedChannelDenied, message(64): tracker.PassedOptedOut}[m]
		return why, ok
	}
	for _, tc := range []struct {
		name    string
		m       coverage.Message
		alone   bool // no daemon runs
		want    string
		details string
	}{
		{"stored", coverage.Message{ID: message(10)}, false, "stored", "#general (20) of guild 1 at 2026-05-11T12:10:00.000000Z, from live, with its text"},
		{"stored, another channel's link", coverage.Message{ID: message(10), Guild: 1, Channel: thread}, false, "stored", "not in channel 21"},
		{"a bot's", coverage.Message{ID: message(11)}, false, "bot", "bots do not count"},
		{"a webhook's", coverage.Message{ID: message(12), Guild: 1, Channel: general}, false, "webhook", ""},
		{"the system's", coverage.Message{ID: message(13)}, true, "system", ""},
		{"a direct link", coverage.Message{ID: message(14), Channel: 5, Direct: true}, true, "direct_message", ""},
		{"passed by, direct", coverage.Message{ID: message(61)}, false, "direct_message", ""},
		{"passed by, guild", coverage.Message{ID: message(62)}, false, "guild_denied", ""},
		{"passed by, channel", coverage.Message{ID: message(63)}, false, "channel_denied", ""},
		{"passed by, opted out", coverage.Message{ID: message(64)}, false, "opted_out", ""},
		{"passed by, and the daemon is gone", coverage.Message{ID: message(64), Guild: 1, Channel: general}, true, "unknown", ""},
		{"denied guild", coverage.Message{ID: message(15), Guild: 9, Channel: 90}, true, "guild_denied", "guild 9"},
		{"denied channel", coverage.Message{ID: message(15), Guild: 1, Channel: denied}, true, "channel_denied", "channel 23 of guild 1"},
		{"thread of a denied channel", coverage.Message{ID: message(15), Guild: 1, Channel: below}, true, "channel_denied", "#below (24)"},
		{"open gap", coverage.Message{ID: message(31), Guild: 1, Channel: general}, false, "gap", "from 2026-05-11T12:30:00.000000Z to 2026-05-11T12:32:00.000000Z, which is open: rollcall was not running"},
		{"skipped gap", coverage.Message{ID: message(35), Guild: 1, Channel: general}, false, "gap", "skipped: rollcall was not running; backfill is off"},
		{"end of a gap", coverage.Message{ID: message(32), Guild: 1, Channel: general}, false, "gap", ""},
		{"behind a gap", coverage.Message{ID: message(32) + 1, Guild: 1, Channel: general}, false, "unknown", "was listened to at"},
		{"filled gap", coverage.Message{ID: message(39), Guild: 1, Channel: general}, false, "unknown", "has been fetched from the history"},
		{"gap without permission", coverage.Message{ID: message(43), Guild: 1, Channel: general}, false, "unreadable", "no permission"},
		{"hidden channel", coverage.Message{ID: message(25), Guild: 1, Channel: hidden}, false, "unreadable", "hidden"},
		{"before the first sight", coverage.Message{ID: message(-5), Guild: 1, Channel: general}, false, "before_first_seen", "is recorded since 2026-05-11T12:00:00.000000Z"},
		{"the last one before", coverage.Message{ID: message(-1), Guild: 1, Channel: general}, false, "before_first_seen", ""},
		{"the last one before, by its id", coverage.Message{ID: message(-1)}, false, "before_first_seen", ""},
		{"before the bot was in the thread", coverage.Message{ID: message(45), Guild: 1, Channel: thread}, false, "before_first_seen", "a thread that the bot is added to begins there"},
		{"in the thread", coverage.Message{ID: message(55), Guild: 1, Channel: thread}, false, "unknown", ""},
		{"before what was read back", coverage.Message{ID: message(-50), Guild: 1, Channel: crawled}, false, "unknown", "has been fetched"},
		{"channel of an older build", coverage.Message{ID: message(-50), Guild: 1, Channel: old}, false, "before_first_seen", ""},
		{"channel of an older build, later", coverage.Message{ID: message(3), Guild: 1, Channel: old}, false, "unknown", ""},
		{"channel that was never seen", coverage.Message{ID: message(15), Guild: 1, Channel: 99}, false, "before_first_seen", "never seen channel 99"},
		{"guild that was never seen", coverage.Message{ID: message(15), Guild: 77, Channel: 99}, false, "before_first_seen", "never seen"},
		{"nobody listens", coverage.Message{ID: message(95), Guild: 1, Channel: general}, true, "gap", "nobody has listened since"},
		{"somebody listens", coverage.Message{ID: message(95), Guild: 1, Channel: general}, false, "unknown", ""},
		{"id of a gap", coverage.Message{ID: message(31)}, false, "gap", ""},
		{"id that ends a gap", coverage.Message{ID: message(36)}, false, "gap", "channel 20 of guild 1"},
		{"id in no gap", coverage.Message{ID: message(15)}, false, "unknown", "its link tells more than its id"},
		{"id of before", coverage.Message{ID: message(-500)}, false, "before_first_seen", "none of them was seen by then"},
		{"id while nobody listens", coverage.Message{ID: message(95)}, true, "gap", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := coverage.Sources{Store: db, Rules: r, Passed: daemon}
			if tc.alone {
				s.Passed = nil
			}
			a, err := coverage.Why(t.Context(), s, tc.m)
			if err != nil {
				t.Fatal(err)
			}
			if a.Message != tc.m.ID || a.Reason != tc.want || a.Stored != (tc.want == "stored") || !strings.Contains(a.Detail, tc.details) || strings.Contains(a.Detail, "\n") {
				t.Errorf("have %+v\nwant %s: %s", a, tc.want, tc.details)
			}
		})
	}
}

// What is forgotten is told by the process that erased it, and afterwards is as what never was.
func TestWhyForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, store.Batch{
		Records:      []store.Record{{Guild: 1, User: 2, Time: at(10), Message: message(10), Channel: store.Channel{ID: general, Name: "general"}, Source: store.SourceLive}},
		GuildCursors: []store.GuildCursor{{Guild: 1, GuildCursors: store.GuildCursors{Seen: message(0)}}},
		Cursors:      []store.ChannelCursor{{Guild: 1, Channel: general, Last: message(90)}},
		Channels:     []store.ChannelSeen{{Guild: 1, Channel: general, Name: "general", At: at(0), Since: at(0)}},
	})
	if _, err := db.Forget(t.Context(), store.Person{User: 2}); err != nil {
		t.Fatal(err)
	}
	ask := func(id store.ID) coverage.Answer {
		t.Helper()
		a, err := coverage.Why(t.Context(), coverage.Sources{Store: db}, coverage.Message{ID: id, Guild: 1, Channel: general})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask(message(10)); a.Reason != "forgotten" {
		t.Errorf("have %+v", a)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	erased, never := ask(message(10)), ask(message(10)+1)
	if never.Message = erased.Message; erased != never || erased.Reason != "unknown" {
		t.Errorf("a forgotten message is %+v, one that never was %+v", erased, never)
	}
}

func TestChannels(t *testing.T) {
	db := known(t)
	guilds, err := db.Coverage(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	since := map[string]string{}
	for _, c := range coverage.Channels(guilds[0]) {
		text := "-"
		if c.CompleteSince != nil {
			text = c.CompleteSince.String()[11:16]
		}
		switch {
		case c.Readable == nil:
			text += " ?"
		case !*c.Readable:
			text += " no"
		}
		since[c.Name] = text
	}
	want := map[string]string{"general": "12:44", "thread": "12:50", "hidden": "13:39", "below": "- ?", "unknown": "-", "crawled": "10:20"}
	for name, text := range want {
		if since[name] != text {
			t.Errorf("%s is complete since %q, want %q", name, since[name], text)
		}
	}
	if len(since) != len(want) {
		t.Errorf("have %v", since)
	}

	// A gap that goes on, a channel that is gone, a guild that was left.
	put(t, db, store.Batch{Channels: []store.ChannelSeen{{Guild: 1, Channel: general, Gone: true}}})
	guilds, err = db.Coverage(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range guilds[0].Channels {
		if c.ID == thread {
			guilds[0].Channels[i].Gaps = []store.Gap{{Guild: 1, Channel: thread, After: message(60), From: at(60), Kind: store.GapUnreadable, Reason: "hidden", State: store.GapOpen}}
		}
	}
	for _, c := range coverage.Channels(guilds[0]) {
		if (c.Name == "thread" || c.Name == "general") && (c.Readable == nil || *c.Readable) {
			t.Errorf("%s is readable", c.Name)
		}
		if c.Name == "thread" && (c.CompleteSince != nil || c.Gaps[0].To != nil) {
			t.Errorf("%s is complete, and its gap ends: %+v", c.Name, c)
		}
	}
	guilds[0].Departed = at(100)
	for _, c := range coverage.Channels(guilds[0]) {
		if c.CompleteSince != nil || c.Readable != nil && *c.Readable {
			t.Errorf("of a guild that was left %s is %+v", c.Name, c)
		}
	}
}
