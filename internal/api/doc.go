// Package api answers questions about the store over HTTP.
//
// The same handlers serve three kinds of callers: other programs over TCP, the
// commands over the daemon's unix socket, and the commands in their own process
// when no daemon runs. That is why a command's answer does not depend on
// whether a daemon runs.
//
//	GET /v1/guilds                     the guilds that have records
//	GET /v1/guilds/{guild}/messages    records, newest first: user, channel, since, until, grep, limit, cursor
//	GET /v1/state                      how far the logs have been taken in, the quarantine, the gaps
//	GET /v1/export                     every record, a line each: guild, user, since, until, format
//	GET /v1/status                     how the daemon is, everything that can be said
//	GET /healthz, /readyz, /metrics    open to everyone who reaches the address
//
// A guild or a user is named by its id or by the name it is known by, if only one
// is. Ids are strings in JSON, instants RFC 3339 in UTC with six fraction digits;
// since and until also take YYYY-MM-DD, which is that day's beginning in UTC, and
// select since <= time < until. Every error is application/problem+json (RFC 9457).
//
// Over TCP /v1 wants the API token, because other people's processes share the
// loopback; a unix socket is guarded by its file mode. A Host that is not ours is
// refused over TCP (a foreign page whose name was rebound to our address would
// send one), a foreign Origin everywhere. There is no TLS: that is left to a proxy.
//
// Whatever a caller chooses is bounded: the size of the header, the length of
// names and patterns, the records of a page, the time of a query, the number of
// queries at a time. There are no request bodies.
package api
