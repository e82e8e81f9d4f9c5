package migration_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

// TestCost guards what a line costs, in what does not depend on the machine. The
// bounds lie a quarter (allocations) and a tenth (pages) above what was measured
// when they were set. Who makes something cheaper lowers its bound; who has to make
// it dearer says why.
func TestCost(t *testing.T) {
	const days, perDay = 5, 3000
	root := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	who := rand.NewZipf(r, 1.1, 8, 999)
	for day := range days {
		var lines []string
		for i := range perDay {
			at := i * 17 // seconds
			lines = append(lines, fmt.Sprintf(`{"timestamp":"2026-05-%02dT%02d:%02d:%02d.%06dZ","level":"INFO","source":"server","server_id":"%s","channel_or_file":"general","user_id":"%d","action":"receive_message","message":"%s","trace_id":null,"extra":{"server_id":"%s"}}`+"\n",
				day+1, at/3600, at/60%60, at%60, r.IntN(1e6), guildA, 1000+who.Uint64()*7919%1000, strings.Repeat("some words ", r.IntN(9)), guildA))
		}
		put(t, root, fmt.Sprintf("%s/202605%02d/info.jsonl", guildA, day+1), lines...)
	}
	o, _ := options(storetest.New(t, store.Options{}), root)
	commits := -1 // the first call comes before the first commit
	o.Progress = func(migration.Progress) { commits++ }
	before := used(t)
	sum := mustOnce(t, o)
	after := used(t)
	if sum.Messages != days*perDay {
		t.Fatalf("%d messages", sum.Messages)
	}
	cost := map[string]float64{"commits": float64(commits)}
	for name := range before {
		cost[name] = after[name] - before[name]
	}
	for name, bound := range map[string]float64{"pages": 34, "allocations": 3100, "commits": 1.01 / days / perDay * 1000} {
		if each := cost[name] * 1000 / float64(sum.Lines); each > bound {
			t.Errorf("%.3f %s for a thousand lines, want at most %.3f", each, name, bound)
		}
	}
}

// used returns what this process has used so far.
func used(t *testing.T) map[string]float64 {
	t.Helper()
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
	return map[string]float64{"pages": written / float64(os.Getpagesize()), "allocations": float64(memory.Mallocs)}
}
