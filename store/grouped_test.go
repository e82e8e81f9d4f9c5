package store_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"rollcall/internal/civil"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// saidIn is a message of a channel at a second.
func saidIn(second int, channel store.ID, name string) store.Record {
	at := store.MicrosOf(time.Date(2026, 5, 11, 6, 0, second, 0, time.UTC))
	return store.Record{Guild: 1, User: 2, Time: at, Message: store.ID(1000 + second), Channel: store.Channel{ID: channel, Name: name}, Source: store.SourceLive}
}

func loggedIn(second int, name string) store.Record {
	r := saidIn(second, 0, name)
	r.Message, r.Source = 0, store.SourceLog
	return r
}

// channelsOf returns the channels of a guild as its summary and its only user's profile
// tell them.
func channelsOf(t *testing.T, db *store.DB) []store.ChannelCount {
	t.Helper()
	s, err := db.Summary(t.Context(), 1, store.Days{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := db.Profile(t.Context(), 1, 2, store.Days{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Channels, p.Channels) {
		t.Errorf("the guild's channels are %v, the user's %v", s.Channels, p.Channels)
	}
	return s.Channels
}

func TestChannelsAreGroupedByID(t *testing.T) {
	count := func(id store.ID, name string, n int64) store.ChannelCount {
		return store.ChannelCount{ID: id, Name: name, Messages: n}
	}
	for _, tc := range []struct {
		name    string
		batches [][]store.Record // of one source each
		want    []store.ChannelCount
	}{
		{"renamed", [][]store.Record{{saidIn(1, 7, "old")}, {saidIn(2, 7, "new")}, {saidIn(3, 7, "new")}}, []store.ChannelCount{count(7, "new", 3)}},
		{"renamed within a commit", [][]store.Record{{saidIn(2, 7, "new"), saidIn(1, 7, "old")}}, []store.ChannelCount{count(7, "new", 2)}},
		{"renamed and back", [][]store.Record{{saidIn(1, 7, "a")}, {saidIn(2, 7, "b")}, {saidIn(3, 7, "a")}}, []store.ChannelCount{count(7, "a", 3)}},
		{"the past comes later", [][]store.Record{{saidIn(3, 7, "new")}, {saidIn(1, 7, "old"), saidIn(2, 7, "older")}}, []store.ChannelCount{count(7, "new", 3)}},
		{"two of one name", [][]store.Record{{saidIn(1, 7, "x"), saidIn(2, 8, "x"), saidIn(3, 8, "x")}}, []store.ChannelCount{count(8, "x", 2), count(7, "x", 1)}},
		{"a log of the only one", [][]store.Record{{loggedIn(100, "x")}, {saidIn(1, 7, "x")}}, []store.ChannelCount{count(7, "x", 2)}},
		{"a log of its old name", [][]store.Record{{loggedIn(100, "old")}, {saidIn(1, 7, "old")}, {saidIn(2, 7, "new")}}, []store.ChannelCount{count(7, "new", 3)}},
		{"a log of one of two", [][]store.Record{{loggedIn(100, "x")}, {saidIn(1, 7, "x"), saidIn(2, 8, "x")}}, []store.ChannelCount{count(0, "x", 1), count(7, "x", 1), count(8, "x", 1)}},
		{"logs alone", [][]store.Record{{loggedIn(100, "x"), loggedIn(200, "y"), loggedIn(300, "x")}}, []store.ChannelCount{count(0, "x", 2), count(0, "y", 1)}},
		{"no name", [][]store.Record{{loggedIn(100, "unknown")}, {saidIn(1, 7, "unknown"), saidIn(2, 8, "unknown")}}, []store.ChannelCount{count(0, "unknown", 1), count(7, "unknown", 1), count(8, "unknown", 1)}},
		{"a name at last", [][]store.Record{{saidIn(1, 7, "unknown")}, {saidIn(2, 7, "x")}, {saidIn(3, 7, "unknown")}}, []store.ChannelCount{count(7, "x", 3)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := openTemp(t)
			for i, batch := range tc.batches {
				var err error
				if batch[0].Source == store.SourceLog {
					_, err = storetest.Import(t.Context(), db, store.LogBatch{Records: batch, File: store.LogFile{Key: fmt.Sprint(i)}})
				} else {
					_, err = db.Put(t.Context(), store.Batch{Records: batch})
				}
				if err != nil {
					t.Fatal(err)
				}
				channelsOf(t, db) // what is remembered of the names grows
			}
			if have := channelsOf(t, db); !reflect.DeepEqual(have, tc.want) {
				t.Errorf("have %v\nwant %v", have, tc.want)
			}
		})
	}
}

// What Discord tells of a channel counts as soon as it is told.
func TestChannelIsRenamedInSilence(t *testing.T) {
	db := openTemp(t)
	tell := func(second int, name string) {
		t.Helper()
		at := saidIn(second, 0, "").Time
		if _, err := db.Put(t.Context(), store.Batch{Channels: []store.ChannelSeen{{Guild: 1, Channel: 7, Name: name, At: at}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Put(t.Context(), store.Batch{Records: []store.Record{saidIn(1, 7, "old")}}); err != nil {
		t.Fatal(err)
	}
	tell(5, "new")
	tell(4, "late")
	tell(6, "")
	tell(7, "unknown")
	if have := channelsOf(t, db); len(have) != 1 || have[0].Name != "new" {
		t.Errorf("have %v", have)
	}
	if name, err := db.ChannelName(t.Context(), 1, 7); err != nil || name != "new" {
		t.Errorf("the name is %q, %v", name, err)
	}
}

func TestSelectChannel(t *testing.T) {
	db := openTemp(t)
	records := []store.Record{saidIn(1, 7, "old"), saidIn(2, 7, "new"), saidIn(3, 8, "other"), saidIn(4, 9, "other"), saidIn(5, 10, "2024"), saidIn(6, 2024, "year")}
	if _, err := db.Put(t.Context(), store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
	lines := []store.Record{loggedIn(100, "old"), loggedIn(200, "other"), loggedIn(300, "nowhere")}
	if _, err := storetest.Import(t.Context(), db, store.LogBatch{Records: lines}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"new": "1 2 100", "old": "1 100", "7": "1 2 100", "other": "3 4 200", "8": "3", "nowhere": "300", "none": "", "2024": "5 6", "11": "",
	} {
		selects, err := db.SelectChannel(t.Context(), 1, text)
		if err != nil {
			t.Fatal(err)
		}
		have := ""
		for _, r := range append(records, lines...) {
			if selects(r.Channel) {
				if have != "" {
					have += " "
				}
				have += fmt.Sprint(int64(r.Time-saidIn(0, 0, "").Time) / 1e6)
			}
		}
		if have != want {
			t.Errorf("channel %q has the messages %q, want %q", text, have, want)
		}
	}
}

// A guild that is removed and comes back has other channels under the same numbers.
func TestChannelsOfGuildThatCameBack(t *testing.T) {
	db := openTemp(t)
	put := func(channel store.ID, name string) {
		t.Helper()
		if _, err := db.Put(t.Context(), store.Batch{Records: []store.Record{saidIn(int(channel), channel, name)}}); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Import(t.Context(), db, store.LogBatch{Records: []store.Record{loggedIn(100, "x")}}); err != nil {
			t.Fatal(err)
		}
	}
	put(7, "x")
	if have := channelsOf(t, db); !reflect.DeepEqual(have, []store.ChannelCount{{ID: 7, Name: "x", Messages: 2}}) {
		t.Errorf("have %v", have)
	}
	if _, err := db.Put(t.Context(), store.Batch{Departed: []store.DepartedGuild{{Guild: 1, At: 5}}}); err != nil {
		t.Fatal(err)
	}
	for done := false; !done; {
		var err error
		if _, done, err = db.RemoveGuild(context.Background(), 1, civil.MaxMicros); err != nil {
			t.Fatal(err)
		}
	}
	if name, err := db.ChannelName(t.Context(), 1, 7); err != nil || name != "" {
		t.Errorf("a removed guild's channel is called %q, %v", name, err)
	}
	put(9, "x")
	if have := channelsOf(t, db); !reflect.DeepEqual(have, []store.ChannelCount{{ID: 9, Name: "x", Messages: 2}}) {
		t.Errorf("have %v", have)
	}
}
