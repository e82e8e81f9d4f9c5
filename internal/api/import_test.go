package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/intake"
	"rollcall/internal/rules"
	"rollcall/internal/storetest"
	"rollcall/store"
)

func sendBatch(s *api.Server, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest("POST", target, strings.NewReader(body)))
	return w
}

// A batch goes through the daemon's own rules, is counted once, and previewed without a trace.
func TestImport(t *testing.T) {
	db := storetest.New(t, store.Options{})
	r, err := rules.New(rules.Options{OptOut: []store.ID{7}, ChannelsDeny: []store.ID{30}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := api.New(api.Options{Store: db, Socket: "r.sock", Token: "secret", Log: slog.New(slog.DiscardHandler),
		Intake: &intake.Database{Store: db, Rules: r, OnDelete: store.Redact, Commit: 2, Polite: true}})
	var b intake.Batch
	for i := range store.ID(5) {
		m := archive.Message{ID: 738908857958400000 + i<<22, Guild: 1, Channel: archive.Channel{ID: 20, Name: "chat"}, User: 5, UserName: "mara", Content: fmt.Sprint("text ", i)}
		m.Time = archive.TimeOf(m.ID)
		b.Messages = append(b.Messages, m)
	}
	b.Messages[1].User = 7
	b.Messages[2].Channel = archive.Channel{ID: 31, Thread: true, Parent: 30}
	b.Messages[3].Skip = archive.Bot
	body, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	const skipped = `"skipped":{"bot":1,"not_allowed":1,"opted_out":1}`
	for _, step := range []struct{ target, want string }{
		{"/v1/import?dry_run=true", `{"messages":2,"known":0,"updated":0,` + skipped + `,"new":[{"id":"738908857958400000"},{"id":"738908857975177216"}]}`},
		{"/v1/import?dry_run=false", `{"messages":2,"known":0,"updated":0,` + skipped + `}`},
		{"/v1/import", `{"messages":0,"known":2,"updated":0,` + skipped + `}`},
		{"/v1/import?dry_run=1", `{"messages":0,"known":2,"updated":0,` + skipped + `}`},
	} {
		if w := sendBatch(s, step.target, string(body)); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != step.want {
			t.Errorf("%s: %d %s", step.target, w.Code, w.Body)
		}
	}
	if names, err := db.Names(t.Context(), 1); err != nil || names[5] != "mara" || names[7] != "" {
		t.Error(names, err)
	}

	// What the archive knows to be deleted goes the way of a deletion.
	gone := b.Messages[0]
	gone.Skip = archive.Deleted
	body, _ = json.Marshal(intake.Batch{Messages: []archive.Message{gone}})
	if w := sendBatch(s, "/v1/import", string(body)); !strings.Contains(w.Body.String(), `"deleted":1`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for r, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil || r.Redacted != (r.Message == gone.ID) {
			t.Error(r, err)
		}
	}

	wantProblem(t, sendBatch(s, "/v1/import?x=1", "{}"), http.StatusBadRequest, "the only parameter here is dry_run, true or false")
	wantProblem(t, sendBatch(s, "/v1/import?dry_run=maybe", "{}"), http.StatusBadRequest, "the only parameter here is dry_run, true or false")
	for _, body := range []string{"", "[", `{"messages":[{"id":5}]}`, `{"messages":7}`} {
		if w := sendBatch(s, "/v1/import", body); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	request := httptest.NewRequest("POST", "http://127.0.0.1/v1/import", strings.NewReader("{}"))
	request.Header.Set("Authorization", "Bearer secret")
	s.TCP().ServeHTTP(w, request)
	wantProblem(t, w, http.StatusForbidden, "/v1/import is possible over the socket alone: r.sock")
	if w := sendBatch(server(db, ""), "/v1/import", "{}"); w.Code != http.StatusNotFound {
		t.Errorf("without a way in: %d %s", w.Code, w.Body)
	}
}
