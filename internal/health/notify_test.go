package health_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/health"
	"rollcall/tracker"
)

// A stalled writer is not fed, and is fed again when it moves.
func TestWatchdogStarves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "")
	var asked atomic.Int64
	stalledFor := int64(20) // times that the status is asked for
	v := health.New(func() tracker.Status {
		var s tracker.Status
		if asked.Add(1) <= stalledFor {
			s.Writer.Delay = 1000
		}
		return s
	}, time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Notify(ctx, slog.New(slog.DiscardHandler)) }()
	next := func() string {
		heard.SetReadDeadline(time.Now().Add(30 * time.Second))
		text := make([]byte, 100)
		n, err := heard.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
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

// Not started by systemd, it waits for the end and tells nobody.
func TestNotifyWithoutSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := health.New(nil, 0).Notify(ctx, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}
