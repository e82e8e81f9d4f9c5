package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/backup"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]",
		Example: "  rollcall check\n" +
			"  rollcall check /srv/backups/rollcall.db.zst",
		Short: "Read a whole database or backup and say what is wrong with it",
		Long: "Read a whole database, the configured one unless a file is named, or a backup, compressed\n" +
			"or not: compare its digest if it is a backup, follow its pages, compare checksums, and\n" +
			"compare what is kept beside the records with the records. Of a database that a daemon\n" +
			"holds, a copy of this moment is checked. Without its key the texts of an encrypted one are\n" +
			"not opened, and only their checksums are compared.",
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.configBut(c, len(args) > 0)
			if err != nil {
				return err
			}
			cfg, err = a.named(cfg, args)
			if err != nil {
				return err
			}
			return patiently(c, func(ctx context.Context) error { return a.check(ctx, cfg) })
		},
	}
}

func (a *app) check(ctx context.Context, cfg config.Config) error {
	path := cfg.DB
	found, err := a.findings(ctx, cfg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no database at %q", path)
	case errors.Is(err, fs.ErrPermission):
		return notOurs(err)
	case err != nil:
		return explained(path, err)
	}
	return a.printFindings(path, found)
}

// findings checks the database of a daemon that answers, or else the file.
func (a *app) findings(ctx context.Context, cfg config.Config) (backup.Findings, error) {
	if conn, err := api.DialSocket(ctx, cfg.SocketPath()); err == nil {
		conn.Close()
		daemon := daemonSource(cfg)
		return a.findingsOfCopy(ctx, cfg.DB, a.backupOf(daemon, false))
	}
	if backup.IsCompressed(cfg.DB) {
		return a.findingsOfCopy(ctx, cfg.DB, func(ctx context.Context, f *os.File) error {
			return backup.Unpack(ctx, cfg.DB, f)
		})
	}
	return backup.Check(ctx, cfg.DB, cfg.DB)
}

// findingsOfCopy checks what a source writes, which is called path in errors.
func (a *app) findingsOfCopy(ctx context.Context, path string, source backup.Source) (found backup.Findings, err error) {
	folder, err := os.MkdirTemp("", "rollcall-check-")
	if err != nil {
		return found, fmt.Errorf("make a folder for the copy (TMPDIR says where): %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	f, err := os.OpenFile(filepath.Join(folder, "rollcall.db"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return found, err
	}
	if err := errors.Join(source(ctx, f), f.Close()); err != nil {
		return found, err
	}
	return backup.Check(ctx, f.Name(), path)
}

func (a *app) checkFileCommand() *cobra.Command {
	return &cobra.Command{
		Use:    backup.CheckCommand + " FILE",
		Short:  "What check runs in a process of its own",
		Hidden: true,
		Args:   arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.ownConfig(c)
			if err != nil {
				return err
			}
			return backup.CheckFile(c.Context(), a.stdout, args[0], cfg.EncryptionKey())
		},
	}
}

func (a *app) printFindings(path string, found backup.Findings) error {
	problems := found.Problems
	var err error
	if a.json {
		err = json.NewEncoder(a.stdout).Encode(struct {
			File     string   `json:"file"`
			Sound    bool     `json:"sound"`
			Problems []string `json:"problems"`
			Unopened string   `json:"unopened,omitempty"` // why texts were not looked into
		}{path, len(problems) == 0, append([]string{}, problems...), found.Unopened})
	} else if len(problems) == 0 {
		but := ""
		if found.Unopened != "" {
			but = "; its texts pass their checksums and were not opened: " + found.Unopened
		}
		_, err = fmt.Fprintf(a.stdout, "%s is sound%s\n", terminal.Visible(path), terminal.Visible(but))
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
