package simulator_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// ids asks for a page of messages and returns their ids as they came.
func ids(t *testing.T, s *simulator.Server, c *simulator.Channel, query string) []simulator.ID {
	t.Helper()
	status, body, _ := get(t, s, "/channels/"+c.ID.String()+"/messages?"+query)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, status, body)
	}
	var page []struct{ ID simulator.ID }
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	all := []simulator.ID{}
	for _, m := range page {
		all = append(all, m.ID)
	}
	return all
}

func TestMessagePages(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	var all []simulator.ID // oldest first
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 230 {
		m := w.say(fmt.Sprint(i))
		if r.IntN(10) == 0 {
			w.general.DeleteMessages(m.ID)
		} else {
			all = append(all, m.ID)
		}
	}
	newestFirst := func(ids []simulator.ID) []simulator.ID {
		ids = slices.Clone(ids)
		slices.Reverse(ids)
		return ids
	}
	at := func(id simulator.ID) int { i, _ := slices.BinarySearch(all, id); return i }
	for _, limit := range []int{1, 2, 50, 99, 100} {
		for _, i := range []int{0, 1, 60, 150, len(all) - 2, len(all) - 1} {
			id := all[i]
			for _, tt := range []struct {
				query string
				want  []simulator.ID
			}{
				{"", all[max(0, len(all)-limit):]},
				{"&before=" + id.String(), all[max(0, i-limit):i]},
				{"&before=" + (id + 1).String(), all[max(0, i+1-limit) : i+1]},
				{"&after=" + id.String(), all[i+1 : min(len(all), i+1+limit)]},
				{"&after=" + (id - 1).String(), all[i:min(len(all), i+limit)]},
				{"&after=0", all[:min(len(all), limit)]},
			} {
				query := fmt.Sprintf("limit=%d%s", limit, tt.query)
				if got := ids(t, w.s, w.general, query); !slices.Equal(got, newestFirst(tt.want)) {
					t.Fatalf("%s: got %d messages %v, want %d %v", query, len(got), got, len(tt.want), newestFirst(tt.want))
				}
			}
			got := ids(t, w.s, w.general, fmt.Sprintf("limit=%d&around=%v", limit, id))
			if !slices.Contains(got, id) || len(got) > limit || !slices.IsSortedFunc(got, func(a, b simulator.ID) int { return at(b) - at(a) }) {
				t.Fatalf("limit %d around %v: got %v", limit, id, got)
			}
		}
	}
	if got := ids(t, w.s, w.general, ""); len(got) != 50 {
		t.Errorf("without a limit %d messages came, want 50", len(got))
	}
	// A client that walks from a position to the end sees everything once.
	var walked []simulator.ID
	for from := simulator.ID(0); ; {
		page := ids(t, w.s, w.general, fmt.Sprintf("limit=100&after=%v", from))
		walked = append(walked, newestFirst(page)...)
		if len(page) < 100 {
			break
		}
		from = page[0]
	}
	if !slices.Equal(walked, all) {
		t.Errorf("walked over %d messages of %d", len(walked), len(all))
	}
}

func TestRestErrors(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	messages := "/channels/" + w.general.ID.String() + "/messages"
	hidden := w.guild.AddChannel(simulator.ChannelSpec{Name: "staff"})
	hidden.SetAccess(simulator.NoAccess)
	gone := w.guild.AddChannel(simulator.ChannelSpec{Name: "gone"})
	gone.Delete()
	for _, tt := range []struct {
		name, path, token string
		status, code      int
	}{
		{"no token", "/users/@me", "", 401, 0},
		{"wrong token", "/users/@me", "Bot nonsense", 401, 0},
		{"no word Bot", "/users/@me", w.s.Token(), 401, 0},
		{"limit 0", messages + "?limit=0", "ok", 400, 50035},
		{"limit 101", messages + "?limit=101", "ok", 400, 50035},
		{"limit of a wrong type", messages + "?limit=all", "ok", 400, 50035},
		{"position of a wrong type", messages + "?after=yesterday", "ok", 400, 50035},
		{"unknown channel", "/channels/1/messages", "ok", 404, 10003},
		{"deleted channel", "/channels/" + gone.ID.String(), "ok", 404, 10003},
		{"channel of a wrong type", "/channels/x", "ok", 400, 50035},
		{"unknown guild", "/guilds/1/channels", "ok", 404, 10004},
		{"guild of a wrong type", "/guilds/x", "ok", 400, 50035},
		{"unknown message", messages + "/1", "ok", 404, 10008},
		{"unknown route", "/nothing", "ok", 404, 0},
		{"missing access", "/channels/" + hidden.ID.String() + "/messages", "ok", 403, 50001},
		{"missing access to the channel", "/channels/" + hidden.ID.String(), "ok", 403, 50001},
		{"private threads", "/channels/" + w.general.ID.String() + "/threads/archived/private", "ok", 403, 50001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := strings.Replace(tt.token, "ok", "Bot "+w.s.Token(), 1)
			status, body, h := getAs(t, w.s, tt.path, token)
			var e struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal(body, &e); err != nil || status != tt.status || e.Code != tt.code || e.Message == "" {
				t.Errorf("got %d %s, want %d and code %d", status, body, tt.status, tt.code)
			}
			if h.Get("Content-Type") != "application/json" {
				t.Errorf("the content type is %q", h.Get("Content-Type"))
			}
		})
	}
	if st := w.s.Stats(); st.Refused != 6 || st.REST[simulator.RouteOther] != 1 {
		t.Errorf("%d refusals, want 6; %v", st.Refused, st.REST)
	}
	w.general.SetAccess(simulator.NoHistory)
	w.say("hello")
	if got := ids(t, w.s, w.general, ""); len(got) != 0 {
		t.Errorf("without READ_MESSAGE_HISTORY %d messages came", len(got))
	}
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, simulator.Options{RateLimit: 3})
	path := "/channels/" + w.general.ID.String() + "/messages"
	limited := 0
	for limit := time.Now().Add(patience); limited == 0 && time.Now().Before(limit); {
		status, body, h := get(t, w.s, path)
		if h.Get("X-RateLimit-Limit") != "3" || h.Get("X-RateLimit-Bucket") == "" || h.Get("X-RateLimit-Reset-After") == "" {
			t.Errorf("headers are %v", h)
		}
		if status == http.StatusTooManyRequests {
			limited++
			var e struct {
				RetryAfter float64 `json:"retry_after"`
				Global     bool
			}
			if err := json.Unmarshal(body, &e); err != nil || e.RetryAfter <= 0 || e.RetryAfter > 1 || e.Global || h.Get("Retry-After") != "1" {
				t.Errorf("429 was %s, %v", body, h)
			}
		}
	}
	if limited == 0 || w.s.Stats().Refused != 1 {
		t.Error("a bucket of three requests a second is never empty")
	}
	if status, _, _ := get(t, w.s, "/channels/"+w.general.ID.String()); status != http.StatusOK {
		t.Errorf("another bucket answered %d", status)
	}
}

func TestRestFaults(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	w.s.NextREST(simulator.RouteMe, simulator.Status(502))
	w.s.NextREST(simulator.RouteMe, simulator.RateLimited(1500*time.Millisecond, true))
	w.s.NextREST(simulator.RouteMe, simulator.Body("[nonsense"))
	w.s.NextREST(simulator.RouteMe, simulator.Status(403))
	for _, tt := range []struct {
		status int
		body   string
		header http.Header
	}{
		{502, `{"message":"502: Bad Gateway","code":0}`, nil},
		{429, `{"message":"You are being rate limited.","retry_after":1.5,"global":true}`,
			http.Header{"Retry-After": {"2"}, "X-Ratelimit-Global": {"true"}, "X-Ratelimit-Scope": {"global"}}},
		{200, `[nonsense`, nil},
		{403, `{"message":"Missing Access","code":50001}`, nil},
	} {
		status, body, h := get(t, w.s, simulator.RouteMe)
		if status != tt.status || string(body) != tt.body {
			t.Errorf("got %d %s, want %d %s", status, body, tt.status, tt.body)
		}
		for k, v := range tt.header {
			if h.Get(k) != v[0] {
				t.Errorf("%d has %s %q, want %q", status, k, h.Get(k), v[0])
			}
		}
	}
	stop := w.s.EveryREST(simulator.RouteMe, simulator.Status(500))
	for range 2 {
		if status, _, _ := get(t, w.s, simulator.RouteMe); status != 500 {
			t.Errorf("got %d, want 500", status)
		}
	}
	stop()
	w.s.NextREST(simulator.RouteMe, simulator.Slow(10*time.Millisecond))
	if status, _, _ := get(t, w.s, simulator.RouteMe); status != http.StatusOK {
		t.Errorf("got %d, want 200", status)
	}
	if n := w.s.Stats().REST[simulator.RouteMe]; n != 7 {
		t.Errorf("%d requests were counted, want 7", n)
	}
}

// threads asks for a page of threads and returns their names as they came.
func threads(t *testing.T, s *simulator.Server, path string) (names []string, more bool, last struct {
	ID       string
	Metadata struct {
		At string `json:"archive_timestamp"`
	} `json:"thread_metadata"`
}) {
	t.Helper()
	status, body, _ := get(t, s, path)
	var page struct {
		Threads []json.RawMessage
		HasMore bool `json:"has_more"`
	}
	if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, body)
	}
	for _, raw := range page.Threads {
		var named struct{ Name string }
		if err := json.Unmarshal(raw, &named); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &last); err != nil {
			t.Fatal(err)
		}
		names = append(names, named.Name)
	}
	return names, page.HasMore, last
}

func TestThreadPages(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	var want []string
	for i := range 7 {
		th := w.general.StartThread(simulator.ThreadSpec{Name: fmt.Sprint("old ", i)})
		th.Archive()
		want = append([]string{th.Name()}, want...)
	}
	w.general.StartThread(simulator.ThreadSpec{Name: "active"})
	secret := w.general.StartThread(simulator.ThreadSpec{Name: "secret", Private: true})
	joined := w.general.StartThread(simulator.ThreadSpec{Name: "joined", Private: true, Joined: true})

	if got, _, _ := threads(t, w.s, "/guilds/"+w.guild.ID.String()+"/threads/active"); !slices.Equal(got, []string{"joined", "active"}) {
		t.Errorf("active threads are %q", got)
	}
	var got []string
	archived := "/channels/" + w.general.ID.String() + "/threads/archived/public?limit=3"
	for path := archived; ; {
		page, more, last := threads(t, w.s, path)
		got = append(got, page...)
		if !more {
			break
		}
		path = archived + "&before=" + url.QueryEscape(last.Metadata.At)
	}
	if !slices.Equal(got, want) {
		t.Errorf("archived threads are %q, want %q", got, want)
	}

	secret.Archive()
	joined.Archive()
	mine := "/channels/" + w.general.ID.String() + "/users/@me/threads/archived/private"
	if got, _, last := threads(t, w.s, mine); !slices.Equal(got, []string{"joined"}) {
		t.Errorf("joined threads are %q", got)
	} else if again, _, _ := threads(t, w.s, mine+"?before="+last.ID); len(again) != 0 {
		t.Errorf("before the last one there are %q", again)
	}
	w.guild.SetManagesThreads(true)
	if got, _, _ := threads(t, w.s, "/channels/"+w.general.ID.String()+"/threads/archived/private"); !slices.Equal(got, []string{"joined", "secret"}) {
		t.Errorf("private threads are %q", got)
	}
}

func TestGatewayBot(t *testing.T) {
	w := newWorld(t, simulator.Options{Shards: 3, MaxConcurrency: 2, SessionStarts: 7})
	connect(t, w.s)
	_, body, _ := get(t, w.s, simulator.RouteGatewayBot)
	var answer struct {
		URL    string
		Shards int
		Limit  struct {
			Total, Remaining int
			ResetAfter       int64 `json:"reset_after"`
			MaxConcurrency   int   `json:"max_concurrency"`
		} `json:"session_start_limit"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	day := (24 * time.Hour).Milliseconds()
	if l := answer.Limit; answer.URL != w.s.GatewayURL() || answer.Shards != 3 || l.Total != 7 || l.Remaining != 6 || l.MaxConcurrency != 2 ||
		l.ResetAfter > day || l.ResetAfter < day-60000 {
		t.Errorf("got %s", body)
	}
	if status, body, _ := getAs(t, w.s, simulator.RouteGateway, ""); status != http.StatusOK || !strings.Contains(string(body), w.s.GatewayURL()) {
		t.Errorf("/gateway answered %d %s", status, body)
	}
}
