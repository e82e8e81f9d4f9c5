// Package pigpig reads the SQLite databases of the bot whose logs are migrated. They hold
// no messages: only names, and totals that are good for a comparison at most, because
// the bot counts a message more than once.
//
// Its cursor through the logs marks a day that was running, so nobody may go on from it.
package pigpig
