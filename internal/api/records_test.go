package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/export"
	"rollcall/store"
)

// Files are for the command line.
func TestFilesAreNoAnswers(t *testing.T) {
	s := server(filled(t), "secret")
	for _, format := range []string{"sqlite", "parquet", "dce"} {
		w := get(t, s, "/v1/export?format="+format)
		if w.Code != http.StatusNotAcceptable || !strings.Contains(w.Body.String(), "a file for the command line") || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", format, w.Code, w.Body)
		}
	}
	if w := get(t, s, "/v1/export?format=html"); w.Code != http.StatusBadRequest {
		t.Errorf("html: %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest("GET", api.RecordsPath, nil)
	r.Header.Set("Authorization", "Bearer secret")
	r.Host = "127.0.0.1"
	w := httptest.NewRecorder()
	s.TCP().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "socket alone") {
		t.Errorf("over TCP: %d %s", w.Code, w.Body)
	}
}

// counts counts what it is given.
type counts struct{ guilds, users, records int }

func (c *counts) Guild(export.Guild) error     { c.guilds++; return nil }
func (c *counts) Channel(export.Channel) error { return nil }
func (c *counts) User(export.User) error       { c.users++; return nil }
func (c *counts) Record(*store.Record) error   { c.records++; return nil }

func TestRecords(t *testing.T) {
	db := filled(t)
	var all int
	for _, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all++
	}
	var c counts
	if left, err := export.Decode(get(t, server(db, ""), api.RecordsPath).Body, &c); err != nil || left != 0 || c.records != all || c.guilds == 0 || c.users == 0 {
		t.Errorf("%+v of %d, %d left out, %v", c, all, left, err)
	}
	public := func(_, channel store.ID) bool { return false }
	s := api.New(api.Options{Store: db, Public: public, Log: slog.New(slog.DiscardHandler)})
	c = counts{}
	if left, err := export.Decode(get(t, s, api.RecordsPath+"?public=true").Body, &c); err != nil || left != int64(all) || c.records+c.users != 0 {
		t.Errorf("%+v, %d of %d left out, %v", c, left, all, err)
	}
	for target, want := range map[string]int{"?public=true": http.StatusConflict, "?public=perhaps": http.StatusBadRequest, "?format=csv": http.StatusBadRequest, "?guild=nobody": http.StatusNotFound} {
		if w := get(t, server(db, ""), api.RecordsPath+target); w.Code != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}
