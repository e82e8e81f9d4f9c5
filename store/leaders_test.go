package store_test

import (
	"testing"
	"time"

	"rollcall/store"
)

// The leaderboard of all time, which the users' totals answer, is that of a span in which all
// was said, whose weeks are read: also where many have as many messages, and with what is not
// counted yet.
func TestLeadersOfAllTime(t *testing.T) {
	db := openTemp(t)
	crowd := newCrowd()
	records := crowd.records(6_000)
	for i := range 500 { // who wrote one message each
		r := records[0]
		r.User, r.Message = store.ID(50_000+i), store.ID(1+i)
		records = append(records, r)
	}
	records = append(records, live(1, store.DeletedUser, 7, "nobody's"))
	mustPut(t, db, store.Batch{Records: records[:6_000]})
	for part := records[6_000:]; len(part) > 0; part = part[min(len(part), 100):] {
		mustPut(t, db, store.Batch{Records: part[:min(len(part), 100)]})
	}
	from, err := store.ParseMicros("2000-01-01T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	ever := store.Range{From: from, To: from + 100*366*86_400e6}
	zone := time.FixedZone("", 5*3600+45*60)
	for _, limit := range []int{0, 1, 10, 199, 200, 201, 700, 2000} {
		have, total, err := db.Leaders(t.Context(), 1, store.Days{Zone: zone}, store.ByMessages, limit)
		if err != nil {
			t.Fatal(err)
		}
		want, wantTotal, err := db.Leaders(t.Context(), 1, store.Days{When: ever, Zone: zone}, store.ByMessages, limit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "leaders", have, want)
		equal(t, "total", total, wantTotal)
	}
}

// BenchmarkLeadersOfAllTime compares the users' totals with their weeks.
func BenchmarkLeadersOfAllTime(b *testing.B) {
	db := openTemp(b)
	crowd := newCrowd()
	const day = 24 * 3600e6
	for range 200 { // days
		mustPut(b, db, store.Batch{Records: crowd.records(2_000)})
		crowd.now += day
	}
	from, err := store.ParseMicros("2000-01-01T00:00:00Z")
	if err != nil {
		b.Fatal(err)
	}
	for name, when := range map[string]store.Range{"totals": {}, "weeks": {From: from, To: from + 100*366*day}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := db.Leaders(b.Context(), 1, store.Days{When: when}, store.ByMessages, 10); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
