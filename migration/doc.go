// Package migration turns the log files of the bot before us into records.
//
// Once takes in all there is and returns: the migrate command. A Follower is
// the daemon's: it takes in the past politely and then follows the logs as they
// grow. Both may be stopped at any moment, by kill -9 too, and go on behind the
// last line that was committed, since a file's cursor is committed in one
// transaction with the records up to it.
//
// # What is read
//
//	<root>/<guild id or name>/<YYYYMMDD>/info.jsonl
//	<root>/<guild name>/<YYYYMMDD>/bot_log_INFO.jsonl         an older name of the same
//	<root>/…/<YYYYMMDD>/bot_log_INFO.jsonl                    of a name with slashes
//	<root>/…/bot_log_<YYYYMMDD>|INFO.jsonl                    of a name with bars, see placeOf
//	<root>/emergency/*.jsonl                                  lines saved when writing failed
//
// each of them plain, .gz or .zst (the first of these that is there), in the
// order of guild ids, then of names, then emergency; within a guild day by day. Folders nested
// by a slash in a guild's name come after their parent.
// Never the folders Bot, system and DirectMessage, and no other levels. Text
// logs (bot_log_HH.log) hold no user ids: they are counted and named, and so is every
// other file below the root that is not known to hold no messages.
//
// The root may be a link. Links below it are followed if they stay below it. A
// file that links show in several places is read once, and where it really is if
// that is one of the places above.
//
// guilds_map.json in the root says whose a folder is that is named after a
// guild: it is then read together with the one named after the guild's id.
// guilds_and_channels.json in a guild's folder gives channels their ids where
// only one channel has the name.
//
// # What a line counts as
//
// A message, a duplicate (the store finds these), skipped, or malformed, in
// which case file, offset and reason go to the quarantine list: see parse. In a
// malformed line another record may start (see recordStart): it is a line of its own. What
// stands behind the last newline is a line in the file of an earlier day, and
// none yet in today's. If such an earlier day's line has grown by the next time,
// what it counted as is taken back. Days are those of UTC, by Options.Now.
//
// A cursor says by which edition of these rules its file was read. Where a newer one
// understands what an older one called malformed, those lines alone are taken in, once.
//
// A day is done when it is over and all of its files have been read to their
// ends. Its guild's last date is moved in the transaction that has the last of
// their records. Emergency files move no last date.
//
// A complete file that still has its size and time is not opened again. One that
// has grown is read on; one that is shorter than what was read of it, or starts
// otherwise, was replaced and is read from its start, which stores nothing twice; its
// old malformed lines leave the quarantine.
//
// # Trouble
//
// Nothing about the files stops a migration. What cannot be read is named in the
// log once, again when what is wrong with it changes, and tried in each pass. Of
// a damaged compressed file the lines before the damage are taken in; it is not
// complete, even if it was before. While the
// disk is full (store.ErrFull) the migration waits, and says so once a minute.
// Any other error of the store ends it.
//
// Memory is bounded whatever the files hold. Once has one batch being committed, one
// prepared for the next commit and one step of reading behind it, each of at most
// 100,000 records or 32 MiB of lines, and one more line of at most 16 MiB in each.
package migration
