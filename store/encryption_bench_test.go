package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// BenchmarkEncryption stores 100,000 log lines of 60 bytes and reads them, with and
// without a key.
func BenchmarkEncryption(b *testing.B) {
	const count = 100_000
	batch := store.LogBatch{Records: make([]store.Record, count)}
	for i := range batch.Records {
		batch.Records[i] = logged(1, store.ID(1+i%2_000), i, "general", fmt.Sprintf("%010d ", i)+strings.Repeat("word ", 10)[:49])
	}
	for _, with := range []struct {
		name string
		key  store.Key
	}{{"plain", store.Key{}}, {"encrypted", key(b, 1)}} {
		b.Run("import/"+with.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				db := openWith(b, filepath.Join(b.TempDir(), "rollcall.db"), store.Options{Key: with.key})
				b.StartTimer()
				if _, err := storetest.Import(context.Background(), db, batch); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				db.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/line")
		})
		b.Run("read/"+with.name, func(b *testing.B) {
			db := openWith(b, filepath.Join(b.TempDir(), "rollcall.db"), store.Options{Key: with.key})
			if _, err := storetest.Import(context.Background(), db, batch); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if n := len(all(b, db, store.Query{})); n != count {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/record")
		})
	}
}
