// Package metrics shows the state of the daemon in the format of Prometheus, through its
// official client library, on a registry of its own.
//
// Nothing is counted here but the HTTP requests. At each scrape the daemon's parts are
// asked for their state (health.Report), and the tables of this package turn it into
// metrics: store.go, tracker.go, migration.go, daemon.go have one row for each. A new
// metric is a row there and a field in the part that knows.
//
// Names, units and labels follow Prometheus' conventions, which a test checks with its
// linter. No label ever holds a user, a name or what somebody wrote. All are bounded:
//
//	source, outcome, part, state, code   the words of this program
//	shard                                the shards of this process
//	cause                                Discord's closing codes and some words, 39 at most
//	route                                the routes of the HTTP server, and two words
//	guild                                ids of guilds that have logs, 1,000 at most; what is beyond
//	                                     these, or whose guild is not known, is summed up as "other"
package metrics
