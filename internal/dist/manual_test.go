package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/cli"
)

func page(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestManual(t *testing.T) {
	folder := t.TempDir()
	if err := (book{"1.2.3", time.Unix(1_800_000_000, 0).UTC()}).write(folder, cli.Commands()); err != nil {
		t.Fatal(err)
	}
	first := page(t, folder, "rollcall.1")
	for _, want := range []string{
		".TH \"ROLLCALL\" \"1\" \"Jan 2027\" \"rollcall 1.2.3\" \"rollcall\"\n",
		"\n.SH COMMANDS\n", "\n.SH FILES\n", "\n.SH EXIT STATUS\n", "\\fBrollcall.env(5)\\fP, \\fBrollcall-",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("rollcall(1) has no %q", want)
		}
	}
	if n := strings.Count(first, "\n.TH "); n != 1 {
		t.Errorf("rollcall(1) has %d titles", n)
	}
	for _, c := range cli.Commands().Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		if !strings.Contains(first, "\\fB"+c.Use+"\\fP") {
			t.Errorf("rollcall(1) does not list %s", c.Name())
		}
		if text := page(t, folder, "rollcall-"+c.Name()+".1"); !strings.Contains(text, "\n.SH DESCRIPTION\n") || strings.Contains(text, "spf13") {
			t.Errorf("the page of %s: %s", c.Name(), text)
		}
	}
	environment := page(t, folder, "rollcall.env.5")
	for _, v := range (config.Config{}).Variables() {
		if !strings.Contains(environment, "\\fB"+v.Name+"\\fP\n") {
			t.Errorf("rollcall.env(5) does not describe %s", v.Name)
		}
	}
	for _, want := range []string{"<guild id>.json files", "Default: https://discord.com."} {
		if !strings.Contains(environment, want) {
			t.Errorf("rollcall.env(5) has no %q", want)
		}
	}
}

func TestManualRefusesTheUndescribed(t *testing.T) {
	good := func() *cobra.Command {
		root := &cobra.Command{Use: "rollcall", Short: "a", Long: "b"}
		root.AddCommand(&cobra.Command{Use: "look", Short: "c", Long: "d", Run: func(*cobra.Command, []string) {}})
		return root
	}
	b := book{"1.2.3", time.Unix(0, 0)}
	if err := b.write(t.TempDir(), good()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, want string
		spoil      func(root, look *cobra.Command)
	}{
		{"Short", "rollcall look: Short is empty", func(_, look *cobra.Command) { look.Short = "" }},
		{"Long", "rollcall look: Long is empty", func(_, look *cobra.Command) { look.Long = "" }},
		{"root", "rollcall: Long is empty", func(root, _ *cobra.Command) { root.Long = "" }},
		{"flag", "rollcall look --far: the usage is empty", func(_, look *cobra.Command) { look.Flags().Bool("far", false, "") }},
		{"subcommand", "rollcall look up: Short is empty", func(_, look *cobra.Command) {
			look.AddCommand(&cobra.Command{Use: "up", Long: "e", Run: func(*cobra.Command, []string) {}})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := good()
			tc.spoil(root, root.Commands()[0])
			err := b.write(t.TempDir(), root)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
