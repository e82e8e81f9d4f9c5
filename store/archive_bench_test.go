package store_test

import (
	"fmt"
	"testing"

	"rollcall/store"
)

func benchArchive(n int) []store.Record {
	list := make([]store.Record, n)
	for i := range list {
		list[i] = archived(store.ID(1+i)*20_000, fmt.Sprintf("the harbour is closed tonight, boat number %d, and tomorrow", i))
		list[i].User = store.ID(5 + i*7%40)
	}
	return list
}

func BenchmarkPutArchive(b *testing.B) {
	records := benchArchive(200_000)
	for _, known := range []bool{false, true} {
		b.Run(fmt.Sprint("known ", known), func(b *testing.B) {
			n := 0
			for b.Loop() {
				b.StopTimer()
				db := openTemp(b)
				put := func() {
					for rest := records; len(rest) > 0; rest = rest[20_000:] {
						if _, err := db.PutArchive(b.Context(), store.ArchiveBatch{Records: rest[:20_000]}); err != nil {
							b.Fatal(err)
						}
					}
				}
				if known {
					put()
				}
				b.StartTimer()
				put()
				n += len(records)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
