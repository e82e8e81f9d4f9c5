package cli

import (
	"cmp"
	"context"
	"errors"
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

// reading wraps a command that asks a source. The query is checked before anything
// is opened, so that a mistyped flag is told as such even where there is no database.
//
// Of a command with the flag --tz, the zone of its own environment is part of the
// query, if one is set there: the daemon's may be another.
func (a *app) reading(c *cobra.Command, query url.Values, f func(*source) error) error {
	cfg, err := a.config(c)
	if err != nil {
		return err
	}
	if c.Flags().Lookup("tz") != nil && cfg.TZ.IsSet() && !query.Has("tz") {
		query.Set("tz", cfg.TZ.String())
	}
	if err := api.CheckQuery(query); err != nil {
		return err
	}
	s, err := openSource(c.Context(), cfg)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.close())
}

// aboutGuild is reading for a command whose arguments are a guild and so many others. Where
// the database holds one guild only, that is the one if it is left out.
func (a *app) aboutGuild(c *cobra.Command, query url.Values, args []string, others int, f func(s *source, args []string) error) error {
	return a.reading(c, query, func(s *source) error {
		if len(args) > others {
			return f(s, args)
		}
		var guilds []store.Guild
		if _, err := s.decode(c.Context(), api.Path("guilds"), nil, &guilds); err != nil {
			return err
		}
		switch len(guilds) {
		case 0:
			return errors.New("no messages yet: there is no guild to tell of")
		case 1:
			return f(s, append([]string{guilds[0].ID.String()}, args...))
		}
		var names []string
		for _, g := range guilds[:min(len(guilds), 5)] {
			names = append(names, fmt.Sprintf("%q", cmp.Or(g.Name, g.ID.String())))
		}
		if more := len(guilds) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		return usage("%s: there are %d guilds, name one: %s", c.Name(), len(guilds), strings.Join(names, ", "))
	})
}

// knowsChannel is an error if nothing is known of a channel of that name or id.
func (s *source) knowsChannel(ctx context.Context, guild, channel string) error {
	var channels []coverage.Channel
	if _, err := s.decode(ctx, api.Path("coverage"), url.Values{"guild": {guild}}, &channels); err != nil {
		return err
	}
	for _, c := range channels {
		if c.Name == channel || c.ID != nil && c.ID.String() == channel {
			return nil
		}
	}
	return fmt.Errorf("no such channel: %q; rollcall coverage lists them", channel)
}

// spanFlags adds --since, --until and --tz.
func spanFlags(c *cobra.Command) {
	c.Flags().String("since", "", "not before this `time`: YYYY-MM-DD, RFC 3339, or how long ago: 7d, 12h")
	c.Flags().String("until", "", "only before this `time`, written the same")
	c.Flags().String("tz", "", "the time `zone` of days and hours, instead of ROLLCALL_TZ")
	complete(c, "tz", completeZone)
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
		Example: "  rollcall guilds\n  rollcall guilds --json",
		Args:    arguments(0, 0),
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
	t := a.table("guild", "name", "messages", "users", "first", "last")
	t.layout(keeps(2), cuts(1, 10), keeps(0), keeps(3), instants(5), instants(4))
	alignRight(t, 3, 4)
	for _, g := range guilds {
		t.AppendRow(cells{g.ID, terminal.Visible(g.Name), g.Messages, g.Users, moment(g.First), moment(g.Last)})
	}
	return a.print(t, len(guilds), "no messages yet")
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
