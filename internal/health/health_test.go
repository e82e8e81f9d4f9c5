package health_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/health"
	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

func TestConditions(t *testing.T) {
	connected := tracker.ShardStatus{State: tracker.ShardConnected}
	for _, tc := range []struct {
		name            string
		status          tracker.Status
		alive, ready    string // the beginning of what is wrong
		failed          string // the parts that have failed
		stalled         bool
		commitsEveryMin bool
	}{
		{name: "all well", status: tracker.Status{Shards: []tracker.ShardStatus{connected}}},
		{name: "gateway not found", ready: "the gateway of Discord has not been found yet", failed: "gateway"},
		{
			name:   "gateway cannot be asked",
			status: tracker.Status{Unreached: "/gateway/bot: connection refused"},
			ready:  "the gateway of Discord has not been found yet: /gateway/bot: connection refused", failed: "gateway",
		},
		{
			name:   "one of two shards",
			status: tracker.Status{Shards: []tracker.ShardStatus{connected, {Shard: 1, State: tracker.ShardWaiting, Reason: "it was cut off"}}},
			ready:  "shard 1 is waiting: it was cut off", failed: "gateway",
		},
		{
			name:   "first attempt",
			status: tracker.Status{Shards: []tracker.ShardStatus{{State: tracker.ShardConnecting}}},
			ready:  "shard 0 is connecting", failed: "gateway",
		},
		{
			name:   "disk full",
			status: tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{DiskFull: true, Queue: 7}},
			alive:  "the disk is full: 7 messages wait", ready: "the disk is full", failed: "disk",
		},
		{
			name:   "slow",
			status: tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{Delay: 30}},
		},
		{
			name:   "stalled",
			status: tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{Delay: 31.5}},
			alive:  "the writer has made no progress for 32 s", ready: "the writer", failed: "writer", stalled: true,
		},
		{
			name:            "meant to gather",
			status:          tracker.Status{Shards: []tracker.ShardStatus{connected}, Writer: tracker.WriterStatus{Delay: 61}},
			commitsEveryMin: true,
		},
		{
			name:   "everything at once",
			status: tracker.Status{Writer: tracker.WriterStatus{DiskFull: true, Delay: 99}},
			alive:  "the writer has made no progress for 99 s while messages wait; the disk is full: 0 messages",
			ready:  "the gateway of Discord has not been found yet; the writer", failed: "disk gateway writer", stalled: true,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			interval := time.Second
			if tc.commitsEveryMin {
				interval = time.Minute
			}
			v := health.New(health.Sources{
				Store: storetest.New(t, store.Options{}), Tracker: func() tracker.Status { return tc.status }, CommitInterval: interval,
				Migration: func() migration.Status { return migration.Status{} },
			})
			alive, ready := v.Alive(t.Context()), v.Ready(t.Context())
			wantError(t, "alive", alive.Wrong, tc.alive)
			wantError(t, "ready", ready.Wrong, tc.ready)
			if v.Stalled() != tc.stalled {
				t.Errorf("stalled: %v", v.Stalled())
			}
			var failed []string
			for _, name := range []string{"backup", "disk", "gateway", "store", "writer"} {
				part, ok := ready.Parts[name]
				if ok != (name != "backup") {
					t.Errorf("%s among the parts: %v", name, ok)
				}
				if part.Status == health.Failed {
					failed = append(failed, name)
				} else if ok && part.Status != health.OK {
					t.Errorf("%s is %+v", name, part)
				}
			}
			if got := strings.Join(failed, " "); got != tc.failed {
				t.Errorf("failed: %q, want %q", got, tc.failed)
			}
			if len(alive.Parts) != 3 {
				t.Errorf("the parts of being alive: %v", alive.Parts)
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

func TestWithoutTracking(t *testing.T) {
	v := health.New(health.Sources{Store: storetest.New(t, store.Options{})})
	ready := v.Ready(t.Context())
	if v.Alive(t.Context()).Wrong != nil || ready.Wrong != nil || v.Stalled() {
		t.Errorf("got %v, %v", ready, v.Stalled())
	}
	if p := ready.Parts["gateway"]; p.Status != health.Off {
		t.Errorf("the gateway is %+v", p)
	}
}

// While Discord withholds what people write the daemon is not well, and it is again
// when that is over.
func TestContentIsWithheld(t *testing.T) {
	status := tracker.Status{Shards: []tracker.ShardStatus{{State: tracker.ShardConnected}}}
	v := health.New(health.Sources{Store: storetest.New(t, store.Options{}), Tracker: func() tracker.Status { return status }})
	for _, withheld := range []bool{false, true, false} {
		status.Content = tracker.ContentStatus{Withheld: withheld, Since: store.MicrosOf(time.Now())}
		want := ""
		if withheld {
			want = "Discord withholds what people write"
		}
		alive, ready := v.Alive(t.Context()), v.Ready(t.Context())
		wantError(t, "alive", alive.Wrong, want)
		wantError(t, "ready", ready.Wrong, want)
		if p := ready.Parts["content"]; withheld != (p.Status == health.Failed) {
			t.Errorf("withheld %v: %+v", withheld, ready.Parts)
		}
		told := false
		report := v.Report(t.Context())
		for _, line := range report.Lines() {
			told = told || line.Part == "content"
		}
		if told != withheld || strings.Contains(report.Summary(), "withholds") != withheld {
			t.Errorf("withheld %v: %+v, %q", withheld, report.Lines(), report.Summary())
		}
	}
}

// A database that cannot be read is no healthy one, and a failed backup is told of.
func TestStoreAndBackup(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := store.MicrosOf(time.Now())
	var backup health.Backup
	v := health.New(health.Sources{Store: db, Backup: func() health.Backup { return backup }})
	for _, tc := range []struct {
		name   string
		backup health.Backup
		status string
		detail string
	}{
		{"none yet", health.Backup{Interval: time.Hour}, health.OK, "there is none yet"},
		{"young", health.Backup{Interval: time.Hour, Last: ago(now, 90*time.Minute), Size: 3 << 20}, health.OK, "the last one is 1 h 30 min old, 3.0 MiB"},
		{"late", health.Backup{Interval: time.Hour, Last: ago(now, 121*time.Minute)}, health.Failed, "backups are late: "},
		{"failed", health.Backup{Interval: time.Hour, Last: now, Error: "no room"}, health.Failed, "the last backup failed: no room; the last one is 0 s old"},
	} {
		backup = tc.backup
		c := v.Ready(t.Context())
		if p := c.Parts["backup"]; p.Status != tc.status || !strings.HasPrefix(p.Detail, tc.detail) || c.Wrong != nil {
			t.Errorf("%s: %+v, %v", tc.name, p, c.Wrong)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c := v.Alive(t.Context())
	if c.Wrong == nil || c.Parts["store"].Status != health.Failed {
		t.Errorf("of a closed database it says %+v", c)
	}
}
