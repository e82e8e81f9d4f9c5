package health_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"rollcall/internal/health"
	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

func ago(now store.Micros, d time.Duration) store.Micros { return store.MicrosOf(now.Time().Add(-d)) }

// What people are told of a busy daemon and of a file that nobody holds.
func TestLines(t *testing.T) {
	now := store.MicrosOf(time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC))
	free := int64(3 << 30)
	busy := health.Report{
		At: now,
		Parts: map[string]health.Part{
			"store": {Status: health.OK}, "disk": {Status: health.OK, Detail: "3.0 GiB free"}, "gateway": {Status: health.OK, Detail: "2 shards connected"},
			"writer": {Status: health.OK, Detail: "5 of at most 4096 messages wait"}, "backup": {Status: health.Failed, Detail: "the last backup failed: no room"},
		},
		Daemon: &health.Daemon{Version: "v1", Process: 7, Started: ago(now, 26*time.Hour), Memory: 24 << 20, Heap: 12 << 20},
		Database: health.Database{Path: "/r.db", DiskFree: &free, Stats: store.Stats{
			Size: 1500 << 10, Free: 1 << 20, Guilds: 1, Messages: 12345, LastCommit: ago(now, 3*time.Second), Damaged: 1, Quarantined: 2,
		}},
		Tracker: &tracker.Status{
			Shards: make([]tracker.ShardStatus, 2), Guilds: 1, Channels: 42, Writer: tracker.WriterStatus{Queue: 5, QueueMax: 4096},
			Backfill: tracker.BackfillStatus{Mode: "all", History: 28, HistoryDone: 12, HistoryFound: 1, Filled: 9, Skipped: 1, Failing: true},
			Recheck:  tracker.RecheckStatus{Guilds: 1, Done: 3, Deletions: 2, Edits: 1, Found: 4},
		},
		Gaps:     health.Gaps{Open: 2, Oldest: ago(now, 190*time.Second), Waiting: 4, Crawls: 28},
		Channels: health.Channels{Hidden: 3, Unreadable: 2, NoHistory: 1},
		Migration: &migration.Status{Surveyed: now, Guilds: []migration.GuildStatus{
			{Files: 10, FilesRead: 9, Bytes: 1000, BytesRead: 999}, {Files: 1, Bytes: 99_000, Damaged: 1},
		}},
	}
	want := `daemon running: for 1 d 2 h, since 2026-05-13 10:00:00Z; version v1, process 7, 24.0 MiB of memory (12.0 MiB in use)
gateway ok: 2 shards connected; 1 guild, 42 channels
writer ok: 5 of at most 4096 messages wait; the last commit was 3 s ago
store ok: /r.db: 1.5 MiB, 1.0 MiB of it free pages; 12345 messages in 1 guild; damaged records were met 1 time; 2 malformed lines in quarantine
disk ok: 3.0 GiB free
migration reading: 0 % of 97.7 KiB, 9 of 11 files, of 2 guilds; 1 file damaged
channels unread: 3 hidden from the bot, 2 not to be viewed, 1 without Read Message History; nothing is recorded of a channel that cannot be viewed
gaps open: 2 gaps to be filled from the history, the oldest for 3 min 10 s; 4 wait until the bot may read the channel; since the start 9 filled, 1 skipped; Discord's history does not answer
history reading: 12 of 40 channels read back to the beginning, 1 message found
recheck reading: 2 deletions and 1 edit were learned from the history since the start, 4 messages that no gap told of; 1 guild still to be read once more
backup failed: the last backup failed: no room
`
	wantLines(t, &busy, want)
	summary := "the last backup failed: no room; 2 shards connected; 5 of at most 4096 messages wait; 12345 messages in 1.5 MiB; " +
		"logs: 0 % of 97.7 KiB, 9 of 11 files, of 2 guilds; 1 file damaged; 2 open gaps; 28 channels to read back"
	if got := busy.Summary(); got != summary {
		t.Errorf("in short:\n%s\nwant\n%s", got, summary)
	}

	idle := health.Report{
		At: now, Parts: map[string]health.Part{"store": {Status: health.OK}, "disk": {Status: health.OK, Detail: "3.0 GiB free"}, "gateway": {Status: health.Off}},
		Database: health.Database{Path: "r.db"}, Migration: &migration.Status{},
	}
	wantLines(t, &idle, `daemon none: nobody holds the database: what follows is what the file says
store ok: r.db: 0 bytes, 0 bytes of it free pages; 0 messages in 0 guilds
disk ok: 3.0 GiB free
migration known: no logs
gaps none: no gap is open
`)
	idle.Gaps.Waiting, idle.Channels = 1, health.Channels{NoHistory: 1}
	wantLines(t, &idle, `daemon none: nobody holds the database: what follows is what the file says
store ok: r.db: 0 bytes, 0 bytes of it free pages; 0 messages in 0 guilds
disk ok: 3.0 GiB free
migration known: no logs
channels unread: 1 without Read Message History
gaps waiting: no gap is being filled; 1 waits until the bot may read the channel
`)
}

// Without a daemon the file says which channels could not be read last.
func TestUnreadableOfTheFile(t *testing.T) {
	db := storetest.New(t, store.Options{})
	span := store.Gap{Guild: 1, Channel: 2, After: 3, From: 4, Reason: store.ReasonHidden, State: store.GapOpen, Waits: store.WaitPermission}
	if _, err := db.Put(t.Context(), store.Batch{
		Gaps: []store.Gap{{Guild: 1, Channel: 5, After: 6, Until: 7, From: 8, To: 9, State: store.GapOpen}},
		Access: []store.AccessChange{
			{Guild: 1, Channel: 2, Since: 4, Reason: store.ReasonHidden, Span: &span},
			{Guild: 1, Channel: 5, Since: 4, Reason: store.ReasonNoHistory},
			{Guild: 3, Channel: 8, Since: 4, Reason: store.ReasonUnreadable},
		},
	}); err != nil {
		t.Fatal(err)
	}
	r := health.New(health.Sources{Store: db}).Report(t.Context())
	if want := (health.Channels{Hidden: 1, Unreadable: 1, NoHistory: 1}); r.Channels != want {
		t.Errorf("the channels are %+v, want %+v", r.Channels, want)
	}
	if want := (health.Gaps{Open: 1, Oldest: 9, Waiting: 1}); r.Gaps != want {
		t.Errorf("the gaps are %+v, want %+v", r.Gaps, want)
	}
}

func wantLines(t *testing.T, r *health.Report, want string) {
	t.Helper()
	var got strings.Builder
	for _, l := range r.Lines() {
		fmt.Fprintf(&got, "%s %s: %s\n", l.Part, l.State, l.Text)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestAmounts(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 999 << 10: "999.0 KiB", 1000 << 10: "1.0 MiB", 5 << 40: "5.0 TiB", math.MaxInt64: "8388608.0 TiB",
	} {
		if got := health.Size(bytes); got != want {
			t.Errorf("%d: got %s, want %s", bytes, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", 25 * time.Hour: "1 d 1 h", 2*time.Hour + time.Minute: "2 h 1 min",
	} {
		if got := health.Span(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	for _, tc := range []struct {
		done, whole int64
		want        string
	}{{0, 0, "100 %"}, {0, 9, "0 %"}, {9999, 10000, "99 %"}, {5, 10, "50 %"}, {11, 10, "100 %"}} {
		if got := health.Percent(tc.done, tc.whole); got != tc.want {
			t.Errorf("%d of %d: got %s, want %s", tc.done, tc.whole, got, tc.want)
		}
	}
}

// While the first survey is older than what was taken in, the text tells both.
func TestMigrationAheadOfItsSurvey(t *testing.T) {
	r := health.Report{
		Daemon:    &health.Daemon{},
		Migration: &migration.Status{Surveyed: 1, Guilds: []migration.GuildStatus{{Files: 120, Bytes: 1 << 20}}, Counts: store.Counts{Messages: 20000}},
	}
	for _, l := range r.Lines() {
		if l.Part == "migration" {
			if l.State != "reading" || !strings.HasSuffix(l.Text, "0 of 120 files, of 1 guild; 20000 messages taken in since the start") {
				t.Errorf("%+v", l)
			}
			return
		}
	}
	t.Error("nothing is said of the migration")
}

// While the past is read the text tells when that will end, if it can be told.
func TestEndOfTheMigration(t *testing.T) {
	now := store.MicrosOf(time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC))
	const until = "; done in about 3 h 5 min, at 2026-05-14 15:05:00Z"
	for _, tc := range []struct {
		status migration.Status
		told   bool
	}{
		{migration.Status{Ends: ago(now, -185*time.Minute)}, true},
		{migration.Status{Ends: ago(now, -185*time.Minute), CaughtUp: true}, false},
		{migration.Status{Ends: ago(now, time.Minute)}, false}, // it takes longer than was estimated
		{migration.Status{}, false},
	} {
		tc.status.Surveyed, tc.status.Guilds = 1, []migration.GuildStatus{{Files: 120, FilesRead: 3, Bytes: 1 << 20, BytesRead: 9}}
		r := health.Report{At: now, Daemon: &health.Daemon{}, Migration: &tc.status}
		for _, l := range r.Lines() {
			if l.Part == "migration" && (strings.HasSuffix(l.Text, until) != tc.told || strings.Contains(l.Text, "done in") != tc.told) {
				t.Errorf("%+v: %+v", tc.status, l)
			}
		}
	}
}
