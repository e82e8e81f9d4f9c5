package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version",
		Example: "  rollcall version\n" +
			"  rollcall --version",
		Short: "Print the version",
		Long: "Print the version, the commit it was built from, the version of Go, and the system. A build\n" +
			"that is not a release has the version (devel).",
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.printVersion()
		},
	}
}

func (a *app) printVersion() error {
	v := struct {
		Version string `json:"version"`
		Commit  string `json:"commit"`
		Go      string `json:"go"`
		System  string `json:"system"`
	}{Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	v.Version, v.Commit = Version()
	if a.json {
		return json.NewEncoder(a.stdout).Encode(v)
	}
	_, err := fmt.Fprintf(a.stdout, "rollcall %s (commit %s, %s, %s)\n", v.Version, v.Commit, v.Go, v.System)
	return err
}

// version and commit are what the linker is told when a release is built; see
// internal/dist. They are variables because it sets nothing else.
var version, commit string

// Version returns the version and the commit of this program: those of the release,
// or what the toolchain has noted of the module and its repository.
func Version() (string, string) {
	v, c := cmp.Or(version, "(devel)"), cmp.Or(commit, "unknown")
	info, ok := debug.ReadBuildInfo()
	if !ok || version != "" {
		return v, c
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			c = s.Value
		}
	}
	return cmp.Or(info.Main.Version, v), c
}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print a script that completes commands in a shell",
		Long: "Print a script that completes commands and flags in a shell. The Debian package brings it for\n" +
			"all three.",
		Example: "  source <(rollcall completion bash)                 # in ~/.bashrc\n" +
			"  rollcall completion zsh > \"${fpath[1]}/_rollcall\"  # then start a new shell\n" +
			"  rollcall completion fish > ~/.config/fish/completions/rollcall.fish",
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
