package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/health"
	"rollcall/internal/storetest"
	"rollcall/store"
	"rollcall/tracker"
)

// wantProblem checks that an answer is a problem of this status.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	var p api.Problem
	err := json.Unmarshal(w.Body.Bytes(), &p)
	if err != nil || w.Code != status || p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) {
		t.Fatalf("got %d %s, want a problem of status %d", w.Code, w.Body, status)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if !strings.HasPrefix(p.Detail, detail) {
		t.Errorf("got  %s\nwant %s", p.Detail, detail)
	}
	if len(p.Detail) > 400 {
		t.Errorf("detail has %d bytes", len(p.Detail))
	}
}

func TestHostileValues(t *testing.T) {
	s := server(filled(t), "")
	messages := "/v1/guilds/111111111111111111/messages"
	long := strings.Repeat("x", 10_000)
	for _, tc := range []struct {
		name, target string
		status       int
		detail       string
	}{
		{"path", "/v1/nothing", 404, `no such path: "/v1/nothing"`},
		{"root", "/", 404, `no such path: "/"`},
		{"search for nothing", "/v1/guilds/111111111111111111/search", 400, "q is missing"},
		{"search that does not end", "/v1/guilds/111111111111111111/search?q=a+%22b", 400, "the query is wrong at position 3: the quotation is not closed"},
		{"search of a thousand words", "/v1/guilds/111111111111111111/search?q=" + strings.Repeat("a+", 499), 400, "the query is wrong at position 101: the query has more than 50 parts"},
		{"search too long", "/v1/guilds/111111111111111111/search?q=" + strings.Repeat("a", 1001), 400, "the query is wrong at position 1: the query is 1001 bytes long"},
		{"search twice", "/v1/guilds/111111111111111111/search?q=a&q=b", 400, "q is given 2 times"},
		{"search of nobody", "/v1/guilds/111111111111111111/search?q=from:nobody", 404, `no such user: "nobody"`},
		{"guild id unknown", "/v1/guilds/5/messages", 404, `no such guild: "5"`},
		{"guild name unknown", "/v1/guilds/nobody/messages", 404, `no such guild: "nobody"`},
		{"guild id zero", "/v1/guilds/0/messages", 400, `guild cannot be "0": not an id: want 1 to 20 decimal digits`},
		{"guild id too large", "/v1/guilds/18446744073709551616/messages", 400, `guild cannot be "18446744073709551616": not an id`},
		{"guild long", "/v1/guilds/" + long + "/messages", 400, `guild cannot be "xxx`},
		{"guild of control characters", "/v1/guilds/%1b%5b31m/messages", 404, `no such guild: "\x1b[31m"`},
		{"guild up", "/v1/guilds/..%2f..%2fetc/messages", 404, `no such guild: "../../etc"`},
		{"guild of one dot", "/v1/guilds/./messages", 404, `no such path: "/v1/guilds/./messages": write the dots`},
		{"user of two dots", "/v1/guilds/111111111111111111/users/..", 404, `no such path: "/v1/guilds/111111111111111111/users/..": write`},
		{"person of one dot", "/v1/users/./tombstone", 404, `no such path: "/v1/users/./tombstone"`},
		{"escaped dots", "/v1/guilds/%2e%2E/messages", 404, `no such guild: ".."`},
		{"guild empty", "/v1/guilds//messages", 404, `no such path: "/v1/guilds//messages"`},
		{"outside of v1", "//v1/guilds", 404, `no such path: "//v1/guilds"`},
		{"guild unknown to the coverage", "/v1/coverage?guild=5", 404, `no such guild: "5"`},
		{"guild of no name", "/v1/coverage?guild=Nobody", 404, `no such guild: "Nobody"`},
		{"message", "/v1/messages/x/why", 400, `message cannot be "x": not a message: want its id, or its link`},
		{"message of another site", "/v1/messages/https:%2f%2fexample.com%2fchannels%2f1%2f2%2f3/why", 400, `message cannot be "https://example.com/channels/1/2/3"`},
		{"message zero", "/v1/messages/0/why", 400, `message cannot be "0"`},
		{"message long", "/v1/messages/" + long + "/why", 400, `message cannot be "xxx`},
		{"guild unknown to the export", "/v1/export?guild=5", 404, `no such guild: "5"`},
		{"user unknown", messages + "?user=nobody", 404, `no such user: "nobody"`},
		{"user id zero", messages + "?user=0", 400, `user cannot be "0": not an id`},
		{"user negative", messages + "?user=-5", 404, `no such user: "-5"`},
		{"user empty", messages + "?user=", 400, `user cannot be "": want an id or a name`},
		{"user long", messages + "?user=" + long, 400, `user cannot be "xxx`},
		{"user of bad bytes", messages + "?user=%ff", 400, `user is not UTF-8`},
		{"channel long", messages + "?channel=" + long, 400, `channel cannot be "xxx`},
		{"since", messages + "?since=yesterday", 400, `since cannot be "yesterday": want RFC 3339 such as`},
		{"since a space for the plus", messages + "?since=2026-05-11T08:30:04+02:00", 400, `since cannot be "2026-05-11T08:30:04 02:00"`},
		{"since a bad day", messages + "?since=2026-02-30", 400, `since cannot be "2026-02-30"`},
		{"until", messages + "?until=99999-01-01", 400, `until cannot be "99999-01-01"`},
		{"until before since", messages + "?since=2026-05-11&until=2026-05-10", 400, `until 2026-05-10T00:00:00.000000Z is not later than since 2026-05-11T00:00:00.000000Z`},
		{"until since the epoch", messages + "?since=1970-01-01&until=1970-01-01", 400, `until 1970-01-01T00:00:00.000000Z is not later than`},
		{"grep", messages + "?grep=(", 400, `grep cannot be "(": error parsing regexp: missing closing )`},
		{"grep long", messages + "?grep=" + long, 400, `grep is 10000 bytes long: want at most 1000`},
		{"grep large", messages + "?grep=" + url.QueryEscape("((a{100}){100}){100}"), 400, `grep cannot be`},
		{"limit zero", messages + "?limit=0", 400, `limit cannot be "0": want a whole number from 1 to 1000`},
		{"limit large", messages + "?limit=1001", 400, `limit cannot be "1001"`},
		{"limit huge", messages + "?limit=" + strings.Repeat("9", 400), 400, `limit cannot be "999`},
		{"limit no number", messages + "?limit=1e2", 400, `limit cannot be "1e2"`},
		{"cursor", messages + "?cursor=abc", 400, `cursor cannot be "abc"`},
		{"cursor of another guild", messages + "?cursor=" + strings.Repeat("A", 43), 400, `cursor is of another guild`},
		{"cursor at no time", messages + "?cursor=" + strings.Repeat("f", 42) + "8", 400, `cursor cannot be "ffff`},
		{"format", "/v1/export?format=xml", 400, `format cannot be "xml": want ndjson or csv`},
		{"export until", "/v1/export?until=x", 400, `until cannot be "x"`},
		{"export user", "/v1/export?user=nobody", 404, `no such user: "nobody"`},
		{"unknown parameter", "/v1/export?usr=5", 400, `no such parameter: "usr"`},
		{"parameter of another path", "/v1/guilds?limit=5", 400, `no such parameter: "limit"`},
		{"parameter of the document", "/v1/openapi.json?x", 400, `no such parameter: "x"`},
		{"parameter of state", "/v1/state?x", 400, `no such parameter: "x"`},
		{"parameter twice", "/v1/export?user=5&user=6", 400, `user is given 2 times`},
		{"parameters with semicolons", "/v1/export?user=5;x=6", 400, `the query cannot be read`},
		{"parameters badly escaped", "/v1/export?user=%zz", 400, `the query cannot be read`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantProblem(t, get(t, s, tc.target), tc.status, tc.detail)
		})
	}
}

func TestAmbiguousNames(t *testing.T) {
	db := filled(t)
	s := server(db, "")
	rename(t, db, guildA, 0, "Same")
	rename(t, db, guildB, 0, "same")
	rename(t, db, guildA, anna, "double")
	rename(t, db, guildA, bert, "double")
	wantProblem(t, get(t, s, "/v1/guilds/SAME/messages"), 400, `guild "SAME" is the name of 111111111111111111, 333333333333333333: want an id`)
	wantProblem(t, get(t, s, "/v1/export?user=double"), 400, `user "double" is the name of 222222222222222222, 444444444444444444: want an id`)
	if w := get(t, s, "/v1/guilds/Same/messages"); w.Code != 200 {
		t.Errorf("the exact name: got %d %s", w.Code, w.Body)
	}
}

func TestMethods(t *testing.T) {
	s := server(storetest.New(t, store.Options{}), "")
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"} {
		w := httptest.NewRecorder()
		s.Socket().ServeHTTP(w, httptest.NewRequest(method, "/v1/guilds", nil))
		wantProblem(t, w, 405, method+" is not possible here: want GET")
		if got := w.Header().Get("Allow"); got != "GET, HEAD" {
			t.Errorf("Allow: %q", got)
		}
	}
}

func TestBodyRefused(t *testing.T) {
	s := server(storetest.New(t, store.Options{}), "")
	w := httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest("GET", "/v1/guilds", strings.NewReader("x")))
	wantProblem(t, w, 413, "a request has no body here")
	w = httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest("POST", "/v1/guilds", strings.NewReader("x")))
	wantProblem(t, w, 405, "POST is not possible here: want GET")
}

func TestTCP(t *testing.T) {
	db := filled(t)
	for _, tc := range []struct {
		name, token, target string
		header              map[string]string
		status              int
		detail              string
	}{
		{"no token configured", "", "/v1/guilds", nil, 403, `over TCP /v1 is closed: set ROLLCALL_API_TOKEN or ROLLCALL_API_TOKEN_FILE, or use the socket r.sock`},
		{"no token configured but given", "", "/v1/guilds", map[string]string{"Authorization": "Bearer "}, 403, `over TCP`},
		{"no token given", "s3cret", "/v1/guilds", nil, 401, `want the header Authorization: Bearer`},
		{"wrong token", "s3cret", "/v1/guilds", map[string]string{"Authorization": "Bearer s3cre"}, 401, ``},
		{"longer token", "s3cret", "/v1/guilds", map[string]string{"Authorization": "Bearer s3cretx"}, 401, ``},
		{"wrong scheme", "s3cret", "/v1/guilds", map[string]string{"Authorization": "Basic s3cret"}, 401, ``},
		{"token alone", "s3cret", "/v1/guilds", map[string]string{"Authorization": "s3cret"}, 401, ``},
		{"token in the query", "s3cret", "/v1/guilds?token=s3cret", nil, 401, ``},
		{"unknown path below v1", "s3cret", "/v1/x", nil, 401, ``},
		{"v1 itself", "", "/v1", nil, 403, ``},
		{"foreign host", "s3cret", "/healthz", map[string]string{"Host": "evil.example"}, 403, `the Host "evil.example" is not ours`},
		{"foreign host, right token", "s3cret", "/v1/guilds", map[string]string{"Host": "evil.example:7878", "Authorization": "Bearer s3cret"}, 403, `the Host`},
		{"another address", "", "/healthz", map[string]string{"Host": "192.0.2.1"}, 403, `the Host`},
		{"a host that begins like ours", "", "/healthz", map[string]string{"Host": "localhost.evil.example"}, 403, `the Host`},
		{"foreign origin", "s3cret", "/v1/guilds", map[string]string{"Origin": "https://evil.example", "Authorization": "Bearer s3cret"}, 403, `requests of other sites' pages`},
		{"null origin", "", "/healthz", map[string]string{"Origin": "null"}, 403, ``},
		{"another port's origin", "", "/healthz", map[string]string{"Origin": "http://127.0.0.1:8080"}, 403, ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantProblem(t, getTCP(server(db, tc.token), tc.target, tc.header), tc.status, tc.detail)
		})
	}
	for _, tc := range []struct {
		name, target string
		header       map[string]string
	}{
		{"token", "/v1/guilds", map[string]string{"Authorization": "Bearer s3cret"}},
		{"scheme in lower case", "/v1/guilds", map[string]string{"Authorization": "bearer s3cret"}},
		{"health without token", "/healthz", nil},
		{"readiness without token", "/readyz", nil},
		{"localhost", "/healthz", map[string]string{"Host": "LOCALHOST:7878"}},
		{"loopback", "/healthz", map[string]string{"Host": "[::1]:7878"}},
		{"own origin", "/healthz", map[string]string{"Origin": "http://127.0.0.1:7878"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if w := getTCP(server(db, "s3cret"), tc.target, tc.header); w.Code != 200 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

// A request with two origins is of no page of ours, whichever comes first.
func TestTwoOrigins(t *testing.T) {
	const own, foreign = "http://127.0.0.1:7878", "https://evil.example"
	for _, origins := range [][]string{{own, foreign}, {foreign, own}, {own, own}} {
		r := httptest.NewRequest("GET", "/healthz", nil)
		r.Host = "127.0.0.1:7878"
		r.Header["Origin"] = origins
		w := httptest.NewRecorder()
		server(filled(t), "").TCP().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%q: got %d", origins, w.Code)
		}
	}
}

func getTCP(s *api.Server, target string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.Host = "127.0.0.1:7878"
	for name, value := range header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.TCP().ServeHTTP(w, r)
	return w
}

func TestHosts(t *testing.T) {
	for _, tc := range []struct {
		listen, host string
		ours         bool
	}{
		{"0.0.0.0", "192.0.2.1:7878", true},
		{"::", "[2001:db8::1]:7878", true},
		{"", "192.0.2.1", true},
		{"", "evil.example", false},
		{"0.0.0.0", "evil.example", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"rollcall", "rollcall:7878", true},
		{"rollcall", "rollcall.evil.example", false},
	} {
		s := api.New(api.Options{Store: storetest.New(t, store.Options{}), Host: tc.listen, Log: slog.New(slog.DiscardHandler)})
		w := getTCP(s, "/healthz", map[string]string{"Host": tc.host})
		if got := w.Code == 200; got != tc.ours {
			t.Errorf("listening on %q, asked for %q: got %d %s", tc.listen, tc.host, w.Code, w.Body)
		}
	}
}

// Both conditions tell of each part, whether the answer is yes or no.
func TestHealth(t *testing.T) {
	status := tracker.Status{Shards: []tracker.ShardStatus{{State: tracker.ShardConnected}}}
	db := storetest.New(t, store.Options{})
	s := api.New(api.Options{
		Store: db, Log: slog.New(slog.DiscardHandler),
		Vitals: health.New(health.Sources{Store: db, Tracker: func() tracker.Status { return status }}),
	})
	for path, parts := range map[string]int{"/healthz": 3, "/readyz": 4} {
		w := get(t, s, path)
		var answer struct {
			Status string
			Parts  map[string]health.Part
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Status != "ok" || len(answer.Parts) != parts {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
		if !strings.HasPrefix(w.Body.String(), `{"status":"ok","parts":{"disk":{"status":"ok","detail":"`) {
			t.Errorf("%s: got %s", path, w.Body)
		}
	}
	status.Writer.DiskFull = true
	status.Shards[0].State = tracker.ShardWaiting
	wantProblem(t, get(t, s, "/healthz"), 503, "the disk is full")
	w := get(t, s, "/readyz")
	wantProblem(t, w, 503, "shard 0 is waiting; the disk is full")
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Parts["gateway"].Status != health.Failed || p.Parts["writer"].Status != health.OK {
		t.Errorf("got %s", w.Body)
	}
}

// The status is there without a daemon, the metrics are not; neither takes parameters
// or changes anything.
func TestStatus(t *testing.T) {
	s := server(filled(t), "s3cret")
	w := get(t, s, "/v1/status")
	var report health.Report
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil || w.Code != 200 || report.Daemon != nil || report.Database.Messages != 8 || report.Gaps.Open != 1 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	wantProblem(t, get(t, s, "/v1/status?x=1"), 400, `no such parameter: "x"`)
	wantProblem(t, get(t, s, "/metrics"), 404, "only a daemon has metrics")
	wantProblem(t, getTCP(s, "/v1/status", nil), 401, "want the header Authorization")
}

// An answer that was cut short because the server stops is never an empty one.
func TestStopping(t *testing.T) {
	s := server(filled(t), "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, target := range []string{
		"/v1/guilds", "/v1/state", "/v1/export", "/v1/export?format=csv", "/v1/export?user=5", "/v1/guilds/My%20Guild/messages",
		"/v1/guilds/My%20Guild", "/v1/guilds/My%20Guild/top", "/v1/guilds/My%20Guild/words", "/v1/guilds/My%20Guild/words?user=Anna",
		"/v1/guilds/My%20Guild/users/Anna", "/v1/guilds/My%20Guild/users/Anna/context",
	} {
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler { // the connection breaks
					panic(v)
				} else if v != nil {
					w.Code = 0
				}
			}()
			s.Socket().ServeHTTP(w, httptest.NewRequest("GET", target, nil).WithContext(ctx))
		}()
		if w.Code != 0 {
			wantProblem(t, w, 503, "the daemon is stopping")
		}
	}
}

// Whatever is asked, the answer is given or the question refused: nothing is the
// server's fault.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "user=Anna&limit=3", "channel=general&grep=%5Em", "since=2026-05-11&until=2026-05-12T00:00:00%2B05:45",
		"cursor=" + strings.Repeat("A", 43), "user=%ff", "grep=((((", "limit=-1", "a;b", "%zz",
	} {
		f.Add("My Guild", seed)
	}
	f.Add("", "")
	path := filepath.Join(f.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	fill(f, db)
	s := server(db, "")
	f.Add("111111111111111111", "window=7d&tz=Asia/Kathmandu")
	f.Add("111111111111111111", "since=2026-05-11T06:30:00Z&until=2026-05-11&tz=America/New_York&by=days&limit=1000")
	f.Add("My Guild", "tokens=50&tz=Local")
	f.Fuzz(func(t *testing.T, guild, query string) {
		for _, path := range []string{
			"/v1/guilds/" + guild, "/v1/guilds/" + guild + "/top", "/v1/guilds/" + guild + "/words", "/v1/guilds/" + guild + "/messages",
			"/v1/guilds/" + guild + "/users/Anna", "/v1/guilds/My Guild/users/" + guild, "/v1/guilds/" + guild + "/users/Anna/context", "/v1/export",
		} {
			r := httptest.NewRequest("GET", "/x", nil)
			r.URL.Path, r.URL.RawQuery = path, query
			w := httptest.NewRecorder()
			s.Socket().ServeHTTP(w, r)
			if w.Code >= 500 || w.Code == 200 && w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: got %d %s", path, w.Code, w.Body)
			}
		}
	})
}

func TestCheckQuery(t *testing.T) {
	if err := api.CheckQuery(url.Values{"guild": {"x"}, "since": {"2026-05-11"}, "limit": {"5"}, "format": {"csv"}}); err != nil {
		t.Error(err)
	}
	// Without a zone it is not known which is earlier: Kathmandu's day begins in UTC's day before.
	if err := api.CheckQuery(url.Values{"since": {"2026-05-11"}, "until": {"2026-05-10T20:00:00Z"}}); err != nil {
		t.Error(err)
	}
	if err := api.CheckQuery(url.Values{"since": {"2026-05-11"}, "until": {"2026-05-10T20:00:00Z"}, "tz": {"UTC"}}); err == nil {
		t.Error("until before since is allowed")
	}
	err := api.CheckQuery(url.Values{"user": {"x"}, "until": {"then"}})
	if p, ok := errors.AsType[*api.Problem](err); !ok || p.Status != 400 || !strings.HasPrefix(err.Error(), `until cannot be "then"`) {
		t.Errorf("got %v", err)
	}
}
