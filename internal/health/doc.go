// Package health says how the daemon is, to HTTP and to systemd.
//
// There are three questions. Is it healthy: nothing is wrong that needs somebody
// (a full disk, a writer that hangs)? Is it ready: does it take in messages now?
// Is it stalled: would a restart help? Only the last one keeps the watchdog from
// being fed; a full disk or an unreachable gateway heals by itself.
package health
