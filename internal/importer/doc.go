// Package importer takes in what other tools have kept of a community: it recognises
// their archives by what is in them and makes records of them.
//
//	found, err := importer.Find(ctx, paths, importer.Options{})
//	defer found.Close()
//	for _, f := range found.Files {
//		result, err := f.Read(ctx, sink)
//	}
//
// One package below this one reads each format and hands out the stream of package
// archive; none of them knows of the store.
//
// # What is recognised
//
// Files, folders and what is in a .zip, by content. A folder is searched as a whole,
// except for what the tools keep beside their archives (media that people have uploaded
// may look like an archive and must not be taken for one). What is named by the caller
// and not recognised is refused; what is in a folder and looks like nothing that is known
// is left alone. Links in folders are refused, a .zip with names that lead out of it, an
// encrypted one, and one that unpacks to absurdly more than it is.
//
// SQLite databases are copied into a temporary folder before they are opened.
//
// # Order
//
// Where archives overlap, the first one that has a message decides about its text, and
// later ones only know later edits. So they are read in the order of how well they keep
// texts: discrawl, then the data package and Discord History Tracker, then
// DiscordChatExporter, by the time of the export.
//
// # Resuming
//
// There is no cursor. A run that was killed is repeated: what it had stored is found by
// its id and counted as known, at about the cost of storing it: a few microseconds each. A
// cursor would have to tell a file from one that was replaced, and a place in a database
// from one that was rewritten, to save that.
package importer
