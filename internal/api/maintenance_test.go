package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/backup"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// TestMain lets this program check files, as the one that is deployed does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == backup.CheckCommand {
		if backup.CheckFile(context.Background(), os.Stdout, os.Args[2], store.Key{}) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func post(s *api.Server, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest("POST", target, nil))
	return w
}

// beside lists what is in the folder of a database beside it.
func beside(t *testing.T, db *store.DB) (others []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(db.Path()))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(db.Path()) && !strings.HasSuffix(e.Name(), ".sock") {
			others = append(others, e.Name())
		}
	}
	return others
}

func TestBackup(t *testing.T) {
	db := filled(t)
	for _, target := range []string{"/v1/backup", "/v1/backup?compact=true", "/v1/backup?compact=false"} {
		w := post(server(db, ""), target)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/octet-stream" {
			t.Fatalf("%s: %d %s", target, w.Code, w.Body)
		}
		path := filepath.Join(t.TempDir(), "b.db")
		if err := os.WriteFile(path, w.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if found, err := store.CheckDigest(t.Context(), path); !found || err != nil {
			t.Errorf("%s: %v, %v, want a digest", target, found, err)
		}
		if err := backup.Sound(t.Context(), path, path); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	if left := beside(t, db); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// last returns the last line of an answer, before which it may have told how far it is.
func last(w *httptest.ResponseRecorder) []byte {
	lines := bytes.Split(bytes.TrimSpace(w.Body.Bytes()), []byte("\n"))
	return lines[len(lines)-1]
}

func TestCompact(t *testing.T) {
	db := filled(t)
	w := post(server(db, ""), "/v1/compact")
	var e api.CompactEvent
	if err := json.Unmarshal(last(w), &e); err != nil || w.Code != http.StatusOK || e.Done == nil || e.Done.After == 0 || e.Problem != nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	storetest.Check(t, db)
	if left := beside(t, db); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUpkeepRefuses(t *testing.T) {
	db := filled(t)
	s := server(db, "secret")
	for _, path := range []string{"/v1/backup", "/v1/compact"} {
		// Whoever has the token may ask questions, not keep the disk busy.
		wantProblem(t, getTCP(s, path, map[string]string{"Authorization": "Bearer secret"}), http.StatusForbidden, path+" is possible over the socket alone: r.sock")
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "http://127.0.0.1"+path, nil)
		r.Header.Set("Authorization", "Bearer secret")
		s.TCP().ServeHTTP(w, r)
		wantProblem(t, w, http.StatusForbidden, path+" is possible over the socket alone: r.sock")

		w = get(t, s, path)
		wantProblem(t, w, http.StatusMethodNotAllowed, "GET is not possible here: want POST")
		if w.Header().Get("Allow") != "POST" {
			t.Errorf("Allow: %q", w.Header().Get("Allow"))
		}
		w = httptest.NewRecorder()
		s.Socket().ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader("x")))
		wantProblem(t, w, http.StatusRequestEntityTooLarge, "a request has no body here")
	}
	wantProblem(t, post(s, "/v1/backup?compact=perhaps"), http.StatusBadRequest, "the only parameter here is compact, true or false")
	wantProblem(t, post(s, "/v1/backup?to=/etc/passwd"), http.StatusBadRequest, "the only parameter here is compact, true or false")
	wantProblem(t, post(s, "/v1/compact?compact=true"), http.StatusBadRequest, "there are no parameters here")

	full := api.New(api.Options{Store: db, MinFree: 1 << 60})
	for _, path := range []string{"/v1/backup", "/v1/compact"} {
		if w := post(full, path); w.Code != http.StatusInsufficientStorage || !strings.Contains(w.Body.String(), "no room in") {
			t.Errorf("%s without room: %d %s", path, w.Code, w.Body)
		}
	}
}

// A caller who takes the backup slowly keeps no transaction open: while it does not
// read on, the file can be closed, which waits for them. Only one backup is made at a
// time.
func TestSlowBackup(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db)
	for i := range 200 { // more than a socket holds
		var records []store.Record
		for k := range 200 {
			n := 1000 + i*200 + k
			records = append(records, store.Record{Guild: guildA, User: anna, Time: at(n), Message: snowflake(at(n), 1), Channel: store.Channel{Name: "x"}, Content: strings.Repeat("long ", 20), Source: store.SourceLive})
		}
		if _, err := db.Put(t.Context(), store.Batch{Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := api.ListenSocket(socket)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, server(db, "").Socket())
	client := overSocket(socket)
	response, err := client.Post("http://rollcall/v1/backup", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ContentLength < 4<<20 {
		t.Fatalf("%s, %d bytes", response.Status, response.ContentLength)
	}
	second, err := client.Post("http://rollcall/v1/backup", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	second.Body.Close()
	if second.StatusCode != http.StatusConflict {
		t.Errorf("a second one: %s", second.Status)
	}
	if left := beside(t, db); len(left) > 0 {
		t.Errorf("the copy has a name: %v", left)
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a transaction is still open")
	}
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != response.ContentLength {
		t.Errorf("%d bytes of %d, %v", n, response.ContentLength, err)
	}
}

// A caller who goes away gives the turn to the next.
func TestCancelledUpkeep(t *testing.T) {
	db := filled(t)
	s := server(db, "")
	for _, path := range []string{"/v1/backup", "/v1/compact"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := httptest.NewRecorder()
		s.Socket().ServeHTTP(w, httptest.NewRequest("POST", path, nil).WithContext(ctx))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if left := beside(t, db); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if w := post(s, path); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// A database that is damaged does not compact into one that looks sound.
func TestCompactDamaged(t *testing.T) {
	db := filled(t)
	var b bytes.Buffer
	if _, err := db.Snapshot(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	content := b.Bytes()
	content[bytes.LastIndex(content, []byte("from the logs"))] = 'F'
	path := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	w := post(server(damaged, ""), "/v1/compact")
	var e api.CompactEvent
	var p api.Problem
	err = errors.Join(json.Unmarshal(last(w), &e), json.Unmarshal(last(w), &p))
	if e.Problem != nil {
		p = *e.Problem
	}
	if err != nil || p.Code != api.CodeDamaged || !strings.Contains(p.Detail, "fails its checksum") {
		t.Errorf("%d %s, %v", w.Code, w.Body, err)
	}
	if left := beside(t, damaged); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Where the daemon has its logs and backups is told over the socket alone.
func TestFolders(t *testing.T) {
	folder := t.TempDir()
	s := api.New(api.Options{Store: storetest.New(t, store.Options{}), Token: "secret", Socket: "r.sock", Log: slog.New(slog.DiscardHandler), Logs: folder, Backups: filepath.Join(folder, "none")})
	var f api.Folders
	w := get(t, s, api.FoldersPath)
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if want := (api.Folders{Logs: api.Folder{Path: folder, Exists: true}, Backups: api.Folder{Path: filepath.Join(folder, "none")}}); f != want {
		t.Errorf("have %+v, want %+v", f, want)
	}
	wantProblem(t, get(t, s, api.FoldersPath+"?x=1"), 400, "there are no parameters here")
	r := httptest.NewRequest("GET", api.FoldersPath, nil)
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer secret")
	w = httptest.NewRecorder()
	s.TCP().ServeHTTP(w, r)
	wantProblem(t, w, 403, "/v1/folders is possible over the socket alone: r.sock")
}
