// Package api answers questions about the store over HTTP.
//
// The same handlers serve three kinds of callers: other programs over TCP, the
// commands over the daemon's unix socket, and the commands in their own process
// when no daemon runs. That is why a command's answer does not depend on
// whether a daemon runs.
//
//	GET /v1/guilds                                  the guilds that have records
//	GET /v1/guilds/{guild}                          what happened: window, since, until, tz
//	GET /v1/guilds/{guild}/top                      who writes most: the same, by, limit
//	GET /v1/guilds/{guild}/words                    words and emoji: the same, user, limit
//	GET /v1/guilds/{guild}/users/{user}             who a user is: window, since, until, tz
//	GET /v1/guilds/{guild}/users/{user}/context     the same for a prompt: tokens, tz
//	GET /v1/guilds/{guild}/messages                 records, newest first: user, channel, since, until, tz, grep, limit, cursor, names
//	GET /v1/guilds/{guild}/search                   what matches a query: the same but for grep, q
//	GET /v1/guilds/{guild}/messages/{message}/around what was said before and after one: channel, before, after, names
//	GET /v1/state                                   how far the logs have been taken in, the quarantine, the gaps
//	GET /v1/coverage                                what the memory can and cannot know, by channel: guild
//	GET /v1/messages/{id}/why                       why a message is stored or not; an id or a link
//	GET /v1/export                                  every record, a line each: guild, user, since, until, tz, format
//	GET /v1/users/{user}                            what is stored of a person, in all guilds or one: guild
//	DELETE /v1/users/{user}                         forget them: guild
//	DELETE /v1/users/{user}/tombstone               remember them from now on: guild
//	GET /v1/openapi.json                            all of this, precisely (openapi.json)
//	POST /v1/backup                                 a backup of the database, over the socket alone: compact
//	POST /v1/compact                                compact the database, over the socket alone
//	POST /v1/login                                  a one-time link to the web page, over the socket alone
//	POST /v1/import                                 a part of another tool's archive, over the socket alone: dry_run
//	GET /v1/status                                  how the daemon is, everything that can be said
//	GET /healthz, /readyz, /metrics                 open to everyone who reaches the address
//
// A guild or a user is named by its id or by the name it is known by, if only one
// is. Ids are strings in JSON, instants RFC 3339 in UTC with six fraction digits.
// Every error is application/problem+json (RFC 9457).
//
// Since and until take RFC 3339 or YYYY-MM-DD, which is that day's beginning in the
// zone tz (unless given, Options.Zone). For messages and export they select since
// <= time < until. Answers that count do so in whole calendar days of the zone: those of
// the window, or all that since and until touch (window.go). What is said about a
// user's first and last message and streaks is of all time.
//
// Answers that are not streamed have a weak ETag, the hash of their text, and 304
// where the caller has it; what is long is compressed where the caller takes it. A
// page of messages is gathered for two seconds at most, and may be short then.
//
// Over TCP /v1 wants the API token, because other people's processes share the
// loopback; a unix socket is guarded by its file mode. A Host that is not ours is
// refused over TCP (a foreign page whose name was rebound to our address would
// send one), a foreign Origin everywhere. There is no TLS: that is left to a proxy.
//
// Whatever a caller chooses is bounded: the size of the header, the length of
// names, the length and the states of patterns, the elements of a list, the time of
// a query, the number of queries at a time. No request but that of an import has a body.
package api
