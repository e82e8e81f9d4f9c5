package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

// maxMessages is the most that messages prints; export is for more.
const maxMessages = 100_000

// reading wraps a command that asks a source. The query is checked before anything
// is opened, so that a mistyped flag is told as such even where there is no database.
func (a *app) reading(c *cobra.Command, query url.Values, f func(*source) error) error {
	if err := api.CheckQuery(query); err != nil {
		return err
	}
	cfg, err := a.config(c)
	if err != nil {
		return err
	}
	s, err := openSource(c.Context(), cfg)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.close())
}

// flagValues returns the flags of a query that were given, by name.
func flagValues(c *cobra.Command, names ...string) url.Values {
	values := url.Values{}
	for _, name := range names {
		if f := c.Flags().Lookup(name); f.Changed {
			values.Set(name, f.Value.String())
		}
	}
	return values
}

func (a *app) guildsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "guilds",
		Short: "List the guilds that are remembered",
		Long: "List the guilds that are remembered: how many messages of how many users, and the time of the\n" +
			"first and the last one.",
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reading(c, nil, func(s *source) error {
				if a.json {
					return a.copyAnswer(c, s, "/v1/guilds", nil)
				}
				var guilds []store.Guild
				if _, err := s.decode(c.Context(), "/v1/guilds", nil, &guilds); err != nil {
					return err
				}
				return a.printGuilds(guilds)
			})
		},
	}
}

func (a *app) printGuilds(guilds []store.Guild) error {
	t := newTable("guild", "name", "messages", "users", "first", "last")
	alignRight(t, 3, 4)
	for _, g := range guilds {
		t.AppendRow(table.Row{g.ID, terminal.Visible(g.Name), g.Messages, g.Users, moment(g.First), moment(g.Last)})
	}
	return a.print(t, len(guilds), "no messages yet")
}

func (a *app) messagesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "messages GUILD",
		Short: "Show what was said in a guild, newest first",
		Long:  "Show what was said in a guild, newest first. A guild and a user are named by id, or by\nname if only one has it. A day stands for its beginning in UTC.",
		Args:  arguments(1, 1),
	}
	c.Flags().String("user", "", "only what this `user` said")
	c.Flags().String("channel", "", "only in this `channel`, by name or id")
	c.Flags().String("since", "", "not before this `time` (RFC 3339 or YYYY-MM-DD)")
	c.Flags().String("until", "", "only before this `time` (RFC 3339 or YYYY-MM-DD)")
	c.Flags().String("grep", "", "only what matches this regular `expression` (RE2)")
	limit := c.Flags().Int("limit", 50, "at most so `many`")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *limit < 1 || *limit > maxMessages {
			return usage("--limit cannot be %d: want a whole number from 1 to %d", *limit, maxMessages)
		}
		query := flagValues(c, "user", "channel", "since", "until", "grep")
		return a.reading(c, query, func(s *source) error {
			path := "/v1/guilds/" + url.PathEscape(args[0]) + "/messages"
			if a.json {
				return a.streamMessages(c, s, path, query, *limit)
			}
			t := newTable("time", "user", "channel", "message")
			n := 0
			err := eachPage(c, s, path, query, *limit, func(page []api.Record) error {
				for _, r := range page {
					n++
					t.AppendRow(table.Row{moment(r.Time), r.User, terminal.Visible(r.ChannelName), terminal.Visible(r.Content)})
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.print(t, n, "no such messages")
		})
	}
	return c
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

func (a *app) exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Print every record, a line each, by guild, user and time",
		Long:  "Print every record, a line each, by guild, user and time. A guild and a user are named by\nid, or by name if only one has it. A day stands for its beginning in UTC.",
		Args:  arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			query := flagValues(c, "guild", "user", "since", "until", "format")
			return a.reading(c, query, func(s *source) error { return a.copyAnswer(c, s, "/v1/export", query) })
		},
	}
	c.Flags().String("guild", "", "only of this `guild`")
	c.Flags().String("user", "", "only of this `user`")
	c.Flags().String("since", "", "not before this `time` (RFC 3339 or YYYY-MM-DD)")
	c.Flags().String("until", "", "only before this `time` (RFC 3339 or YYYY-MM-DD)")
	c.Flags().String("format", "ndjson", "`ndjson` or csv")
	return c
}

// copyAnswer prints an answer as it comes.
func (a *app) copyAnswer(c *cobra.Command, s *source, path string, query url.Values) error {
	response, err := s.get(c.Context(), path, query)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(a.raw, response.Body); err != nil {
		if _, ok := errors.AsType[outputError](err); ok {
			return err
		}
		return s.broken(err)
	}
	if text := response.Trailer.Get(api.ProblemTrailer); text != "" {
		return s.problem([]byte(text))
	}
	return nil
}
