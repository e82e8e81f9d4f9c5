package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

// forgetFlags are the flags of forget.
type forgetFlags struct {
	guild, logs             string
	logsNamed               bool // logs was given
	yes                     bool
	scrubLogs, scrubBackups bool
	compact                 bool
}

func (a *app) forgetCommand() *cobra.Command {
	var f forgetFlags
	c := &cobra.Command{
		Use:   "forget USER",
		Short: "Remove everything of a person, and record nothing of theirs any more",
		Long: "Remove everything of a person: messages, counts, names, and whom the answers of others were\n" +
			"meant for. From then on nothing of theirs is recorded, whether it is said now or comes from\n" +
			"Discord's history or the logs, until \"rollcall remember\". If it is interrupted, the same\n" +
			"command goes on, and so does the daemon.\n\n" +
			"What this does not reach is listed: logs that hold lines of theirs, and backups of before.\n" +
			"--scrub-logs and --scrub-backups rewrite those, each as a whole or not at all. They lie where\n" +
			"--logs, ROLLCALL_LOGS and ROLLCALL_BACKUP_DIR say, or else where the daemon that runs has\n" +
			"them; nothing is removed unless all that is to be scrubbed is found. The file's free pages\n" +
			"keep the old bytes until \"rollcall compact\", or --compact.",
		Example: "  rollcall forget 123456789012345678\n" +
			"  rollcall forget Ada --guild \"The Lounge\" --yes\n" +
			"  rollcall forget 123456789012345678 --scrub-logs --scrub-backups --compact",
		Args:              arguments(1, 1),
		ValidArgsFunction: a.completePerson,
		RunE: func(c *cobra.Command, args []string) error {
			if !f.yes && !terminal.Is(os.Stdin) {
				return usage("forget asks before it removes anything, and there is no terminal to ask on: give --yes")
			}
			query := flagValues(c, "guild")
			if err := api.CheckQuery(query); err != nil {
				return err
			}
			cfg, err := a.config(c)
			if err != nil {
				return err
			}
			f.logsNamed = c.Flags().Changed("logs")
			ctx, stop := actors.Stoppable(c.Context())
			defer stop()
			err = a.forget(ctx, cfg, args[0], query, f)
			if err != nil && ctx.Err() != nil {
				return failure{errors.New("forget: interrupted: the same command goes on"), exitInterrupted}
			}
			return err
		},
	}
	c.Flags().StringVar(&f.guild, "guild", "", "only in this `guild`")
	complete(c, "guild", a.completeGuildFlag)
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().StringVar(&f.logs, "logs", "", "the `folder` of the logs, instead of ROLLCALL_LOGS and the daemon's")
	c.Flags().BoolVar(&f.scrubLogs, "scrub-logs", false, "take their lines out of the logs, too")
	c.Flags().BoolVar(&f.scrubBackups, "scrub-backups", false, "forget them in the backups, too")
	c.Flags().BoolVar(&f.compact, "compact", false, "compact the database afterwards")
	return c
}

func (a *app) forget(ctx context.Context, cfg config.Config, user string, query url.Values, f forgetFlags) error {
	s, err := openSource(ctx, cfg)
	if err != nil {
		return err
	}
	var out forgetting
	beyond, err := findBeyond(ctx, s, cfg, f)
	if err == nil {
		err = a.forgetStored(ctx, s, user, query, f.yes, &out)
	}
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	p := store.Person{User: out.User, Guild: out.Guild}
	if err := out.scrubLogs(ctx, beyond.logs, p, f.scrubLogs); err != nil {
		return err
	}
	if out.Backups, err = scrubBackups(ctx, beyond.backups, cfg.EncryptionKey(), p, f.scrubBackups); err != nil {
		return err
	}
	if a.json {
		err = json.NewEncoder(a.stdout).Encode(out)
	} else {
		err = a.printForgetting(out, beyond, f)
	}
	if err == nil {
		err = a.compactAfterwards(ctx, cfg, f)
	}
	if err != nil {
		return err
	}
	return out.left(f)
}

// forgetStored asks if need be and forgets what the database holds.
func (a *app) forgetStored(ctx context.Context, s *source, user string, query url.Values, yes bool, out *forgetting) error {
	path := api.UserPath(user)
	if !yes {
		var person api.Person
		if _, err := s.decode(ctx, path, query, &person); err != nil {
			return err
		}
		if sure, err := a.confirm(whatIsForgotten(person)); err != nil || !sure {
			return errors.Join(err, errors.New("nothing was removed"))
		}
		path = api.UserPath(person.User.String()) // who was agreed to
	}
	return s.change(ctx, http.MethodDelete, path, query, &out.Erased)
}

// whatIsForgotten is the question.
func whatIsForgotten(p api.Person) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Of user %s there are", p.User)
	for _, g := range p.Guilds {
		fmt.Fprintf(&b, "\n  %d messages in guild %s", g.Messages, g.Guild)
		if g.GuildName != "" {
			fmt.Fprintf(&b, " (%s)", terminal.Visible(g.GuildName))
		}
		if g.UserName != "" {
			fmt.Fprintf(&b, ", as %s", terminal.Visible(g.UserName))
		}
	}
	if len(p.Guilds) == 0 {
		b.WriteString(" no messages.")
	}
	b.WriteString("\nForget them, for good? [y/N] ")
	return b.String()
}

// confirm asks a question on the terminal.
func (a *app) confirm(question string) (bool, error) {
	if _, err := fmt.Fprint(a.stderr, question); err != nil {
		return false, err
	}
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // no answer is none
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// compactAfterwards compacts the database if that was asked for, or is agreed to.
func (a *app) compactAfterwards(ctx context.Context, cfg config.Config, f forgetFlags) error {
	if !f.compact && !f.yes && !a.json {
		var err error
		if f.compact, err = a.confirm("Compact the database now? [y/N] "); err != nil {
			return err
		}
	}
	if !f.compact {
		return nil
	}
	if err := a.compact(ctx, cfg); err != nil {
		return fmt.Errorf("forgotten, but not compacted: %w", err)
	}
	return nil
}

func (a *app) rememberCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "remember USER",
		Short: "Record a person again who was forgotten",
		Long:  "Record a person again who was forgotten. What was removed stays removed.\nTheir names are gone, so they are named by their id.",
		Example: "  rollcall remember 123456789012345678\n" +
			"  rollcall remember 123456789012345678 --guild \"The Lounge\"",
		Args: arguments(1, 1),
	}
	c.Flags().String("guild", "", "in this `guild` alone, if it alone had forgotten them")
	complete(c, "guild", a.completeGuildFlag)
	c.RunE = func(c *cobra.Command, args []string) error {
		query := flagValues(c, "guild")
		return a.reading(c, query, func(s *source) error {
			var r api.Remembered
			if err := s.change(c.Context(), http.MethodDelete, api.UserPath(args[0], "tombstone"), query, &r); err != nil {
				return err
			}
			if a.json {
				if err := json.NewEncoder(a.stdout).Encode(r); err != nil {
					return err
				}
			}
			if !r.Was {
				return fmt.Errorf("user %s was not forgotten: there is nobody to remember", r.User)
			}
			if a.json {
				return nil
			}
			_, err := fmt.Fprintf(a.stdout, "User %s is recorded again from now on.\n", r.User)
			return err
		})
	}
	return c
}
