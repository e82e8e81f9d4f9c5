package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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
		Use:   "messages GUILD",
		Short: "Show what was said in a guild, newest first",
		Long:  "Show what was said in a guild, newest first. A guild and a user are named by id, or by\nname if only one has it. A day stands for its beginning in the time zone.\n\nA forward, a poll and stickers are shown as such. --grep looks through what people wrote\n(the content, a poll's question and answers, stickers' names) and, apart from it, through\nthe text of the messages that they forwarded: a match lies in one of these.",
		Args:  arguments(1, 1),
	}
	c.Flags().String("user", "", "only what this `user` said")
	c.Flags().String("channel", "", "only in this `channel`, by name or id")
	spanFlags(c)
	c.Flags().String("grep", "", "only what matches this regular `expression` (RE2); polls, stickers' names and forwarded texts too")
	limit := c.Flags().Int("limit", 50, "at most so `many`")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *limit < 1 || *limit > maxMessages {
			return usage("--limit cannot be %d: want a whole number from 1 to %d", *limit, maxMessages)
		}
		query := flagValues(c, "user", "channel", "since", "until", "tz", "grep")
		return a.reading(c, query, func(s *source) error {
			path := guildPath(args[0], "messages")
			if a.json {
				return a.streamMessages(c, s, path, query, *limit)
			}
			return a.printMessages(c, s, path, query, *limit)
		})
	}
	return c
}

// printMessages prints one table, page by page as they come. Later pages may widen it.
func (a *app) printMessages(c *cobra.Command, s *source, path string, query url.Values, limit int) error {
	query.Set("names", "true")
	t := messageTable(a.colour)
	err := eachPage(c, s, path, query, limit, func(page []api.Record) error {
		rows := make([][]string, len(page))
		for i, r := range page {
			rows[i] = messageRow(r)
		}
		return t.print(a.stdout, rows)
	})
	if err == nil && !t.begun {
		_, err = fmt.Fprintln(a.stdout, "no such messages")
	}
	return err
}

func messageTable(bold bool) *columns {
	return &columns{header: []string{"time", "user", "channel", "message"}, bold: bold}
}

func messageRow(r api.Record) []string {
	user := r.UserName
	if user == "" {
		user = r.User.String()
	}
	return []string{moment(r.Time), terminal.Visible(user), terminal.Visible(r.ChannelName), textOf(r)}
}

// streamMessages prints one JSON array of all pages, each record as it came.
func (a *app) streamMessages(c *cobra.Command, s *source, path string, query url.Values, limit int) error {
	separator := "["
	err := eachPage(c, s, path, query, limit, func(page []json.RawMessage) error {
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

// eachPage follows the links from page to page until limit records have come.
func eachPage[T any](c *cobra.Command, s *source, path string, query url.Values, limit int, f func([]T) error) error {
	for limit > 0 {
		query.Set("limit", fmt.Sprint(min(limit, api.MaxLimit)))
		var page []T
		response, err := s.decode(c.Context(), path, query, &page)
		if err != nil {
			return err
		}
		if err := f(page); err != nil {
			return err
		}
		limit -= len(page)
		cursor := nextCursor(response)
		if cursor == "" {
			return nil
		}
		query.Set("cursor", cursor)
	}
	return nil
}

// nextCursor returns the cursor of the Link to the next page, "" if there is none.
func nextCursor(response *http.Response) string {
	target, rel, _ := strings.Cut(response.Header.Get("Link"), ">")
	next, err := url.Parse(strings.TrimPrefix(target, "<"))
	if err != nil || !strings.Contains(rel, `rel="next"`) {
		return ""
	}
	return next.Query().Get("cursor")
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
