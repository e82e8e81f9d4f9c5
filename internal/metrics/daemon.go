package metrics

import (
	"runtime"

	"rollcall/internal/health"
	"rollcall/store"
)

// daemonMetrics tell of the process, of its parts and of the backups.
func daemonMetrics() []metric {
	return []metric{
		gauge("build_info", "The version that runs; always 1.", ofDaemon(func(d *health.Daemon, set setter) {
			set(1, d.Version, d.Commit, runtime.Version())
		}), "version", "commit", "goversion"),
		gauge("start_time_seconds", "When the daemon was started, in seconds since 1970.", ofDaemon(func(d *health.Daemon, set setter) {
			set(seconds(d.Started))
		})),
		gauge("part_healthy", "1 while a part is well or off, 0 when it has failed; /readyz says why.", func(r *health.Report, set setter) {
			for name, part := range r.Parts {
				set(flag(part.Status != health.Failed), name)
			}
		}, "part"),

		gauge("backup_interval_seconds", "How often the daemon is to make a backup.", ofBackup(func(b *health.Backup, set setter) {
			set(b.Interval.Seconds())
		})),
		gauge("backup_last_timestamp_seconds", "When the newest backup was begun, in seconds since 1970; 0 if there is none.", ofBackup(func(b *health.Backup, set setter) {
			set(seconds(b.Last))
		})),
		gauge("backup_size_bytes", "Size of the newest backup.", ofBackup(func(b *health.Backup, set setter) {
			set(float64(b.Size))
		})),
		gauge("backup_duration_seconds", "How long the newest backup took.", ofBackup(func(b *health.Backup, set setter) {
			set(b.Took.Seconds())
		})),
		gauge("backup_failing", "1 if the last attempt to make a backup failed.", ofBackup(func(b *health.Backup, set setter) {
			set(flag(b.Error != ""))
		})),
	}
}

func ofDaemon(tell func(d *health.Daemon, set setter)) values {
	return func(r *health.Report, set setter) {
		if r.Daemon != nil {
			tell(r.Daemon, set)
		}
	}
}

func ofBackup(tell func(b *health.Backup, set setter)) values {
	return func(r *health.Report, set setter) {
		if r.Backup != nil {
			tell(r.Backup, set)
		}
	}
}

// seconds is how Prometheus writes an instant.
func seconds(m store.Micros) float64 { return float64(m) / 1e6 }
