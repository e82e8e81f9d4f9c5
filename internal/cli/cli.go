package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
	"rollcall/tracker"
)

// Exit codes besides 0 and 1 (any other error). 65 and 78 are EX_DATAERR and
// EX_CONFIG of sysexits.h, for which the systemd unit does not restart.
const (
	exitUsage       = 2
	exitDamaged     = 65
	exitConfig      = 78
	exitInterrupted = 130 // as shells count SIGINT
)

// Run is the daemon: it returns nil when it was asked to stop, or the error that
// ended it, after everything is closed.
type Run func(ctx context.Context, c config.Config, log *slog.Logger) error

// app is what all commands share.
type app struct {
	run    Run
	stdout io.Writer // for what is made of terminal.Visible text
	raw    io.Writer // for answers as they come; harmless to a terminal, too
	stderr *os.File
	tty    bool // standard output is a terminal
	colour bool // and may be coloured
	db     *string
	json   bool
	wide   bool
	// root is below which the service's unit and settings are looked for.
	root string
}

// Execute runs the command that the arguments (without the program's name) ask
// for, prints what went wrong if anything did, and returns the exit code.
func Execute(args []string, run Run) int {
	a := &app{run: run, stdout: output{os.Stdout}, stderr: os.Stderr, tty: terminal.Is(os.Stdout), root: "/"}
	a.colour = a.tty && os.Getenv("NO_COLOR") == ""
	a.raw = a.stdout
	if a.tty {
		a.raw = terminal.NewWriter(a.stdout)
	}
	root := a.commands()
	if c, _, err := root.Find(args); err == nil && c.Name() == "search" {
		args = behindFlags(args)
	}
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	if !errors.Is(err, syscall.EPIPE) { // who closed our output wants no more of it
		fmt.Fprintf(os.Stderr, "rollcall: %s\n", terminal.Visible(err.Error()))
	}
	return codeOf(err)
}

// failure is an error with the exit code that it asks for.
type failure struct {
	error
	code int
}

func (f failure) Unwrap() error { return f.error }

// output is where answers go. Its errors are told from those of reading the answer.
type output struct{ w io.Writer }

type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

func (o output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		err = outputError{err}
	}
	return n, err
}

func usage(format string, a ...any) error { return failure{fmt.Errorf(format, a...), exitUsage} }

// codeOf tells the exit code of an error.
func codeOf(err error) int {
	if f, ok := errors.AsType[failure](err); ok {
		return f.code
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		switch {
		case p.Code == api.CodeDamaged:
			return exitDamaged
		case p.Status == http.StatusBadRequest:
			return exitUsage
		}
		return 1
	}
	switch {
	case errors.Is(err, store.ErrDamaged):
		return exitDamaged
	case errors.Is(err, tracker.ErrRefused):
		return exitConfig
	}
	return 1
}

// Commands returns the tree of commands for who describes them, as the manual does.
// It is not to be executed.
func Commands() *cobra.Command { return new(app).commands() }

func (a *app) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "rollcall",
		Short: "Remember every message of a Discord community, live and from its old logs",
		Long: "rollcall keeps every message of a Discord community in one file: what is said now,\n" +
			"what was said while it was away, and what older logs hold. Without a command it runs\n" +
			"the daemon. The environment configures it; \"rollcall config\" shows how.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return noSuchCommand(c, args[0])
		},
		Example: "  rollcall demo        # see it work, without a token\n" +
			"  rollcall doctor      # is everything right?\n" +
			"  rollcall guilds      # what is remembered?",
		RunE:              a.bare,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(flagError)
	root.Flags().Bool("version", false, "print the version, as rollcall version")
	a.db = root.PersistentFlags().String("db", "", "the database `file`, instead of ROLLCALL_DB")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON instead of tables")
	root.PersistentFlags().BoolVar(&a.wide, "wide", false, "do not fit tables to the terminal")
	root.AddCommand(
		a.runCommand(),
		a.migrateCommand(), a.importCommand(), a.stateCommand(), a.exportCommand(),
		a.guildsCommand(), a.guildCommand(), a.userCommand(), a.topCommand(), a.messagesCommand(), a.searchCommand(), a.wordsCommand(),
		a.coverageCommand(), a.whyCommand(),
		a.forgetCommand(), a.rememberCommand(),
		a.backupCommand(), a.restoreCommand(), a.checkCommand(), a.checkFileCommand(), a.compactCommand(),
		a.rekeyCommand(),
		a.healthCommand(), a.statusCommand(), a.webCommand(), a.mcpCommand(),
		a.configCommand(), a.versionCommand(), a.completionCommand(), a.demoCommand(), a.simulateCommand(), a.doctorCommand(),
	)
	a.arrangeHelp(root)
	return root
}

// arguments wants so many arguments, named as in the command's usage line, none of
// them empty.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least {
			return usage("%s: an argument is missing; usage: %s", c.Name(), c.UseLine())
		}
		if len(args) > most {
			return usage("%s: %q is too many arguments; usage: %s", c.Name(), strings.Join(args[most:], " "), c.UseLine())
		}
		for i, arg := range args { // as a variable that is not set leaves it
			if arg == "" {
				return usage("%s: argument %d is empty; usage: %s", c.Name(), i+1, c.UseLine())
			}
		}
		return nil
	}
}

// config reads the environment and the flags that override it. Where nothing names a
// database and the service is installed, it is the service's, with its settings.
func (a *app) config(c *cobra.Command) (config.Config, error) {
	return a.configBut(c, false)
}

// configBut is config for a command whose argument may name the database.
func (a *app) configBut(c *cobra.Command, named bool) (config.Config, error) {
	if !named {
		if _, err := a.usedService(c); err != nil {
			return config.Config{}, err
		}
	}
	return a.ownConfig(c)
}

// usedService returns the service of this machine if its settings are to be used, which
// the environment then has.
func (a *app) usedService(c *cobra.Command) (*config.Service, error) {
	if config.IsSet("DB") || c.Flags().Changed("db") {
		return nil, nil
	}
	return a.service(true)
}

// service finds the service of this machine, nil for none; adopt takes its settings.
func (a *app) service(adopt bool) (*config.Service, error) {
	s, err := config.FindService(a.root)
	if err != nil {
		return nil, fmt.Errorf("the settings of the service may not be read: %w: do this with sudo, or name a database with --db", err)
	}
	if s != nil && adopt {
		return s, s.Adopt()
	}
	return s, nil
}

// ownConfig is config without the service.
func (a *app) ownConfig(c *cobra.Command) (config.Config, error) {
	cfg, err := config.Load()
	if err != nil {
		return cfg, failure{err, exitConfig}
	}
	return cfg, a.databaseFlag(c, &cfg)
}

// databaseFlag takes the database that the flag names.
func (a *app) databaseFlag(c *cobra.Command, cfg *config.Config) error {
	if c.Flags().Changed("db") {
		if *a.db == "" {
			return usage("--db is empty: want the path of a file")
		}
		cfg.DB = *a.db
	}
	return nil
}

// explained adds what to do to an error of the store.
func explained(path string, err error) error {
	switch {
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("%w; %s", err, howToRestore(path))
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("%w: stop the daemon, or name another file with --db", err)
	case errors.Is(err, store.ErrKeyMissing), errors.Is(err, store.ErrKeyWrong):
		return failure{fmt.Errorf("%w: set ROLLCALL_ENCRYPTION_KEY_FILE to the file that holds that key", err), exitConfig}
	case errors.Is(err, store.ErrNotEncrypted):
		return failure{fmt.Errorf("%w, but ROLLCALL_ENCRYPTION_KEY_FILE is set: unset it, or encrypt the database with rollcall rekey --new-key-file FILE", err), exitConfig}
	case errors.Is(err, store.ErrRekeying):
		return failure{fmt.Errorf("%w: run the same rollcall rekey again", err), exitConfig}
	case errors.Is(err, store.ErrFull), errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w; make room, then repeat this: nothing that was acknowledged is lost", err)
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("%w; look at the disk (dmesg says more), then repeat this: nothing that was acknowledged is lost", err)
	}
	return err
}

// notOurs adds what to do to the error that a file must not be read.
func notOurs(err error) error {
	return fmt.Errorf("%w: do this as the user whom it belongs to, or with sudo", err)
}

func howToRestore(path string) string {
	return fmt.Sprintf("stop the daemon and restore a backup: rollcall restore --db %q BACKUP", path)
}
