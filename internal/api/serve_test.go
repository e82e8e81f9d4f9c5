package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

func rename(t *testing.T, db *store.DB, guild, user store.ID, name string) {
	t.Helper()
	if _, err := db.Put(t.Context(), store.Batch{Names: []store.Name{{Guild: guild, User: user, Name: name}}}); err != nil {
		t.Fatal(err)
	}
}

// serve runs Serve until the test ends or the returned function is called.
func serve(t *testing.T, listener net.Listener, handler http.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- api.Serve(ctx, listener, handler, slog.New(slog.DiscardHandler)) }()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Serve does not return")
		}
	}
	t.Cleanup(stop)
	return stop
}

func overSocket(path string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return api.DialSocket(ctx, path) },
	}}
}

func TestSocket(t *testing.T) {
	db := filled(t)
	folder := t.TempDir()
	names := []string{"r.sock"}
	if runtime.GOOS == "linux" {
		names = append(names, filepath.Join(strings.Repeat("long", 20), strings.Repeat("path", 20), "r.sock"))
	}
	for _, name := range names {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		listener, err := api.ListenSocket(path)
		if err != nil {
			t.Fatal(err)
		}
		if listener.Addr().String() != path {
			t.Errorf("address %q, want %q", listener.Addr(), path)
		}
		stop := serve(t, listener, server(db, "").Socket())
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != os.ModeSocket|0o600 && runtime.GOOS != "windows" {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) > 2 { // the socket and, at most, the folder of the next
			t.Errorf("left behind: %v", entries)
		}
		response, err := overSocket(path).Get("http://anything/v1/guilds")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(body), "My Guild") {
			t.Errorf("got %s, %v", body, err)
		}
		if response.Header.Get(api.DatabaseHeader) == "" {
			t.Error("does not say whose answer it is")
		}
		if _, err := api.ListenSocket(path); err == nil || !strings.Contains(err.Error(), "another process answers there") {
			t.Errorf("listening twice: %v", err)
		}
		stop()
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("still there: %v", err)
		}
	}
}

func TestSocketStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close() // as after a crash: the file stays
	listener, err := api.ListenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := api.DialSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	// Another one takes the name: closing the first must not remove it.
	os.Remove(path)
	second, err := api.ListenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the second's file: %v", err)
	}
	second.Close()
	second.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestSocketRefused(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(folder, strings.Repeat("d", 60), strings.Repeat("n", 120))
	if err := os.Mkdir(filepath.Dir(long), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, path, want string }{
		{"a file", file, "there is a file that is no socket: remove it, or set ROLLCALL_SOCKET to another path"},
		{"a folder", folder, "there is a file that is no socket: remove it, or set ROLLCALL_SOCKET to another path"},
		{"no folder", filepath.Join(folder, "none", "r.sock"), "no such file or directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := api.ListenSocket(tc.path)
			if want := fmt.Sprintf("listen on socket %q: %s", tc.path, tc.want); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file is now %q, %v", text, err)
	}
	if _, err := api.DialSocket(t.Context(), long); err == nil || !strings.Contains(err.Error(), "set ROLLCALL_SOCKET to a shorter one") {
		t.Errorf("a name that fits no socket: %v", err)
	}
}

// tcp serves the handler on loopback and returns the address.
func tcp(t *testing.T, handler http.Handler) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String(), serve(t, listener, handler)
}

func TestHeaderTooLarge(t *testing.T) {
	address, _ := tcp(t, server(storetest.New(t, store.Options{}), "").TCP())
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, " 431 ") {
		t.Errorf("got %q, %v", line, err)
	}
}

// Stopping ends a stream that its caller does not read, and leaves a caller who
// reads without the end of the stream: half an export is an error.
func TestStopDuringExport(t *testing.T) {
	db := storetest.New(t, store.Options{})
	var batch store.Batch
	for i := range 3000 {
		batch.Records = append(batch.Records, store.Record{
			Guild: guildA, User: anna, Time: at(i), Message: snowflake(at(i), 0), Channel: store.Channel{ID: 1, Name: "c"},
			Content: strings.Repeat("text ", 800), Source: store.SourceLive,
		})
	}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		listener := make(pipes)
		done := make(chan error)
		go func() { done <- api.Serve(ctx, listener, server(db, "").Socket(), slog.New(slog.DiscardHandler)) }()
		client, served := net.Pipe()
		defer client.Close()
		listener <- served
		if _, err := io.WriteString(client, "GET /v1/export HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1000)
		if _, err := io.ReadFull(client, first); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		stop()
		close(listener)
		if err := <-done; err != nil || time.Since(begin) > time.Second {
			t.Errorf("it stopped after %s: %v", time.Since(begin), err)
		}
		rest, _ := io.ReadAll(client)
		if isWhole(string(first) + string(rest)) {
			t.Errorf("the stream ended well after %d bytes", len(first)+len(rest))
		}
	})
}

// A damaged record is left out of an export; that it lacks is told in the trailer to
// those who take trailers, and breaks the connection of the others at the end.
func TestDamageDuringExport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var batch store.Batch
	for i := range 3000 {
		content := "a common text"
		if i == 2900 {
			content = "the one to damage"
		}
		batch.Records = append(batch.Records, store.Record{
			Guild: guildA, User: anna, Time: at(i), Message: snowflake(at(i), 0), Channel: store.Channel{ID: 1, Name: "c"},
			Content: content, Source: store.SourceLive,
		})
	}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := strings.ReplaceAll(string(text), "the one to damage", "the one to Damage")
	if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil || damaged == string(text) {
		t.Fatal(err, "nothing was damaged")
	}
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	address, _ := tcp(t, server(db, "").Socket())
	for _, coding := range []string{"identity", "gzip", "zstd", "identity, trailers", "gzip, trailers"} {
		request, _ := http.NewRequest("GET", "http://"+address+"/v1/export", nil)
		accept, _, trailers := strings.Cut(coding, ",")
		request.Header.Set("Accept-Encoding", accept)
		if trailers {
			request.Header.Set("TE", "trailers")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil {
			body, err = unpack(response.Header.Get("Content-Encoding"), body)
		}
		var p api.Problem
		if trailers {
			json.Unmarshal([]byte(response.Trailer.Get(api.ProblemTrailer)), &p)
			if lines := strings.Count(string(body), "\n"); err != nil || p.Code != api.CodeDamaged || p.Status != 500 || lines != 2999 {
				t.Errorf("got %d lines, problem %+v, %v", lines, p, err)
			}
		} else if err == nil {
			t.Errorf("%s: the stream ended well", coding)
		}
	}
	response, err := http.Get("http://" + address + "/v1/export?since=2026-05-11T07:18:20Z&until=2026-05-11T07:18:21Z")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 500 || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("nothing else to send: got %s", response.Status)
	}
}
