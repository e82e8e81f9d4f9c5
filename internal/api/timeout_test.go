package api_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/api"
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
	db := open(t)
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
	const request = "GET /v1/export HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for _, tc := range []struct {
		name    string
		send    string
		read    int           // bytes that are read before the caller falls silent
		silence time.Duration // before the rest is read
		left    time.Duration // when the connection is closed, if the caller waits for it
		whole   bool          // the answer has its end
	}{
		{name: "nothing is sent", left: 5 * time.Second},
		{name: "half a header", send: request[:20], left: 5 * time.Second},
		{name: "a body that does not come", send: "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n", left: 10 * time.Second},
		{name: "no second request", send: request, left: time.Minute, whole: true},
		{name: "an answer is read late", send: request, silence: 29 * time.Second, whole: true},
		{name: "an answer is read too late", send: request, silence: 31 * time.Second},
		{name: "an answer is read with a pause", send: request, read: 100_000, silence: 29 * time.Second, whole: true},
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
				rest, err := io.ReadAll(client)
				if err != nil {
					t.Errorf("the connection stays: %v", err)
				}
				if took := time.Since(begin); tc.left != 0 && took.Round(time.Second) != tc.left {
					t.Errorf("left after %s, want %s", took, tc.left)
				}
				if whole := strings.HasSuffix(string(first)+string(rest), "\r\n0\r\n\r\n"); whole != tc.whole {
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
