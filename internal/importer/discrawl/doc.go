// Package discrawl reads the archives of discrawl: its database, of every version, and
// the snapshots that it keeps in Git.
//
// A row holds the message as the tool's library has it, from which bots and webhooks,
// forwards, polls and stickers are told. Rows that came from Discord's desktop client
// have no author there; the member list tells then, and where it does not the message
// is left out as of a bot.
//
// What the tool knows to be deleted is handed out as that, and never to be stored.
package discrawl
