package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
)

func (a *app) userCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "user [GUILD] USER",
		Short: "Show who a user is: when and where active, which words, which streaks",
		Long: "Show who a user is in a guild: when and where active, which words, which streaks. Both are\nnamed by id, or by name if only one has it." + windowHelp +
			"\n\nWith --context it prints a short text about the user, for the prompt of a language model.",
		Example: "  rollcall user Ada\n" +
			"  rollcall user \"The Lounge\" Ada --window 30d\n" +
			"  rollcall user Ada --context --tokens 300     # for a model's prompt",
		Args:              arguments(1, 2),
		ValidArgsFunction: a.completeGuildAndUser,
	}
	windowFlags(c)
	context := c.Flags().Bool("context", false, "print text for a language model's prompt")
	c.Flags().String("tokens", "500", "how `many` tokens the text may have")
	c.RunE = func(c *cobra.Command, args []string) error {
		query := windowValues(c, "tokens")
		more := ""
		switch {
		case *context && a.json:
			return usage("--context prints text: leave out --json")
		case *context && (query.Has("window") || query.Has("since") || query.Has("until")):
			return usage("--context is about all time: leave out --window, --since and --until")
		case !*context && query.Has("tokens"):
			return usage("--tokens goes with --context")
		case *context:
			more = "context"
		}
		return a.aboutGuild(c, query, args, 1, func(s *source, args []string) error {
			path := api.GuildPath(args[0], "users", args[1])
			if more != "" {
				path += "/" + more
			}
			if *context || a.json {
				return a.copyAnswer(c, s, path, query)
			}
			var user api.User
			response, err := s.decode(c.Context(), path, query, &user)
			if err != nil {
				return err
			}
			return a.printUser(user, about(query, response))
		})
	}
	return c
}

func (a *app) printUser(u api.User, about string) error {
	var b strings.Builder
	b.WriteString(a.title(named(u.Name, u.ID), about))
	fmt.Fprintf(&b, "%d messages\n", u.Messages)
	fmt.Fprintf(&b, "first of all time  %s\n", moment(u.First))
	fmt.Fprintf(&b, "last of all time   %s\n", moment(u.Last))
	row := fmt.Sprintf("%d now, %d at most, the last active day %s", u.Streak, u.LongestStreak, u.LastDay)
	hang(&b, "days in a row      ", row, a.width(1<<20))
	if u.Messages > 0 {
		fmt.Fprintf(&b, "\n%s\n\n%s", a.heading("Hours of the day"), a.drawing(hourBars(u.Hours, 4, hourColumns(a.width(80), 0))))
		fmt.Fprintf(&b, "\n%s\n\n%s", a.heading("Days of the week"), a.drawing(weekdayBars(u.Weekdays, a.width(80))))
		var channels []counted
		for _, c := range u.TopChannels {
			channels = append(channels, counted{terminal.Visible(c.Name), c.Messages})
		}
		b.WriteString(a.countedList("Channels", channels) + a.wordLists(api.Words{Words: u.TopWords, Emojis: u.TopEmojis}))
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

func (a *app) wordLists(w api.Words) string {
	var words, emojis []counted
	for _, word := range w.Words {
		words = append(words, counted{terminal.Visible(word.Word), word.Count})
	}
	for _, emoji := range w.Emojis {
		emojis = append(emojis, counted{terminal.Visible(emoji.Emoji), emoji.Count})
	}
	return a.countedList("Words", words) + a.countedList("Emoji", emojis)
}

func (a *app) wordsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "words [GUILD]",
		Short: "Show the words and emoji that are written most in a guild, or by a user",
		Long:  "Show the words and emoji that are written most in a guild, or by a user. Both are named by id,\nor by name if only one has it." + windowHelp,
		Example: "  rollcall words\n" +
			"  rollcall words \"The Lounge\" --user Ada --window 30d",
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeGuild,
		RunE: func(c *cobra.Command, args []string) error {
			query := windowValues(c, "user", "limit")
			return a.aboutGuild(c, query, args, 0, func(s *source, args []string) error {
				path := api.GuildPath(args[0], "words")
				if a.json {
					return a.copyAnswer(c, s, path, query)
				}
				var words api.Words
				response, err := s.decode(c.Context(), path, query, &words)
				if err != nil {
					return err
				}
				lists := a.wordLists(words)
				if lists == "" {
					lists = "\nno words\n"
				}
				_, err = fmt.Fprintf(a.stdout, "%s\n%s", about(query, response), lists)
				return err
			})
		},
	}
	c.Flags().String("user", "", "only what this `user` wrote")
	complete(c, "user", a.completeUser)
	c.Flags().String("limit", "20", "at most so `many` words and emoji, instead of 20 and 10")
	windowFlags(c)
	return c
}
