package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// BenchmarkImport takes in 100,000 log lines of one guild where messages with ids
// are nowhere, in another year, and in the very span. What is nowhere near must
// cost nothing; that is what a guild's spans of its sources are for.
func BenchmarkImport(b *testing.B) {
	const lines, users, step = 100_000, 2_000, 800_000
	line := func(i int, random *rand.Rand) store.Record {
		r := logged(1, store.ID(1+random.IntN(users)), 0, "general", fmt.Sprint("what was said, number ", i))
		r.Time += store.Micros(i) * step
		return r
	}
	for _, near := range []struct {
		name  string
		later store.Micros // the messages' time, after the lines'
		count int
	}{{"nothing else", 0, 0}, {"messages a year later", 31_536_000e6, lines}, {"messages in the same span", -300e3, lines}} {
		b.Run(near.name, func(b *testing.B) {
			ctx := context.Background()
			for b.Loop() {
				b.StopTimer()
				db, err := store.Open(b.TempDir()+"/rollcall.db", store.Options{})
				if err != nil {
					b.Fatal(err)
				}
				random, again := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
				messages := make([]store.Record, near.count)
				for i := range messages {
					messages[i] = line(i, again)
					messages[i].Time += near.later
					messages[i].Message, messages[i].Source, messages[i].Channel.ID = store.ID(i+1), store.SourceLive, 5
				}
				if _, err := db.Put(ctx, store.Batch{Records: messages}); err != nil {
					b.Fatal(err)
				}
				batch := store.LogBatch{Records: make([]store.Record, lines)}
				for i := range batch.Records {
					batch.Records[i] = line(i, random)
				}
				b.StartTimer()
				done, err := storetest.Import(ctx, db, batch)
				b.StopTimer()
				if err != nil || done.Messages != lines {
					b.Fatal(done, err)
				}
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkPutNearLines puts messages where log lines are, in commits as live traffic
// makes them: of many people, and of one who writes hundreds of messages a minute.
func BenchmarkPutNearLines(b *testing.B) {
	for _, of := range []struct {
		name                   string
		messages, users, batch int
		step                   store.Micros
	}{{"many people", 20_000, 1_000, 100, 300_000}, {"one person", 3_000, 1, 100, 100_000}} {
		b.Run(of.name, func(b *testing.B) {
			ctx := context.Background()
			message := func(i int) store.Record {
				r := live(1, store.ID(1+i*7%of.users), i, fmt.Sprint("what was said, number ", i%50))
				r.Time = store.Micros(1_700_000_000e6) + store.Micros(i)*of.step
				return r
			}
			for b.Loop() {
				b.StopTimer()
				db, err := store.Open(b.TempDir()+"/rollcall.db", store.Options{})
				if err != nil {
					b.Fatal(err)
				}
				lines := store.LogBatch{Records: make([]store.Record, of.messages)}
				for i := range lines.Records {
					r := message(i)
					r.Time, r.Message, r.Source, r.Channel.ID = r.Time+200e3, 0, store.SourceLog, 0
					lines.Records[i] = r
				}
				if _, err := storetest.Import(ctx, db, lines); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for i := 0; i < of.messages; i += of.batch {
					batch := store.Batch{Records: make([]store.Record, of.batch)}
					for k := range batch.Records {
						batch.Records[k] = message(i + k)
					}
					if _, err := db.Put(ctx, batch); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				if g, _, err := db.Guild(ctx, 1); err != nil || g.Messages != int64(of.messages) {
					b.Fatal(g.Messages, err)
				}
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(of.messages*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
