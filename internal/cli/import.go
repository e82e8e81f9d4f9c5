package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/importer"
	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/intake"
	"rollcall/internal/rules"
	"rollcall/migration"
	"rollcall/store"
)

// importFlags are the flags of import.
type importFlags struct {
	format string
	dryRun bool
	guilds []string
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use: "import PATH...",
		Example: "  rollcall import ~/export.json --dry-run\n" +
			"  rollcall import ~/package.zip ~/archive.dht\n" +
			"  rollcall import --format dce --guild 11=22 exports/",
		Short: "Take in archives of other tools",
		Long: "Take in archives of other tools: exports of DiscordChatExporter (JSON), archives of Discord\n" +
			"History Tracker and discrawl, the data package that Discord sends, and the names in the old\n" +
			"bot's databases. Files, folders and .zip are recognised by what is in them. A message that is\n" +
			"there already stays as it is, unless the archive knows a later edit; direct messages, bots and\n" +
			"what the rules leave out are never stored. It goes through the daemon if one runs, and can be\n" +
			"interrupted and repeated at will.",
		Args: arguments(1, 1_000_000),
	}
	c.Flags().StringVar(&f.format, "format", string(importer.Auto), "take only archives of this `format`: "+formatNames())
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "tell what would be done, and write nothing")
	c.Flags().StringArrayVar(&f.guilds, "guild", nil, "`OLD=NEW`: what an archive has of guild OLD is of guild NEW; may be repeated")
	c.RunE = func(c *cobra.Command, args []string) error {
		format, err := importer.ParseFormat(f.format)
		if err != nil {
			return usage("--format: %w", err)
		}
		guilds, err := guildPairs(f.guilds)
		if err != nil {
			return err
		}
		cfg, err := a.config(c)
		if err != nil {
			return err
		}
		ctx, stop := actors.Stoppable(c.Context())
		defer stop()
		signal.Ignore(syscall.SIGPIPE) // who reads the progress may go, the work goes on
		found, err := importer.Find(ctx, args, format)
		if err == nil {
			err = a.importFound(ctx, cfg, found, importer.Options{Guilds: guilds, DryRun: f.dryRun})
			err = errors.Join(err, found.Close())
		}
		if err != nil && ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	return c
}

func formatNames() string {
	var names []string
	for _, f := range importer.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// guildPairs reads the values of --guild.
func guildPairs(values []string) (map[store.ID]store.ID, error) {
	pairs := map[store.ID]store.ID{}
	for _, v := range values {
		old, to, _ := strings.Cut(v, "=")
		from, err := store.ParseID(old)
		if err == nil {
			pairs[from], err = store.ParseID(to)
		}
		if err != nil {
			return nil, usage("--guild cannot be %q: want OLD=NEW, two ids: %w", v, err)
		}
	}
	return pairs, nil
}

// Intake is the way of archives into an open database, as the configuration has it.
func Intake(c config.Config, db *store.DB, r *rules.Rules) *intake.Database {
	i := &intake.Database{Store: db, Rules: r, OnDelete: store.Redact, KeepEdited: c.OnEdit == "keep", Commit: int(c.MigrationBatch), Polite: true}
	switch c.OnDelete {
	case "keep":
		i.OnDelete = store.Keep
	case "remove":
		i.OnDelete = store.Remove
	}
	return i
}

func (a *app) importFound(ctx context.Context, cfg config.Config, found *importer.Found, o importer.Options) error {
	progress := &progress{to: a.stderr, shown: terminal.Is(a.stderr)}
	if cfg.LogFormat == "auto" {
		cfg.LogFormat = "text"
	}
	cfg.LogLevel = max(cfg.LogLevel, config.Level(slog.LevelWarn)) // the table says the rest
	log := newLogger(progress, cfg, terminal.Is(a.stderr))
	o.Progress = func(p importer.Progress) {
		progress.update(migration.Progress{Bytes: p.Done, Total: p.Total, Messages: p.Messages})
	}
	var notes []string
	o.Note = func(path, note string, totals []archive.Total) {
		notes = append(notes, noteLines(path, note, totals)...)
	}
	closeTarget := func() error { return nil }
	var err error
	if len(found.Files) > 0 { // else there is nothing to open a database for
		if o.Target, closeTarget, err = a.importTarget(ctx, cfg, log, o.DryRun); err != nil {
			return err
		}
	}
	before := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(before, migration.OnceMemory))
	defer debug.SetMemoryLimit(before)
	sum, err := importer.Run(ctx, found, o)
	progress.clear()
	if ctx.Err() != nil {
		err = errInterrupted
	}
	err = explained(cfg.DB, errors.Join(err, closeTarget()))
	if printErr := a.printImport(sum, notes, o.DryRun); err == nil {
		err = printErr
	}
	switch {
	case err != nil:
		return err
	case len(sum.Refused) > 0:
		return fmt.Errorf("%d of %d were refused: %s: %s", len(sum.Refused), len(sum.Refused)+len(sum.Files), sum.Refused[0].Path, sum.Refused[0].Reason)
	case len(sum.Files) == 0:
		return errors.New("there is nothing to take in")
	}
	return nil
}

// importTarget finds out who takes archives in: the daemon, or this process. The caller
// closes it.
func (a *app) importTarget(ctx context.Context, cfg config.Config, log *slog.Logger, dryRun bool) (importer.Target, func() error, error) {
	var daemon *source
	var db *store.DB
	_, err := os.Stat(cfg.DB)
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		daemon, db, err = reach(ctx, cfg, store.Options{ReadOnly: dryRun})
	case dryRun:
		err = nil // all of it would be new
	default:
		db, err = store.Open(cfg.DB, store.Options{Key: cfg.EncryptionKey()})
		err = explained(cfg.DB, err)
	}
	if err != nil {
		return nil, nil, err
	}
	if daemon != nil {
		// Before anything is sent: is it the daemon of this database?
		response, err := daemon.get(ctx, api.FoldersPath, nil)
		if err != nil {
			return nil, nil, errors.Join(err, daemon.close())
		}
		response.Body.Close()
		return &daemonTarget{daemon, dryRun}, daemon.close, nil
	}
	end := func() error {
		if db == nil {
			return nil
		}
		return db.Close()
	}
	if db != nil && dryRun && db.OldFormat() {
		return nil, nil, errors.Join(fmt.Errorf("database %q is of an older format, which a dry run leaves as it is: let any other command bring it up to date first", cfg.DB), end())
	}
	r, err := Rules(cfg, log)
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	if db != nil {
		db.Guard(r.Apply)
	}
	into := Intake(cfg, db, r)
	into.DryRun, into.Commit, into.Polite = dryRun, 0, false
	return into, end, nil
}

// daemonTarget sends batches to the daemon, which has the database and its own rules.
type daemonTarget struct {
	*source
	dryRun bool
}

// Take sends a batch and waits until it is stored.
func (d *daemonTarget) Take(ctx context.Context, b *intake.Batch) (out intake.Outcome, err error) {
	body, err := json.Marshal(b)
	if err != nil {
		return out, err
	}
	response, err := d.send(ctx, d.waits, http.MethodPost, api.ImportPath, url.Values{api.DryRun: {strconv.FormatBool(d.dryRun)}}, bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		return out, d.broken(err)
	}
	return out, nil
}
