package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read a whole database and say what is wrong with it",
		Long:  "Read a whole database, the configured one unless a file is named, compare checksums, and\ncompare what is kept beside the records with the records. No daemon may hold the file.",
		Args:  arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config(c)
			if err != nil {
				return err
			}
			path := cfg.DB
			if len(args) == 1 {
				path = args[0]
			}
			db, err := store.Open(path, store.Options{MustExist: true, Key: cfg.EncryptionKey()})
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("no database at %q", path)
			}
			if err != nil {
				return explained(path, err)
			}
			problems, err := db.Check(c.Context())
			if err = errors.Join(err, db.Close()); err != nil {
				return explained(path, err)
			}
			return a.printProblems(path, problems)
		},
	}
}

func (a *app) printProblems(path string, problems []string) error {
	var err error
	if a.json {
		err = json.NewEncoder(a.stdout).Encode(struct {
			File     string   `json:"file"`
			Sound    bool     `json:"sound"`
			Problems []string `json:"problems"`
		}{path, len(problems) == 0, append([]string{}, problems...)})
	} else if len(problems) == 0 {
		_, err = fmt.Fprintf(a.stdout, "%s is sound\n", terminal.Visible(path))
	} else {
		for _, p := range problems {
			if _, err = fmt.Fprintln(a.stdout, terminal.Visible(p)); err != nil {
				break
			}
		}
	}
	if err != nil || len(problems) == 0 {
		return err
	}
	return fmt.Errorf("database %q: %w: %d problems, the first: %s; %s", path, store.ErrDamaged, len(problems), problems[0], howToRestore(path))
}
