package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/coverage"
	"rollcall/internal/health"
	"rollcall/store"
)

// shownRows is how many rows of each list the state shows to people.
const shownRows = 20

func (a *app) stateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "state",
		Example: "  rollcall state\n" +
			"  rollcall state --json | jq '.files | length'",
		Short: "Show how far the logs have been taken in, what was malformed, and the gaps",
		Long: "Show how far each log file has been taken in, which lines were malformed and why, and the gaps:\n" +
			"the spans in which nobody listened, filled from Discord's history, still open, or skipped and why.\n" +
			"One of a channel that the bot may not read goes on until now, and is open until it may be filled.",
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reading(c, nil, func(s *source) error {
				if a.json {
					return a.copyAnswer(c, s, "/v1/state", nil)
				}
				var state api.State
				if _, err := s.decode(c.Context(), "/v1/state", nil, &state); err != nil {
					return err
				}
				names, err := s.guildNames(c.Context())
				if err != nil {
					return err
				}
				var channels map[store.ID]string
				if len(state.Gaps) > 0 { // coverage reads all guilds' weeks
					if channels, err = s.channelNames(c.Context()); err != nil {
						return err
					}
				}
				return a.printState(state, names, channels)
			})
		},
	}
}

// guildNames returns the names of the guilds, by id.
func (s *source) guildNames(ctx context.Context) (map[store.ID]string, error) {
	var guilds []store.Guild
	if _, err := s.decode(ctx, api.Path("guilds"), nil, &guilds); err != nil {
		return nil, err
	}
	names := map[store.ID]string{}
	for _, g := range guilds {
		names[g.ID] = g.Name
	}
	return names, nil
}

// channelNames returns the names of the channels that have an id, by it.
func (s *source) channelNames(ctx context.Context) (map[store.ID]string, error) {
	var channels []coverage.Channel
	if _, err := s.decode(ctx, api.Path("coverage"), nil, &channels); err != nil {
		return nil, err
	}
	names := map[store.ID]string{}
	for _, c := range channels {
		if c.ID != nil && c.Name != store.UnknownChannel {
			names[*c.ID] = c.Name
		}
	}
	return names, nil
}

func (a *app) printState(s api.State, names, channels map[store.ID]string) error {
	complete, bytes := 0, int64(0)
	var unfinished []api.File
	for _, f := range s.Files {
		bytes += f.Offset
		if f.Complete || readToItsEnd(f) {
			complete++
		} else {
			unfinished = append(unfinished, f)
		}
	}
	line := fmt.Sprintf("Log files: %d known, %d read to their end, %s read.", len(s.Files), complete, health.Size(bytes))
	if _, err := fmt.Fprintln(a.stdout, a.prose(line)); err != nil {
		return err
	}
	if err := printList(a, "Read to the end of the day", s.LastDates, []string{"guild", "last date"}, []column{cuts(1, 10), keeps(0)}, func(d api.LastDate) cells {
		return cells{named(names[d.Guild], d.Guild), d.Date}
	}); err != nil {
		return err
	}
	if err := printList(a, "Files that are not read to their end", unfinished, []string{"file", "read", "size"}, []column{tails(1, 16), keeps(0), keeps(2)}, func(f api.File) cells {
		return cells{terminal.Visible(f.Path), health.Size(f.Offset), health.Size(f.Size)}
	}); err != nil {
		return err
	}
	if err := printList(a, "Malformed lines", s.Quarantine, []string{"file", "offset", "reason"}, []column{tails(1, 16), keeps(0), wraps(0, 12)}, func(q store.Quarantined) cells {
		return cells{terminal.Visible(q.File), q.Offset, terminal.Visible(q.Reason)}
	}); err != nil {
		return err
	}
	return printList(a, "Gaps", s.Gaps, []string{"guild", "channel", "from", "to", "reason", "state", "found", "note"},
		[]column{cuts(5, 8), cuts(2, 8), instants(1), instants(3), cuts(2, 8), keeps(0), keeps(4), wraps(1, 10)}, func(g store.Gap) cells {
			channel := named(channels[g.Channel], g.Channel)
			if g.Channel == g.Guild { // the search for archived threads
				channel = "-"
			}
			return cells{named(names[g.Guild], g.Guild), channel, moment(g.From), gapEnd(g), terminal.Visible(g.Reason), g.State, g.Found, terminal.Visible(g.Note)}
		})
}

// readToItsEnd reports whether a file that may still grow has nothing to read now. Of a
// compressed one, whose size is another, only its completion tells.
func readToItsEnd(f api.File) bool {
	return f.Offset >= f.Size && !strings.HasSuffix(f.Path, ".gz") && !strings.HasSuffix(f.Path, ".zst")
}

// gapEnd is when a gap ended, in words while it goes on.
func gapEnd(g store.Gap) string {
	if g.Until == 0 {
		return "now"
	}
	return moment(g.To)
}

// printList prints the last rows of a list under its title, nothing if it is empty.
func printList[T any](a *app, title string, list []T, header []string, columns []column, row func(T) cells) error {
	if len(list) == 0 {
		return nil
	}
	shown := list[max(0, len(list)-shownRows):]
	t := a.table(header...)
	t.layout(columns...)
	for _, element := range shown {
		t.AppendRow(row(element))
	}
	more := ""
	if len(shown) < len(list) {
		more = fmt.Sprintf(" (the last %d of %d; --json has all)", len(shown), len(list))
	}
	if _, err := fmt.Fprintf(a.stdout, "\n%s%s:\n\n", title, more); err != nil {
		return err
	}
	return a.print(t, len(shown), "")
}
