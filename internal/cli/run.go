package cli

import (
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/cli/terminal"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon (the same as no command)",
		Long: "Run the daemon: listen to Discord, take in the historical logs in the background, and answer\n" +
			"on the socket and over HTTP, until SIGINT, SIGTERM or SIGHUP. Each of them is an orderly stop:\n" +
			"none reads the configuration again. Started with nohup it outlives its terminal. The\n" +
			"environment configures it. Under systemd it tells when it is ready and that it makes progress.",
		Args: arguments(0, 0),
		RunE: a.runDaemon,
	}
}

func (a *app) runDaemon(c *cobra.Command, _ []string) error {
	cfg, err := a.config(c)
	if err != nil {
		return err
	}
	return explained(cfg.DB, a.run(c.Context(), cfg, newLogger(a.stderr, cfg, terminal.Is(a.stderr))))
}

// newLogger writes the log as the configuration asks for it.
func newLogger(w io.Writer, c config.Config, tty bool) *slog.Logger {
	level := slog.Level(c.LogLevel)
	if c.LogFormat == "json" || c.LogFormat == "auto" && !tty {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: "2006-01-02 15:04:05", NoColor: !tty || os.Getenv("NO_COLOR") != "",
	}))
}
