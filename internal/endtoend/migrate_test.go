package endtoend_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/migration"
)

// TestKillMigrate kills "rollcall migrate" with SIGKILL at random moments until it
// once comes to its end. The set is the one that an undisturbed run stores, and
// there is nothing left to do.
func TestKillMigrate(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 7))
	calm, killed := newHouse(t, t.TempDir()), newHouse(t, t.TempDir())
	const days, lines = 12, 25_000
	for day := range days {
		writeDay(t, random, filepath.Join(calm.logs, fmt.Sprint(111_111_111_111_111_111+day%3), fmt.Sprint(20260501+day)), lines)
	}
	killed.logs = calm.logs
	killed.set("LOGS=" + calm.logs)

	sum := migrate(t, calm)
	if sum.Lines != days*lines || sum.Lines != sum.Messages+sum.Skipped+sum.Duplicates+sum.Malformed || sum.Duplicates == 0 || sum.Malformed == 0 {
		t.Fatalf("the undisturbed run: %+v", sum)
	}
	kills := 0
	for done := false; !done; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(50+random.IntN(100*(kills+5)))*time.Millisecond)
		done = killed.command(ctx, "migrate").Run() == nil // the context's end kills it
		cancel()
		if !done {
			kills++
		}
		if kills > 100 {
			t.Fatal("it does not come to its end")
		}
	}
	t.Logf("killed %d times", kills)
	if again := migrate(t, killed); again.Lines != 0 || again.Messages != 0 {
		t.Errorf("a further run finds %+v", again)
	}
	want, _, _ := calm.run("export")
	have, _, _ := killed.run("export")
	if have != want || have == "" {
		t.Errorf("the exports differ: %d bytes, want %d", len(have), len(want))
	}
	if out, errs, code := killed.run("check"); code != 0 {
		t.Errorf("check: %s%s", out, errs)
	}
}

func migrate(t *testing.T, h *house) (sum migration.Summary) {
	t.Helper()
	out, errs, code := h.run("migrate", "--json")
	if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 0 {
		t.Fatalf("migrate exits with %d: %v, %q", code, err, errs)
	}
	return sum
}

// writeDay writes a day's log: messages, some of them twice, other lines, broken ones.
func writeDay(t *testing.T, random *rand.Rand, folder string, lines int) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(folder, "info.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	line := ""
	for i := range lines {
		at := time.Date(2026, 5, 11, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 3 * time.Second)
		switch random.IntN(50) {
		case 0: // the line before, again
		case 1:
			line = `{"action":"edit_message"}`
		case 2:
			line = `{"action":"receive_message","user_id":"nobody"}`
		default:
			line = fmt.Sprintf(`{"timestamp":"%s","level":"INFO","source":"server","server_id":"%s","channel_or_file":"general","user_id":"%d","action":"receive_message","message":"line %d","trace_id":null,"extra":{}}`,
				at.Format("2006-01-02T15:04:05.000000Z"), filepath.Base(filepath.Dir(folder)), 1+random.IntN(500), i)
		}
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
