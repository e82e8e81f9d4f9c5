//go:build unix

package actors_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	"rollcall/internal/actors"
)

func waits(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func TestRun(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name    string
		execute func(context.Context) error
		want    string
	}{
		{"the first to end stops all", func(context.Context) error { return nil }, ""},
		{"an error", func(context.Context) error { return broken }, "broken"},
		{"a panic", func(context.Context) error { panic("lost") }, "second: panic: lost; please report it, with what the log has of it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := actors.New(t.Context(), slog.New(slog.DiscardHandler))
			g.Add("first", waits)
			g.Add("second", test.execute)
			g.Add("third", waits)
			err := g.Run()
			if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
				t.Errorf("have %v, want %q", err, test.want)
			}
		})
	}
}

// What an actor fails with while it stops is told, though another one ended first.
func TestRunTellsLaterErrors(t *testing.T) {
	g := actors.New(t.Context(), slog.New(slog.DiscardHandler))
	g.Add("first", func(context.Context) error { return nil })
	g.Add("second", func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("not stored")
	})
	if err := g.Run(); err == nil || err.Error() != "not stored" {
		t.Errorf("have %v", err)
	}
}

func TestSignals(t *testing.T) {
	var said strings.Builder
	g := actors.New(t.Context(), slog.New(slog.NewTextHandler(&said, nil)))
	g.AddSignals()
	g.Add("asks", func(ctx context.Context) error {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		return waits(ctx)
	})
	if err := g.Run(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "signal=terminated") {
		t.Errorf("it says %q", said.String())
	}
}
