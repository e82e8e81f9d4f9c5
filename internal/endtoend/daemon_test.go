package endtoend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// daemon is one life of rollcall run.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *journal
	over chan struct{} // closed when the process has been waited for
}

// start starts the daemon. What is left of it when the test ends is killed.
func (h *house) start() *daemon {
	h.t.Helper()
	d := &daemon{t: h.t, cmd: h.command(context.Background(), "run"), log: newJournal(), over: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if *keep != "" {
		file, err := os.OpenFile(filepath.Join(*keep, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			h.t.Fatal(err)
		}
		h.t.Cleanup(func() { file.Close() })
		both := io.MultiWriter(d.log, file)
		d.cmd.Stdout, d.cmd.Stderr = both, both
	}
	if err := d.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		defer close(d.over)
		d.cmd.Wait() // what came of it is in ProcessState
	}()
	h.latest = d
	h.t.Cleanup(func() {
		d.kill()
		if h.t.Failed() && h.latest == d {
			h.t.Logf("the log of process %d ends with:\n%s", d.cmd.Process.Pid, d.log.tail())
		}
	})
	return d
}

// kill is SIGKILL. It returns when the process is gone.
func (d *daemon) kill() {
	d.cmd.Process.Kill()
	<-d.over
}

// signal sends a signal.
func (d *daemon) signal(s os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatalf("%v: %v", s, err)
	}
}

// exit waits for the end of the process and returns its code, -1 if a signal ended it.
// One that does not end has to show what its goroutines do.
func (d *daemon) exit(limit time.Duration) int {
	d.t.Helper()
	select {
	case <-d.over:
		return d.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		d.signal(syscall.SIGQUIT)
		<-d.over
		d.t.Fatalf("the daemon has not ended after %v:\n%s", limit, d.log.tail())
		return 0
	}
}

// stop is SIGTERM, after which the daemon has to end well within ten seconds.
func (d *daemon) stop() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	if code := d.exit(10 * time.Second); code != 0 {
		d.t.Fatalf("exit code %d after SIGTERM:\n%s", code, d.log.tail())
	}
}

// running fails the test if the daemon has ended.
func (d *daemon) running() {
	d.t.Helper()
	select {
	case <-d.over:
		d.t.Fatalf("the daemon has ended with code %d:\n%s", d.cmd.ProcessState.ExitCode(), d.log.tail())
	default:
	}
}

// journal gathers what a daemon writes: lines of its log in JSON, and the last words
// that are none.
type journal struct {
	mu      sync.Mutex
	rest    []byte
	entries []entry
	words   []string
}

// entry is a line of the log.
type entry struct {
	Level   string `json:"level"`
	Message string `json:"msg"`
	Actor   string `json:"actor"`
	Text    string `json:"-"` // all of it
}

// journalLimit bounds the lines that are kept. A daemon writes none per message.
const journalLimit = 20_000

func newJournal() *journal { return &journal{} }

// Write takes in lines.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rest = append(j.rest, p...)
	for {
		line, rest, found := bytes.Cut(j.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		e := entry{Text: string(line)}
		if json.Unmarshal(line, &e) != nil {
			j.words = append(j.words, e.Text)
		} else if len(j.entries) < journalLimit {
			j.entries = append(j.entries, e)
		}
		j.rest = rest
	}
}

// find returns the lines that match.
func (j *journal) find(match func(entry) bool) (found []entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if match(e) {
			found = append(found, e)
		}
	}
	return found
}

// saying matches lines of the log by a part of their message.
func saying(part string) func(entry) bool {
	return func(e entry) bool { return strings.Contains(e.Message, part) }
}

// lastWords returns what is not of the log: why the process ended.
func (j *journal) lastWords() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	words := append([]string(nil), j.words...)
	if len(j.rest) > 0 {
		words = append(words, string(j.rest))
	}
	return words
}

// tail returns the last lines for people.
func (j *journal) tail() string {
	words := j.lastWords()
	j.mu.Lock()
	defer j.mu.Unlock()
	var b strings.Builder
	for _, e := range j.entries[max(0, len(j.entries)-15):] {
		fmt.Fprintln(&b, e.Text)
	}
	b.WriteString(strings.Join(words[:min(40, len(words))], "\n")) // of a dump of all goroutines the first
	return b.String()
}

// await waits for a line of the log.
func (d *daemon) await(match func(entry) bool) {
	d.t.Helper()
	await(d.t, within, func() error {
		if len(d.log.find(match)) > 0 {
			return nil
		}
		d.running()
		return fmt.Errorf("the awaited line has not come:\n%s", d.log.tail())
	})
}
