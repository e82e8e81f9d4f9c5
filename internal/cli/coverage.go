package cli

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/coverage"
	"rollcall/store"
)

func (a *app) coverageCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "coverage [GUILD]",
		Short: "Show what the memory can and cannot know, by channel",
		Long: "Show, for each channel of a guild or of all guilds, how many messages are stored, the first and\n" +
			"the last one, since when all that was said there is stored, the gaps, and whether the bot can read\n" +
			"it now. A guild is named by id, or by name if only one has it. Times are UTC.\n\n" +
			"A channel is complete since it is listened to, or since its last open or skipped gap. Threads that\n" +
			"the bot is added to begin there. \"rollcall why\" tells about one message.",
		Example: "  rollcall coverage\n" +
			"  rollcall coverage \"The Lounge\" --json",
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeGuild,
		RunE: func(c *cobra.Command, args []string) error {
			query := url.Values{}
			if len(args) == 1 {
				query.Set("guild", args[0])
			}
			return a.reading(c, query, func(s *source) error {
				if a.json {
					return a.copyAnswer(c, s, api.Path("coverage"), query)
				}
				var channels []coverage.Channel
				if _, err := s.decode(c.Context(), api.Path("coverage"), query, &channels); err != nil {
					return err
				}
				var guilds []store.Guild // for their names
				if _, err := s.decode(c.Context(), api.Path("guilds"), nil, &guilds); err != nil {
					return err
				}
				return a.printCoverage(channels, guilds)
			})
		},
	}
}

const coverageNote = "\nAll that was said in a channel is stored from \"complete since\" on (-: not so, or\n" +
	"not known). Gaps are those that are open or skipped: see rollcall state.\n" +
	"About one message: rollcall why LINK\n"

func (a *app) printCoverage(channels []coverage.Channel, guilds []store.Guild) error {
	if len(channels) == 0 {
		_, err := fmt.Fprintln(a.stdout, "nothing is known of any channel")
		return err
	}
	names := map[store.ID]string{}
	for _, g := range guilds {
		names[g.ID] = g.Name
	}
	for i := 0; i < len(channels); {
		guild := channels[i].Guild
		t := a.table("channel", "messages", "first", "last", "complete since", "gaps", "read")
		t.layout(cuts(1, 12), keeps(0), keeps(3), keeps(2), instants(1), keeps(0), keeps(0))
		alignRight(t, 2, 6)
		n := 0
		for ; i < len(channels) && channels[i].Guild == guild; i++ {
			t.AppendRow(coverageRow(channels[i]))
			n++
		}
		title := guild.String()
		if names[guild] != "" {
			title = terminal.Visible(names[guild]) + " (" + title + ")"
		}
		if _, err := fmt.Fprintf(a.stdout, "%s\n\n", a.heading(title)); err != nil {
			return err
		}
		if err := a.print(t, n, ""); err != nil {
			return err
		}
		if i < len(channels) {
			if _, err := fmt.Fprintln(a.stdout); err != nil {
				return err
			}
		}
	}
	_, err := io.WriteString(a.stdout, "\n"+a.prose(strings.TrimSpace(coverageNote))+"\n")
	return err
}

func coverageRow(c coverage.Channel) cells {
	name := terminal.Visible(c.Name)
	gaps, read := 0, "-"
	for _, g := range c.Gaps {
		if g.State != store.GapFilled {
			gaps++
		}
	}
	if c.Readable != nil {
		read = map[bool]string{true: "yes", false: "no"}[*c.Readable]
	}
	return cells{name, c.Messages, day(c.From), day(c.To), minute(c.CompleteSince), gaps, read}
}

// day and minute show an instant shortly, "-" for none.
func day(m *store.Micros) string {
	if m == nil {
		return "-"
	}
	return moment(*m)[:len("2006-01-02")]
}

func minute(m *store.Micros) string {
	if m == nil {
		return "-"
	}
	return moment(*m)[:len("2006-01-02 15:04")]
}

func (a *app) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "why MESSAGE",
		Short: "Say why a message is stored, or why it is not",
		Long: "Say why a message is stored, or why it is not, from the memory alone. MESSAGE is its link, as\n" +
			"Discord copies it, or its id. The link tells more: it names the channel.\n\n" +
			"What is never kept cannot be told: of people who are forgotten or have opted out the file holds\n" +
			"nothing, so only the daemon that kept a message of theirs out can say so, as long as it runs.",
		Example: "  rollcall why https://discord.com/channels/11/22/33\n" +
			"  rollcall why 333333333333333333",
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := coverage.ParseMessage(args[0]); err != nil {
				return usage("why: message cannot be %.100q: %w", args[0], err)
			}
			path := api.Path("messages", args[0], "why")
			return a.reading(c, nil, func(s *source) error {
				if a.json {
					return a.copyAnswer(c, s, path, nil)
				}
				var answer coverage.Answer
				if _, err := s.decode(c.Context(), path, nil, &answer); err != nil {
					return err
				}
				return a.say("%s: %s", strings.ReplaceAll(answer.Reason, "_", " "), terminal.Visible(answer.Detail))
			})
		},
	}
}
