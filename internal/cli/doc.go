// Package cli is the command line: what rollcall does when it is called.
//
// Commands that write (run, migrate, demo) open the database themselves.
// Commands that read ask the daemon over its socket if one answers there, and
// otherwise open the file and ask the very same handlers in their own process,
// over an in-memory listener; see source. What they print is what HTTP answers,
// as it is with --json, as a table for people without.
//
// A command either succeeds, or prints one line on standard error and exits with
// the code that codeOf tells. Text that people wrote never reaches a terminal
// with its control characters.
package cli
