// Package health says how the daemon is: to HTTP, to systemd, to people and to the metrics.
//
//	tracker ───┐                ┌──▶ /healthz, /readyz   Condition: is it alive, is it ready, part by part
//	migration ─┤                ├──▶ /v1/status          Report: everything, for programs
//	store ─────┼──▶ Vitals ─────┼──▶ rollcall status     Report.Lines: the same in words
//	disk ──────┤                ├──▶ systemd             Report.Summary, and the watchdog
//	backup ────┘                └──▶ internal/metrics    Report, at every scrape
//
// Nothing is gathered here: whoever asks makes the parts tell of themselves.
//
// There are three questions. Is it alive: nothing is wrong with the file, the disk or the
// writer that needs somebody? Is it ready: does it take in messages now? Is it stalled:
// would a restart help? Only the last one keeps the watchdog from being fed; a full disk
// or an unreachable gateway heals by itself.
package health
