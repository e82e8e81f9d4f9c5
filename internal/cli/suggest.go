package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// elsewhere tells what does it under another name.
var elsewhere = map[string]string{
	"find":        `"rollcall search" finds what was said`,
	"grep":        `"rollcall search" and "rollcall messages --grep" find what was said`,
	"serve":       `"rollcall run" is the daemon, and "rollcall web" links to its page`,
	"server":      `"rollcall run" is the daemon, and "rollcall web" links to its page`,
	"start":       `"rollcall run" is the daemon`,
	"daemon":      `"rollcall run" is the daemon`,
	"stop":        "the daemon ends on SIGINT or SIGTERM, a service with systemctl stop rollcall",
	"restart":     "the daemon is restarted as it was started, a service with systemctl restart rollcall",
	"servers":     `"rollcall guilds" lists them`,
	"list":        `"rollcall guilds" lists what is remembered`,
	"ls":          `"rollcall guilds" lists what is remembered`,
	"channels":    `"rollcall coverage" lists channels`,
	"gaps":        `"rollcall coverage" and "rollcall state" show them`,
	"users":       `"rollcall top" lists people`,
	"members":     `"rollcall top" lists people`,
	"leaderboard": `"rollcall top" is it`,
	"stats":       `"rollcall guild" shows how active a guild is, "rollcall status" how the daemon is`,
	"profile":     `"rollcall user" shows who somebody is`,
	"dump":        `"rollcall export" prints every record`,
	"log":         `"rollcall messages" shows what was said; the daemon's own log goes to standard error`,
	"logs":        `"rollcall migrate" takes in old logs; the daemon's own log goes to standard error`,
	"delete":      `"rollcall forget" removes everything of a person`,
	"erase":       `"rollcall forget" removes everything of a person`,
	"remove":      `"rollcall forget" removes everything of a person`,
	"env":         `"rollcall config" prints every variable`,
	"settings":    `"rollcall config" prints every variable`,
	"init":        `nothing is to be set up: "rollcall run" makes the database`,
	"verify":      `"rollcall check" reads a database or backup`,
	"vacuum":      `"rollcall compact" rewrites the database`,
	"encrypt":     `"rollcall rekey" encrypts the database`,
	"decrypt":     `"rollcall rekey --remove" decrypts the database`,
	"simulator":   `"rollcall simulate" is it`,
}

// noSuchCommand is the error for a mistyped command, with what may have been meant.
func noSuchCommand(root *cobra.Command, name string) error {
	if hint, ok := elsewhere[strings.ToLower(name)]; ok {
		return usage("no such command: %q; %s", name, hint)
	}
	var names []string
	for _, c := range root.Root().Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if near := nearest(name, names); near != "" {
		return usage("no such command: %q; did you mean %s?", name, near)
	}
	return usage("no such command: %q; see rollcall --help", name)
}

// nearest returns the name that differs least from what was typed, "" if none is near: one
// mistake in three letters, or a beginning of the name.
func nearest(typed string, names []string) string {
	typed = strings.ToLower(typed)
	best, least := "", max(1, len(typed)/3)+1
	if len(typed) > 30 {
		return ""
	}
	for _, name := range names {
		d := mistakes(typed, name)
		if len(typed) > 1 && strings.HasPrefix(name, typed) {
			d = min(d, 1)
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// mistakes counts the bytes to insert, delete, replace or swap with the next one to turn
// a into b.
func mistakes(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// flagError says what is wrong with a flag in our own words.
func flagError(c *cobra.Command, err error) error {
	see := "; see " + c.CommandPath() + " --help"
	switch e := err.(type) {
	case *pflag.InvalidValueError:
		return usage("--%s cannot be %q: want %s%s", e.GetFlag().Name, e.GetValue(), mayBe(e.GetFlag()), see)
	case *pflag.ValueRequiredError:
		return usage("--%s has no value: want %s%s", e.GetSpecifiedName(), mayBe(e.GetFlag()), see)
	case *pflag.NotExistError:
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(e.GetSpecifiedName(), names); near != "" && len(e.GetSpecifiedName()) > 1 {
			return usage("unknown flag: --%s; did you mean --%s?", e.GetSpecifiedName(), near)
		}
		dashes := "--"
		if e.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return usage("unknown flag: %s%s%s", dashes, e.GetSpecifiedName(), see)
	}
	return usage("%w%s", err, see)
}

// mayBe says what a flag's value may be.
func mayBe(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int", "int64", "uint", "count":
		return "a whole number"
	case "float64":
		return "a number"
	case "duration":
		return "a duration such as 30s or 5m"
	case "bool":
		return "true or false"
	}
	name, _ := pflag.UnquoteUsage(f)
	return fmt.Sprintf("a %s", name)
}
