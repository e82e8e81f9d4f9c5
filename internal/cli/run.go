package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/cli/terminal"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "run",
		Example: "  ROLLCALL_TOKEN_FILE=token rollcall run",
		Short:   "Run the daemon (the same as no command)",
		Long: "Run the daemon: listen to Discord, take in the historical logs in the background, and answer\n" +
			"on the socket and over HTTP, until SIGINT, SIGTERM or SIGHUP. Each of them is an orderly stop:\n" +
			"none reads the configuration again. Started with nohup it outlives its terminal. The\n" +
			"environment configures it. Under systemd it tells when it is ready and that it makes progress.",
		Args: arguments(0, 0),
		RunE: a.runDaemon,
	}
}

func (a *app) runDaemon(c *cobra.Command, _ []string) error {
	cfg, err := a.ownConfig(c) // not the service's: it is one
	if err != nil {
		return err
	}
	return explained(cfg.DB, a.run(c.Context(), cfg, newLogger(a.stderr, cfg, terminal.Is(a.stderr))))
}

// bare is rollcall without a command: the daemon, unless somebody at a terminal has set
// nothing, who is told what to do next.
func (a *app) bare(c *cobra.Command, args []string) error {
	if yes, _ := c.Flags().GetBool("version"); yes {
		return a.printVersion()
	}
	if !a.tty || c.Flags().NFlag() > 0 || config.AnySet() {
		return a.runDaemon(c, args)
	}
	title, next := "rollcall has nothing to do here: no setting says what it should record. See it work, or begin:", [][2]string{
		{"rollcall demo", "a simulated Discord, no token needed"},
		{"ROLLCALL_TOKEN_FILE=token rollcall run", "record what your bot hears"},
		{"rollcall migrate --logs FOLDER", "take in old logs"},
		{"rollcall doctor", "is everything right?"},
		{"rollcall help", "all commands"},
	}
	if s, err := config.FindService(a.root); s != nil || err != nil {
		title, next = "rollcall is installed as a service of this machine. Next:", [][2]string{
			{"systemctl status rollcall", "does it run?"},
			{"rollcall doctor", "is everything right?"},
			{"rollcall guilds", "what is remembered?"},
			{"rollcall help", "all commands"},
		}
	}
	var b strings.Builder
	b.WriteString(a.prose(title) + "\n\n")
	for _, n := range next {
		hang(&b, fmt.Sprintf("  %-40s ", n[0]), n[1], terminal.Width())
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
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
