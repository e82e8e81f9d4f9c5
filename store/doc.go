// Package store keeps every message in one bbolt file and answers from it. It
// knows nothing of Discord or of files of logs, and leaves bbolt to its layers in store/internal.
//
// # The file
//
// Keys are big-endian integers, so that they sort; times (i64 µs) have their sign
// bit flipped, quarter hours and weeks are counted from long before the year 0.
// <guild> is a guild's id in decimal, for people with the bbolt tool.
//
//	meta                        format u32 · id 16 bytes · salt, a secret · created i64 µs
//	                            encryption: its key, as JSON (crypt/state.go)
//	                            upgrade: how far one is that was begun (upgrade.go)
//	user_stats/<guild>          user u64 · time i64 · id u64          → records from this one on (internal/record), with texts
//	recent                      guild u64                             → the guild's runs (internal/lsm)
//	recent/<run>                as in user_stats; <run> is guild u64 · number u32
//	timeline/<guild>            quarter hour u32 · chunk u16          → when who wrote (internal/rollup)
//	activity/<guild>            week u32 · first user u64             → for some users: messages by quarter hour and channel (packed, internal/rollup)
//	profiles/<guild>            first user u64                        → for some users: number of messages (packed)
//	channels/<guild>            0 · number u32                        → id u64 · name, a text
//	                            1 · salted hash of id and name, 16 B  → number u32
//	guilds                      guild u64                             → messages, users, channels, spans of the sources, since when there are texts
//	names                       guild u64 · user u64 (0: the guild)   → display name as last seen, a text
//	state/log_migration_state   guild u64                             → YYYYMMDD, the last day read to its end
//	state/log_files             key of the file (LogFile.Key)         → LogFile as JSON, a text
//	state/quarantine            file · 0 · offset u64                 → reason
//	state/channels              guild u64 · channel u64               → last message id seen
//	state/floors                guild u64 · channel u64               → last message id from before the channel was met, if that was after its guild
//	state/guild_cursors         guild u64                             → first seen, heard, away and rechecked, an id each (GuildCursors)
//	state/gaps                  seq u64                               → Gap as JSON
//	state/gaps_open             seq u64 of an open gap                → nothing
//	state/unreadable            guild u64 · channel u64               → Unreadable as JSON
//	state/known                 guild u64 · channel u64               → what is known of a channel beside its records, a text (known.go)
//	state/passed                message u64                           → guild u64 · channel u64 · why u8: it does not count (known.go); 0: how many
//	state/forgotten             hash of a person, 32 bytes            → guild u64 (0: all): who is forgotten and stays so (tombstones.go)
//	state/tasks                 kind u8 · guild u64 · id u64          → a task that is not finished, and how far it is (tasks.go)
//	state/markers               guild u64 · key of a record           → what is left of a message that was removed (markers.go)
//	state/departed              guild u64                             → since when i64: a guild that the bot is not in any more (retention.go)
//	state/accounts              user u64                              → nothing: a bot, a webhook or Discord itself (accounts.go)
//	state/early                 guild u64 · message u64               → what happened to a message that is not there (early.go), an edit with its text
//
// Every value, and every record in a block, ends with the CRC-32C of its key and
// itself: bbolt does not notice a flipped byte. The id of a record is its message's snowflake, or for a log
// line, which has none, a hash with the highest bit set; so putting the same
// record again is no change, and a lost cursor does no harm.
//
// A text may be encrypted (crypt/codec.go). All else is as it is: ids, times, counts, and
// hashes, which are made with the salt, and that is encrypted with the texts.
//
// A record is in user_stats or in one of the runs: those that arrive in small commits
// gather there, until a page of user_stats is worth touching (internal/lsm). What
// activity and profiles do not know yet is in the last of the runs (guild.go).
//
// All that a write changes (records, timeline, activity, profile, cursor) changes
// in one transaction. What stands beside the records can be made from them
// again; Check does so and compares.
//
// # Why these buckets
//
// user_stats gives one user's messages in order, which is what is asked of a
// memory. The timeline gives what that order cannot: newest first across a
// guild, what is older than a date. Activity holds, for each user, how many
// messages in which channel in which quarter hour. Every zone's days and hours
// begin on a quarter hour, so totals, active days, streaks and hours can be told
// in any time zone afterwards, daylight saving time included, without reading
// records; and since its keys begin with the week, a day's commits touch few pages.
//
// # Messages and log lines
//
// A message that the logs had too is one record: merge.go says when they are the
// same. The spans in a guild's entry say where that can be, so that an import
// into years that nothing else has written to does not look.
//
// # What goes
//
// Changes (changes.go) redact, remove or edit messages; SweepTexts, RemoveGuild,
// Forget and the other Tasks remove what is too much for one transaction, in steps.
// What has gone does not come back, from whichever side it is put again.
package store
