package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/storetest"
)

// make test runs with the race detector wherever there is a C compiler, and in CI in any case,
// so that one that is missing there is noticed. Elsewhere it says that it goes without.
func TestMakeTest(t *testing.T) {
	program, err := exec.LookPath("make")
	storetest.Requires(t, err)
	if _, err := os.ReadFile("Makefile"); err != nil { // go test forgets what it remembers when that changes
		t.Fatal(err)
	}
	const without = "no C compiler: without the race detector (Debian: apt-get install gcc)"
	for _, tc := range []struct {
		name     string
		compiler bool
		ci       string
		want     []string
	}{
		{"without a compiler", false, "", []string{without, "CGO_ENABLED=0 go test -timeout 30m ./..."}},
		{"with one", true, "", []string{"go test -race -timeout 30m ./...", "CGO_ENABLED= go test -race -timeout 30m ./..."}},
		{"in CI", false, "true", []string{"go test -race -timeout 30m ./...", "CGO_ENABLED= go test -race -timeout 30m ./..."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			folder := t.TempDir() // all that is in the PATH
			programs := map[string]string{"go": `[ "$1" = env ] && echo a-compiler || echo "CGO_ENABLED=$CGO_ENABLED go $*"`}
			if tc.compiler {
				programs["a-compiler"] = ""
			}
			for name, script := range programs {
				if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(program, "--no-print-directory", "test")
			cmd.Env = []string{"PATH=" + folder, "CI=" + tc.ci}
			out, err := cmd.CombinedOutput()
			if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !slices.Equal(lines, tc.want) {
				t.Errorf("%v\n%s\nwant\n%s", err, out, strings.Join(tc.want, "\n"))
			}
		})
	}
}
