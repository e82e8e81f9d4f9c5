package backup_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/backup"
	"rollcall/internal/storetest"
	"rollcall/store"
)

var (
	benchSize  = flag.Int64("backup.size", 2<<30, "bytes of the database of the benchmark")
	benchFile  = flag.String("backup.file", "", "database of an earlier run of the benchmark, or where to keep it")
	benchQuiet = flag.Duration("backup.quiet", 20*time.Second, "how long writers are measured alone, before and after")
)

// BenchmarkWriter measures how long a commit of ten messages takes, a hundred of which
// are due each second, while nothing else happens and while a large database is
// backed up, or compacted:
//
//	go test ./internal/backup -run '^$' -bench Writer -benchtime 3x -timeout 1h
//
// TMPDIR has to be on a real disk with room for the database twice.
func BenchmarkWriter(b *testing.B) {
	path := *benchFile
	if path == "" {
		path = filepath.Join(b.TempDir(), "rollcall.db")
	}
	fillUpTo(b, path, *benchSize)
	for _, bench := range []struct {
		name string
		do   func(context.Context, *store.DB, string) error
	}{
		{"backup", func(ctx context.Context, db *store.DB, target string) error {
			_, err := backup.Make(ctx, target, false, backup.Of(db, false))
			return err
		}},
		{"compact backup", func(ctx context.Context, db *store.DB, target string) error {
			_, err := backup.Make(ctx, target, false, backup.Of(db, true))
			return err
		}},
		{"compact", func(ctx context.Context, db *store.DB, _ string) error {
			done, err := db.Compact(ctx, store.CompactOptions{Check: func(ctx context.Context, path string) error {
				return backup.Sound(ctx, path, path)
			}})
			b.Logf("%+v", done)
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			db, err := store.Open(path, store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			w := newWriter(db)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			var wait sync.WaitGroup
			wait.Go(func() { w.run(ctx) })
			// What else the machine does touches both, so a round is compared with the
			// quiet times before and after it, and the median of the ratios is told.
			alone := func() []time.Duration {
				w.take() // what is still in between
				<-time.After(*benchQuiet)
				return w.take()
			}
			var ratios, quiet, busy []float64
			var took time.Duration
			before := alone()
			for range b.N {
				target := filepath.Join(filepath.Dir(path), "backup.db")
				w.take()
				began := time.Now()
				if err := bench.do(ctx, db, target); err != nil {
					b.Fatal(err)
				}
				took += time.Since(began)
				during := w.take()
				if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
					b.Fatal(err)
				}
				after := alone()
				quiet = append(quiet, p99(append(before, after...)))
				busy = append(busy, p99(during))
				ratios = append(ratios, busy[len(busy)-1]/quiet[len(quiet)-1])
				b.Logf("%s: %.1f ms beside %.1f ms, in %.1f s", bench.name, busy[len(busy)-1], quiet[len(quiet)-1], time.Since(began).Seconds()-benchQuiet.Seconds())
				before = after
			}
			stop()
			wait.Wait()
			if w.err != nil {
				b.Fatal(w.err)
			}
			b.ReportMetric(median(quiet), "quiet-p99-ms")
			b.ReportMetric(median(busy), "busy-p99-ms")
			b.ReportMetric(median(ratios), "p99-ratio")
			b.ReportMetric(took.Seconds()/float64(b.N), "s/op")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// p99 is in milliseconds.
func p99(took []time.Duration) float64 {
	slices.Sort(took)
	return took[len(took)*99/100].Seconds() * 1000
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// fillUpTo makes a database of so many bytes, unless it is there.
func fillUpTo(b *testing.B, path string, size int64) {
	if info, err := os.Stat(path); err == nil && info.Size() >= size {
		return
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	random := rand.New(rand.NewPCG(1, 1))
	words := strings.Fields("the quick brown fox jumps over lazy dogs while nobody looks and everybody sleeps until morning comes with rain or shine lol gg")
	for day := 0; ; day++ {
		if info, err := os.Stat(path); err != nil || info.Size() >= size {
			return
		}
		records := make([]store.Record, 100_000)
		for i := range records {
			var text strings.Builder
			for range 3 + random.IntN(40) {
				text.WriteString(words[random.IntN(len(words))])
				text.WriteByte(' ')
			}
			fmt.Fprint(&text, i)
			records[i] = store.Record{
				Guild: store.ID(1 + i%4), User: store.ID(1 + int(5000*random.Float64()*random.Float64())),
				Time:    store.Micros(1_600_000_000e6 + int64(day)*86400e6 + int64(i)*800e3),
				Channel: store.Channel{Name: "general"}, Content: text.String(), Source: store.SourceLog,
			}
		}
		if _, err := storetest.Import(context.Background(), db, store.LogBatch{Records: records, File: store.LogFile{Key: fmt.Sprint(day), Path: "f"}}); err != nil {
			b.Fatal(err)
		}
	}
}

// writer commits messages as a daemon that waits for nothing: those that came while
// the commit before was made are committed together.
type writer struct {
	db     *store.DB
	random *rand.Rand
	next   int64

	mu   sync.Mutex
	took []time.Duration // from when ten messages were due to when they were durable
	err  error
}

func newWriter(db *store.DB) *writer {
	return &writer{db: db, random: rand.New(rand.NewPCG(2, 2)), next: time.Now().UnixMicro()}
}

// take returns what was measured since it was last called.
func (w *writer) take() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	took := w.took
	w.took = nil
	return took
}

func (w *writer) run(ctx context.Context) {
	const every = 10 * time.Millisecond
	for due := time.Now().Add(every); ctx.Err() == nil && w.err == nil; {
		<-time.After(time.Until(due))
		var begun []time.Time
		var records []store.Record
		for ; !due.After(time.Now()) && len(begun) < 50; due = due.Add(every) {
			begun = append(begun, due)
			for range 10 {
				w.next += 1000
				records = append(records, store.Record{
					Guild: store.ID(1 + w.random.IntN(4)), User: store.ID(1 + w.random.IntN(5000)), Time: store.Micros(w.next), Message: store.ID(w.next),
					Channel: store.Channel{ID: 5, Name: "general"}, Content: "what somebody says just now", Source: store.SourceLive,
				})
			}
		}
		_, err := w.db.Put(context.Background(), store.Batch{Records: records})
		w.mu.Lock()
		for _, at := range begun {
			w.took = append(w.took, time.Since(at))
		}
		w.err = errors.Join(w.err, err)
		w.mu.Unlock()
	}
}
