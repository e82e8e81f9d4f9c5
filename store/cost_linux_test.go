package store_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// TestCost guards what a message costs, in what does not depend on the machine:
// pages written, allocations and transactions. The bounds lie a tenth (pages) and a
// quarter (allocations) above what was measured when they were set. Who makes
// something cheaper lowers its bound; who has to make it dearer says why.
func TestCost(t *testing.T) {
	tests := []struct {
		name     string
		batch    int
		messages int
		put      func(context.Context, *store.DB, []store.Record) error
		// For a thousand messages.
		pages, allocations, transactions float64
	}{
		{"live, 10 a commit", 10, 1_000, putLive, 1270, 61_000, 100},
		{"live, 500 a commit", 500, 5_000, putLive, 106, 4_500, 2},
		{"log lines, 500 a commit", 500, 5_000, putLines, 109, 4_500, 2},
		{"log lines, 50,000 a commit", 50_000, 50_000, putLines, 28, 1_750, 0.02},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := openTemp(t)
			crowd := newCrowd()
			mustPut := func(n int) {
				if err := test.put(t.Context(), db, crowd.records(n)); err != nil {
					t.Fatal(err)
				}
			}
			for range 20 { // a file that has something in it
				mustPut(500)
			}
			before := costs(t, db)
			for range test.messages / test.batch {
				mustPut(test.batch)
			}
			after := costs(t, db)
			for name, bound := range map[string]float64{"pages": test.pages, "allocations": test.allocations, "transactions": test.transactions} {
				if each := (after[name] - before[name]) * 1000 / float64(test.messages); each > bound {
					t.Errorf("%.1f %s for a thousand messages, want at most %.1f", each, name, bound)
				}
			}
		})
	}
}

// costs returns what this process and the file have used so far.
func costs(t *testing.T, db *store.DB) map[string]float64 {
	t.Helper()
	transactions, err := store.Transactions(db)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	var written float64 // bytes in write calls, of which the store's are all but a few
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "wchar: %g", &written)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return map[string]float64{
		"pages": written / float64(os.Getpagesize()), "allocations": float64(memory.Mallocs), "transactions": float64(transactions),
	}
}

func putLive(ctx context.Context, db *store.DB, records []store.Record) error {
	_, err := db.Put(ctx, store.Batch{Records: records})
	return err
}

func putLines(ctx context.Context, db *store.DB, records []store.Record) error {
	for i := range records {
		records[i].Source, records[i].Message = store.SourceLog, 0
	}
	_, err := storetest.Import(ctx, db, store.LogBatch{Records: records, File: store.LogFile{Key: "1/20260105/info.jsonl"}})
	return err
}
