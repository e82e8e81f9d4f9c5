// Package sweep is the daemon's actor for work on the file that nobody waits for and
// that is too much for one transaction:
//
//   - tasks that are not finished: the messages of a deleted channel, and forgetting a
//     person when that was interrupted;
//   - texts that are older than the retention;
//   - guilds that the bot left longer ago than the grace period.
//
// Everything is done in bounded transactions with pauses between them, so that a live
// message rarely meets one. How far it is stands in the file: it goes on after a kill.
package sweep
