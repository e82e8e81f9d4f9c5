package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"rollcall/migration"
)

// writeLogs makes a folder with the logs of one guild, 11: so many messages in one
// file of 2026-05-11, the one named last said "precious".
func writeLogs(t *testing.T, messages int) (folder string) {
	t.Helper()
	folder = t.TempDir()
	day := filepath.Join(folder, "logs", "11", "20260511")
	if err := os.MkdirAll(day, 0o700); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for i := range messages {
		text := fmt.Sprintf("message %d", i)
		if i == messages-1 {
			text = "precious"
		}
		fmt.Fprintf(&b, `{"timestamp":"2026-05-11T%02d:%02d:%02d.%06dZ","action":"receive_message","user_id":"%d","server_id":"11","channel_or_file":"general","message":"%s"}`+"\n",
			i/3_600_000, i/60_000%60, i/1000%60, i%1000, 5+i%7, text)
	}
	if err := os.WriteFile(filepath.Join(day, "info.jsonl"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func command(folder string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	cmd = exec.Command(plain, args...)
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = folder, environ(), stdout, stderr
	return cmd, stdout, stderr
}

// Interrupted, a migration says what it did; the same command goes on from there.
func TestMigrateInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no way to send Ctrl-C to another process
	}
	const all = 300_000
	folder := writeLogs(t, all)
	cmd, stdout, stderr := command(folder, "migrate", "--json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if err := waitFor(func() bool { _, err := os.Stat(filepath.Join(folder, "rollcall.db")); return err == nil }); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	var first, second migration.Summary
	if err := json.Unmarshal(stdout.Bytes(), &first); err != nil || cmd.ProcessState.ExitCode() != 130 {
		t.Fatalf("exit code %d, %s, %v", cmd.ProcessState.ExitCode(), stdout, err)
	}
	if got := stderr.String(); got != "rollcall: interrupted: the same command goes on from here\n" {
		t.Errorf("got %s", got)
	}
	cmd, stdout, stderr = command(folder, "migrate", "--json")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr)
	}
	if err := json.Unmarshal(stdout.Bytes(), &second); err != nil {
		t.Fatal(err)
	}
	if first.Messages+second.Messages != all || second.Messages == 0 || second.Duplicates != 0 {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

// More than a page of messages come as one array, each once, newest first.
func TestMessagesBeyondAPage(t *testing.T) {
	folder := writeLogs(t, 2500)
	cmd, _, stderr := command(folder, "migrate")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr)
	}
	for limit, want := range map[int]int{1000: 1000, 1001: 1001, 2200: 2200, 9999: 2500} {
		cmd, stdout, stderr := command(folder, "messages", "11", "--json", "--limit", fmt.Sprint(limit))
		if err := cmd.Run(); err != nil {
			t.Fatal(err, stderr)
		}
		var records []struct{ Timestamp string }
		if err := json.Unmarshal(stdout.Bytes(), &records); err != nil || len(records) != want {
			t.Fatalf("limit %d: %d records, %v", limit, len(records), err)
		}
		for i := 1; i < len(records); i++ {
			if records[i].Timestamp >= records[i-1].Timestamp {
				t.Fatalf("limit %d: %s after %s", limit, records[i].Timestamp, records[i-1].Timestamp)
			}
		}
	}
}

// A record whose bytes have changed is left out, and found by whoever reads
// everything: exit 65, one line.
func TestDamagedRecord(t *testing.T) {
	folder := writeLogs(t, 3000)
	cmd, _, stderr := command(folder, "migrate")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr)
	}
	path := filepath.Join(folder, "rollcall.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("precious"), []byte("Precious")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"export", "export --format csv", "check", "check --json"} {
		cmd, stdout, stderr := command(folder, strings.Fields(args)...)
		cmd.Run()
		line := stderr.String()
		if cmd.ProcessState.ExitCode() != 65 || strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, `rollcall: database "rollcall.db": `) || !strings.Contains(line, ": damaged database: ") ||
			!strings.HasSuffix(line, "; stop the daemon and restore a backup: rollcall restore --db \"rollcall.db\" BACKUP\n") {
			t.Errorf("%s: exit code %d, %s", args, cmd.ProcessState.ExitCode(), line)
		}
		if n := strings.Count(stdout.String(), "\n"); args == "export" && n != 2999 {
			t.Errorf("%d other records, want 2999", n)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	p := startDaemon(t, folder, "LOGS=none")
	p.waitLog(`"msg":"running"`)
	cmd, _, stderr = command(folder, "export")
	cmd.Run()
	if cmd.ProcessState.ExitCode() != 65 {
		t.Errorf("through the daemon: exit code %d, %s", cmd.ProcessState.ExitCode(), stderr)
	}
	p.signal(os.Interrupt)
	p.wait()
}
