// Package sweep is the daemon's actor for work on the file that nobody waits for and
// that is too much for one transaction: whatever the store has as a task that is not
// finished, such as forgetting a person when that was interrupted.
//
// Everything is done in bounded transactions with pauses between them, so that a live
// message rarely meets one. How far it is stands in the file: it goes on after a kill.
package sweep
