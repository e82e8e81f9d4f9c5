package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
)

// maxMessages is the most that messages prints; export is for more.
const maxMessages = 100_000

func (a *app) messagesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "messages [GUILD]",
		Short: "Show what was said in a guild, newest first",
		Long:  "Show what was said in a guild, newest first. A guild and a user are named by id, or by\nname if only one has it. A day stands for its beginning in the time zone.\n\nA forward, a poll and stickers are shown as such. --grep looks through what people wrote\n(the content, a poll's question and answers, stickers' names) and, apart from it, through\nthe text of the messages that they forwarded: a match lies in one of these.",
		Example: "  rollcall messages --limit 10\n" +
			"  rollcall messages \"The Lounge\" --user Ada --since 7d\n" +
			"  rollcall messages --grep 'release|deploy' -i\n" +
			"  rollcall messages --json | jq -r '.[].message_content'",
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeGuild,
	}
	c.Flags().String("user", "", "only what this `user` said")
	c.Flags().String("channel", "", "only in this `channel`, by name or id")
	spanFlags(c)
	c.Flags().String("grep", "", "only what matches this regular `expression` (RE2); polls, stickers' names and forwarded texts too")
	ignoreCase := c.Flags().BoolP("ignore-case", "i", false, "with --grep: whatever the letter case")
	complete(c, "user", a.completeUser)
	complete(c, "channel", a.completeChannel)
	limit := c.Flags().Int("limit", 50, "at most so `many`")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *limit < 1 || *limit > maxMessages {
			return usage("--limit cannot be %d: want a whole number from 1 to %d", *limit, maxMessages)
		}
		query := flagValues(c, "user", "channel", "since", "until", "tz", "grep")
		if *ignoreCase {
			if !query.Has("grep") {
				return usage("--ignore-case goes with --grep")
			}
			query.Set("grep", "(?i)"+query.Get("grep"))
		}
		return a.aboutGuild(c, query, args, 0, func(s *source, args []string) error {
			path := api.GuildPath(args[0], "messages")
			print := a.printMessages
			if a.json {
				print = a.streamMessages
			}
			return print(c, s, path, query, *limit, a.knownChannel(c, s, args[0], query))
		})
	}
	return c
}

// knownChannel is told of each page how many records it has. Where there are none at all in
// a channel of which nothing is known, that is the error.
func (a *app) knownChannel(c *cobra.Command, s *source, guild string, query url.Values) func(records int, last bool) error {
	found := 0
	return func(records int, last bool) error {
		if found += records; found > 0 || !last || !query.Has("channel") {
			return nil
		}
		return s.knowsChannel(c.Context(), guild, query.Get("channel"))
	}
}

// printMessages prints one table, page by page as they come. Later pages may widen it.
func (a *app) printMessages(c *cobra.Command, s *source, path string, query url.Values, limit int, came func(records int, last bool) error) error {
	query.Set("names", "true")
	t := a.messageTable()
	err := eachPage(c, s, path, query, limit, func(page []api.Record, last bool) error {
		if err := came(len(page), last); err != nil {
			return err
		}
		rows := make([]cells, len(page))
		for i, r := range page {
			rows[i] = messageRow(r)
		}
		return t.print(a.stdout, texts(rows))
	})
	if err == nil && !t.begun {
		_, err = fmt.Fprintln(a.stdout, "no messages match")
	}
	return err
}

func (a *app) messageTable() *table {
	t := a.columns("time", "user", "channel", "message")
	at := instants(3)
	at.least = len("2006-01-02 15:04")
	t.layout(at, cuts(1, 8), cuts(2, 8), wraps(0, 16))
	return t
}

func messageRow(r api.Record) cells {
	user := r.UserName
	if user == "" {
		user = r.User.String()
	}
	return cells{moment(r.Time), terminal.Visible(user), terminal.Visible(r.ChannelName), textOf(r)}
}

// streamMessages prints one JSON array of all pages, each record as it came.
func (a *app) streamMessages(c *cobra.Command, s *source, path string, query url.Values, limit int, came func(records int, last bool) error) error {
	separator := "["
	err := eachPage(c, s, path, query, limit, func(page []json.RawMessage, last bool) error {
		if err := came(len(page), last); err != nil {
			return err
		}
		for _, r := range page {
			if _, err := fmt.Fprintf(a.raw, "%s%s", separator, r); err != nil {
				return err
			}
			separator = ","
		}
		return nil
	})
	if err != nil {
		return err
	}
	end := "]\n"
	if separator == "[" {
		end = "[]\n"
	}
	_, err = io.WriteString(a.raw, end)
	return err
}

// eachPage follows the links from page to page until limit records have come, and tells of
// each page whether it is the last one.
func eachPage[T any](c *cobra.Command, s *source, path string, query url.Values, limit int, f func(page []T, last bool) error) error {
	for limit > 0 {
		query.Set("limit", fmt.Sprint(min(limit, api.MaxLimit)))
		var page []T
		response, err := s.decode(c.Context(), path, query, &page)
		if err != nil {
			return err
		}
		limit -= len(page)
		cursor := api.NextCursor(response.Header)
		if err := f(page, cursor == "" || limit <= 0); err != nil {
			return err
		}
		if cursor == "" {
			return nil
		}
		query.Set("cursor", cursor)
	}
	return nil
}

// textOf is what people see of a message: its content, and what it says besides.
func textOf(r api.Record) string {
	var parts []string
	switch {
	case r.Redacted && r.Forwarded == nil:
		parts = append(parts, notKept)
	case r.Content != "":
		parts = append(parts, terminal.Visible(r.Content))
	}
	if p := r.Poll; p != nil {
		parts = append(parts, "poll: "+terminal.Visible(p.Question))
		for _, answer := range p.Answers {
			parts = append(parts, "["+terminal.Visible(answer)+"]")
		}
	}
	for _, name := range r.Stickers {
		parts = append(parts, "(sticker: "+terminal.Visible(name)+")")
	}
	if f := r.Forwarded; f != nil {
		parts = append(parts, "forwarded:")
		switch {
		case r.Redacted:
			parts = append(parts, notKept)
		case f.Content != "":
			parts = append(parts, terminal.Visible(f.Content))
		}
		parts = append(parts, files(f.Attachments)...)
	}
	if r.Attachments != nil && r.Content == "" {
		parts = append(parts, files(*r.Attachments)...)
	}
	return strings.Join(parts, " ")
}

const notKept = "(not kept)" // of a text

// files tells of attachments, if there are any.
func files(n int) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{"(1 attachment)"}
	}
	return []string{fmt.Sprintf("(%d attachments)", n)}
}
