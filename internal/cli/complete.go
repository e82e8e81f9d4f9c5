package cli

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/coverage"
	"rollcall/store"
)

const (
	// completeTime is how long somebody who presses Tab waits at most.
	completeTime = 2 * time.Second
	completeMost = 200 // names
)

type completer = func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// complete sets what completes the value of a flag.
func complete(c *cobra.Command, flag string, f completer) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // there is no such flag
	}
}

// asking answers a completion from the database. What cannot be asked completes nothing.
func (a *app) asking(c *cobra.Command, f func(ctx context.Context, s *source) []string) ([]string, cobra.ShellCompDirective) {
	const only = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	cfg, err := a.config(c)
	if err != nil {
		return nil, only
	}
	parent := c.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithTimeout(parent, completeTime)
	defer cancel()
	s, err := openSource(ctx, cfg)
	if err != nil {
		return nil, only
	}
	defer s.close()
	names := f(ctx, s)
	return names[:min(len(names), completeMost)], only
}

// candidate is a name with what describes it. A shell would take a line break in it for
// the end.
func candidate(name, about string) string {
	return cobra.CompletionWithDesc(terminal.Visible(name), terminal.Visible(about))
}

func begins(name, typed string) bool {
	return strings.HasPrefix(strings.ToLower(name), strings.ToLower(typed))
}

func (a *app) completeGuild(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 { // the guild is there
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeGuildFlag(c, args, typed)
}

func (a *app) completeGuildFlag(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.asking(c, func(ctx context.Context, s *source) []string { return guildNames(ctx, s, typed) })
}

func guildNames(ctx context.Context, s *source, typed string) (names []string) {
	var guilds []store.Guild
	if _, err := s.decode(ctx, api.Path("guilds"), nil, &guilds); err != nil {
		return nil
	}
	known := map[string]int{}
	for _, g := range guilds {
		known[g.Name]++
	}
	for _, g := range guilds {
		id := g.ID.String()
		switch {
		case g.Name != "" && known[g.Name] == 1 && begins(g.Name, typed):
			names = append(names, candidate(g.Name, id))
		case begins(id, typed) && (typed != "" || g.Name == "" || known[g.Name] > 1):
			names = append(names, candidate(id, g.Name))
		}
	}
	return names
}

// completeGuildAndUser is for user [GUILD] USER.
func (a *app) completeGuildAndUser(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.asking(c, func(ctx context.Context, s *source) []string {
		if len(args) == 1 {
			return userNames(ctx, s, args[0], typed)
		}
		return append(guildNames(ctx, s, typed), userNames(ctx, s, onlyGuild(ctx, s), typed)...)
	})
}

// completePerson is for the argument of a command that is about somebody.
func (a *app) completePerson(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeUser(c, args, typed)
}

func (a *app) completeUser(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.asking(c, func(ctx context.Context, s *source) []string {
		return userNames(ctx, s, guildOf(ctx, c, s, args), typed)
	})
}

func (a *app) completeChannel(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.asking(c, func(ctx context.Context, s *source) (names []string) {
		guild := guildOf(ctx, c, s, args)
		var channels []coverage.Channel
		if _, err := s.decode(ctx, api.Path("coverage"), url.Values{"guild": {guild}}, &channels); guild == "" || err != nil {
			return nil
		}
		for _, ch := range channels {
			if begins(ch.Name, typed) && ch.Name != "" {
				names = append(names, candidate(ch.Name, ""))
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	})
}

// guildOf is the guild that a command line is about so far, "" if none is known.
func guildOf(ctx context.Context, c *cobra.Command, s *source, args []string) string {
	if f := c.Flags().Lookup("guild"); f != nil {
		if f.Changed {
			return f.Value.String()
		}
	} else if len(args) > 0 {
		return args[0]
	}
	return onlyGuild(ctx, s)
}

func onlyGuild(ctx context.Context, s *source) string {
	var guilds []store.Guild
	if _, err := s.decode(ctx, api.Path("guilds"), nil, &guilds); err != nil || len(guilds) != 1 {
		return ""
	}
	return guilds[0].ID.String()
}

// userNames are those who write most, first.
func userNames(ctx context.Context, s *source, guild, typed string) (names []string) {
	var leaders []api.Leader
	if guild == "" {
		return nil
	}
	if _, err := s.decode(ctx, api.GuildPath(guild, "top"), url.Values{"limit": {"1000"}}, &leaders); err != nil {
		return nil
	}
	known := map[string]int{}
	for _, l := range leaders {
		known[l.Name]++
	}
	for _, l := range leaders {
		id := l.User.String()
		switch {
		case l.Name != "" && known[l.Name] == 1 && begins(l.Name, typed):
			names = append(names, candidate(l.Name, id))
		case begins(id, typed) && (typed != "" || l.Name == "" || known[l.Name] > 1):
			names = append(names, candidate(id, l.Name))
		}
	}
	return names
}

func completeWindow(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"7d", "14d", "30d", "90d", "1y", "all"}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// zoneFolder is where Unix systems have the database of time zones.
const zoneFolder = "/usr/share/zoneinfo"

// completeZone offers the zones of this machine.
func completeZone(_ *cobra.Command, _ []string, typed string) (zones []string, _ cobra.ShellCompDirective) {
	zones = append(zones, "UTC")
	filepath.WalkDir(zoneFolder, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, zoneFolder+"/")
		switch {
		case err != nil:
			return fs.SkipDir
		case d.IsDir() && (d.Name() == "posix" || d.Name() == "right" || d.Name() == "Etc"):
			return fs.SkipDir
		case !d.IsDir() && strings.Contains(name, "/"):
			zones = append(zones, name)
		}
		return nil
	})
	if _, err := os.Stat(zoneFolder); err != nil { // the binary has the database, but no list of it
		zones = append(zones, "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Europe/London")
	}
	zones = slices.DeleteFunc(zones, func(z string) bool { return !begins(z, typed) })
	return zones, cobra.ShellCompDirectiveNoFileComp
}
