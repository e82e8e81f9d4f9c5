package metrics

import (
	"rollcall/internal/health"
	"rollcall/migration"
)

// maxGuilds is how many guilds have a label of their own.
const maxGuilds = 1000

// migrationMetrics tell how far the logs have been read.
func migrationMetrics() []metric {
	return []metric{
		gauge("migration_files", "Log files that are there.", eachGuild(func(g *guild) float64 { return float64(g.Files) }), "guild"),
		gauge("migration_read_files", "Log files that have nothing more to read.", eachGuild(func(g *guild) float64 { return float64(g.FilesRead) }), "guild"),
		gauge("migration_damaged_files", "Log files that cannot be read to their end, among those read.", eachGuild(func(g *guild) float64 { return float64(g.Damaged) }), "guild"),
		gauge("migration_bytes", "Size of the log files on the disk.", eachGuild(func(g *guild) float64 { return float64(g.Bytes) }), "guild"),
		gauge("migration_read_bytes", "The part of the log files that has been read; of a compressed one nothing before all of it.", eachGuild(func(g *guild) float64 { return float64(g.BytesRead) }), "guild"),
		gauge("migration_lag_seconds", "How long ago the oldest day ended that is not read to its end; 0 if there is none.", eachGuild(func(g *guild) float64 { return g.lag }), "guild"),
		counter("migration_lines_total", "Lines of the logs that were taken in.", ofMigration(func(m *migration.Status) float64 { return float64(m.Counts.Lines) })),
		gauge("migration_caught_up", "1 when the past is read and the logs are followed as they grow.", ofMigration(func(m *migration.Status) float64 { return flag(m.CaughtUp) })),
		gauge("migration_waiting_for_room", "1 while the migration waits for room on the disk.", ofMigration(func(m *migration.Status) float64 { return flag(m.Waiting) })),
	}
}

func ofMigration(value func(*migration.Status) float64) values {
	return func(r *health.Report, set setter) {
		if r.Migration != nil {
			set(value(r.Migration))
		}
	}
}

// guild is what one value of the label guild stands for.
type guild struct {
	label string
	migration.GuildStatus
	lag float64 // the greatest one, in seconds
}

func eachGuild(value func(*guild) float64) values {
	return func(r *health.Report, set setter) {
		if r.Migration == nil {
			return
		}
		for _, g := range guilds(r) {
			set(value(&g), g.label)
		}
	}
}

// guilds bounds the label guild.
func guilds(r *health.Report) []guild {
	var list []guild
	other := guild{label: "other"}
	others := false
	for _, s := range r.Migration.Guilds {
		lag := s.Lag(r.At.Time()).Seconds()
		if s.Guild != 0 && len(list) < maxGuilds {
			list = append(list, guild{s.Guild.String(), s, lag})
			continue
		}
		others = true
		other.Files += s.Files
		other.FilesRead += s.FilesRead
		other.Damaged += s.Damaged
		other.Bytes += s.Bytes
		other.BytesRead += s.BytesRead
		other.lag = max(other.lag, lag)
	}
	if others {
		list = append(list, other)
	}
	return list
}
