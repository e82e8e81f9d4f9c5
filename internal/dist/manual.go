package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"rollcall/config"
)

// sections stand in rollcall(1) and are not of any command.
//
//go:embed manual/rollcall.md
var sections string

// book is what stands on the edges of every page.
type book struct {
	version string
	time    time.Time
}

// write writes a page of section 1 for every command, and rollcall.env(5). It refuses
// commands and flags that do not say what they do.
func (b book) write(folder string, root *cobra.Command) error {
	if err := errors.Join(undescribed(root)...); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	header := &doc.GenManHeader{Section: "1", Date: &b.time, Source: "rollcall " + b.version, Manual: "rollcall"}
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, header, folder); err != nil {
		return err
	}
	first := filepath.Join(folder, "rollcall.1")
	page, err := os.ReadFile(first)
	if err != nil {
		return err
	}
	const last = "\n.SH SEE ALSO\n"
	before, after, found := bytes.Cut(page, []byte(last))
	if !found {
		return fmt.Errorf("%s has no %q", first, strings.TrimSpace(last))
	}
	// The converter takes the first line of what it is given for the page's title.
	_, more, _ := bytes.Cut(md2man.Render([]byte("% rollcall\n"+commands(root)+sections)), []byte("\n.SH "))
	more = append([]byte("\n.SH "), more...)
	page = bytes.Join([][]byte{before, more, []byte(last), []byte("\\fBrollcall.env(5)\\fP, "), after}, nil)
	return errors.Join(
		os.WriteFile(first, page, 0o644),
		os.WriteFile(filepath.Join(folder, "rollcall.env.5"), b.environment(), 0o644),
	)
}

// undescribed names what has no description, of a command and of those below it.
func undescribed(c *cobra.Command) (all []error) {
	if c.Short == "" {
		all = append(all, fmt.Errorf("%s: Short is empty: one line for the list of commands", c.CommandPath()))
	}
	if c.Long == "" {
		all = append(all, fmt.Errorf("%s: Long is empty: what the command does, for help and the manual", c.CommandPath()))
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" && !f.Hidden {
			all = append(all, fmt.Errorf("%s --%s: the usage is empty", c.CommandPath(), f.Name))
		}
	})
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			all = append(all, undescribed(child)...)
		}
	}
	return all
}

// commands lists the commands.
func commands(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# COMMANDS\n\n")
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(&b, "**%s**\n:   %s.\n\n", c.Use, c.Short)
		}
	}
	return b.String()
}

// environment is rollcall.env(5), from the same table as rollcall config.
func (b book) environment() []byte {
	var p strings.Builder
	fmt.Fprintf(&p, "%% %q %q %q %q %q\n", "ROLLCALL.ENV", "5", b.time.Format("Jan 2006"), "rollcall "+b.version, "rollcall")
	p.WriteString(`# NAME
rollcall.env \- the environment of rollcall

# DESCRIPTION
The environment configures rollcall. The service reads /etc/rollcall/rollcall.env: one *VARIABLE=value* a line,
as **systemd.exec(5)** describes it for *EnvironmentFile*; lines that begin with # are comments. After a change:
**systemctl restart rollcall**.

Lists are separated by commas. A variable that is misspelt, or that is not what it may be, stops the start with
exit code 78 and one line that names it. **rollcall config** shows every variable as it is.

Secrets do not belong into this file, which is copied and shown more easily than a file with nothing else in it:
the bot token is in /etc/rollcall/token.

# VARIABLES
`)
	for _, v := range (config.Config{}).Variables() {
		fmt.Fprintf(&p, "**%s**\n:   %s. Value: %s.", v.Name, escaped(v.Meaning), escaped(v.May))
		if v.Default != "" {
			fmt.Fprintf(&p, " Default: %s.", escaped(v.Default))
		}
		p.WriteString("\n\n")
	}
	p.WriteString("# SEE ALSO\n**rollcall(1)**, **rollcall-config(1)**, **systemd.exec(5)**\n")
	return md2man.Render([]byte(p.String()))
}

// escaped is text in which nothing is markup.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, "[", `\[`).Replace(text)
}
