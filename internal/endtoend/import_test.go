package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/internal/importer"
	"rollcall/internal/importer/corpus"
)

// An import that is killed with SIGKILL, again and again, and repeated until it comes to
// its end stores what an undisturbed one does.
func TestKillImport(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 8))
	calm, killed := newHouse(t, t.TempDir()), newHouse(t, t.TempDir())
	exports := t.TempDir()
	const channels, messages = 4, 20_000
	for i := range uint64(channels) {
		c := corpus.Chatter(i, messages)
		made := c.Messages[messages-1].At()
		writeExport(t, filepath.Join(exports, fmt.Sprint(i, ".json")), c, made)
		c.Messages = c.Messages[messages/2:] // a later export of the same channel
		for k := range c.Messages {
			if k%100 == 0 {
				c.Messages[k].Content += " (edited)"
				c.Messages[k].Edited = c.Messages[k].At().Add(time.Hour)
			}
		}
		writeExport(t, filepath.Join(exports, fmt.Sprint(i, " later.json")), c, made.Add(2*time.Hour))
	}
	sum := importAll(t, calm, exports)
	if sum.Messages != channels*messages || sum.Known != channels*messages/2 || sum.Updated == 0 || len(sum.Incomplete)+len(sum.Refused) > 0 {
		t.Fatalf("the undisturbed run: %+v", sum)
	}
	kills := 0
	for done := false; !done; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(50+random.IntN(200*(kills+5)))*time.Millisecond)
		done = killed.command(ctx, "import", exports).Run() == nil // the context's end kills it
		cancel()
		if !done {
			kills++
		}
		if kills > 100 {
			t.Fatal("it does not come to its end")
		}
	}
	t.Logf("killed %d times", kills)
	if again := importAll(t, killed, exports); again.Messages != 0 || again.Updated != 0 || again.Known != channels*messages*3/2 {
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

func importAll(t *testing.T, h *house, path string) (sum importer.Summary) {
	t.Helper()
	out, errs, code := h.run("import", path, "--json")
	if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 0 {
		t.Fatalf("import exits with %d: %v, %q", code, err, errs)
	}
	return sum
}

func writeExport(t *testing.T, path string, c corpus.Channel, made time.Time) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (corpus.DCE{Version: 2.47, Raw: true, Exported: made}).Write(f, c); err != nil {
		t.Fatal(err)
	}
}
