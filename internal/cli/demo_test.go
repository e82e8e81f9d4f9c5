package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"rollcall/internal/storetest"
)

// Where nobody watches, the demo tells once a second how its memory grows.
func TestDemoGrows(t *testing.T) {
	folder := t.TempDir()
	var out storetest.Log
	cmd := exec.Command(binary, "demo")
	cmd.Dir, cmd.Env, cmd.Stdout = folder, environ("TMPDIR="+folder), &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	growth := regexp.MustCompile(`(?m)^ +[1-9][0-9]* s: [1-9][0-9]* messages remembered \([1-9][0-9]* live, [0-9]+ from history, [1-9][0-9]* from logs\) of [1-9][0-9]* users in [1-3] guilds; [1-9][0-9]* of 90 log files read$`)
	if err := waitFor(func() bool { return growth.MatchString(out.String()) }); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, out.String())
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
