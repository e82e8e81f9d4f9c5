package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/importer/corpus"
)

// An export that is killed with SIGKILL leaves nothing under its name, and no new state; the
// next one, which is not disturbed, has everything.
func TestKillExport(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 9))
	h := newHouse(t, t.TempDir())
	const messages = 40_000
	in := filepath.Join(t.TempDir(), "0.json")
	c := corpus.Chatter(0, messages)
	writeExport(t, in, c, c.Messages[messages-1].At())
	if sum := importAll(t, h, in); sum.Messages != messages {
		t.Fatalf("%+v", sum)
	}
	for _, format := range []string{"ndjson", "sqlite", "parquet", "dce"} {
		t.Run(format, func(t *testing.T) {
			folder := t.TempDir()
			out, state := filepath.Join(folder, "out"), filepath.Join(folder, "state")
			args := []string{"export", "--format", format, "--out", out, "--since-last", state, "--json"}
			began := time.Now()
			h.answer("export", "--format", format, "--out", filepath.Join(folder, "calm"))
			took := time.Since(began)
			killed := 0
			for range 12 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.Int64N(int64(took))))
				err := h.command(ctx, args...).Run() // the context's end kills it
				cancel()
				_, outErr := os.Lstat(out)
				_, stateErr := os.Lstat(state)
				if err == nil && outErr != nil || stateErr == nil && outErr != nil {
					t.Fatalf("ended with %v: %v, the state %v", err, outErr, stateErr)
				}
				if err != nil {
					killed++
				}
				// Killed after it had its name, it is whole; else it is not there.
				if outErr == nil {
					if size(t, out) < size(t, filepath.Join(folder, "calm"))*9/10 {
						t.Fatalf("half of it is there: %d bytes", size(t, out))
					}
					if err := os.RemoveAll(out); err != nil {
						t.Fatal(err)
					}
					os.Remove(state)
				}
			}
			if killed == 0 {
				t.Error("it was never killed")
			}
			var done struct{ Messages, Known int64 }
			if err := json.Unmarshal([]byte(h.answer(args...)), &done); err != nil || done.Messages != messages || done.Known != 0 {
				t.Errorf("the next one has %+v, %v", done, err)
			}
			left, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range left {
				if name := e.Name(); name != "out" && name != "state" && name != "calm" && !strings.Contains(name, ".part-") {
					t.Errorf("%s is left", name)
				}
			}
			t.Log(fmt.Sprint("killed ", killed, " times"))
		})
	}
}

// size returns the bytes of a file, or of all in a folder.
func size(t *testing.T, path string) (n int64) {
	t.Helper()
	if err := filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
