package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/internal/cli/terminal"
)

// proseWidth is how wide text for reading gets at most.
const proseWidth = 92

// groups are the commands by what they are for, in the order of the help.
var groups = []struct {
	id, title string
	commands  []string
}{
	{"ask", "Ask", []string{"guilds", "guild", "user", "top", "words", "search", "messages", "coverage", "why", "export"}},
	{"take", "Take in", []string{"run", "migrate", "import", "state"}},
	{"operate", "Operate", []string{"doctor", "status", "health", "web", "mcp", "config", "backup", "restore", "check", "compact", "rekey"}},
	{"people", "People's rights", []string{"forget", "remember"}},
	{"try", "Try, and the rest", []string{"demo", "simulate", "version", "completion", "help"}},
}

// arrangeHelp gives the commands a help that fits the terminal.
func (a *app) arrangeHelp(root *cobra.Command) {
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title + ":"})
		for _, c := range root.Commands() {
			for _, name := range g.commands {
				if c.Name() == name {
					c.GroupID = g.id
				}
			}
		}
	}
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		io.WriteString(a.stdout, helpText(c, min(a.width(proseWidth), proseWidth)))
	})
	root.SetHelpCommand(&cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Tell more about a command",
		Long:    "Tell more about a command, or list all of them.",
		Example: "  rollcall help\n  rollcall help messages",
		GroupID: "try",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				for _, command := range root.Commands() {
					if command.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(command.Name(), command.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			if len(args) > 1 {
				return usage("help: %q is too many arguments; usage: %s", strings.Join(args[1:], " "), c.UseLine())
			}
			for _, command := range root.Commands() {
				if command.Name() == args[0] && command.IsAvailableCommand() || command.Name() == args[0] && args[0] == "help" {
					return command.Help()
				}
			}
			return noSuchCommand(root, args[0])
		},
	})
}

// helpText describes a command in so many columns.
func helpText(c *cobra.Command, width int) string {
	var b strings.Builder
	b.WriteString(terminal.Fill(c.Long, width) + "\n\nUsage:\n")
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [COMMAND] [flags]\n", c.CommandPath())
	} else {
		b.WriteString("  " + c.UseLine() + "\n")
	}
	if c.Example != "" {
		b.WriteString("\nExamples:\n" + c.Example + "\n")
	}
	for _, g := range c.Groups() {
		b.WriteString("\n" + g.Title + "\n")
		for _, child := range c.Commands() {
			if child.GroupID == g.ID && (child.IsAvailableCommand() || child.Name() == "help") {
				hang(&b, fmt.Sprintf("  %-11s ", child.Name()), child.Short, width)
			}
		}
	}
	if own := c.LocalNonPersistentFlags(); own.HasAvailableFlags() {
		b.WriteString("\nFlags:\n" + flagTexts(own, width))
	}
	everywhere := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.Root().PersistentFlags().VisitAll(everywhere.AddFlag)
	b.WriteString("\nFlags of every command:\n" + flagTexts(everywhere, width))
	if c.HasAvailableSubCommands() {
		b.WriteString("\n" + terminal.Fill("rollcall help COMMAND tells more about a command.", width) + "\n")
	}
	return b.String()
}

// flagTexts lists flags, each with its meaning behind it or, where that is narrow, below it.
func flagTexts(flags *pflag.FlagSet, width int) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, text := pflag.UnquoteUsage(f)
		left := "      --" + f.Name
		if f.Shorthand != "" {
			left = "  -" + f.Shorthand + ", --" + f.Name
		}
		if kind != "" {
			left += " " + kind
		}
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			text += " (default " + f.DefValue + ")"
		}
		hang(&b, fmt.Sprintf("%-24s ", left), text, width)
	})
	return b.String()
}

// hang writes a text behind its lead, and the lines that do not fit below the beginning of
// the text.
func hang(b *strings.Builder, lead, text string, width int) {
	indent := terminal.Columns(lead)
	if width-indent < 20 {
		b.WriteString(strings.TrimRight(lead, " ") + "\n")
		lead, indent = "        ", 8
	}
	for i, line := range terminal.Wrap(text, width-indent) {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		b.WriteString(lead + line + "\n")
	}
}

// width returns the columns of the terminal that is printed to, others where there is none.
func (a *app) width(otherwise int) int {
	if a.tty {
		return terminal.Width()
	}
	return otherwise
}

// say prints a line for reading.
func (a *app) say(format string, values ...any) error {
	_, err := fmt.Fprintln(a.stdout, a.prose(fmt.Sprintf(format, values...)))
	return err
}

// prose fits text for reading into the terminal; elsewhere it is as it was written.
func (a *app) prose(text string) string {
	if !a.tty || a.wide {
		return text
	}
	return terminal.Fill(text, min(terminal.Width(), proseWidth))
}
