package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/civil"
	"rollcall/internal/cli/terminal"
)

const windowHelp = "\n\nDays are whole calendar days of the time zone. A window ends with today; --since and --until\nname the days themselves, up to the one before --until."

// windowFlags adds the flags that select days.
func windowFlags(c *cobra.Command) {
	c.Flags().String("window", "all", "the last `days`: 7d, 14d, 2w, 1y or all")
	complete(c, "window", completeWindow)
	spanFlags(c)
}

func windowValues(c *cobra.Command, more ...string) url.Values {
	return flagValues(c, append(more, "window", "since", "until", "tz")...)
}

func (a *app) guildCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "guild [GUILD]",
		Short: "Show how active a guild is, when, where and who",
		Long:  "Show how active a guild is, when, where and who. A guild is named by id, or by name if\nonly one has it." + windowHelp,
		Example: "  rollcall guild\n" +
			"  rollcall guild \"The Lounge\" --window 30d\n" +
			"  rollcall guild 123456789012345678 --since 2026-01-01 --tz Europe/Berlin",
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeGuild,
		RunE: func(c *cobra.Command, args []string) error {
			query := windowValues(c)
			return a.aboutGuild(c, query, args, 0, func(s *source, args []string) error {
				path := api.GuildPath(args[0])
				if a.json {
					return a.copyAnswer(c, s, path, query)
				}
				var guild api.Guild
				response, err := s.decode(c.Context(), path, query, &guild)
				if err != nil {
					return err
				}
				return a.printGuild(guild, about(query, response))
			})
		},
	}
	windowFlags(c)
	return c
}

// about says in words which days an answer is about.
func about(query url.Values, response *http.Response) string {
	span := "all time"
	switch since, until := query.Get("since"), query.Get("until"); {
	case since != "" && until != "":
		span = "from " + since + " until " + until
	case since != "":
		span = "since " + since
	case until != "":
		span = "until " + until
	case query.Has("window") && query.Get("window") != "all":
		days, _ := civil.ParseDays(query.Get("window"))
		span = fmt.Sprintf("the last %d days", days)
	}
	return span + ", days and hours of " + response.Header.Get(api.ZoneHeader)
}

// named shows a name to people, the id where none is known.
func named(name string, id fmt.Stringer) string {
	if name == "" {
		return id.String()
	}
	return terminal.Visible(name)
}

// title is the first line of an answer, two where it does not fit into one.
func (a *app) title(name, about string) string {
	if a.tty && !a.wide && terminal.Columns(name)+terminal.Columns(about)+3 > terminal.Width() {
		return a.heading(terminal.Shorten(name, terminal.Width())) + "\n" + a.prose("("+about+")") + "\n\n"
	}
	return fmt.Sprintf("%s (%s)\n\n", a.heading(name), about)
}

func (a *app) printGuild(g api.Guild, about string) error {
	var b strings.Builder
	b.WriteString(a.title(named(g.Name, g.ID), about))
	fmt.Fprintf(&b, "%d messages of %d people\n", g.Messages, g.Users)
	if g.Messages > 0 {
		line, days := sparkline(g.Daily, a.width(80)-2)
		columns := "a column is a day"
		if days > 1 {
			columns = fmt.Sprintf("a column is %d days", days)
		}
		first, last := g.Daily[0].Date, g.Daily[len(g.Daily)-1].Date
		fmt.Fprintf(&b, "\n%s\n\n%s\n", a.heading(a.prose(fmt.Sprintf("Days, %s to %s; %s", first, last, columns))), a.drawing(line))
		fmt.Fprintf(&b, "\n%s\n\n%s", a.heading("Hours of the week"), a.drawing(heatMap(g.Heatmap, hourColumns(a.width(80), 5))))
		var channels, users []counted
		for _, c := range g.TopChannels {
			channels = append(channels, counted{terminal.Visible(c.Name), c.Messages})
		}
		for _, u := range g.TopUsers {
			users = append(users, counted{named(u.Name, u.User), u.Messages})
		}
		b.WriteString(a.countedList("Channels", channels) + a.countedList("People", users))
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

func (a *app) topCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "top [GUILD]",
		Short: "Show who writes most in a guild",
		Long:  "Show who writes most in a guild, by messages or by days with messages. A guild is named by\nid, or by name if only one has it." + windowHelp,
		Example: "  rollcall top\n" +
			"  rollcall top \"The Lounge\" --by days --window 90d --limit 20",
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeGuild,
		RunE: func(c *cobra.Command, args []string) error {
			query := windowValues(c, "by", "limit")
			return a.aboutGuild(c, query, args, 0, func(s *source, args []string) error {
				path := api.GuildPath(args[0], "top")
				if a.json {
					return a.copyAnswer(c, s, path, query)
				}
				var leaders []api.Leader
				if _, err := s.decode(c.Context(), path, query, &leaders); err != nil {
					return err
				}
				t := a.table("rank", "messages", "days", "share", "user", "name")
				t.layout(keeps(1), keeps(0), keeps(3), keeps(4), keeps(2), cuts(1, 10))
				alignRight(t, 1, 2, 3, 4)
				for _, l := range leaders {
					t.AppendRow(cells{l.Rank, l.Messages, l.Days, fmt.Sprintf("%.1f %%", l.Share*100), l.User, terminal.Visible(l.Name)})
				}
				return a.print(t, len(leaders), "no messages")
			})
		},
	}
	c.Flags().String("by", "messages", "what counts: `messages` or days")
	complete(c, "by", cobra.FixedCompletions([]string{"messages", "days"}, cobra.ShellCompDirectiveNoFileComp))
	c.Flags().String("limit", "10", "at most so `many`")
	windowFlags(c)
	return c
}
