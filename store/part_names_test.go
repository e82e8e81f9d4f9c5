package store_test

import (
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// Who may open a thread can call it as a channel is called that they may not read and of which
// logs alone tell. Their part has nothing of those logs; the operator's own restriction has.
func TestPartWhereHasNoRecordsWithoutID(t *testing.T) {
	const thread = store.ID(900)
	db := storetest.New(t, store.Options{})
	at := store.MicrosOf(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	var lines store.LogBatch
	for n := range store.Micros(5) {
		lines.Records = append(lines.Records, store.Record{
			Guild: 1, User: 2, Time: at + n*1e6, Source: store.SourceLog, Channel: store.Channel{Name: "staff"}, Content: "secret " + time.Duration(n).String(),
		})
	}
	if _, err := storetest.ImportAll(t.Context(), db, lines); err != nil {
		t.Fatal(err)
	}
	later := at + 30*24*3600e6
	posted := store.Record{
		Guild: 1, User: 3, Time: later, Source: store.SourceLive, Message: store.ID((int64(later)/1000 - 1420070400000) << 22),
		Channel: store.Channel{ID: thread, Name: "staff"}, Content: "hello",
	}
	if _, err := db.Put(t.Context(), store.Batch{Records: []store.Record{posted}}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		part store.Part
		want int64
	}{
		{"a member's view", db.PartWhere(func(id store.ID) bool { return id == thread || id == 0 }), 1},
		{"the operator's restriction", db.Part([]store.ID{thread}), 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			selects, err := test.part.Select(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			n := int64(0)
			for _, err := range test.part.Records(t.Context(), store.Query{Guild: 1, Channel: selects}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != test.want {
				t.Errorf("%d records are read, want %d", n, test.want)
			}
			sum, err := test.part.Summary(t.Context(), 1, store.Days{}, 10)
			if err != nil || sum.Messages != test.want {
				t.Errorf("%d messages are counted %v, want %d", sum.Messages, err, test.want)
			}
			_, known, err := test.part.Profile(t.Context(), 1, 2, store.Days{}, later.Time())
			if err != nil || known != (test.want > 1) {
				t.Errorf("who wrote in the logs alone is known: %v %v", known, err)
			}
		})
	}
}
