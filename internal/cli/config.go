package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/health"
	"rollcall/store"
)

// Settings are how a daemon is configured, secrets hidden; it tells them at api.SettingsPath.
type Settings struct {
	Process   int               `json:"pid"`
	Started   store.Micros      `json:"started_at"`
	Variables []config.Variable `json:"variables"`
}

// SettingsOf returns the settings of a daemon.
func SettingsOf(c config.Config, d *health.Daemon) Settings {
	return Settings{Process: d.Process, Started: d.Started, Variables: c.Variables()}
}

func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config",
		Example: "  rollcall config\n" +
			"  rollcall config --json | jq -r '.[] | .name'",
		Short: "Print every variable of the environment, its value and its meaning",
		Long: "Print every variable of the environment, its value as it is now, its default and its meaning:\n" +
			"those of the daemon, if one runs, else those with which it would be started here. The first\n" +
			"line tells whose they are, and the last ones what a restart would change. Secrets are hidden.\n" +
			"Exit code 78, and one line, if a variable of this environment is not what it may be: a way to\n" +
			"try a configuration before the daemon is started with it.",
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			service, err := a.usedService(c)
			if err != nil {
				return err
			}
			cfg, err := a.ownConfig(c)
			if err != nil {
				return err
			}
			variables := cfg.Variables()
			title, rest := ownSettings(service), []string(nil)
			daemon, why := askSettings(c.Context(), cfg)
			switch {
			case c.Context().Err() != nil:
				return c.Context().Err()
			case why != nil:
				title += "; the daemon's are not known: " + why.Error()
			case daemon != nil:
				title = fmt.Sprintf("The settings of the daemon, process %d, which runs since %s", daemon.Process, moment(daemon.Started))
				rest = differences(daemon.Variables, variables, service)
				variables = daemon.Variables
			default:
				title = fmt.Sprintf("No daemon answers on %q. %s", cfg.SocketPath(), title)
			}
			if a.json {
				return json.NewEncoder(a.stdout).Encode(variables)
			}
			return a.printSettings(title, variables, rest)
		},
	}
}

func (a *app) printSettings(title string, variables []config.Variable, rest []string) error {
	if err := a.say("%s:", terminal.Visible(title)); err != nil {
		return err
	}
	t := a.table("variable", "value", "default", "meaning")
	t.layout(keeps(0), wraps(1, 18), cuts(3, 8), wraps(2, 16)) // what a variable is comes first, whole
	for _, v := range variables {
		t.AppendRow(cells{v.Name, terminal.Visible(v.Value), v.Default, v.Meaning})
	}
	if err := a.print(t, len(variables), ""); err != nil {
		return err
	}
	for _, line := range rest {
		if err := a.say("%s", terminal.Visible(line)); err != nil {
			return err
		}
	}
	return nil
}

// ownSettings says with whose settings a daemon would be started here.
func ownSettings(service *config.Service) string {
	if service != nil {
		return "The settings of the service, from " + strings.Join(service.Sources, ", ")
	}
	return "The settings of this shell"
}

// askSettings asks the daemon of the database for its settings; nil and no error: none runs.
func askSettings(ctx context.Context, c config.Config) (*Settings, error) {
	conn, err := api.DialSocket(ctx, c.SocketPath())
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, notOurs(err)
	case err != nil:
		return nil, nil
	}
	conn.Close()
	s := daemonSource(c)
	var settings Settings
	_, err = s.decode(ctx, api.SettingsPath, nil, &settings)
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Status == http.StatusNotFound {
		err = errors.New("it is of an older version, which does not tell: restart it after an upgrade")
	}
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	return &settings, nil
}

// differences are lines about what the daemon has otherwise than it would be started with now,
// by the service's settings, if they were adopted, and about what this shell sets otherwise. Paths of secrets
// are left out, because systemd hands these over under another path, and so is what has led
// to this daemon.
func differences(daemon, own []config.Variable, service *config.Service) (lines []string) {
	now := map[string]string{}
	for _, v := range daemon {
		now[v.Name] = v.Value
	}
	for _, v := range own {
		was, known := now[v.Name]
		name := strings.TrimPrefix(v.Name, "ROLLCALL_")
		switch {
		case !known || was == v.Value || name == "DB" || name == "SOCKET" || strings.HasSuffix(name, "_FILE"):
		case service.Gives(name):
			lines = append(lines, fmt.Sprintf("After a restart of the service %s will be %q.", v.Name, v.Value))
		case config.IsSet(name):
			lines = append(lines, fmt.Sprintf("This shell sets %s to %q, which the daemon does not know of.", v.Name, v.Value))
		}
	}
	return lines
}
