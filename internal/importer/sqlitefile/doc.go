// Package sqlitefile reads SQLite databases of other tools, of which it is not known
// whether they are in use, and which must not be changed.
//
// A database is copied into a private folder, with its write-ahead log or rollback
// journal, and the copy is opened: an index may be made there, and a log that was not
// checkpointed is read as SQLite reads it. Columns are found by name, because each
// version of a tool has others.
package sqlitefile
