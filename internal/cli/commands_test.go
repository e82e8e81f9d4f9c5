package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/internal/cli"
)

var update = flag.Bool("update", false, "write golden screens, docs/commands.md and docs/demo.svg anew")

// docs/commands.md says what the commands themselves say, and each of them has an example.
func TestCommandsDocument(t *testing.T) {
	root := cli.Commands()
	var b strings.Builder
	b.WriteString("# Commands\n\nFor whoever types them. Made from `rollcall help`: `go test ./internal/cli -run CommandsDocument -update` writes it anew.\n\n")
	b.WriteString("A guild and a user are named by id, or by name if only one has it. GUILD may be left out where the database holds one.\n" +
		"Exit codes: 0; 1 an error, told in one line; 2 wrong usage; 65 a damaged database; 78 the configuration, the encryption\n" +
		"key, or a token that Discord refuses; 130 interrupted.\n\n")
	for _, group := range root.Groups() {
		fmt.Fprintf(&b, "**%s**", strings.TrimSuffix(group.Title, ":"))
		for i, c := range available(root, group.ID) {
			separator := " ·"
			if i == 0 {
				separator = ":"
			}
			fmt.Fprintf(&b, "%s [%s](#%s)", separator, c.Name(), c.Name())
		}
		b.WriteString("  \n")
	}
	b.WriteString("[Flags of every command](#flags-of-every-command)\n")
	for _, group := range root.Groups() {
		for _, c := range available(root, group.ID) {
			if c.Example == "" {
				t.Errorf("%s has no example", c.Name())
			}
			long := strings.ReplaceAll(strings.ReplaceAll(c.Long, "<", "&lt;"), "*", "\\*")
			if strings.Contains(c.Long, "\n  ") { // a list of its own
				long = "    " + strings.ReplaceAll(c.Long, "\n", "\n    ")
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n    %s\n\nExamples:\n\n    %s\n", c.Name(), long, c.UseLine(),
				strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n    "))
			flags := c.LocalNonPersistentFlags()
			if flags.HasAvailableFlags() {
				b.WriteString("\n| flag | meaning |\n|---|---|\n")
				flags.VisitAll(func(f *pflag.Flag) {
					kind, text := pflag.UnquoteUsage(f)
					name := strings.TrimSpace("--" + f.Name + " " + kind)
					if f.Shorthand != "" {
						name = "-" + f.Shorthand + ", " + name
					}
					fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text))
				})
			}
		}
	}
	b.WriteString("\n## Flags of every command\n\n| flag | meaning |\n|---|---|\n")
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		kind, text := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSpace("--"+f.Name+" "+kind), text)
	})
	text := strings.ReplaceAll(b.String(), "\n    \n", "\n\n")
	path := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		writeTo(t, path, text)
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("docs/commands.md is not what the commands say: go test ./internal/cli -run CommandsDocument -update")
	}
}

func available(root *cobra.Command, group string) (all []*cobra.Command) {
	for _, c := range root.Commands() {
		if c.GroupID == group && c.IsAvailableCommand() {
			all = append(all, c)
		}
	}
	return all
}

// Every command is in a group of the help.
func TestEveryCommandHasAGroup(t *testing.T) {
	for _, c := range cli.Commands().Commands() {
		if c.IsAvailableCommand() && c.GroupID == "" {
			t.Errorf("%s is in no group: name it in help.go", c.Name())
		}
	}
}
