// Package backup makes copies of the database that can be relied on, and puts them
// back.
//
// A backup is a database file of its own with a digest behind its last page
// (store/internal/boltfile/backup.go), or that file compressed with zstd if its name ends in .zst. It
// can be checked, opened and restored by the program, and also copied into place by
// hand.
//
// # Making one
//
//	store ──▶ FILE.part-… beside the target ──▶ synced ──▶ checked ──▶ FILE, folder synced
//
// The copy is of one moment: a read transaction. What is written goes to the disk bit by
// bit (behind_linux.go), so that the daemon's syncs do not wait for all of it. It is
// checked by a process of its own (check.go), since a damaged file can crash or hang
// its reader, with what store.CheckDigest, CheckPages and Check find. Only then
// does it get its name. Whatever is killed, a file of that name is a whole backup.
//
// Schedule does so in the daemon: every so often, some kept. Restore is the way back.
package backup
