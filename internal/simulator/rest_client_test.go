package simulator_test

import (
	"io"
	"net/http"
	"testing"

	"rollcall/internal/simulator"
)

// get asks REST for a path below /api/v9 with the bot's token.
func get(t *testing.T, s *simulator.Server, path string) (status int, body []byte, h http.Header) {
	t.Helper()
	return getAs(t, s, path, "Bot "+s.Token())
}

func getAs(t *testing.T, s *simulator.Server, path, authorization string) (status int, body []byte, h http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(limited(t), http.MethodGet, s.URL()+"/api/v9"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body, resp.Header
}
