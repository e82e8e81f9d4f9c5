package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/internal/api"
)

// binary is the program as its users get it. Everything here runs it, because exit
// codes, signals and closed pipes are matters of a process.
var binary string

// plain is the program without the race detector, for tests of what is drawn rather than of
// who writes when: a race build takes ten times as long to start and to draw.
var plain string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "rollcall-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "rollcall")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	plain = binary
	var race []string
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		race = []string{"-race"}
		plain = filepath.Join(folder, "plain", filepath.Base(binary))
	}
	code := 1
	err = build(binary, race...)
	if err == nil && plain != binary {
		err = build(plain)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(folder)
	os.Exit(code)
}

// build builds the program.
func build(name string, flags ...string) error {
	args := append([]string{"build", "-o", name}, flags...)
	if text, err := exec.Command("go", append(args, "rollcall")...).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, text)
	}
	return nil
}

// within is the limit of every wait for something that is to happen.
const within = 30 * time.Second

// background is a line of a script that starts a process beside it.
var background = regexp.MustCompile(`(?m)&[a-z]*&?\s*$`)

// TestScripts runs the scripts: those that start a daemon with the race detector, if it is on.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	alone, beside := []string{}, []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		switch {
		case err != nil:
			t.Fatal(err)
		case background.Match(text):
			beside = append(beside, file)
		default:
			alone = append(alone, file)
		}
	}
	runScripts(t, plain, alone)
	runScripts(t, binary, beside)
}

func runScripts(t *testing.T, program string, files []string) {
	testscript.Run(t, testscript.Params{
		Files: files,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("TMPDIR", filepath.Join(e.WorkDir, "tmp"))
			return os.MkdirAll(filepath.Join(e.WorkDir, "tmp"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": exitsWith, "answers": answers, "gone": gone, "said": said},
	})
}

// exitsWith (code N PROGRAM ARG...) runs a program that has to exit with code N.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
	}
}

// answers (answers SOCKET) waits until somebody accepts there.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: answers SOCKET")
	}
	ts.Check(waitFor(func() bool {
		conn, err := api.DialSocket(context.Background(), ts.MkAbs(args[0]))
		if err == nil {
			conn.Close()
		}
		return err == nil
	}))
}

// gone (gone FOLDER) wants a folder without any file.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone FOLDER")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("left behind: %v", entries)
	}
}

// waitFor asks until the answer is yes.
func waitFor(done func() bool) error {
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(within); !done(); <-ticks.C {
		if time.Now().After(deadline) {
			return fmt.Errorf("nothing after %s", within)
		}
	}
	return nil
}

// environ is the environment without anything that configures rollcall.
func environ(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ROLLCALL_") })
	return append(env, extra...)
}
