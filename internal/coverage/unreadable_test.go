package coverage_test

import (
	"strings"
	"testing"

	"rollcall/internal/coverage"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// What coverage and why tell of channels that the bot may not read: the file has a mark of
// each that is known, and a gap that waits of each that Discord has refused.
func TestUnreadable(t *testing.T) {
	const (
		lost    store.ID = 31 // hidden since minute 20
		inLost  store.ID = 32 // a thread below it
		never   store.ID = 33 // hidden at first sight
		silent  store.ID = 34 // without history permission since minute 20
		refused store.ID = 35 // of which nobody knows the permissions, and the history was refused
		again   store.ID = 36 // hidden, and shown again
		fine    store.ID = 37
	)
	db := storetest.New(t, store.Options{})
	put(t, db, store.Batch{
		Names:        []store.Name{{Guild: 1, Name: "One"}},
		GuildCursors: []store.GuildCursor{{Guild: 1, GuildCursors: store.GuildCursors{Seen: message(0), Heard: message(90)}}},
		Cursors: []store.ChannelCursor{
			{Guild: 1, Channel: lost, Last: message(20)}, {Guild: 1, Channel: inLost, Last: message(20)}, {Guild: 1, Channel: silent, Last: message(90)},
			{Guild: 1, Channel: refused, Last: message(90)}, {Guild: 1, Channel: again, Last: message(90)}, {Guild: 1, Channel: fine, Last: message(90)},
		},
		Channels: []store.ChannelSeen{
			{Guild: 1, Channel: lost, Name: "lost", At: at(0), Since: at(0)}, {Guild: 1, Channel: inLost, Parent: lost, Name: "in lost", At: at(0), Since: at(0)},
			{Guild: 1, Channel: silent, Name: "silent", At: at(0), Since: at(0)}, {Guild: 1, Channel: refused, Name: "refused", At: at(0), Since: at(0)},
			{Guild: 1, Channel: again, Name: "again", At: at(0), Since: at(0)}, {Guild: 1, Channel: fine, Name: "fine", At: at(0), Since: at(0)},
		},
		Gaps: []store.Gap{{
			Guild: 1, Channel: refused, After: message(30), Until: message(40), From: at(30), To: at(40),
			Reason: "rollcall was not running", State: store.GapOpen, Waits: store.WaitPermission, Note: "Discord answers 403",
		}},
		Access: []store.AccessChange{
			{Guild: 1, Channel: lost, Since: at(20), Reason: store.ReasonHidden}, {Guild: 1, Channel: never, Since: at(20), Reason: store.ReasonHidden},
			{Guild: 1, Channel: silent, Since: at(20), Reason: store.ReasonNoHistory}, {Guild: 1, Channel: again, Since: at(20), Reason: store.ReasonUnreadable},
		},
	})
	put(t, db, store.Batch{Access: []store.AccessChange{{Guild: 1, Channel: again, Since: at(25)}}})

	guilds, err := db.Coverage(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	have := map[store.ID]string{}
	for _, c := range coverage.Channels(guilds[0]) {
		text := "not known"
		if c.Readable != nil && *c.Readable {
			text = "readable"
		} else if c.Readable != nil {
			text = "not readable"
		}
		if c.CompleteSince != nil {
			text += ", complete since " + c.CompleteSince.String()[11:16]
		}
		have[*c.ID] = text
	}
	want := map[store.ID]string{
		lost: "not readable", inLost: "not readable", never: "not readable", silent: "not readable, complete since 12:00",
		refused: "not readable, complete since 12:40", again: "readable, complete since 12:00", fine: "readable, complete since 12:00",
	}
	for channel, text := range want {
		if have[channel] != text {
			t.Errorf("channel %v is %s, want %s", channel, have[channel], text)
		}
	}
	if len(have) != len(want) {
		t.Errorf("have %v", have)
	}

	for _, tc := range []struct {
		name    string
		minute  int
		channel store.ID
		want    string
		details string
	}{
		{"hidden", 30, lost, "unreadable", "(hidden), as is known since 2026-05-11T12:20:00.000000Z"},
		{"before it was hidden", 10, lost, "unknown", "was listened to"},
		{"thread of a hidden channel", 30, inLost, "unreadable", "hidden"},
		{"hidden at first sight", 10, never, "unreadable", "channel 33 of guild 1 (hidden)"},
		{"hidden at first sight, before the guild was seen", -10, never, "before_first_seen", ""},
		{"heard without history permission", 30, silent, "unknown", "was listened to"},
		{"refused", 35, refused, "unreadable", "Discord answers 403"},
		{"shown again", 30, again, "unknown", "was listened to"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := coverage.Why(t.Context(), coverage.Sources{Store: db}, coverage.Message{ID: message(tc.minute), Guild: 1, Channel: tc.channel})
			if err != nil {
				t.Fatal(err)
			}
			if a.Reason != tc.want || !strings.Contains(a.Detail, tc.details) {
				t.Errorf("have %+v\nwant %s: %s", a, tc.want, tc.details)
			}
		})
	}
}
