package dce_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	files "rollcall/internal/export"
	"rollcall/internal/importer"
	"rollcall/internal/importer/intake"
	"rollcall/internal/rules"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// described returns each record as a text, in an order of their own. The source of what was
// exported is import, but for lines of logs.
func described(t *testing.T, db *store.DB) (all []string) {
	t.Helper()
	for r, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		extra := ""
		if x := r.Extra; x != nil {
			extra = fmt.Sprintf("%+v %+v %q", x.Forwarded, x.Poll, x.Stickers)
		}
		name, err := db.Name(t.Context(), r.Guild, r.User)
		if err != nil {
			t.Fatal(err)
		}
		if r.Source != store.SourceLog {
			r.Source = store.SourceImport
		}
		r.Extra, r.InLogs = nil, false
		all = append(all, fmt.Sprintf("%s: %+v %s", name, r, extra))
	}
	slices.Sort(all)
	return all
}

// What was exported comes back as it was, everything that a record can be.
func TestRoundTrip(t *testing.T) {
	from, to := storetest.New(t, store.Options{}), storetest.New(t, store.Options{})
	start := store.MicrosOf(time.Date(2026, 5, 11, 6, 30, 0, 0, time.UTC))
	general, renamed, thread := store.Channel{ID: 700000000000000001, Name: "general"}, store.Channel{ID: 700000000000000001, Name: "old name"}, store.Channel{ID: 700000000000000002, Name: "a thread"}
	var records []store.Record
	say := func(user store.ID, c store.Channel, text string, change func(*store.Record)) {
		at := start + store.Micros(len(records))*1e6
		r := store.Record{Guild: 11, User: user, Time: at + 123, Message: store.ID(uint64(int64(at)/1000-1420070400000)<<22 | 5), Channel: c, Content: text, Source: store.SourceLive}
		if change != nil {
			change(&r)
		}
		records = append(records, r)
	}
	say(5, renamed, "under the old name", nil)
	say(5, general, "text <@6> <:pig:9> \"\\ \u2028 \x01 😀 港\r\n", nil)
	say(6, general, "answer", func(r *store.Record) { r.ReplyTo, r.ReplyToUser = records[1].Message, 5 })
	say(6, general, "answer to one that is not there", func(r *store.Record) { r.ReplyTo, r.ReplyToUser = 77, 99 })
	say(6, thread, "edited", func(r *store.Record) { r.Edited, r.Attachments = start+3e9, 3 })
	say(7, general, "", func(r *store.Record) {
		r.Extra = &store.Extra{Forwarded: &store.Forwarded{Content: "other's", Attachments: 2}}
	})
	say(7, general, "", func(r *store.Record) {
		r.Extra = &store.Extra{Poll: &store.Poll{Question: "Where?", Answers: []string{"here", ""}}}
	})
	say(7, general, "", func(r *store.Record) { r.Extra = &store.Extra{Stickers: []string{"Wave", "开心"}} })
	say(7, general, "not kept", func(r *store.Record) { r.Redacted = true })
	say(store.DeletedUser, general, "of nobody", nil)
	if _, err := from.Put(t.Context(), store.Batch{Records: records,
		Names:    []store.Name{{Guild: 11, Name: "Town"}, {Guild: 11, User: 5, Name: "Ann"}, {Guild: 11, User: 6, Name: "Ben"}},
		Channels: []store.ChannelSeen{{Guild: 11, Channel: thread.ID, Parent: general.ID, Name: thread.Name, At: start}, {Guild: 11, Channel: general.ID, Name: general.Name, At: start + 9e9}},
	}); err != nil {
		t.Fatal(err)
	}
	line := func(at store.Micros, c store.Channel, text string) store.Record {
		return store.Record{Guild: 11, User: 5, Time: at, Channel: c, Content: text, Source: store.SourceLog}
	}
	if _, err := storetest.Import(t.Context(), from, store.LogBatch{File: store.LogFile{Key: "x", Path: "x"}, Records: []store.Record{
		line(start-9e9, store.Channel{Name: "general"}, "of the logs"), line(start-9e9, store.Channel{Name: "general"}, "at the same moment"),
		line(start-8e9+1, store.Channel{Name: "long gone"}, "a channel without an id"), line(start-7e9, general, "with a channel's id"),
	}}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "out")
	out, err := files.NewDCE(folder, files.Settings{Zone: time.UTC, Made: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Discard()
	if _, err := files.Read(t.Context(), from, files.Selection{}, out); err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
	want := described(t, from)
	if len(want) != len(records)+4 {
		t.Fatalf("%d records are stored", len(want))
	}
	take := func(db *store.DB, dry bool) importer.Summary {
		t.Helper()
		found, err := importer.Find(t.Context(), []string{folder}, importer.Auto)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		r, err := rules.New(rules.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		sum, err := importer.Run(t.Context(), found, importer.Options{Target: &intake.Database{Store: db, Rules: r, DryRun: dry, OnDelete: store.Redact}, DryRun: dry})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	n := int64(len(want))
	for i, check := range []struct {
		db         *store.DB
		dry        bool
		new, known int64
	}{{to, true, n, 0}, {to, false, n, 0}, {to, true, 0, n}, {to, false, 0, n}, {from, false, 0, n}} {
		if sum := take(check.db, check.dry); sum.Messages != check.new || sum.Known != check.known || sum.Malformed+sum.Updated != 0 || len(sum.Refused)+len(sum.Incomplete)+len(sum.Skipped) > 0 {
			t.Errorf("%d: %+v, want %d new, %d known", i, sum, check.new, check.known)
		}
	}
	for _, db := range []*store.DB{to, from} {
		got := described(t, db)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("record %d of %d:\n%s, want\n%s", i, len(got), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
			}
		}
	}
}
