package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"rollcall/internal/cli/terminal"
)

func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print every variable of the environment, its value and its meaning",
		Args:  arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config(c)
			if err != nil {
				return err
			}
			variables := cfg.Variables()
			if a.json {
				return json.NewEncoder(a.stdout).Encode(variables)
			}
			t := newTable("variable", "value", "default", "meaning")
			for _, v := range variables {
				t.AppendRow(table.Row{v.Name, terminal.Visible(v.Value), v.Default, v.Meaning})
			}
			return a.print(t, len(variables), "")
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			v := struct {
				Version string `json:"version"` // of the module, as the toolchain derives it from the tag
				Commit  string `json:"commit"`
				Go      string `json:"go"`
				System  string `json:"system"`
			}{"(devel)", "unknown", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				if info.Main.Version != "" {
					v.Version = info.Main.Version
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			if a.json {
				return json.NewEncoder(a.stdout).Encode(v)
			}
			_, err := fmt.Fprintf(a.stdout, "rollcall %s (commit %s, %s, %s)\n", v.Version, v.Commit, v.Go, v.System)
			return err
		},
	}
}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Print a script that completes commands in a shell",
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return c.Root().GenZshCompletion(a.stdout)
			case "fish":
				return c.Root().GenFishCompletion(a.stdout, true)
			}
			return usage("completion: no such shell: %q; want bash, zsh or fish", args[0])
		},
	}
}
