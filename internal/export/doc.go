// Package export hands out what is remembered as files that other programs read: an SQLite
// database, Parquet files, and the JSON of DiscordChatExporter.
//
//	err := export.Read(ctx, db, export.Selection{}, sink)    // in the process that has the database
//	err := export.Decode(r, sink)                            // what Read has written with an Encoder
//
// Records go from Read through a stream of bytes (Encoder, Decode) to the command, whether
// the daemon has the database open or the command itself has, so that both give the same
// files. A format is a Sink: SQLite, Parquet and DCE here, lines in the command.
//
// # Order
//
// Guilds come by id, and of each guild its channels, then its users by id, each with the
// records of the user by time. That is the order in which the store has them, so nothing is
// held but what a format itself needs: a batch of rows, a row group, or, for DiscordChatExporter
// whose files are by channel and time, runs on the disk that are merged.
//
// # Whole or not there
//
// A format writes under another name, and Commit gives the file or folder its own. What a kill
// leaves has the ending ".part-" and digits.
//
// # What is new
//
// Since passes on the records that an earlier export did not have, or had in another form. It
// compares with a list of those, which is in the same order, so neither is ever in memory.
package export
