package endtoend_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	rounds = flag.Int("rounds", 5, "how often each kill test kills the daemon")
	soak   = flag.Duration("soak", 0, "how long the soak test breaks things; 0 leaves it out")
	seed   = flag.Uint64("seed", 1, "what moments, faults and texts are drawn from")
	keep   = flag.String("keep", "", "an empty folder for what the test that fails leaves: the database, the daemon's logs, every difference")
)

// binary is the program as it is deployed: static, without the race detector.
var binary string

// within bounds the wait for anything that happens soon.
const within = 30 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "rollcall-endtoend-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "rollcall")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.Command("go", "build", "-o", binary, "rollcall")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if text, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, text)
	} else {
		code = m.Run()
	}
	os.RemoveAll(folder)
	os.Exit(code)
}

// noteSources looks at every file of the module. go test takes results from its cache
// unless what the test is made of has changed, which the program is not part of, or a
// file that a test has looked at.
func noteSources(t *testing.T) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		os.Stat(path) // who edits the tree meanwhile may have removed it
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
