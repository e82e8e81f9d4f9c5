package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/store"
)

func (a *app) searchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "search [GUILD] QUERY...",
		Short: "Find messages by what they say, newest first",
		Long: `Find messages by what they say, newest first.

  word           the word, whatever its case, width and diacritics
  pre*           a word that begins so
  "a phrase"     these words, one after the other (quote them for the shell: '"a phrase"')
  -word          not this; a minus sign goes before each of these but the dates
  from: in: mentions:          a user or a channel, by name or id
  has:           link, file, poll, forward, sticker or reply
  before: after: during:       YYYY-MM-DD, YYYY-MM, YYYY, today or yesterday, in the time zone

All parts must hold; of several from: or in: one. Chinese, Japanese, Thai, Lao, Khmer and
Burmese are written without spaces: there, any piece of a text matches. The guild may be left out
where there is one.`,
		Example: `  rollcall search "The Lounge" 'from:Ada "good morning"'
  rollcall search deploy* -staging in:ops during:yesterday`,
		Args: arguments(1, 1000),
	}
	c.Flags().String("user", "", "only what this `user` said")
	c.Flags().String("channel", "", "only in this `channel`, by name or id")
	complete(c, "user", a.completeUser)
	complete(c, "channel", a.completeChannel)
	spanFlags(c)
	limit := c.Flags().Int("limit", 50, "at most so `many`")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *limit < 1 || *limit > maxMessages {
			return usage("--limit cannot be %d: want a whole number from 1 to %d", *limit, maxMessages)
		}
		query := flagValues(c, "user", "channel", "since", "until", "tz")
		if len(args) == 1 { // of more, the first may be the guild
			query.Set("q", args[0])
		}
		return a.reading(c, query, func(s *source) error {
			guild, words, err := a.guildAndWords(c, s, args)
			if err != nil {
				return err
			}
			query.Set("q", strings.Join(words, " "))
			path := api.GuildPath(guild, "search")
			came := a.knownChannel(c, s, guild, query)
			if a.json {
				return a.streamMessages(c, s, path, query, *limit, came)
			}
			return a.printMatches(c, s, path, query, *limit, came)
		})
	}
	return c
}

// guildAndWords tells the guild from the query that follows it. The guild may be left out
// where there is one.
func (a *app) guildAndWords(c *cobra.Command, s *source, args []string) (guild string, words []string, err error) {
	var guilds []store.Guild
	if _, err := s.decode(c.Context(), "/v1/guilds", nil, &guilds); err != nil {
		return "", nil, err
	}
	named := slices.ContainsFunc(guilds, func(g store.Guild) bool { return g.ID.String() == args[0] || strings.EqualFold(g.Name, args[0]) })
	switch {
	case len(args) > 1 && (named || len(guilds) != 1):
		return args[0], args[1:], nil
	case len(guilds) == 1:
		return guilds[0].ID.String(), args, nil
	case len(guilds) == 0:
		return "", nil, errors.New("nothing is stored yet")
	}
	return "", nil, usage("search: there are %d guilds: name one before the query (see rollcall guilds)", len(guilds))
}

// printMatches prints one table, page by page as they come, as messages does.
func (a *app) printMatches(c *cobra.Command, s *source, path string, query url.Values, limit int, came func(records int, last bool) error) error {
	query.Set("names", "true")
	t := a.messageTable()
	err := eachPage(c, s, path, query, limit, func(page []api.Match, last bool) error {
		if err := came(len(page), last); err != nil {
			return err
		}
		rows := make([]cells, len(page))
		for i, m := range page {
			rows[i] = messageRow(m.Record)
		}
		return t.print(a.stdout, texts(rows))
	})
	if err == nil && !t.begun {
		_, err = fmt.Fprintln(a.stdout, "no messages match")
	}
	return err
}

// behindFlags moves the words of a search that begin with a minus sign, as -spam does, behind
// all flags, so that they are none. Their place in a query makes no difference.
func behindFlags(args []string) []string {
	var first, words []string
	for i, arg := range args {
		switch {
		case arg == "--":
			return append(append(append(first, arg), words...), args[i+1:]...)
		case len(arg) > 1 && arg[0] == '-' && arg[1] != '-' && arg != "-h":
			words = append(words, arg)
		default:
			first = append(first, arg)
		}
	}
	if len(words) == 0 {
		return args
	}
	return append(append(first, "--"), words...)
}
