package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

func (a *app) rekeyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "rekey --new-key-file FILE | --remove | --generate FILE",
		Example: "  rollcall rekey --generate key\n" +
			"  rollcall rekey --new-key-file key",
		Short: "Encrypt the database, change its key, or decrypt it",
		Long: "Encrypt what people wrote and are called in the database with a new key, or decrypt it. The\n" +
			"key that it is encrypted with now is that of ROLLCALL_ENCRYPTION_KEY_FILE. No daemon may hold\n" +
			"the file. It may be interrupted: the same command goes on from there, and until it has\n" +
			"come to its end nothing else opens the database. A key file holds 32 random bytes in base64\n" +
			"or hexadecimal on one line. Who loses the key has lost what is encrypted with it.",
		Args: arguments(0, 0),
	}
	newKey := c.Flags().String("new-key-file", "", "encrypt with the key in this `file`")
	remove := c.Flags().Bool("remove", false, "decrypt")
	generate := c.Flags().String("generate", "", "only write a new key into this new `file`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		asked := 0
		for _, set := range []bool{*newKey != "", *remove, *generate != ""} {
			if set {
				asked++
			}
		}
		if asked != 1 {
			return usage("rekey: want one of --new-key-file FILE, --remove and --generate FILE")
		}
		if *generate != "" {
			return a.generateKey(*generate)
		}
		o := store.RekeyOptions{}
		if !*remove {
			var err error
			if o.New, err = config.ReadKey(*newKey); err != nil {
				return failure{fmt.Errorf("--new-key-file %q cannot be used: %w", *newKey, err), exitConfig}
			}
		}
		cfg, err := a.config(c)
		if err != nil {
			return err
		}
		o.Key = cfg.EncryptionKey()
		ctx, stop := actors.Stoppable(c.Context())
		defer stop()
		return a.rekey(ctx, cfg.DB, o)
	}
	return c
}

func (a *app) generateKey(path string) error {
	k := store.NewKey()
	err := config.WriteKey(path, k)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write a key to %q: it is there already: name another file", path)
	}
	if err != nil {
		return fmt.Errorf("write a key to %q: %w", path, err)
	}
	_, err = fmt.Fprintf(a.stdout, "Key %s is in %s. Keep a copy where the backups are not: without it nobody can read them.\n", k.ID(), terminal.Visible(path))
	return err
}

func (a *app) rekey(ctx context.Context, path string, o store.RekeyOptions) error {
	var bar *progressbar.ProgressBar
	if terminal.Is(a.stderr) {
		o.Progress = func(done, total int64) {
			if bar == nil {
				bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowCount(),
					progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
					progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("texts"))
			}
			bar.Set64(done)
		}
	}
	begin := time.Now()
	done, err := store.Rekey(ctx, path, o)
	if bar != nil {
		bar.Clear()
	}
	if ctx.Err() != nil {
		return failure{errors.New("interrupted: the same command goes on from here, and nothing else opens the database before"), exitInterrupted}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no database at %q: name another with --db", path)
	}
	if err != nil {
		return explained(path, err)
	}
	if err := a.printRekeyed(done, time.Since(begin)); err != nil || done.Damaged == 0 {
		return err
	}
	return fmt.Errorf("database %q: %w: %d values cannot be read and are left as they were; rollcall check names them", path, store.ErrDamaged, done.Damaged)
}

func (a *app) printRekeyed(done store.Rekeyed, took time.Duration) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(struct {
			Texts   int64   `json:"texts"`
			Damaged int64   `json:"damaged"`
			From    string  `json:"from_key"`
			To      string  `json:"to_key"`
			Seconds float64 `json:"seconds"`
		}{done.Texts, done.Damaged, done.From, done.To, took.Seconds()})
	}
	var err error
	switch {
	case done.From == done.To && done.To == "":
		_, err = fmt.Fprintln(a.stdout, "The database is not encrypted; there was nothing to do.")
	case done.From == done.To:
		_, err = fmt.Fprintf(a.stdout, "The database is encrypted with key %s; there was nothing to do.\n", done.To)
	case done.To == "":
		_, err = fmt.Fprintf(a.stdout, "%d texts are decrypted, in %.1f s. Unset ROLLCALL_ENCRYPTION_KEY_FILE before the daemon starts.\n", done.Texts, took.Seconds())
	default:
		_, err = fmt.Fprintf(a.stdout, "%d texts are encrypted with key %s, in %.1f s. Let ROLLCALL_ENCRYPTION_KEY_FILE name its file before the daemon starts.\n"+
			"Freed parts of the file, and earlier backups, still hold them as they were: rollcall compact clears the former.\n", done.Texts, done.To, took.Seconds())
	}
	return err
}
