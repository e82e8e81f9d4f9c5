package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"rollcall/internal/cli/terminal"
	"rollcall/internal/health"
	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status",
		Example: "  rollcall status\n" +
			"  watch rollcall status",
		Short: "Show how the daemon is, on one screen",
		Long: "Show how the daemon is, on one screen: the gateway, what waits to be committed, the database\n" +
			"and its disk, the logs, the gaps, the backups. Without a daemon it shows what the database\n" +
			"itself can say. For the health checks of supervisors see \"rollcall health\".",
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reading(c, nil, func(s *source) error {
				if a.json {
					return a.copyAnswer(c, s, "/v1/status", nil)
				}
				var report health.Report
				if _, err := s.decode(c.Context(), "/v1/status", nil, &report); err != nil {
					return err
				}
				names, err := s.guildNames(c.Context())
				if err != nil {
					return err
				}
				return a.printStatus(&report, names)
			})
		},
	}
}

func (a *app) printStatus(r *health.Report, names map[store.ID]string) error {
	t := a.table("part", "state", "")
	t.layout(keeps(0), keeps(1), wraps(0, 20))
	lines := r.Lines()
	for _, l := range lines {
		t.AppendRow(cells{l.Part, l.State, terminal.Visible(l.Text)})
	}
	if err := a.print(t, len(lines), ""); err != nil {
		return err
	}
	if r.Tracker != nil && slices.ContainsFunc(r.Tracker.Shards, func(s tracker.ShardStatus) bool {
		return len(r.Tracker.Shards) > 1 || s.State != tracker.ShardConnected
	}) {
		err := printList(a, "Shards", r.Tracker.Shards, []string{"shard", "state", "since", "sessions", "resumes", "last ended because"},
			[]column{keeps(0), keeps(0), instants(2), keeps(3), keeps(3), wraps(1, 12)}, func(s tracker.ShardStatus) cells {
				return cells{s.Shard, s.State, moment(s.Since), s.Sessions, s.Resumes, terminal.Visible(s.Reason)}
			})
		if err != nil {
			return err
		}
	}
	if r.Migration == nil {
		return nil
	}
	return printList(a, "Logs", r.Migration.Guilds, []string{"guild", "folder", "read", "files", "size", "read to", "behind since"},
		[]column{cuts(1, 10), tails(4, 10), keeps(0), keeps(3), keeps(2), keeps(1), keeps(1)}, func(g migration.GuildStatus) cells {
			guild := ""
			if g.Guild != 0 {
				guild = named(names[g.Guild], g.Guild)
			}
			return cells{guild, terminal.Visible(g.Folder), health.Percent(g.BytesRead, g.Bytes), g.Files, health.Size(g.Bytes), g.LastDate, g.Behind}
		})
}
