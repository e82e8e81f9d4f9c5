package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
)

func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "health",
		Example: "  rollcall health && echo well",
		Short:   "Ask the running daemon whether it is well",
		Long:    "Ask the running daemon whether it is well: exit code 0 if it is, else 1 and a line that says\nwhat is wrong. For the health checks of containers and supervisors.",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config(c)
			if err != nil {
				return err
			}
			conn, err := api.DialSocket(c.Context(), cfg.SocketPath())
			if err != nil {
				return fmt.Errorf("no daemon answers on the socket %q: start it, or set ROLLCALL_SOCKET to its own", cfg.SocketPath())
			}
			conn.Close()
			source := daemonSource(cfg)
			defer source.close()
			var answer struct {
				Status string `json:"status"`
			}
			if _, err := source.decode(c.Context(), "/healthz", nil, &answer); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, answer.Status)
			return err
		},
	}
}
