package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
)

func (a *app) webCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "web",
		Short: "Print a link that signs you in to the daemon's web page, once",
		Long: "Print a link that signs you in to the daemon's web page. It is valid for ten minutes, and for one\n" +
			"visit. Whoever opens it may see everything that is stored, and erase people.",
		Example: "  rollcall web\n  rollcall web --open",
		Args:    arguments(0, 0),
	}
	open := c.Flags().Bool("open", false, "open the link in the browser of this machine")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.reading(c, nil, func(s *source) error {
			if !s.daemon {
				return errors.New("no daemon runs for this database, and it is the daemon that has the page: start it with rollcall run")
			}
			var l api.Login
			if err := s.change(c.Context(), http.MethodPost, api.LoginPath, nil, &l); err != nil {
				return err
			}
			if *open {
				if err := openBrowser(l.URL); err != nil {
					return fmt.Errorf("no browser can be opened (%w): open the link that rollcall web prints", err)
				}
			}
			if a.json {
				return json.NewEncoder(a.stdout).Encode(l)
			}
			_, err := fmt.Fprintln(a.stdout, l.URL)
			return err
		})
	}
	return c
}

// openBrowser opens an address as the desktop does.
func openBrowser(address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	return exec.Command(name, args...).Start()
}
