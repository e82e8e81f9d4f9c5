package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hangUp sends what closing a terminal does: the terminal's SIGHUP and the shell's.
func hangUp(t *testing.T, p *os.Process) {
	t.Helper()
	for range 2 {
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
}

// holds reports whether a process has a file in a folder open for which the name begins so.
func holds(pid int, folder, prefix string) bool {
	fds := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, _ := os.ReadDir(fds)
	for _, e := range entries {
		if path, err := os.Readlink(filepath.Join(fds, e.Name())); err == nil && strings.HasPrefix(path, filepath.Join(folder, prefix)) {
			return true
		}
	}
	return false
}

// A terminal that is closed is an orderly stop for every command that writes: the
// database is sound, nothing half made is left, and the exit code says what happened.
func TestHangUp(t *testing.T) {
	folder := writeLogs(t, 400_000)
	if cmd, _, stderr := command(folder, "migrate"); cmd.Run() != nil {
		t.Fatal(stderr)
	}
	if cmd, _, stderr := command(folder, "backup", "old.db"); cmd.Run() != nil {
		t.Fatal(stderr)
	}
	if cmd, _, stderr := command(folder, "rekey", "--generate", "key"); cmd.Run() != nil {
		t.Fatal(stderr)
	}
	if cmd, _, stderr := command(folder, "migrate", "--db", "empty.db", "--logs", t.TempDir()); cmd.Run() != nil {
		t.Fatal(stderr)
	}
	before := names(t, folder)
	for _, tc := range []struct {
		args  []string
		holds string // what it has open once it is under way
	}{
		{[]string{"backup", "new.db"}, "rollcall.db"},
		{[]string{"compact"}, "rollcall.db"},
		{[]string{"restore", "old.db"}, "old.db"},
		{[]string{"forget", "5", "--yes"}, "rollcall.db"},
		{[]string{"migrate", "--dry-run", "--db", "empty.db"}, "logs"},
		{[]string{"migrate", "--db", "fresh.db"}, "fresh.db"},
		{[]string{"rekey", "--new-key-file", "key"}, "rollcall.db"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			cmd, _, stderr := command(folder, tc.args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			if err := waitFor(func() bool { return holds(cmd.Process.Pid, folder, tc.holds) }); err != nil {
				t.Fatal(err)
			}
			hangUp(t, cmd.Process)
			begin := time.Now()
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("%v after %s: %s", cmd.ProcessState, time.Since(begin), stderr)
			}
		})
	}
	for _, left := range names(t, folder) {
		if !strings.Contains(" fresh.db "+strings.Join(before, " ")+" ", left) {
			t.Errorf("left behind: %s", left)
		}
	}
	if cmd, _, stderr := command(folder, "rekey", "--new-key-file", "key"); cmd.Run() != nil { // goes on
		t.Fatal(stderr)
	}
	for _, file := range []string{"rollcall.db", "fresh.db", "empty.db"} {
		cmd, stdout, stderr := command(folder, "check", file)
		if file == "rollcall.db" {
			cmd.Env = append(cmd.Env, "ROLLCALL_ENCRYPTION_KEY_FILE=key")
		}
		if cmd.Run() != nil {
			t.Errorf("%s: %s%s", file, stdout, stderr)
		}
	}
}

func names(t *testing.T, folder string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// The daemon stops in order, too, even if it is hung up twice; and goes on if it was
// started to outlive its terminal.
func TestHangUpDaemon(t *testing.T) {
	folder := t.TempDir()
	p := startDaemon(t, folder)
	p.waitLog(`"msg":"running"`)
	hangUp(t, p.cmd.Process)
	if state := p.wait(); !state.Success() {
		t.Errorf("the daemon ended with %v", state)
	}
	if !strings.Contains(p.log.String(), `"signal":"hangup"`) {
		t.Error("the log does not tell of the signal")
	}

	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Fatal(err)
	}
	p = startDaemonAs(t, exec.Command(nohup, binary), folder)
	p.waitLog(`"msg":"running"`)
	hangUp(t, p.cmd.Process)
	p.rollcall("guilds") // it answers after the signals were sent, so that it had met them
	p.signal(syscall.SIGTERM)
	if state := p.wait(); !state.Success() {
		t.Errorf("the daemon ended with %v", state)
	}
	if log := p.log.String(); strings.Contains(log, "hangup") || !strings.Contains(log, `"signal":"terminated"`) {
		t.Error("it was not SIGTERM that ended it")
	}
}
