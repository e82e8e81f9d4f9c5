package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/backup"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/health"
	"rollcall/store"
)

func (a *app) compactCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "compact [FILE]",
		Example: "  rollcall compact",
		Short:   "Rewrite a database without its free pages",
		Long: "Rewrite a database, the configured one unless a file is named, without its free pages and\n" +
			"the deleted text that is still on them: through the daemon if one runs, which goes on\n" +
			"meanwhile. The new file is checked before it takes the place of the old one.",
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
			return patiently(c, func(ctx context.Context) error { return a.compact(ctx, cfg) })
		},
	}
}

// named is the configuration for a command whose argument may be a database. One that
// is not the configured one has no daemon that we know of.
func (a *app) named(cfg config.Config, args []string) (config.Config, error) {
	if len(args) == 0 || sameFile(args[0], cfg.DB) {
		return cfg, nil
	}
	if args[0] == "" {
		return cfg, usage("the name of the file is empty")
	}
	cfg.DB, cfg.Socket = args[0], ""
	return cfg, nil
}

func sameFile(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

func (a *app) compact(ctx context.Context, cfg config.Config) error {
	daemon, db, err := reach(ctx, cfg, store.Options{})
	if err != nil {
		return err
	}
	var done api.Compacted
	if daemon != nil {
		done, err = a.compactThrough(ctx, daemon)
		err = errors.Join(err, daemon.close())
	} else {
		done, err = a.compactFile(ctx, db)
		err = explained(cfg.DB, errors.Join(err, db.Close()))
	}
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(struct {
			File string `json:"file"`
			api.Compacted
		}{cfg.DB, done})
	}
	return a.say("%s: %s before, %s now, checked, in %.1f s; writers waited for %.3f s",
		terminal.Visible(cfg.DB), health.Size(done.Before), health.Size(done.After), done.Seconds, done.Paused)
}

func (a *app) compactFile(ctx context.Context, db *store.DB) (api.Compacted, error) {
	began := time.Now()
	bar := a.bar(1, "copying")
	defer bar.Clear()
	done, err := db.Compact(ctx, store.CompactOptions{
		Check: func(ctx context.Context, path string) error { return backup.Sound(ctx, path, db.Path()) },
		Progress: func(copied, most int64) error {
			bar.ChangeMax64(most)
			return bar.Set64(copied)
		},
	})
	return api.Compacted{Before: done.Before, After: done.After, Seconds: time.Since(began).Seconds(), Paused: done.Paused.Seconds()}, err
}

// compactThrough lets the daemon compact, and gives up when it has not said for long
// how far it is.
func (a *app) compactThrough(ctx context.Context, daemon *source) (done api.Compacted, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(answerTime, cancel)
	defer silent.Stop()
	response, err := daemon.do(ctx, daemon.waits, http.MethodPost, api.CompactPath, nil)
	if err != nil {
		return done, err
	}
	defer response.Body.Close()
	bar := a.bar(1, "copying")
	defer bar.Clear()
	for events := json.NewDecoder(response.Body); ; {
		var e api.CompactEvent
		if err := events.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return done, daemon.broken(err)
		}
		silent.Reset(answerTime)
		switch {
		case e.Problem != nil:
			return done, daemon.explain(e.Problem)
		case e.Done != nil:
			return *e.Done, nil
		case e.Progress != nil && e.Progress.Most > 0:
			bar.ChangeMax64(e.Progress.Most)
			bar.Set64(e.Progress.Copied)
		}
	}
}
