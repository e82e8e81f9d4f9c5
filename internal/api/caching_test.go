package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"rollcall/internal/api"
	"rollcall/store"
)

// A caller who asks again is told that the answer is the one it has, until it changes.
func TestETag(t *testing.T) {
	db := filled(t)
	s := serverAt(db, "2026-05-12T12:00:00Z")
	const user = "/v1/guilds/My%20Guild/users/Anna"
	ask := func(target, tags string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("If-None-Match", tags)
		w := httptest.NewRecorder()
		s.Socket().ServeHTTP(w, r)
		return w
	}
	tags := map[string]string{}
	targets := []string{
		"/v1/guilds", "/v1/guilds/My%20Guild", "/v1/guilds/My%20Guild/top", "/v1/guilds/My%20Guild/words", "/v1/guilds/My%20Guild/messages?limit=1",
		user, user + "/context", "/v1/state", "/v1/openapi.json",
	}
	for _, target := range targets {
		first := ask(target, `"other"`)
		tag := first.Header().Get("ETag")
		if first.Code != 200 || tag == "" || first.Header().Get("Cache-Control") != "private, no-cache" {
			t.Fatalf("%s: got %d %v", target, first.Code, first.Header())
		}
		tags[target] = tag
		for _, given := range []string{tag, `"a", ` + tag, tag[2:], "*"} {
			w := ask(target, given)
			if w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") != "private, no-cache" || w.Header().Get("Link") != first.Header().Get("Link") {
				t.Errorf("%s, If-None-Match: %s: got %d %v %s", target, given, w.Code, w.Header(), w.Body)
			}
		}
		for _, given := range []string{"", tag[:len(tag)-3] + `"`, "W/", `""`, ","} {
			if w := ask(target, given); w.Code != 200 || w.Body.String() != first.Body.String() {
				t.Errorf("%s, If-None-Match: %s: got %d", target, given, w.Code)
			}
		}
	}
	record := store.Record{Guild: guildA, User: anna, Time: at(99), Message: snowflake(at(99), 0), Channel: store.Channel{ID: 901, Name: "general"}, Content: "something that nobody has said before", Source: store.SourceLive}
	if _, err := db.Put(t.Context(), store.Batch{Records: []store.Record{record}}); err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		want := 200
		if target == "/v1/state" || target == "/v1/openapi.json" {
			want = 304
		}
		if w := ask(target, tags[target]); w.Code != want {
			t.Errorf("%s after a message: got %d, want %d", target, w.Code, want)
		}
	}
	// What is wrong now may be right the next time.
	for _, target := range []string{"/v1/guilds/nobody", "/v1/guilds?x=1", "/nothing"} {
		if w := ask(target, "*"); w.Code < 400 || w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %v", target, w.Code, w.Header())
		}
	}
	for _, target := range []string{"/v1/export", "/healthz"} {
		if w := ask(target, "*"); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %v", target, w.Code, w.Header())
		}
	}
}

// The same answer is sent to everybody who may ask: over TCP it is no shared cache's.
func TestETagOverTCP(t *testing.T) {
	s := api.New(api.Options{Store: filled(t), Token: "s3cret", Host: "127.0.0.1"})
	w := getTCP(s, "/v1/guilds", map[string]string{"Authorization": "Bearer s3cret"})
	tag := w.Header().Get("ETag")
	if w = getTCP(s, "/v1/guilds", map[string]string{"If-None-Match": tag}); w.Code != http.StatusUnauthorized {
		t.Errorf("without the token: got %d", w.Code)
	}
	if w = getTCP(s, "/v1/guilds", map[string]string{"Authorization": "Bearer s3cret", "If-None-Match": tag}); w.Code != http.StatusNotModified {
		t.Errorf("with the token: got %d", w.Code)
	}
}
