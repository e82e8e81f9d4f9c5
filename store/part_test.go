package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// A part answers what a database answers in which nothing was written elsewhere: live and logged, before and after
// what is recent is moved.
func TestPart(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 17))
	whole, part := storetest.New(t, store.Options{}), storetest.New(t, store.Options{})
	readable := []store.ID{71, 73}
	at := store.MicrosOf(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	for round := range 4 {
		var all, some store.Batch
		var lines, someLines store.LogBatch
		for range 300 {
			at += store.Micros(random.Int64N(3 * 3600e6))
			r := store.Record{
				Guild: 1, User: store.ID(1 + random.IntN(5)), Time: at - at%1000, Content: "hello", Source: store.SourceLive,
				Channel: store.Channel{ID: store.ID(70 + random.IntN(4))}, Message: store.ID((int64(at)/1000-1420070400000)<<22) | store.ID(random.IntN(1<<22)),
			}
			r.Channel.Name = fmt.Sprint("room ", r.Channel.ID)
			logged := random.IntN(4) == 0
			if logged { // of which the name alone is known
				r.Source, r.Message, r.Content = store.SourceLog, 0, fmt.Sprint("line ", at)
			}
			in := r.Channel.ID == 71 || r.Channel.ID == 73
			if logged {
				r.Channel.ID = 0
			}
			switch {
			case logged && in:
				someLines.Records = append(someLines.Records, r)
				fallthrough
			case logged:
				lines.Records = append(lines.Records, r)
			case in:
				some.Records = append(some.Records, r)
				fallthrough
			default:
				all.Records = append(all.Records, r)
			}
		}
		for db, b := range map[*store.DB]store.Batch{whole: all, part: some} {
			if _, err := db.Put(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		for db, b := range map[*store.DB]store.LogBatch{whole: lines, part: someLines} {
			if _, err := storetest.ImportAll(t.Context(), db, b); err != nil {
				t.Fatal(err)
			}
		}
		if round == 2 {
			if _, err := whole.Compact(t.Context(), store.CompactOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		days := store.Days{Zone: time.UTC}
		if round%2 == 1 {
			days = store.LastDays(at.Time(), 20, time.FixedZone("", 3*3600))
		}
		view := whole.Part(readable)
		have, err := view.Summary(t.Context(), 1, days, 10)
		want, wantErr := part.Summary(t.Context(), 1, days, 10)
		if err != nil || wantErr != nil || !reflect.DeepEqual(have, want) {
			t.Fatalf("round %d: summary\nhave %+v %v\nwant %+v %v", round, have, err, want, wantErr)
		}
		leaders, total, err := view.Leaders(t.Context(), 1, days, store.ByDays, 3)
		wantLeaders, wantTotal, wantErr := part.Leaders(t.Context(), 1, days, store.ByDays, 3)
		if err != nil || wantErr != nil || total != wantTotal || !reflect.DeepEqual(leaders, wantLeaders) {
			t.Fatalf("round %d: leaders %v of %d %v, want %v of %d", round, leaders, total, err, wantLeaders, wantTotal)
		}
		for user := range store.ID(7) {
			p, known, err := view.Profile(t.Context(), 1, user, days, at.Time())
			want, wantKnown, wantErr := part.Profile(t.Context(), 1, user, days, at.Time())
			if err != nil || wantErr != nil || known != wantKnown || !reflect.DeepEqual(p, want) {
				t.Fatalf("round %d: user %d\nhave %+v %v %v\nwant %+v %v", round, user, p, known, err, want, wantKnown)
			}
		}
	}
	nothing, err := whole.Part([]store.ID{}).Summary(t.Context(), 1, store.Days{}, 10)
	if err != nil || nothing.Messages != 0 || len(nothing.Leaders) != 0 {
		t.Errorf("a part of no channel has %+v %v", nothing, err)
	}
	all, err := whole.Part(nil).Summary(t.Context(), 1, store.Days{}, 10)
	if err != nil || all.Messages != 1200 {
		t.Errorf("all has %d messages, %v", all.Messages, err)
	}
}
