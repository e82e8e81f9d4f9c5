package api_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// pipes is a listener in memory, because the clock of a synctest bubble does not go
// on while something waits for a real connection.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// A caller who is slow in any phase is left, and keeps nothing busy.
func TestSlowCallers(t *testing.T) {
	db := storetest.New(t, store.Options{})
	var batch store.Batch
	for i := range 100 {
		batch.Records = append(batch.Records, store.Record{
			Guild: guildA, User: anna, Time: at(i), Message: snowflake(at(i), 0), Channel: store.Channel{ID: 1, Name: "c"},
			Content: strings.Repeat("text ", 800), Source: store.SourceLive,
		})
	}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	messages := "GET /v1/guilds/" + guildA.String() + "/messages?limit=100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	const request = "GET /v1/export HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for _, tc := range []struct {
		name    string
		send    string
		read    int           // bytes that are read before the caller falls silent
		silence time.Duration // before the rest is read
		left    time.Duration // when the connection is closed, if the caller waits for it
		whole   bool          // the answer has its end
		rate    int           // bytes that are read a second; 0: as many as come
	}{
		{name: "nothing is sent", left: 5 * time.Second},
		{name: "half a header", send: request[:20], left: 5 * time.Second, whole: true},
		{name: "a body that does not come", send: "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n", left: 10 * time.Second, whole: true},
		{name: "no second request", send: request, left: time.Minute, whole: true},
		{name: "an answer is read late", send: request, silence: 29 * time.Second, whole: true},
		{name: "an answer is read too late", send: request, silence: 31 * time.Second},
		{name: "an answer is read with a pause", send: request, read: 100_000, silence: 29 * time.Second, whole: true},
		{name: "a streamed answer is read at 3 kB/s", send: request, rate: 3000, whole: true},
		{name: "an answer is read at 3 kB/s", send: messages, rate: 3000, whole: true},
		{name: "a compressed answer is read at 3 kB/s", send: strings.Replace(messages, "Connection", "Accept-Encoding: zstd\r\nConnection", 1), rate: 3000, whole: true},
		{name: "an answer is read at 100 B/s", send: request, rate: 100},
		{name: "an answer is half read", send: request, read: 100_000, silence: 31 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(context.Background())
				listener := make(pipes)
				done := make(chan error)
				go func() {
					done <- api.Serve(ctx, listener, server(db, "").Socket(), slog.New(slog.DiscardHandler))
				}()
				client, served := net.Pipe()
				begin := time.Now()
				listener <- served
				io.WriteString(client, tc.send)
				first, _ := io.ReadAll(io.LimitReader(client, int64(tc.read)))
				<-time.After(tc.silence)
				client.SetReadDeadline(time.Now().Add(10 * time.Minute))
				rest, err := io.ReadAll(slowly{client, tc.rate})
				if err != nil {
					t.Errorf("the connection stays: %v", err)
				}
				if took := time.Since(begin); tc.left != 0 && took.Round(time.Second) != tc.left {
					t.Errorf("left after %s, want %s", took, tc.left)
				}
				if whole := isWhole(string(first) + string(rest)); whole != tc.whole {
					t.Errorf("got %d bytes, whole: %v", len(first)+len(rest), whole)
				}
				stop()
				close(listener)
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// slowly reads so many bytes a second, unless that is 0.
type slowly struct {
	io.Reader
	rate int
}

func (s slowly) Read(p []byte) (int, error) {
	if s.rate == 0 {
		return s.Reader.Read(p)
	}
	<-time.After(time.Second / 10)
	return s.Reader.Read(p[:min(len(p), s.rate/10)])
}

// isWhole reports whether an answer has its end.
func isWhole(answer string) bool {
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil
}
