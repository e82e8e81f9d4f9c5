package main

import (
	"context"
	"testing"

	"rollcall/internal/bench/corpus"
)

// BenchmarkMigrate is our part of once and batch in this process, for profiles and for
// comparing two versions of the code: go test -run '^$' -bench Migrate/once -count 5.
func BenchmarkMigrate(b *testing.B) {
	for _, s := range []scenario{once(), byBatch()} {
		b.Run(s.name, func(b *testing.B) {
			ctx := context.Background()
			t, lines := s.job(fullSizes())
			if testing.Short() {
				t, lines = s.job(quickSizes())
			}
			t.Corpus = b.TempDir()
			var err error
			if t.Expect, err = corpus.Write(ctx, t.Corpus, usualCorpus(lines)); err != nil {
				b.Fatal(err)
			}
			var sum measures
			for b.Loop() {
				t.Folder = b.TempDir()
				m, err := s.contenders[0].run(ctx, t)
				if err != nil {
					b.Fatal(err)
				}
				sum.Count += m.Count
				sum.Logs += m.Logs
				sum.Seconds += m.Seconds
				sum.CPU += m.CPU
				sum.Written += m.Written
				sum.Size += m.Size
			}
			b.ReportMetric(perSecond(sum), "lines/s")
			b.ReportMetric(cpuEach(sum), "CPU-µs/line")
			b.ReportMetric(writtenPerByte(sum), "written/byte")
			b.ReportMetric(sizePerByte(sum), "size/byte")
		})
	}
}
