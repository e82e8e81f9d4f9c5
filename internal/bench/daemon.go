package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/health"
)

const (
	// daemonLimit is how long the daemon may take to be ready, to be idle, to be quiet, and to end.
	daemonLimit = time.Minute
	// quietTime is how long its memory has to stay the same, within quietChange (bytes).
	quietTime   = 3 * time.Second
	quietChange = 256 << 10
	// lookEvery is how often it is looked at meanwhile.
	lookEvery = 50 * time.Millisecond
)

// host is where daemons run, one after another: with the database and the logs of a
// task, before a simulated Discord, under what they take for systemd.
type host struct {
	*discord
	ctx     context.Context
	program string
	env     []string
	socket  string
	systemd *net.UnixConn
}

// newHost builds the program from the sources two folders up.
func newHost(ctx context.Context, t task) (*host, error) {
	h := &host{ctx: ctx, program: filepath.Join(t.Folder, "rollcall"), socket: filepath.Join(t.Folder, "s")}
	build := exec.CommandContext(ctx, "go", "build", "-C", "../..", "-trimpath", "-o", h.program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the daemon: %w: %s", err, bytes.TrimSpace(text))
	}
	notify := fmt.Sprintf("@rollcall-bench-%d", os.Getpid()) // a name in no folder: paths may be too long
	var err error
	if h.systemd, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"}); err != nil {
		return nil, err
	}
	if h.discord, err = startDiscord(ctx); err != nil {
		return nil, errors.Join(err, h.systemd.Close())
	}
	h.env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ROLLCALL_") })
	h.env = append(h.env, "NOTIFY_SOCKET="+notify,
		"ROLLCALL_DB="+t.database(), "ROLLCALL_LOGS="+t.Corpus, "ROLLCALL_SOCKET="+h.socket, "ROLLCALL_LISTEN=",
		"ROLLCALL_TOKEN="+h.Token, "ROLLCALL_DISCORD_URL="+h.URL)
	return h, nil
}

func (h *host) close() error { return errors.Join(h.systemd.Close(), h.discord.close()) }

// daemon is one life of the program.
type daemon struct {
	host *host
	cmd  *exec.Cmd
	log  bytes.Buffer
	took time.Duration // from the start of the process to what it tells systemd when it is ready
}

// start starts the program, with variables beside the host's, and waits until it is ready.
func (h *host) start(env ...string) (*daemon, error) {
	d := &daemon{host: h, cmd: exec.CommandContext(h.ctx, h.program, "run")}
	d.cmd.Env, d.cmd.Stderr, d.cmd.Dir = append(slices.Clip(h.env), env...), &d.log, filepath.Dir(h.program)
	began := time.Now()
	if err := h.systemd.SetReadDeadline(began.Add(daemonLimit)); err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	for message := make([]byte, 4096); ; {
		n, err := h.systemd.Read(message)
		if err != nil {
			d.cmd.Process.Kill()
			d.cmd.Wait()
			return nil, fmt.Errorf("wait for the daemon to be ready: %w: %s", err, d.log.Bytes())
		}
		if string(message[:n]) == "READY=1" {
			d.took = time.Since(began)
			return d, nil
		}
	}
}

// stop ends the daemon.
func (d *daemon) stop() error {
	defer time.AfterFunc(daemonLimit, func() { d.cmd.Process.Kill() }).Stop()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("the daemon ended: %w: %s", err, d.log.Bytes())
	}
	return nil
}

// untilIdle waits until the daemon is connected and has nothing left to migrate.
func (d *daemon) untilIdle() error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return api.DialSocket(ctx, d.host.socket)
	}}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(d.host.ctx, daemonLimit)
	defer cancel()
	for {
		r, err := report(ctx, client)
		if err != nil {
			return fmt.Errorf("wait for the daemon to be idle: %w", err)
		}
		if r.Migration.CaughtUp && r.Parts["gateway"].Status == health.OK {
			return nil
		}
		nap(lookEvery)
	}
}

// report asks how the daemon is.
func report(ctx context.Context, client *http.Client) (r health.Report, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://rollcall/v1/status", nil)
	if err != nil {
		return r, err
	}
	response, err := client.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	return r, json.NewDecoder(response.Body).Decode(&r)
}

// untilQuiet waits until the daemon's anonymous memory stays the same and returns it.
func (d *daemon) untilQuiet() (memory int64, err error) {
	end := time.Now().Add(daemonLimit)
	for since := time.Now(); time.Since(since) < quietTime; nap(lookEvery) {
		now, err := anonymousMemory(d.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if max(now-memory, memory-now) > quietChange {
			memory, since = now, time.Now()
		}
		if time.Now().After(end) || d.host.ctx.Err() != nil {
			return 0, fmt.Errorf("the daemon's memory does not come to rest: %d bytes at last", now)
		}
	}
	return memory, nil
}
