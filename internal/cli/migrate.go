package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/health"
	"rollcall/migration"
	"rollcall/store"
)

func (a *app) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Take in all historical logs at once",
		Long: "Take in all historical logs at once, without the pauses that the daemon makes. What was\n" +
			"taken in before is not taken in again, so it can be interrupted and repeated at will.",
		Example: "  rollcall migrate --logs /srv/oldbot/logs --dry-run\n" +
			"  rollcall migrate --logs /srv/oldbot/logs\n" +
			"  rollcall migrate --guild 123456789012345678",
		Args: arguments(0, 0),
	}
	logs := c.Flags().String("logs", "", "the `folder` of the logs, instead of ROLLCALL_LOGS")
	guild := c.Flags().String("guild", "", "only the logs of the guild with this `id`")
	complete(c, "guild", a.completeGuildFlag)
	dryRun := c.Flags().Bool("dry-run", false, "count only, into a copy of the database in a temporary folder")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := a.config(c)
		if err != nil {
			return err
		}
		if c.Flags().Changed("logs") {
			cfg.Logs = *logs
		}
		o := migration.Options{Root: cfg.Logs, MinFree: int64(cfg.MinFree)}
		if c.Flags().Changed("guild") {
			if o.Guild, err = store.ParseID(*guild); err != nil {
				return usage("--guild cannot be %q: %w", *guild, err)
			}
		}
		if info, err := os.Stat(cfg.Logs); err != nil {
			return fmt.Errorf("logs %q: %w; name the folder with --logs", cfg.Logs, bare(err))
		} else if !info.IsDir() {
			return fmt.Errorf("logs %q: not a folder; name the folder with --logs", cfg.Logs)
		}
		ctx, stop := actors.Stoppable(c.Context())
		defer stop()
		if *dryRun {
			return a.migrateCopy(ctx, cfg, o)
		}
		return a.migrate(ctx, cfg, o)
	}
	return c
}

var errInterrupted = failure{errors.New("interrupted: the same command goes on from here"), exitInterrupted}

// bare drops the operation and the path, which the caller names.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// migrateCopy migrates into a copy of the database, so that it counts exactly
// what would be stored and what is there already.
func (a *app) migrateCopy(ctx context.Context, cfg config.Config, o migration.Options) (err error) {
	folder, err := os.MkdirTemp("", "rollcall-dry-run-")
	if err != nil {
		return fmt.Errorf("make a folder for the copy: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "rollcall.db")
	if err := copyDatabase(ctx, cfg, path); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	cfg.DB, o.MinFree = path, 0 // nobody else needs the room of the copy
	return a.migrate(ctx, cfg, o)
}

// copyDatabase copies a database that no daemon holds; none is copied to none.
func copyDatabase(ctx context.Context, cfg config.Config, to string) error {
	db, err := store.Open(cfg.DB, store.Options{MustExist: true, Key: cfg.EncryptionKey()})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explained(cfg.DB, err)
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = db.Snapshot(ctx, f)
		err = errors.Join(err, f.Close())
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("copy the database (TMPDIR says where to): %w", err)
	}
	return nil
}

func (a *app) migrate(ctx context.Context, cfg config.Config, o migration.Options) error {
	db, err := store.Open(cfg.DB, store.Options{Key: cfg.EncryptionKey()})
	if err != nil {
		return explained(cfg.DB, err)
	}
	progress := &progress{to: a.stderr, shown: terminal.Is(a.stderr)}
	if cfg.LogFormat == "auto" {
		cfg.LogFormat = "text" // a person reads it, or reads it later
	}
	cfg.LogLevel = max(cfg.LogLevel, config.Level(slog.LevelWarn)) // the summary says the rest
	o.Store, o.Log, o.Progress = db, newLogger(progress, cfg, terminal.Is(a.stderr)), progress.update
	if o.Rules, err = Rules(cfg, o.Log); err != nil {
		return errors.Join(err, db.Close())
	}
	db.Guard(o.Rules.Apply)
	before := debug.SetMemoryLimit(-1) // as it is, GOMEMLIMIT for one
	debug.SetMemoryLimit(min(before, migration.OnceMemory))
	defer debug.SetMemoryLimit(before)
	summary, err := migration.Once(ctx, o)
	progress.clear()
	if ctx.Err() != nil {
		err = errInterrupted
	}
	var known []migration.GuildStatus
	if err == nil && summary.Lines == 0 {
		known, err = migration.Known(context.Background(), db)
	}
	err = errors.Join(err, db.Close())
	if err == nil && o.Guild != 0 && summary.Lines == 0 && !slices.ContainsFunc(known, func(g migration.GuildStatus) bool { return g.Guild == o.Guild }) {
		err = fmt.Errorf("logs %q: none of them is of guild %s", o.Root, o.Guild)
		if !a.json {
			return err
		}
	}
	if printErr := a.printSummary(summary, known); printErr != nil && err == nil {
		err = printErr
	}
	return explained(cfg.DB, err)
}

// readToEnd counts the files that have nothing more to give.
func readToEnd(known []migration.GuildStatus) (n int64) {
	for _, g := range known {
		n += int64(g.FilesRead)
	}
	return n
}

// printSummary prints what was taken in; known are the logs that are in the database, if
// nothing was.
func (a *app) printSummary(s migration.Summary, known []migration.GuildStatus) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(s)
	}
	var text string
	if n := readToEnd(known); s.Lines == 0 && n > 0 {
		text = fmt.Sprintf("Nothing new: %d files are read to their end.\n", n)
		if n == 1 {
			text = "Nothing new: 1 file is read to its end.\n"
		}
		if s.UnsupportedFiles > 0 {
			text += fmt.Sprintf("%d files of other kinds cannot be taken in.\n", s.UnsupportedFiles)
		}
	} else {
		text = fmt.Sprintf("%d messages are new, %d were known; %d lines skipped, %d malformed; %d files of other kinds cannot be taken in.\n%d lines (%s) of %d files in %.1f s.\n",
			s.Messages, s.Duplicates, s.Skipped, s.Malformed, s.UnsupportedFiles, s.Lines, health.Size(s.Bytes), s.Files, s.Seconds)
	}
	_, err := io.WriteString(a.stdout, a.prose(strings.TrimSuffix(text, "\n"))+"\n")
	if err != nil || s.Incomplete == 0 {
		return err
	}
	if _, err := fmt.Fprintf(a.stdout, "%d files could not be read to their end, and are tried again each time:\n", s.Incomplete); err != nil {
		return err
	}
	for _, path := range s.IncompleteFiles[:min(len(s.IncompleteFiles), shownRows)] {
		if _, err := fmt.Fprintf(a.stdout, "  %s\n", terminal.Visible(path)); err != nil {
			return err
		}
	}
	if more := s.Incomplete - shownRows; more > 0 {
		_, err = fmt.Fprintf(a.stdout, "  and %d more\n", more)
	}
	return err
}

// progress is a bar on a terminal, and a way for the log past it. Its methods may
// be called from any goroutine.
type progress struct {
	to    *os.File
	shown bool

	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

// update is called by the migration after each commit.
func (p *progress) update(now migration.Progress) {
	if !p.shown || now.Total == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(now.Total,
			progressbar.OptionSetWriter(p.to), progressbar.OptionShowBytes(true), progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	p.bar.Describe(fmt.Sprintf("%d messages", now.Messages))
	p.bar.Set64(min(now.Bytes, now.Total)) // files may grow meanwhile
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Clear()
	}
}

// Write takes the bar away for a line of the log. The next update brings it back.
func (p *progress) Write(line []byte) (int, error) {
	p.clear()
	return p.to.Write(line)
}
