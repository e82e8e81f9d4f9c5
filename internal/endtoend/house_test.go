package endtoend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// house is where the program runs: a folder with its database, its socket and its logs,
// and the environment that says so.
type house struct {
	t          *testing.T
	db, socket string
	logs       string
	env        []string // ROLLCALL_…, later ones override earlier ones
	client     *http.Client
	latest     *daemon // whose log is shown if the test fails
}

// newHouse makes a house whose database is in folder, which may be a small disk.
func newHouse(t *testing.T, folder string) *house {
	noteSources(t)
	h := &house{
		t: t, db: filepath.Join(folder, "rollcall.db"),
		socket: filepath.Join(t.TempDir(), "s"), logs: filepath.Join(t.TempDir(), "logs"),
	}
	h.env = []string{
		"ROLLCALL_DB=" + h.db, "ROLLCALL_SOCKET=" + h.socket, "ROLLCALL_LOGS=" + h.logs,
		"ROLLCALL_LISTEN=127.0.0.1:0", "ROLLCALL_LOG_FORMAT=json",
		"ROLLCALL_MIGRATION_START_DELAY=0s", "ROLLCALL_MIGRATION_DAY_DELAY=10ms",
	}
	h.client = &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", h.socket)
		}},
	}
	return h
}

// set sets variables for everything that is started from now on, each as NAME=value
// without the prefix.
func (h *house) set(variables ...string) {
	for _, v := range variables {
		h.env = append(h.env, "ROLLCALL_"+v)
	}
}

// command prepares the program with the house's environment and none other of ours.
func (h *house) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ROLLCALL_") })
	cmd.Env = append(cmd.Env, h.env...)
	cmd.Dir = filepath.Dir(h.socket)
	return cmd
}

// run runs a command to its end. Several may run at a time.
func (h *house) run(args ...string) (stdout, stderr string, code int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := h.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && (ctx.Err() != nil || !errors.As(err, &exit)) {
		h.t.Errorf("rollcall %v: %v, within 2 minutes", args, err)
		return "", "", -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// answer runs a command that has to succeed and returns what it prints.
func (h *house) answer(args ...string) string {
	h.t.Helper()
	out, errs, code := h.run(args...)
	if code != 0 {
		h.t.Fatalf("rollcall %v exits with %d: %s", args, code, errs)
	}
	return out
}

// get asks the daemon over its socket.
func (h *house) get(path string) (status int, body []byte, err error) {
	response, err := h.client.Get("http://rollcall" + path)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// read asks the daemon for JSON.
func (h *house) read(path string, into any) error {
	status, body, err := h.get(path)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, status, body)
	}
	return json.Unmarshal(body, into)
}

// health reports whether a condition answers 200, and what it says.
func (h *house) health(path string) (ok bool, text string) {
	status, body, err := h.get(path)
	if err != nil {
		return false, err.Error()
	}
	return status == http.StatusOK, string(body)
}

// await asks until done returns nil.
func await(t *testing.T, limit time.Duration, done func() error) {
	t.Helper()
	if err := poll(limit, done); err != nil {
		t.Fatalf("after %v: %v", limit, err)
	}
}

// poll asks until done returns nil, and returns its last error if that takes too long.
func poll(limit time.Duration, done func() error) error {
	ticks := time.NewTicker(25 * time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(limit); ; <-ticks.C {
		err := done()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// timeout is a context for one wait.
func timeout(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}
