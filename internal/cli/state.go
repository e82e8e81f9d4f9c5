package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

// shownRows is how many rows of each list the state shows to people.
const shownRows = 20

func (a *app) stateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "state",
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
				return a.printState(state)
			})
		},
	}
}

func (a *app) printState(s api.State) error {
	complete, bytes := 0, int64(0)
	var unfinished []api.File
	for _, f := range s.Files {
		bytes += f.Offset
		if f.Complete {
			complete++
		} else {
			unfinished = append(unfinished, f)
		}
	}
	fmt.Fprintf(a.stdout, "Log files: %d known, %d read to their end, %d bytes read.\n", len(s.Files), complete, bytes)
	if err := printList(a, "Read to the end of the day", s.LastDates, []any{"guild", "last date"}, func(d api.LastDate) cells {
		return cells{d.Guild, d.Date}
	}); err != nil {
		return err
	}
	if err := printList(a, "Files that are not complete", unfinished, []any{"file", "read", "size"}, func(f api.File) cells {
		return cells{terminal.Visible(f.Path), f.Offset, f.Size}
	}); err != nil {
		return err
	}
	if err := printList(a, "Malformed lines", s.Quarantine, []any{"file", "offset", "reason"}, func(q store.Quarantined) cells {
		return cells{terminal.Visible(q.File), q.Offset, terminal.Visible(q.Reason)}
	}); err != nil {
		return err
	}
	return printList(a, "Gaps", s.Gaps, []any{"guild", "channel", "from", "to", "reason", "state", "found", "note"}, func(g store.Gap) cells {
		return cells{g.Guild, g.Channel, moment(g.From), gapEnd(g), terminal.Visible(g.Reason), g.State, g.Found, terminal.Visible(g.Note)}
	})
}

// gapEnd is when a gap ended, in words while it goes on.
func gapEnd(g store.Gap) string {
	if g.Until == 0 {
		return "now"
	}
	return moment(g.To)
}

// printList prints the last rows of a list under its title, nothing if it is empty.
func printList[T any](a *app, title string, list []T, header []any, row func(T) cells) error {
	if len(list) == 0 {
		return nil
	}
	shown := list[max(0, len(list)-shownRows):]
	t := newTable(header...)
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
