package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/atomicfile"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/export"
	"rollcall/store"
)

// exporting is what export is asked for beside the query.
type exporting struct {
	format, out, since string
	public, fullText   bool
}

func (a *app) exportCommand() *cobra.Command {
	var e exporting
	c := &cobra.Command{
		Use:   "export",
		Short: "Write every record for other programs: lines, SQLite, Parquet, DiscordChatExporter's JSON",
		Long: "Print every record, a line each, by guild, user and time; or write an SQLite database, a folder\n" +
			"of Parquet files, or a folder of JSON files as DiscordChatExporter makes them. What is written\n" +
			"to --out is there as a whole or not at all. A guild and a user are named by id, or by name if\n" +
			"only one has it. A day stands for its beginning in the time zone.",
		Example: "  rollcall export > everything.ndjson\n" +
			"  rollcall export --user Ada --since 30d --format csv\n" +
			"  rollcall export --format sqlite --out messages.sqlite",
		Args: arguments(0, 0),
	}
	c.Flags().String("guild", "", "only of this `guild`")
	c.Flags().String("user", "", "only of this `user`")
	complete(c, "guild", a.completeGuildFlag)
	complete(c, "user", a.completeUser)
	spanFlags(c)
	c.Flags().StringVar(&e.format, "format", "ndjson", "`ndjson`, csv, sqlite, parquet or dce (DiscordChatExporter's JSON)")
	complete(c, "format", cobra.FixedCompletions([]string{"ndjson", "csv", "sqlite", "parquet", "dce"}, cobra.ShellCompDirectiveNoFileComp))
	c.Flags().StringVar(&e.out, "out", "", "write to this `path`: a file, or for parquet and dce a folder; there must be none yet")
	c.Flags().StringVar(&e.since, "since-last", "", "only what is new or changed since the last export with this `file`, which is then brought up to date")
	c.Flags().BoolVar(&e.public, "public", false, "leave out what not everybody in the guild may read; the daemon must be connected to Discord")
	c.Flags().BoolVar(&e.fullText, "fts", false, "sqlite: with a table for full-text search")
	c.RunE = func(c *cobra.Command, _ []string) error {
		query := flagValues(c, "guild", "user", "since", "until", "tz")
		if err := e.check(); err != nil {
			return err
		}
		return a.reading(c, query, func(s *source) error {
			if e.plain() {
				query.Set("format", e.format)
				return a.copyAnswer(c, s, "/v1/export", query)
			}
			cfg, err := a.config(c)
			if err != nil {
				return err
			}
			return patiently(c, func(ctx context.Context) error { return a.export(ctx, cfg, s, e, query) })
		})
	}
	return c
}

// plain reports whether the lines of the daemon are printed as they come.
func (e *exporting) plain() bool {
	return e.out == "" && e.since == "" && !e.public && (e.format == "ndjson" || e.format == "csv")
}

// check says what is wrong with the flags.
func (e *exporting) check() error {
	isFile := slices.Contains(api.FileFormats(), e.format)
	switch {
	case !isFile && e.format != "ndjson" && e.format != "csv":
		return usage("format cannot be %.64q: want ndjson, csv, %s", e.format, strings.Join(api.FileFormats(), ", "))
	case isFile && e.out == "":
		return usage("--format %s writes a file or folder: name it with --out", e.format)
	case e.fullText && e.format != "sqlite":
		return usage("--fts is for --format sqlite")
	}
	return nil
}

// exported is what export --out prints.
type exported struct {
	Path     string  `json:"path"`
	Format   string  `json:"format"`
	Messages int64   `json:"messages"`
	Known    int64   `json:"known"`    // exported before, with --since-last
	LeftOut  int64   `json:"left_out"` // not public
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
}

func (a *app) export(ctx context.Context, cfg config.Config, s *source, e exporting, query url.Values) (err error) {
	began := time.Now()
	failed := func(err error) error {
		if err == nil || ctx.Err() != nil || e.out == "" {
			return err
		}
		return fmt.Errorf("export to %q: %w", e.out, plainPath(err))
	}
	out, err := a.exportOutput(ctx, cfg, e)
	if err != nil {
		return failed(err)
	}
	defer out.Discard()
	counted := &counter{Sink: out}
	sink := export.Sink(counted)
	var since *export.Since
	if e.since != "" {
		if since, err = export.NewSince(e.since, e.selection(query), sink); err != nil {
			return fmt.Errorf("--since-last %q: %w", e.since, plainPath(err))
		}
		defer since.Discard()
		sink = since
	}
	if e.public {
		query.Set(api.Public, "true")
	}
	left, err := s.records(ctx, query, sink)
	if err != nil {
		return failed(err)
	}
	if err := out.Commit(); err != nil {
		return failed(err)
	}
	if since != nil {
		if err := since.Commit(); err != nil {
			return err
		}
	}
	done := exported{Path: e.out, Format: e.format, Messages: counted.n, LeftOut: left, Bytes: sizeOf(e.out), Seconds: time.Since(began).Seconds()}
	if since != nil {
		done.Known = since.Known
	}
	return a.printExported(done)
}

func (a *app) printExported(done exported) error {
	if done.Path == "" { // the records are the answer
		if done.LeftOut > 0 {
			fmt.Fprintf(a.stderr, "rollcall: %d messages are left out: not everybody may read them, or it is not known\n", done.LeftOut)
		}
		return nil
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(done)
	}
	line := fmt.Sprintf("%s: %d messages, %d bytes, in %.1f s", terminal.Visible(done.Path), done.Messages, done.Bytes, done.Seconds)
	if done.Known > 0 {
		line += fmt.Sprintf("; %d were exported before", done.Known)
	}
	if done.LeftOut > 0 {
		line += fmt.Sprintf("; %d are left out: not everybody may read them, or it is not known", done.LeftOut)
	}
	_, err := fmt.Fprintln(a.stdout, line)
	return err
}

// selection is what is exported, in words: a state is of one selection.
func (e *exporting) selection(query url.Values) string {
	words := query.Encode()
	if words == "" {
		words = "everything"
	}
	if e.public {
		words += " that is public"
	}
	return words
}

// exportOutput begins what is written. There must be nothing of its name.
func (a *app) exportOutput(ctx context.Context, cfg config.Config, e exporting) (export.Output, error) {
	if e.out == "" {
		lines, err := api.NewLines(a.raw, e.format)
		return &linesOutput{Lines: lines}, err
	}
	if sameFile(e.out, cfg.DB) {
		return nil, errors.New("it is the database itself: name another file")
	}
	o := export.Settings{Zone: cfg.TZ.Location(), Made: time.Now(), FullText: e.fullText}
	switch e.format {
	case "parquet":
		return export.NewParquet(e.out, o)
	case "dce":
		return export.NewDCE(e.out, o)
	}
	if _, err := os.Lstat(e.out); err == nil {
		return nil, errors.New("it is there already: name another file, or remove it")
	}
	if e.format == "sqlite" {
		return export.NewSQLite(ctx, e.out, o)
	}
	file, err := atomicfile.Create(e.out)
	if err != nil {
		return nil, err
	}
	lines, err := api.NewLines(file, e.format)
	if err != nil {
		file.Discard()
	}
	return &linesOutput{lines, file}, err
}

// linesOutput writes lines into a file or, where that is nil, to standard output.
type linesOutput struct {
	*api.Lines
	file *atomicfile.PendingFile
}

func (l *linesOutput) Commit() error {
	if err := l.Flush(); err != nil || l.file == nil {
		return err
	}
	return l.file.Commit(false)
}

func (l *linesOutput) Discard() {
	if l.file != nil {
		l.file.Discard()
	}
}

// counter counts records.
type counter struct {
	export.Sink
	n int64
}

func (c *counter) Record(r *store.Record) error {
	c.n++
	return c.Sink.Record(r)
}

// records hands out the records that a query selects, and returns how many are left out
// because not everybody may read them.
func (s *source) records(ctx context.Context, query url.Values, sink export.Sink) (left int64, err error) {
	response, err := s.get(ctx, api.RecordsPath, query)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body := &remembering{r: response.Body}
	left, err = export.Decode(body, sink)
	if text := response.Trailer.Get(api.ProblemTrailer); errors.Is(err, export.ErrCut) && text != "" {
		return 0, s.problem([]byte(text))
	}
	if body.err != nil || errors.Is(err, export.ErrCut) {
		return 0, s.broken(err)
	}
	return left, err
}

// remembering keeps the error of reading, which is not that of a sink.
type remembering struct {
	r   io.Reader
	err error
}

func (r *remembering) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// plainPath drops what the caller names anyway.
func plainPath(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return errors.New("it is there already, since just now")
	}
	return bare(err)
}

// sizeOf returns the bytes of a file, or of all files of a folder.
func sizeOf(path string) (n int64) {
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error { // it is for show
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
