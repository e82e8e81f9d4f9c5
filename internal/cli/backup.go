package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/api"
	"rollcall/internal/backup"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/health"
	"rollcall/store"
)

// patiently runs what may take minutes and can be interrupted without harm. Who reads
// our output may go.
func patiently(c *cobra.Command, f func(context.Context) error) error {
	ctx, stop := actors.Stoppable(c.Context())
	defer stop()
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		return failure{fmt.Errorf("%s: interrupted, and nothing was changed", c.Name()), exitInterrupted}
	}
	return err
}

// bar shows on a terminal how far something is.
func (a *app) bar(most int64, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(most,
		progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetVisibility(terminal.Is(a.stderr)),
		progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetRenderBlankState(true), progressbar.OptionClearOnFinish())
}

func (a *app) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "backup FILE",
		Example: "  rollcall backup /srv/backups/rollcall.db.zst\n" +
			"  rollcall backup - | ssh elsewhere 'cat > rollcall.db'",
		Short: "Make a backup of the database, whether the daemon runs or not",
		Long: "Make a backup of the database as it is at one moment, through the daemon if one runs. The\n" +
			"backup is checked before it gets its name. It is a database file like any other; if FILE\n" +
			"ends in .zst it is compressed. A FILE that is - stands for standard output.",
		Args: arguments(1, 1),
	}
	compact := c.Flags().Bool("compact", false, "leave out the free pages, and the deleted text that is still on them")
	force := c.Flags().Bool("force", false, "replace FILE if it is there")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := a.config(c)
		if err != nil {
			return err
		}
		target := args[0]
		if target == "-" && a.tty {
			return usage("backup: standard output is a terminal: lead it into a file, or name one")
		}
		if target != "-" {
			if err := checkTarget(target, cfg.DB, *force); err != nil {
				return err
			}
		}
		return patiently(c, func(ctx context.Context) error {
			daemon, db, err := reach(ctx, cfg, store.Options{ReadOnly: true, SkipDecrypt: true})
			if err != nil {
				return err
			}
			if daemon != nil {
				err = a.backup(ctx, target, *force, a.backupOf(daemon, *compact))
				return explained(cfg.DB, errors.Join(err, daemon.close()))
			}
			err = a.backup(ctx, target, *force, backup.Of(db, *compact))
			return explained(cfg.DB, errors.Join(err, db.Close()))
		})
	}
	return c
}

// checkTarget refuses a target that no backup should be written over.
func checkTarget(target, database string, force bool) error {
	info, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("backup %q: %w", target, bare(err))
	}
	if sameFile(target, database) {
		return fmt.Errorf("backup %q: it is the database itself: name another file", target)
	}
	switch {
	case info.IsDir():
		return fmt.Errorf("backup %q: it is a folder: name a file", target)
	case !info.Mode().IsRegular():
		return fmt.Errorf("backup %q: it is not a regular file: name another one, or - for standard output", target)
	case !force:
		return fmt.Errorf("backup %q: it is there already: name another file, or replace it with --force", target)
	}
	if err := store.Unused(target); err != nil {
		return fmt.Errorf("backup %q: %w: name another file", target, err)
	}
	return nil
}

// backupOf is the daemon's database as the source of a backup.
func (a *app) backupOf(daemon *source, compact bool) backup.Source {
	return func(ctx context.Context, f *os.File) error {
		wait := a.bar(-1, "the daemon makes a copy")
		response, err := daemon.do(ctx, daemon.waits, http.MethodPost, api.BackupPath, url.Values{"compact": {strconv.FormatBool(compact)}})
		wait.Clear()
		if err != nil {
			return err
		}
		defer response.Body.Close()
		bar := a.bar(response.ContentLength, "the copy comes over")
		defer bar.Clear()
		// What is cut off is an error: the length is known.
		if _, err := io.Copy(io.MultiWriter(backup.Throttled(ctx, f), bar), response.Body); err != nil {
			if _, ok := errors.AsType[*fs.PathError](err); ok {
				return bare(err)
			}
			return daemon.broken(err)
		}
		return nil
	}
}

// madeBackup is what backup prints.
type madeBackup struct {
	File    string  `json:"file"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

func (a *app) backup(ctx context.Context, target string, force bool, source backup.Source) error {
	if target == "-" {
		began := time.Now()
		return backup.Copy(ctx, source, func(f *os.File) error {
			n, err := io.Copy(a.stdout, f)
			if err == nil {
				fmt.Fprintf(a.stderr, "rollcall: %s, checked, in %.1f s\n", health.Size(n), time.Since(began).Seconds())
			}
			return err
		})
	}
	made, err := backup.Make(ctx, target, force, source)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("backup %q: it is there already, since just now", target)
	}
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(madeBackup{made.Path, made.Size, made.Took.Seconds()})
	}
	return a.say("%s: %s, checked, in %.1f s", terminal.Visible(made.Path), health.Size(made.Size), made.Took.Seconds())
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE",
		Example: "  rollcall check /srv/backups/rollcall.db.zst\n" +
			"  rollcall restore /srv/backups/rollcall.db.zst",
		Short: "Put a backup in the place of the database",
		Long: "Put a backup, compressed or not, in the place of the database, which no daemon may hold.\n" +
			"The backup is checked first. The old file, damaged or not, is kept beside it under the\n" +
			"name that is told.",
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config(c)
			if err != nil {
				return err
			}
			return patiently(c, func(ctx context.Context) error { return a.restore(ctx, cfg, args[0]) })
		},
	}
}

func (a *app) restore(ctx context.Context, cfg config.Config, from string) error {
	done, err := backup.Restore(ctx, cfg.DB, from)
	switch {
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("%w: stop the daemon first", err)
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("%w; nothing was changed: try another backup", err)
	case err != nil:
		return err
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(struct {
			File     string  `json:"file"`
			Database string  `json:"database"`
			Bytes    int64   `json:"bytes"`
			Kept     string  `json:"kept,omitempty"` // the file that was there before
			Seconds  float64 `json:"seconds"`
		}{from, cfg.DB, done.Size, done.Kept, done.Took.Seconds()})
	}
	kept := "there was none before"
	if done.Kept != "" {
		kept = "the old file is kept as " + terminal.Visible(done.Kept)
	}
	return a.say("%s is now %s: %s, checked, in %.1f s; %s",
		terminal.Visible(cfg.DB), terminal.Visible(from), health.Size(done.Size), done.Took.Seconds(), kept)
}
