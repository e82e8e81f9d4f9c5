// Package dce reads the JSON files of DiscordChatExporter, 2.18 to 2.47.
//
// A file is one channel: guild and channel come first, then the messages, then how many
// there are. So it can be read as a stream, of which no more than a block or one message
// is in memory. What a version does not have yet, or has in another way, is left out of
// the message and not held against it; a message without an id or an author's id is
// malformed.
//
// A file that is torn counts up to its last whole message.
package dce
