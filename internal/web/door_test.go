package web_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/internal/web"
)

// A link lets in once, for ten minutes.
func TestLink(t *testing.T) {
	h := newHouse(t)
	link, until := h.door.Link()
	if until != h.now.Add(10*time.Minute) || !strings.HasPrefix(link, h.server.URL+"/login?key=") {
		t.Fatal(link, until)
	}
	b := h.browser(t)
	r, _ := visit(t, b, link+"&next=/status")
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/status" {
		t.Fatal(r.Status, r.Header)
	}
	for _, part := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="} {
		if !strings.Contains(r.Header.Get("Set-Cookie"), part) {
			t.Error(r.Header.Get("Set-Cookie"))
		}
	}
	if r, text := visit(t, h.browser(t), link); r.StatusCode != http.StatusForbidden || !strings.Contains(text, "used already") || r.Header.Get("Set-Cookie") != "" {
		t.Error("the link lets in twice", r.Status)
	}
	late, _ := h.door.Link()
	h.now = h.now.Add(10 * time.Minute)
	if r, _ := visit(t, h.browser(t), late); r.StatusCode != http.StatusForbidden {
		t.Error("the link lets in after ten minutes", r.Status)
	}
	if r, _ := visit(t, h.browser(t), h.server.URL+"/login?key=x"); r.StatusCode != http.StatusForbidden {
		t.Error(r.Status)
	}
}

// The API token lets in; whoever guesses waits.
func TestToken(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	try := func(token string) *http.Response {
		t.Helper()
		r, err := b.PostForm(h.server.URL+"/login", url.Values{"token": {token}, "next": {"/g/1?window=all"}})
		if err != nil {
			t.Fatal(err)
		}
		body(t, r)
		return r
	}
	if r := try("the-token"); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/g/1?window=all" {
		t.Fatal(r.Status, r.Header)
	}
	for range 10 {
		if r := try("guess"); r.StatusCode != http.StatusForbidden {
			t.Fatal(r.Status)
		}
	}
	if r := try("the-token"); r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
		t.Error("the eleventh guess is looked at", r.Status)
	}
	h.now = h.now.Add(7 * time.Second)
	if r := try("the-token"); r.StatusCode != http.StatusSeeOther {
		t.Error("the token is not looked at again", r.Status)
	}
}

// A session that is left, ended by another, or not used for a week, is over.
func TestSessions(t *testing.T) {
	h := newHouse(t)
	one, other := h.operator(t), h.operator(t)
	_, text := visit(t, one, h.server.URL+"/sessions")
	if strings.Count(text, "/end\"") != 2 || strings.Count(text, "(this one)") != 1 {
		t.Fatal(text)
	}
	in := func(b *http.Client) bool { r, _ := visit(t, b, h.server.URL+"/status"); return r.StatusCode == 200 }
	for part := range strings.SplitSeq(text, `action="`) { // all but this one
		end, rest, _ := strings.Cut(part, `"`)
		if strings.HasPrefix(end, "/sessions/") && !strings.Contains(strings.Split(text, end)[0][strings.LastIndex(strings.Split(text, end)[0], "<tr>"):], "(this one)") {
			if r, err := one.PostForm(h.server.URL+end, nil); err != nil || r.StatusCode != http.StatusSeeOther {
				t.Fatal(err, r.Status, rest)
			}
		}
	}
	if !in(one) || in(other) {
		t.Error("the wrong session was ended")
	}
	if r, err := one.PostForm(h.server.URL+"/logout", nil); err != nil || r.Header.Get("Location") != "/login" {
		t.Fatal(err)
	}
	if in(one) {
		t.Error("still signed in")
	}
	idle := h.operator(t)
	h.now = h.now.Add(7*24*time.Hour + time.Second)
	if in(idle) {
		t.Error("a session outlives a week without use")
	}
}

// Signing in makes a new session, whatever cookie the browser had.
func TestSessionFixation(t *testing.T) {
	h := newHouse(t)
	u, _ := url.Parse(h.server.URL)
	jar, _ := cookiejar.New(nil)
	jar.SetCookies(u, []*http.Cookie{{Name: web.CookieName, Value: "chosen"}})
	b := h.browser(t)
	b.Jar = jar
	link, _ := h.door.Link()
	visit(t, b, link)
	if value := jar.Cookies(u)[0].Value; value == "chosen" {
		t.Error("the session has a cookie that somebody else chose")
	}
	stranger := h.browser(t)
	stranger.Jar.SetCookies(u, []*http.Cookie{{Name: web.CookieName, Value: "chosen"}})
	if r, _ := visit(t, stranger, h.server.URL+"/status"); r.StatusCode != http.StatusSeeOther {
		t.Error(r.Status)
	}
}

// What other sites' pages send is refused, and so is a name that was pointed at us.
func TestForeign(t *testing.T) {
	h := newHouse(t)
	b := h.operator(t)
	for name, header := range map[string]http.Header{
		"origin":     {"Origin": {"https://evil.example"}},
		"fetch site": {"Sec-Fetch-Site": {"cross-site"}},
		"same site":  {"Sec-Fetch-Site": {"same-site"}},
	} {
		for _, path := range []string{"/logout", "/login", "/g/" + guild.String() + "/u/" + alice.String() + "/erase"} {
			r, _ := http.NewRequest(http.MethodPost, h.server.URL+path, strings.NewReader("confirm="+alice.String()))
			r.Header = header.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answer, err := b.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if body(t, answer); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %s", name, path, answer.Status)
			}
		}
	}
	r, _ := http.NewRequest(http.MethodGet, h.server.URL+"/", nil)
	r.Host = "evil.example"
	answer, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if body(t, answer); answer.StatusCode != http.StatusForbidden {
		t.Error(answer.Status)
	}
	if r, _ := visit(t, b, h.server.URL+"/status"); r.StatusCode != http.StatusOK {
		t.Error("signed out by a stranger")
	}
}

// After signing in the way leads to a page of ours.
func TestNext(t *testing.T) {
	for next, want := range map[string]string{
		"/g/1?q=a%20b": "/g/1?q=a%20b", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "/%5Cevil": "/%5Cevil",
		"javascript:alert(1)": "/", "g/1": "/", "/login?key=x": "/", "/a\nb": "/", "/%2F%2Fevil.example": "/", "http:/g": "/", "/g/1#x": "/g/1",
	} {
		if got := web.SafeNext(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}
