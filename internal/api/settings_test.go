package api_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// How the daemon is configured is told over the socket alone, whatever token is shown.
func TestSettings(t *testing.T) {
	o := api.Options{Store: storetest.New(t, store.Options{}), Token: "secret", Socket: "r.sock", Log: slog.New(slog.DiscardHandler)}
	wantProblem(t, get(t, api.New(o), api.SettingsPath), 404, "there is no daemon whose settings could be told")

	o.Settings = map[string]int{"pid": 7}
	s := api.New(o)
	if w := get(t, s, api.SettingsPath); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"pid":7}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, get(t, s, api.SettingsPath+"?x=1"), 400, "there are no parameters here")
	for _, path := range []string{api.SettingsPath, "/v1/%73ettings"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer secret")
		w := httptest.NewRecorder()
		s.TCP().ServeHTTP(w, r)
		wantProblem(t, w, 403, "/v1/settings is possible over the socket alone: r.sock")
	}
}
