package health_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/health"
	"rollcall/internal/storetest"
	"rollcall/store"
	"rollcall/tracker"
)

// systemd is what hears a daemon.
type systemd struct {
	t     *testing.T
	heard *net.UnixConn
}

// listen makes this process one that systemd has started.
func listen(t *testing.T, watchdog string) systemd {
	path := filepath.Join(t.TempDir(), "notify")
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { heard.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", watchdog)
	t.Setenv("WATCHDOG_PID", "")
	return systemd{t, heard}
}

// next waits for the next message.
func (s systemd) next() string {
	s.t.Helper()
	s.heard.SetReadDeadline(time.Now().Add(30 * time.Second))
	text := make([]byte, 1000)
	n, err := s.heard.Read(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text[:n])
}

// A stalled writer is not fed, and is fed again when it moves.
func TestWatchdogStarves(t *testing.T) {
	s := listen(t, "20000")
	next := func() string {
		for {
			if got := s.next(); !strings.HasPrefix(got, "STATUS=") {
				return got
			}
		}
	}
	var asked atomic.Int64
	stalledFor := int64(20) // times that the status is asked for
	v := health.New(health.Sources{Store: storetest.New(t, store.Options{}), CommitInterval: time.Second, Tracker: func() tracker.Status {
		var s tracker.Status
		if asked.Add(1) <= stalledFor {
			s.Writer.Delay = 1000
		}
		return s
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Notify(ctx, slog.New(slog.DiscardHandler)) }()
	if got := next(); got != "READY=1" {
		t.Errorf("first: %q", got)
	}
	if got := next(); got != "WATCHDOG=1" || asked.Load() <= stalledFor {
		t.Errorf("then: %q, after %d looks", got, asked.Load())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for got := next(); got != "STOPPING=1"; got = next() {
		if got != "WATCHDOG=1" {
			t.Errorf("at the end: %q", got)
		}
	}
}

// What systemctl status shows follows the daemon, and is not told again while nothing
// changes.
func TestNotifyStatus(t *testing.T) {
	s := listen(t, "")
	var state atomic.Pointer[tracker.ShardStatus]
	state.Store(&tracker.ShardStatus{State: tracker.ShardConnected})
	v := health.New(health.Sources{Store: storetest.New(t, store.Options{}), Tracker: func() tracker.Status {
		return tracker.Status{Shards: []tracker.ShardStatus{*state.Load()}, Writer: tracker.WriterStatus{QueueMax: 10}}
	}})
	v.TellEvery(time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Notify(ctx, slog.New(slog.DiscardHandler)) }()
	for _, want := range []string{"READY=1", "STATUS=1 shard connected; 0 of at most 10 messages wait; 0 messages in "} {
		if got := s.next(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	state.Store(&tracker.ShardStatus{State: tracker.ShardWaiting, Reason: "two\nlines"})
	if got := s.next(); !strings.HasPrefix(got, "STATUS=shard 0 is waiting: two lines; ") {
		t.Errorf("then %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := s.next(); got != "STOPPING=1" {
		t.Errorf("at the end %q", got)
	}
}

// Not started by systemd, it waits for the end and tells nobody.
func TestNotifyWithoutSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := health.New(health.Sources{}).Notify(ctx, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}
