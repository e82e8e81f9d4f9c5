package metrics

import (
	"rollcall/internal/health"
	"rollcall/store"
)

// storeMetrics tell of the database, its commits and its disk.
func storeMetrics() []metric {
	return []metric{
		counter("messages_total",
			"Messages by where they came from and what became of them. Merged ones are the same message as one that is there from the other side (logs or Discord).",
			messages, "source", "outcome"),
		histogram("commit_duration_seconds", "How long commits took, from holding the writers' lock to the end of the sync.",
			ofCommits(func(s *store.Stats) store.Distribution { return s.CommitSeconds })),
		histogram("commit_records", "How many records commits were of.",
			ofCommits(func(s *store.Stats) store.Distribution { return s.CommitRecords })),
		counter("commits_refused_total", "Attempts to commit that found no room on the disk.", ofDatabase(func(d *health.Database) float64 { return float64(d.Refused) })),
		gauge("last_commit_timestamp_seconds", "When the last commit ended, in seconds since 1970; 0 if there was none since the start.", ofDatabase(func(d *health.Database) float64 { return seconds(d.LastCommit) })),
		gauge("database_size_bytes", "Size of the database file.", ofDatabase(func(d *health.Database) float64 { return float64(d.Size) })),
		gauge("database_free_page_bytes", "The part of the database file that holds nothing and is used before the file grows.", ofDatabase(func(d *health.Database) float64 { return float64(d.Free) })),
		gauge("database_messages", "Messages in the database.", ofDatabase(func(d *health.Database) float64 { return float64(d.Messages) })),
		gauge("database_profiles", "Users in the database, counted in each of their guilds.", ofDatabase(func(d *health.Database) float64 { return float64(d.Profiles) })),
		gauge("database_guilds", "Guilds in the database.", ofDatabase(func(d *health.Database) float64 { return float64(d.Guilds) })),
		counter("damaged_records_total", "How often a record was met that cannot be read.", ofDatabase(func(d *health.Database) float64 { return float64(d.Damaged) })),
		gauge("quarantined_lines", "Malformed lines of the logs that are kept in the list of them, which is bounded.", ofDatabase(func(d *health.Database) float64 { return float64(d.Quarantined) })),
		gauge("disk_free_bytes", "Room that is left for us on the disk of the database.", func(r *health.Report, set setter) {
			if r.Database.DiskFree != nil {
				set(float64(*r.Database.DiskFree))
			}
		}),
	}
}

// readable reports whether the store could be asked: what it has not told is not zero.
func readable(r *health.Report) bool { return r.Parts["store"].Status != health.Failed }

func ofDatabase(value func(*health.Database) float64) values {
	return func(r *health.Report, set setter) {
		if readable(r) {
			set(value(&r.Database))
		}
	}
}

func ofCommits(distribution func(*store.Stats) store.Distribution) func(*health.Report) (store.Distribution, bool) {
	return func(r *health.Report) (store.Distribution, bool) {
		return distribution(&r.Database.Stats), readable(r)
	}
}

// messages puts together what the store, the tracker and the migration count.
func messages(r *health.Report, set setter) {
	if readable(r) {
		for source, o := range r.Database.Records {
			set(float64(o.Stored), source.String(), "stored")
			set(float64(o.Merged), source.String(), "merged")
			set(float64(o.Duplicates), source.String(), "duplicate")
		}
	}
	if t := r.Tracker; t != nil {
		set(float64(t.Filtered), store.SourceLive.String(), "filtered")
		set(float64(t.Malformed), store.SourceLive.String(), "malformed")
		set(float64(t.Backfill.Filtered), store.SourceBackfill.String(), "filtered")
		set(float64(t.Backfill.Unreadable), store.SourceBackfill.String(), "malformed")
	}
	if m := r.Migration; m != nil {
		set(float64(m.Counts.Skipped), store.SourceLog.String(), "filtered")
		set(float64(m.Counts.Malformed), store.SourceLog.String(), "malformed")
	}
}
