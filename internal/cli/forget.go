package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/migration"
	"rollcall/store"
)

// forgetting is what forget prints as JSON.
type forgetting struct {
	api.Erased
	// Logs are the files below ROLLCALL_LOGS that hold lines of the person.
	Logs []migration.Scrubbed `json:"logs"`
}

// forgetFlags are the flags of forget.
type forgetFlags struct {
	guild, logs string
	yes, scrub  bool
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
			"What this does not reach is listed: logs that hold lines of theirs, which --scrub-logs takes\n" +
			"out. The file's free pages keep the old bytes until \"rollcall compact\".",
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error { return a.forget(c, args[0], f) },
	}
	c.Flags().StringVar(&f.guild, "guild", "", "only in this `guild`")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().StringVar(&f.logs, "logs", "", "the `folder` of the logs, instead of ROLLCALL_LOGS")
	c.Flags().BoolVar(&f.scrub, "scrub-logs", false, "take their lines out of the logs, too")
	return c
}

func (a *app) forget(c *cobra.Command, user string, f forgetFlags) error {
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
	if c.Flags().Changed("logs") {
		cfg.Logs = f.logs
	}
	s, err := openSource(c.Context(), cfg)
	if err != nil {
		return err
	}
	var out forgetting
	err = a.forgetStored(c, s, user, query, f, &out)
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	if out.Logs, err = scrubLogs(c, cfg, store.Person{User: out.User, Guild: out.Guild}, f.scrub); err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(out)
	}
	return a.printForgetting(out)
}

// forgetStored asks if need be and forgets what the database holds.
func (a *app) forgetStored(c *cobra.Command, s *source, user string, query url.Values, f forgetFlags, out *forgetting) error {
	path := "/v1/users/" + url.PathEscape(user)
	if !f.yes {
		var person api.Person
		if _, err := s.decode(c.Context(), path, query, &person); err != nil {
			return err
		}
		if sure, err := a.confirm(whatIsForgotten(person)); err != nil || !sure {
			return errors.Join(err, errors.New("nothing was removed"))
		}
		path = "/v1/users/" + person.User.String() // who was agreed to
	}
	return s.change(c.Context(), http.MethodDelete, path, query, &out.Erased)
}

// whatIsForgotten is the question.
func whatIsForgotten(p api.Person) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Of user %s there are", p.User)
	messages := int64(0)
	for _, g := range p.Guilds {
		fmt.Fprintf(&b, "\n  %d messages in guild %s", g.Messages, g.Guild)
		if g.GuildName != "" {
			fmt.Fprintf(&b, " (%s)", terminal.Visible(g.GuildName))
		}
		if g.UserName != "" {
			fmt.Fprintf(&b, ", as %s", terminal.Visible(g.UserName))
		}
		messages += g.Messages
	}
	if messages == 0 && len(p.Guilds) == 0 {
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

// scrubLogs looks through the logs, if there are any.
func scrubLogs(c *cobra.Command, cfg config.Config, p store.Person, rewrite bool) ([]migration.Scrubbed, error) {
	files, err := migration.Scrub(c.Context(), migration.ScrubOptions{Root: cfg.Logs, Person: p, Rewrite: rewrite})
	if errors.Is(err, fs.ErrNotExist) {
		return []migration.Scrubbed{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("forgotten, but the logs could not be looked through: %w", err)
	}
	return append([]migration.Scrubbed{}, files...), nil
}

func (a *app) printForgetting(f forgetting) error {
	where := ""
	if f.Guild != 0 {
		where = fmt.Sprintf(" --guild %s", f.Guild)
	}
	if _, err := fmt.Fprintf(a.stdout, "Forgotten: %d messages, %d answers to them, %d names. Nothing of theirs is recorded until: rollcall remember %s%s\n"+
		"Free pages of the file keep the old bytes until: rollcall compact\n", f.Messages, f.Replies, f.Names, f.User, where); err != nil {
		return err
	}
	if len(f.Logs) == 0 {
		return nil
	}
	if _, err := fmt.Fprint(a.stdout, "\nLogs with lines of theirs (--scrub-logs takes the lines out):\n\n"); err != nil {
		return err
	}
	t := newTable("file", "lines", "", "")
	alignRight(t, 2)
	for _, l := range f.Logs {
		done := ""
		if l.Scrubbed {
			done = "taken out"
		}
		t.AppendRow(table.Row{terminal.Visible(l.Path), l.Lines, done, terminal.Visible(l.Note)})
	}
	return a.print(t, len(f.Logs), "")
}

func (a *app) rememberCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "remember USER",
		Short: "Record a person again who was forgotten",
		Long:  "Record a person again who was forgotten. What was removed stays removed.\nTheir names are gone, so they are named by their id.",
		Args:  arguments(1, 1),
	}
	c.Flags().String("guild", "", "in this `guild` alone, if it alone had forgotten them")
	c.RunE = func(c *cobra.Command, args []string) error {
		query := flagValues(c, "guild")
		return a.reading(c, query, func(s *source) error {
			var r api.Remembered
			if err := s.change(c.Context(), http.MethodDelete, "/v1/users/"+url.PathEscape(args[0])+"/tombstone", query, &r); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.stdout).Encode(r)
			}
			what := "is recorded again from now on"
			if !r.Was {
				what = "was not forgotten"
			}
			_, err := fmt.Fprintf(a.stdout, "User %s %s.\n", r.User, what)
			return err
		})
	}
	return c
}
