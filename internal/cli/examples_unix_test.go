//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/cli"
)

// notTried are examples that are not run, by what is in them.
var notTried = map[string]string{
	"sudo ":                     "asks for a password",
	"watch ":                    "goes on until it is stopped",
	" simulate":                 "goes on until it is stopped",
	"rollcall run":              "goes on until it is stopped",
	"rollcall demo":             "takes half a minute, or goes on: TestScripts/demo, TestDemoScreen",
	"| ssh ":                    "needs another machine",
	"--open":                    "opens a browser",
	"completion zsh":            "needs zsh",
	"rollcall forget 123456789": "asks on a terminal whether that is meant: TestScripts/forget",
}

// alone are the commands that want the database for themselves.
var alone = map[string]bool{"migrate": true, "rekey": true, "restore": true}

// Each example of the help and of docs/commands.md works as it is pasted, or it is told above
// why it is not tried.
func TestExamples(t *testing.T) {
	folder, env := loungeDaemon(t)
	root, used := cli.Commands(), map[string]bool{}
	for _, group := range root.Groups() {
		for _, c := range available(root, group.ID) {
			folder, env := folder, env
			if alone[c.Name()] {
				folder, env = lounge(t)
				backup := exec.Command(plain, "backup", "srv/backups/rollcall.db.zst")
				backup.Dir, backup.Env = folder, env
				if text, err := backup.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
			}
			if c.Name() == "restore" { // which replaces no database
				if err := os.Remove(filepath.Join(folder, "rollcall.db")); err != nil {
					t.Fatal(err)
				}
			}
			for line := range strings.Lines(c.Example) {
				line = strings.TrimSpace(line)
				why := ""
				for part, reason := range notTried {
					if strings.Contains(line, part) {
						why, used[part] = reason, true
					}
				}
				if why != "" {
					t.Logf("not run: %s: %s", line, why)
					continue
				}
				if rest, ok := strings.CutPrefix(line, "rollcall remember"); ok { // whoever is forgotten
					line = "rollcall forget --yes" + rest + "\n" + line
				}
				if err := paste(folder, env, "bash", line); err != nil {
					t.Errorf("%s: %v", c.Name(), err)
				}
			}
		}
	}
	for part, why := range notTried {
		if !used[part] {
			t.Errorf("no example has %q (%s)", part, why)
		}
	}
}
