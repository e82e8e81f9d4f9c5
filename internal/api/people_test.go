package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/internal/api"
)

// ask asks the socket's handler by any method.
func ask(s *api.Server, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// What is stored of a person is told, forgotten, and told no more.
func TestPeople(t *testing.T) {
	s := server(filled(t), "")
	for _, step := range []struct{ method, target, want string }{
		{"GET", "/v1/users/bert", `{"user_id":"444444444444444444","forgotten":false,"guilds":[{"guild_id":"111111111111111111","guild_name":"My Guild","user_name":"bert","total_messages":1},{"guild_id":"333333333333333333","guild_name":"Other","user_name":"Bertram","total_messages":1}]}`},
		{"GET", "/v1/users/Bertram?guild=Other", `{"user_id":"444444444444444444","forgotten":false,"guilds":[{"guild_id":"333333333333333333","guild_name":"Other","user_name":"Bertram","total_messages":1}]}`},
		{"GET", "/v1/users/9", `{"user_id":"9","forgotten":false,"guilds":[]}`},
		{"DELETE", "/v1/users/Bertram?guild=Other", `{"user_id":"444444444444444444","guild_id":"333333333333333333","messages":1,"replies":0,"names":1}`},
		{"GET", "/v1/users/bert?guild=333333333333333333", `{"user_id":"444444444444444444","forgotten":true,"guilds":[]}`},
		{"DELETE", "/v1/users/222222222222222222", `{"user_id":"222222222222222222","messages":6,"replies":1,"names":1}`},
		{"DELETE", "/v1/users/222222222222222222", `{"user_id":"222222222222222222","messages":0,"replies":0,"names":0}`},
		{"GET", "/v1/users/222222222222222222", `{"user_id":"222222222222222222","forgotten":true,"guilds":[]}`},
		{"DELETE", "/v1/users/222222222222222222/tombstone", `{"user_id":"222222222222222222","was_forgotten":true}`},
		{"DELETE", "/v1/users/444444444444444444/tombstone?guild=333333333333333333", `{"user_id":"444444444444444444","guild_id":"333333333333333333","was_forgotten":true}`},
		{"DELETE", "/v1/users/444444444444444444/tombstone", `{"user_id":"444444444444444444","was_forgotten":false}`},
	} {
		w := ask(s, step.method, step.target)
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != step.want {
			t.Errorf("%s %s: %d %s\nwant %s", step.method, step.target, w.Code, got, step.want)
		}
	}
}

func TestPeopleProblems(t *testing.T) {
	s := server(filled(t), "token")
	if w := ask(s, "DELETE", "/v1/users/9"); w.Code != 200 {
		t.Fatal(w.Body)
	}
	for _, test := range []struct {
		method, target string
		code           int
		detail, allow  string
	}{
		{"DELETE", "/v1/users/nobody", 404, `no such user: "nobody"`, ""},
		{"DELETE", "/v1/users/0", 400, `user cannot be "0": `, ""},
		{"DELETE", "/v1/users/9?guild=Lounge", 404, `no such guild: "Lounge"`, ""},
		{"DELETE", "/v1/users/9?guild=", 400, `guild cannot be ""`, ""},
		{"DELETE", "/v1/users/9?gild=1", 400, `no such parameter: "gild"`, ""},
		{"DELETE", "/v1/users/9/tombstone?guild=111111111111111111", 409, "user 9 is forgotten in every guild: remember them without naming one", ""},
		{"POST", "/v1/users/9", 405, "POST is not possible here: want GET or DELETE", "GET, HEAD, DELETE"},
		{"GET", "/v1/users/9/tombstone", 405, "GET is not possible here: want DELETE", "DELETE"},
		{"DELETE", "/v1/guilds", 405, "DELETE is not possible here: want GET", "GET, HEAD"},
	} {
		w := ask(s, test.method, test.target)
		if w.Code != test.code || !strings.Contains(w.Body.String(), strings.ReplaceAll(test.detail, `"`, `\"`)) || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d %s, Allow %q; want %d %s, %q", test.method, test.target, w.Code, w.Body, w.Header().Get("Allow"), test.code, test.detail, test.allow)
		}
	}
	w := httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest("DELETE", "/v1/users/9", strings.NewReader(`{"user":"5"}`)))
	if w.Code != 413 {
		t.Errorf("a body: %d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	r := httptest.NewRequest("DELETE", fmt.Sprintf("/v1/users/%s", anna), nil)
	r.Host = "127.0.0.1:7878"
	s.TCP().ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
}
