package endtoend_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keyFile writes a key of 32 bytes c.
func keyFile(t *testing.T, c byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{c}, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKillRekey kills "rollcall rekey" with SIGKILL at random moments, again and again,
// until it comes to its end: when a key is added, when it is changed, when it is removed.
// Until then the database opens for nobody; afterwards it answers as before.
func TestKillRekey(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 8))
	h := newHouse(t, t.TempDir())
	const days, lines = 10, 25_000
	for day := range days {
		writeDay(t, random, filepath.Join(h.logs, fmt.Sprint(111_111_111_111_111_111+day%3), fmt.Sprint(20260501+day)), lines)
	}
	migrate(t, h)
	want := h.answer("export")
	a, b := keyFile(t, 'a'), keyFile(t, 'b')
	for _, step := range []struct {
		name, from, to string
	}{{"add", "", a}, {"change", a, b}, {"remove", b, ""}} {
		t.Run(step.name, func(t *testing.T) {
			h.set("ENCRYPTION_KEY_FILE=" + step.from)
			args := []string{"rekey", "--json", "--remove"}
			if step.to != "" {
				args = []string{"rekey", "--json", "--new-key-file", step.to}
			}
			kills, unfinished := 0, 0
			for done := false; !done; {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(20+random.IntN(20*(kills+2)))*time.Millisecond)
				cmd := h.command(ctx, args...)
				out, err := cmd.Output() // the context's end kills it
				cancel()
				if done = err == nil; done {
					var last struct{ Texts int64 }
					if err := json.Unmarshal(out, &last); err != nil || unfinished > 0 && last.Texts >= days*lines*9/10 {
						t.Errorf("the last one did all over again: %s, %v", out, err)
					}
					break
				}
				if kills++; kills > 100 {
					t.Fatal("it does not come to its end")
				}
				if _, errs, code := h.run("guilds"); strings.Contains(errs, "not finished") {
					unfinished++
					if code != 78 || strings.Count(errs, "\n") != 1 {
						t.Errorf("in the middle, guilds exits with %d: %s", code, errs)
					}
				}
			}
			t.Logf("killed %d times, %d times in the middle", kills, unfinished)
			if unfinished == 0 {
				t.Error("it was never killed in the middle")
			}
			h.set("ENCRYPTION_KEY_FILE=" + step.to)
			if have := h.answer("export"); have != want {
				t.Errorf("the exports differ: %d bytes, want %d", len(have), len(want))
			}
			h.answer("check")
			if again := migrate(t, h); again.Messages != 0 {
				t.Errorf("the logs hold news: %+v", again)
			}
		})
	}
}
