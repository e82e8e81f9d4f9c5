package health_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/health"
	"rollcall/tracker"
)

func TestVitals(t *testing.T) {
	connected := tracker.ShardStatus{State: "connected"}
	for _, tc := range []struct {
		name            string
		status          tracker.Status
		healthy, ready  string // the beginning of what is wrong
		stalled         bool
		commitsEveryMin bool
	}{
		{name: "all well", status: tracker.Status{Shards: []tracker.ShardStatus{connected}}},
		{name: "gateway not found", ready: "the gateway of Discord has not been found yet"},
		{
			name:   "one of two shards",
			status: tracker.Status{Shards: []tracker.ShardStatus{connected, {Shard: 1, State: "waiting", Reason: "it was cut off"}}},
			ready:  "shard 1 is waiting: it was cut off",
		},
		{
			name:   "first attempt",
			status: tracker.Status{Shards: []tracker.ShardStatus{{State: "connecting"}}},
			ready:  "shard 0 is connecting",
		},
		{
			name:    "disk full",
			status:  tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{DiskFull: true, Queue: 7}},
			healthy: "the disk is full: 7 messages wait", ready: "the disk is full",
		},
		{
			name:   "slow",
			status: tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{Delay: 30}},
		},
		{
			name:    "stalled",
			status:  tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{Delay: 31.5}},
			healthy: "the writer has made no progress for 32 s", ready: "the writer", stalled: true,
		},
		{
			name:            "meant to gather",
			status:          tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{Delay: 61}},
			commitsEveryMin: true,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			interval := time.Second
			if tc.commitsEveryMin {
				interval = time.Minute
			}
			v := health.New(func() tracker.Status { return tc.status }, interval)
			wantError(t, "healthy", v.Healthy(), tc.healthy)
			wantError(t, "ready", v.Ready(), tc.ready)
			if v.Stalled() != tc.stalled {
				t.Errorf("stalled: %v", v.Stalled())
			}
		})
	}
}

func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

func TestVitalsWithoutTracking(t *testing.T) {
	v := health.New(nil, 0)
	if v.Healthy() != nil || v.Ready() != nil || v.Stalled() {
		t.Errorf("got %v, %v, %v", v.Healthy(), v.Ready(), v.Stalled())
	}
}
