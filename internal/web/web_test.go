package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/web"
	"rollcall/store"
)

const (
	guild   = store.ID(111111111111111111)
	mallory = store.ID(222222222222222222)
	alice   = store.ID(333333333333333333)
)

var today = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

// nasty is what somebody writes who wants to run something on the page, or to break it.
const nasty = `<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) "'>` + "\u202eevil\u2066 \x1b[31m" + ` <@333333333333333333> <:wave:444444444444444444> <t:1700000000:R>`

// house is a database with a daemon's handlers over it.
type house struct {
	db     *store.DB
	door   *web.Door
	server *httptest.Server
	now    time.Time
}

func newHouse(t testing.TB) *house {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db, now: today}
	t.Cleanup(func() {
		if problems, err := db.Check(t.Context()); len(problems) > 0 {
			t.Error(problems, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h.say(t, store.Record{User: alice, Content: "hello world"}, 0)
	h.say(t, store.Record{User: mallory, Content: nasty}, 1)
	h.say(t, store.Record{User: mallory, Content: strings.Repeat("W", 4000)}, 2)
	h.say(t, store.Record{User: alice, Extra: &store.Extra{Poll: &store.Poll{Question: "<b>lunch</b>?", Answers: []string{"a</li>", "b"}}, Stickers: []string{"<i>"}}}, 3)
	h.say(t, store.Record{User: alice, Extra: &store.Extra{Forwarded: &store.Forwarded{Content: "<u>borrowed</u>"}}}, 4)
	if _, err := db.Put(t.Context(), store.Batch{Names: []store.Name{
		{Guild: guild, Name: `My <b>Guild</b>`}, {Guild: guild, User: alice, Name: "Alice"}, {Guild: guild, User: mallory, Name: `"><script>alert(4)</script>` + "\u202e"},
	}}); err != nil {
		t.Fatal(err)
	}
	// The address is known before anything answers there.
	h.server = httptest.NewUnstartedServer(nil)
	base := &url.URL{Scheme: "http", Host: h.server.Listener.Addr().String()}
	h.door = web.NewDoor(web.DoorOptions{Token: "the-token", Base: base, Now: func() time.Time { return h.now }})
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	answers := api.New(api.Options{Store: db, Token: "the-token", Host: "127.0.0.1", Log: log, Now: func() time.Time { return h.now }, Login: h.door.Login()})
	handler, err := web.Over(answers.TCP(), web.Options{API: answers.Socket(), Door: h.door, Ours: answers.Ours, Log: log, Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	h.server.Config.Handler = handler
	h.server.Start()
	t.Cleanup(h.server.Close)
	return h
}

// say stores a message that is said so many minutes after the first one.
func (h *house) say(t testing.TB, r store.Record, minute int) {
	t.Helper()
	at := store.MicrosOf(today.AddDate(0, 0, -3)) + store.Micros(minute)*60e6
	r.Guild, r.Time, r.Source = guild, at, store.SourceLive
	r.Message = store.ID((int64(at)/1000-1420070400000)<<22 + int64(minute))
	r.Channel = store.Channel{ID: 901, Name: "general </title>"}
	if _, err := h.db.Put(t.Context(), store.Batch{Records: []store.Record{r}}); err != nil {
		t.Fatal(err)
	}
}

// browser is somebody's, who keeps cookies and does not follow redirects.
func (h *house) browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// operator is a browser that is signed in.
func (h *house) operator(t testing.TB) *http.Client {
	t.Helper()
	b := h.browser(t)
	link, _ := h.door.Link()
	if r, _ := visit(t, b, link); r.StatusCode != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
	return b
}

func visit(t testing.TB, b *http.Client, address string) (*http.Response, string) {
	t.Helper()
	r, err := b.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	return r, body(t, r)
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pages are all that an operator can look at.
func pages() []string {
	g := "/g/" + guild.String()
	return []string{
		"/", "/status", "/sessions", g, g + "?window=all&by=month&tz=Asia/Kathmandu", g + "?since=2026-05-01&until=2026-05-19", g + "/search", g + "/search?q=hello+-spam",
		g + "/search?q=%22open", g + "/coverage", g + "/u/" + alice.String(), g + "/u/" + mallory.String() + "?window=7d", g + "/u/" + alice.String() + "/erase",
		g + "/around/" + store.ID((int64(store.MicrosOf(today.AddDate(0, 0, -3)))/1000-1420070400000)<<22).String(),
	}
}

// Every page is for the operator alone, says the same policy, and has nothing that acts.
func TestPages(t *testing.T) {
	h := newHouse(t)
	stranger, operator := h.browser(t), h.operator(t)
	for _, path := range pages() {
		r, text := visit(t, stranger, h.server.URL+path)
		if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), "/login") || strings.Contains(text, "Alice") {
			t.Errorf("%s to a stranger: %s %s", path, r.Status, r.Header.Get("Location"))
		}
		r, text = visit(t, operator, h.server.URL+path)
		if want := map[bool]int{true: 400, false: 200}[strings.Contains(path, "open")]; r.StatusCode != want {
			t.Errorf("%s: %s\n%s", path, r.Status, text)
		}
		policy := r.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q", path, policy)
		}
		for _, acts := range []string{"<script>", "<img", "<b>Guild", "<b>lunch", "<u>borrowed", "</title></bdi>", "style=", "\u202e", "\u2066", "\x1b", "a</li>"} {
			if strings.Contains(text, acts) {
				t.Errorf("%s: holds %q", path, acts)
			}
		}
	}
}

// What a page says is what /v1 says.
func TestServerPage(t *testing.T) {
	h := newHouse(t)
	b := h.operator(t)
	_, text := visit(t, b, h.server.URL+"/g/"+guild.String())
	for _, says := range []string{
		"<b>5</b> messages", "<b>2</b> people", ">Alice</bdi>", "[U+202E]evil[U+2066]", `<span class="token">@Alice</span>`, `<span class="token">:wave:</span>`,
		`<span class="token">2023-11-14 22:13 UTC</span>`, "My &lt;b&gt;Guild&lt;/b&gt;", "2026-05-17: 5</title>", `datetime="2026-05-17T12:00:00.000000Z"`,
		"https://discord.com/channels/111111111111111111/901/",
	} {
		if !strings.Contains(text, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	_, text = visit(t, b, h.server.URL+"/g/"+guild.String()+"/search?q=hello+world")
	if !strings.Contains(text, "<mark>hello</mark> <mark>world</mark>") {
		t.Error("what was found is not marked")
	}
	for path, want := range map[string]string{
		"/chart/series.csv?since=2026-05-16&until=2026-05-19":          "start,messages\n2026-05-16,0\n2026-05-17,5\n2026-05-18,0\n",
		"/chart/channels.csv?window=all":                               "channel_id,channel_name,messages\n901,general </title>,5\n",
		"/u/333333333333333333/chart/weekdays.csv":                     "weekday,messages\nMon,0\nTue,0\nWed,0\nThu,0\nFri,0\nSat,0\nSun,3\n",
		"/chart/series.csv?since=2026-05-16&until=2026-05-19&by=month": "start,messages\n2026-05,5\n",
	} {
		if r, text := visit(t, b, h.server.URL+"/g/"+guild.String()+path); text != want || r.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%s: %q", path, text)
		}
	}
	if r, text := visit(t, b, h.server.URL+"/g/"+guild.String()+"/chart/series.svg?window=all"); !strings.HasPrefix(text, `<svg xmlns="http://www.w3.org/2000/svg"`) || r.Header.Get("Content-Disposition") == "" {
		t.Errorf("%s %.80q", r.Status, text)
	}
}

// A filter that cannot be is named; what is not there is not found.
func TestBadFilters(t *testing.T) {
	h := newHouse(t)
	b := h.operator(t)
	g := h.server.URL + "/g/" + guild.String()
	for address, want := range map[string]string{
		g + "?tz=Mars/Olympus":                   "400 tz cannot be",
		g + "?window=soon":                       "400 window cannot be",
		g + "?since=yesterday":                   "400 since cannot be",
		g + "?by=hour":                           "400 by cannot be",
		g + "?since=2026-05-02&until=2026-05-01": "400 until 2026-05-01T00:00:00.000000Z is not later than since",
		h.server.URL + "/g/5":                    "404 no such guild",
		h.server.URL + "/g/nobody/coverage":      "404 no server nobody is remembered",
		g + "/u/5":                               "404 no such user",
		g + "/around/x":                          "400 message cannot be",
		g + "/chart/nothing.csv":                 "404 there is no such chart",
		g + "/chart/words.svg":                   "404 there is no such chart",
		h.server.URL + "/nothing":                "404 there is no such page",
		g + "/u/x/export":                        "400 user cannot be",
	} {
		r, text := visit(t, b, address)
		status, detail, _ := strings.Cut(want, " ")
		if !strings.HasPrefix(r.Status, status) || !strings.Contains(text, detail) {
			t.Errorf("%s: %s\n%s", address, r.Status, text)
		}
	}
}

// The API goes on as it was beside the page.
func TestBesideTheAPI(t *testing.T) {
	h := newHouse(t)
	b := h.operator(t)
	for path, want := range map[string]int{"/v1/guilds": 401, "/healthz": 200, "/v1": 401, "/v1/login": 401} {
		if r, _ := visit(t, b, h.server.URL+path); r.StatusCode != want {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

// A person is erased when the id was typed, and only then.
func TestErase(t *testing.T) {
	h := newHouse(t)
	b := h.operator(t)
	address := h.server.URL + "/g/" + guild.String() + "/u/" + alice.String() + "/erase"
	post := func(typed string) (int, string) {
		r, err := b.PostForm(address, url.Values{"confirm": {typed}})
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, body(t, r)
	}
	if code, text := post("Alice"); code != http.StatusUnprocessableEntity || !strings.Contains(text, "Nothing was erased") {
		t.Fatal(code, text)
	}
	if r, text := visit(t, b, h.server.URL+"/g/"+guild.String()+"/u/"+alice.String()+"/export"); strings.Count(text, "\n") != 3 || r.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatal(r.Status, text)
	}
	if code, text := post(alice.String()); code != http.StatusOK || !strings.Contains(text, "3 messages") {
		t.Fatal(code, text)
	}
	if r, _ := visit(t, b, h.server.URL+"/g/"+guild.String()+"/u/"+alice.String()); r.StatusCode != http.StatusNotFound {
		t.Error(r.Status)
	}
}
