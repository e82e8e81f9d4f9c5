package metrics_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"rollcall/internal/health"
	"rollcall/internal/metrics"
	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

// page is what a scrape answers, read by the official parser.
type page struct {
	t        *testing.T
	text     []byte
	families map[string]*dto.MetricFamily
}

func scrape(t *testing.T, m *metrics.Metrics) page {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("got %d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	p := page{t: t, text: w.Body.Bytes()}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	var err error
	if p.families, err = parser.TextToMetricFamilies(bytes.NewReader(p.text)); err != nil {
		t.Fatal(err)
	}
	return p
}

// value returns the value of a series, which is named as in the page.
func (p page) value(series string) string {
	for line := range strings.Lines(string(p.text)) {
		if value, ok := strings.CutPrefix(line, "rollcall_"+series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "absent"
}

func (p page) want(series, value string) {
	p.t.Helper()
	if got := p.value(series); got != value {
		p.t.Errorf("%s is %s, want %s", series, got, value)
	}
}

// lively returns the vitals of a daemon in which everything runs and has something to tell.
func lively(t testing.TB) *health.Vitals {
	t.Helper()
	db := storetest.New(t, store.Options{})
	record := store.Record{Guild: 7, User: 8, Time: store.MicrosOf(time.Now()), Message: 9, Channel: store.Channel{ID: 5, Name: "secret-channel"}, Content: "secret content", Source: store.SourceLive}
	batch := store.Batch{Records: []store.Record{record}, Names: []store.Name{{Guild: 7, Name: "secret guild"}, {Guild: 7, User: 8, Name: "secret user"}}}
	for range 2 {
		if _, err := db.Put(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	line := record
	line.Message, line.Source, line.Channel.ID = 0, store.SourceLog, 0
	_, err := storetest.Import(context.Background(), db, store.LogBatch{Records: []store.Record{line}, Quarantine: []store.Quarantined{{File: "secret file", Reason: "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	wait := store.NewHistogram(1, 2)
	wait.Observe(1.5)
	yesterday := time.Now().UTC().AddDate(0, 0, -1)
	return health.New(health.Sources{
		Store: db, CommitInterval: time.Second, Daemon: &health.Daemon{Version: "v1", Commit: "abc", Started: 1_700_000_000_500_000},
		Tracker: func() tracker.Status {
			return tracker.Status{
				Shards: []tracker.ShardStatus{
					{Shard: 0, State: tracker.ShardConnected, Identifies: 2, Sessions: 1, Resumes: 3, Ended: map[string]int64{"4000": 1, "network": 4}},
					{Shard: 3, State: tracker.ShardWaiting, Reason: "secret reason"},
				},
				Events: 10, Messages: 5, Filtered: 6, Malformed: 1, Rejected: 2, Guilds: 1, Channels: 4, Hidden: 3, Unreadable: 2, NoHistory: 1, REST: map[string]int64{"2xx": 9, "429": 1},
				Writer: tracker.WriterStatus{Queue: 12, QueueMax: 4096, Delay: 0.25, Wait: wait.Distribution()},
				Backfill: tracker.BackfillStatus{Mode: "all", Open: 2, Waiting: 5, OldestOpen: store.MicrosOf(time.Now().Add(-time.Hour)), History: 3, HistoryDone: 4,
					HistoryFound: 50, Filled: 6, Skipped: 7, Filtered: 8, Unreadable: 9, Failing: true},
				Recheck: tracker.RecheckStatus{Guilds: 2, Done: 1, Deletions: 31, Edits: 32, Found: 33},
			}
		},
		Migration: func() migration.Status {
			return migration.Status{Surveyed: 1, Counts: store.Counts{Lines: 100, Skipped: 11, Malformed: 12}, Guilds: []migration.GuildStatus{
				{Guild: 7, Folder: "7", Files: 4, FilesRead: 3, Damaged: 1, Bytes: 1000, BytesRead: 900, Behind: yesterday.AddDate(0, 0, -2).Format("20060102")},
				{Folder: "secret folder", Files: 1, Bytes: 5},
			}}
		},
		Backup: func() health.Backup {
			return health.Backup{Interval: time.Hour, Last: 1_700_000_000_000_000, Size: 77, Took: 1500 * time.Millisecond, Error: "secret error"}
		},
	})
}

// The page is as Prometheus wants it, and every metric tells what its source says.
func TestPage(t *testing.T) {
	p := scrape(t, metrics.NewPedantic(lively(t), slog.New(slog.DiscardHandler)))
	problems, err := promlint.New(bytes.NewReader(p.text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	for name := range p.families {
		if !strings.HasPrefix(name, "rollcall_") && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is nobody's metric", name)
		}
	}
	if bytes.Contains(p.text, []byte("secret")) {
		t.Error("the page holds names or texts")
	}
	for series, value := range map[string]string{
		`start_time_seconds`:                                    "1.7000000005e+09",
		`part_healthy{part="gateway"}`:                          "0",
		`part_healthy{part="backup"}`:                           "0",
		`part_healthy{part="store"}`:                            "1",
		`messages_total{outcome="stored",source="live"}`:        "1",
		`messages_total{outcome="duplicate",source="live"}`:     "1",
		`messages_total{outcome="filtered",source="live"}`:      "6",
		`messages_total{outcome="malformed",source="live"}`:     "1",
		`messages_total{outcome="merged",source="log"}`:         "1",
		`messages_total{outcome="filtered",source="log"}`:       "11",
		`messages_total{outcome="malformed",source="log"}`:      "12",
		`messages_total{outcome="filtered",source="backfill"}`:  "8",
		`messages_total{outcome="malformed",source="backfill"}`: "9",
		`messages_total{outcome="stored",source="import"}`:      "0",
		`commit_duration_seconds_count`:                         "3",
		`commit_records_sum`:                                    "3",
		`commit_records_bucket{le="1"}`:                         "3",
		`commits_refused_total`:                                 "0",
		`database_messages`:                                     "1",
		`database_guilds`:                                       "1",
		`database_profiles`:                                     "1",
		`quarantined_lines`:                                     "1",
		`damaged_records_total`:                                 "0",
		`queue_messages`:                                        "12",
		`queue_max_messages`:                                    "4096",
		`queue_oldest_seconds`:                                  "0.25",
		`queue_wait_seconds_bucket{le="1"}`:                     "0",
		`queue_wait_seconds_bucket{le="2"}`:                     "1",
		`queue_wait_seconds_sum`:                                "1.5",
		`gateway_state{shard="0",state="connected"}`:            "1",
		`gateway_state{shard="0",state="waiting"}`:              "0",
		`gateway_state{shard="3",state="waiting"}`:              "1",
		`gateway_identifies_total{shard="0"}`:                   "2",
		`gateway_sessions_total{shard="0"}`:                     "1",
		`gateway_resumes_total{shard="0"}`:                      "3",
		`gateway_reconnects_total{cause="4000",shard="0"}`:      "1",
		`gateway_reconnects_total{cause="network",shard="0"}`:   "4",
		`gateway_events_total`:                                  "10",
		`gateway_rejected_payloads_total`:                       "2",
		`gateway_guilds`:                                        "1",
		`gateway_channels`:                                      "4",
		`unreadable_channels{reason="hidden"}`:                  "3",
		`unreadable_channels{reason="view"}`:                    "2",
		`unreadable_channels{reason="history"}`:                 "1",
		`gaps_waiting`:                                          "5",
		`rest_requests_total{code="2xx"}`:                       "9",
		`rest_requests_total{code="429"}`:                       "1",
		`gaps_open`:                                             "2",
		`gaps_closed_total{state="filled"}`:                     "6",
		`gaps_closed_total{state="skipped"}`:                    "7",
		`history_failing`:                                       "1",
		`history_channels{state="done"}`:                        "4",
		`history_channels{state="left"}`:                        "3",
		`history_messages`:                                      "50",
		`recheck_guilds`:                                        "2",
		`recheck_messages_total{what="deleted"}`:                "31",
		`recheck_messages_total{what="edited"}`:                 "32",
		`recheck_messages_total{what="found"}`:                  "33",
		`migration_files{guild="7"}`:                            "4",
		`migration_read_files{guild="7"}`:                       "3",
		`migration_damaged_files{guild="7"}`:                    "1",
		`migration_bytes{guild="7"}`:                            "1000",
		`migration_read_bytes{guild="7"}`:                       "900",
		`migration_files{guild="other"}`:                        "1",
		`migration_lag_seconds{guild="other"}`:                  "0",
		`migration_lines_total`:                                 "100",
		`migration_caught_up`:                                   "0",
		`migration_waiting_for_room`:                            "0",
		`backup_interval_seconds`:                               "3600",
		`backup_last_timestamp_seconds`:                         "1.7e+09",
		`backup_size_bytes`:                                     "77",
		`backup_duration_seconds`:                               "1.5",
		`backup_failing`:                                        "1",
	} {
		p.want(series, value)
	}
	for _, positive := range []string{"database_size_bytes", "database_free_page_bytes", "disk_free_bytes", "last_commit_timestamp_seconds"} {
		if v := p.value(positive); v == "absent" || v == "0" || v[0] == '-' {
			t.Errorf("%s is %s", positive, v)
		}
	}
	within := func(series string, low, high float64) {
		t.Helper()
		var v float64
		if _, err := fmt.Sscan(p.value(series), &v); err != nil || v < low || v > high {
			t.Errorf("%s is %s, want it between %v and %v", series, p.value(series), low, high)
		}
	}
	within("gaps_oldest_open_seconds", 3590, 3700)
	within(`migration_lag_seconds{guild="7"}`, 2*86400, 3*86400)
}

// Where something does not run or cannot be asked, it has no metrics, not zeros.
func TestWhatDoesNotRun(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.NewPedantic(health.New(health.Sources{Store: db}), slog.New(slog.DiscardHandler))
	for name := range scrape(t, m).families {
		for _, prefix := range []string{"rollcall_queue_", "rollcall_gateway_", "rollcall_rest_", "rollcall_history_", "rollcall_backup_", "rollcall_gaps_closed"} {
			if strings.HasPrefix(name, prefix) {
				t.Errorf("there is %s", name)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p := scrape(t, m)
	p.want(`part_healthy{part="store"}`, "0")
	p.want("database_size_bytes", "absent")
	p.want("commit_duration_seconds_count", "absent")
	p.want(`messages_total{outcome="stored",source="live"}`, "absent")
}

// However many guilds have logs, the label has a bounded number of values.
func TestManyGuilds(t *testing.T) {
	v := health.New(health.Sources{Store: storetest.New(t, store.Options{}), Migration: func() migration.Status {
		var s migration.Status
		for i := range metrics.MaxGuilds + 50 {
			s.Guilds = append(s.Guilds, migration.GuildStatus{Guild: store.ID(i + 1), Files: 1, Bytes: 10})
		}
		return s
	}})
	p := scrape(t, metrics.NewPedantic(v, slog.New(slog.DiscardHandler)))
	if n := len(p.families["rollcall_migration_files"].Metric); n != metrics.MaxGuilds+1 {
		t.Errorf("there are %d guilds", n)
	}
	p.want(`migration_files{guild="1000"}`, "1")
	p.want(`migration_files{guild="other"}`, "50")
	p.want(`migration_bytes{guild="other"}`, "500")
}

// countOne makes the metrics of HTTP requests and of models' calls appear.
func countOne(m *metrics.Metrics) {
	m.Count(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	m.Called("guilds", "ok")
}

// Calls of models are counted by tool and result.
func TestCalled(t *testing.T) {
	m := metrics.New(lively(t), slog.New(slog.DiscardHandler))
	for range 3 {
		m.Called("top", "ok")
	}
	m.Called("top", "limited")
	p := scrape(t, m)
	p.want(`mcp_calls_total{result="ok",tool="top"}`, "3")
	p.want(`mcp_calls_total{result="limited",tool="top"}`, "1")
}

// Requests are counted by what the mux made of them, whatever callers ask for.
func TestCount(t *testing.T) {
	m := metrics.New(lively(t), slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/guilds/{guild}", func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("what stands below the counter is out of reach: %v", err)
		}
		io.WriteString(w, "ok")
	})
	mux.HandleFunc("/v1/guilds/{guild}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(405) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	handler := m.Count(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "evil" {
			w.WriteHeader(403)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	for i := range 40 {
		for _, target := range []string{"GET /v1/guilds/", "POST /v1/guilds/", "GET /elsewhere/", "GET http://evil/"} {
			method, path, _ := strings.Cut(target, " ")
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, fmt.Sprint(path, i), nil))
		}
	}
	p := scrape(t, m)
	for series, value := range map[string]string{
		`http_requests_total{code="2xx",route="/v1/guilds/{guild}"}`:      "40",
		`http_requests_total{code="4xx",route="/v1/guilds/{guild}"}`:      "40",
		`http_requests_total{code="4xx",route="unknown"}`:                 "40",
		`http_requests_total{code="4xx",route="none"}`:                    "40",
		`http_request_duration_seconds_count{route="/v1/guilds/{guild}"}`: "80",
		`http_request_duration_seconds_bucket{route="unknown",le="+Inf"}`: "40",
	} {
		p.want(series, value)
	}
	if n := len(p.families["rollcall_http_requests_total"].Metric); n != 4 {
		t.Errorf("there are %d series", n)
	}
}

func BenchmarkScrape(b *testing.B) {
	handler := metrics.New(lively(b), slog.New(slog.DiscardHandler)).Handler()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
	}
}
