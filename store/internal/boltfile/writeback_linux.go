package boltfile

import (
	"os"
	"syscall"
)

// beginWriteback asks the system to begin writing what was written to a file, after it
// has waited for what it was asked before. It is a hint: not every file system takes it.
func beginWriteback(f *os.File) {
	const waitBefore, write = 1, 2 // SYNC_FILE_RANGE_…, see sync_file_range(2)
	syscall.SyncFileRange(int(f.Fd()), 0, 0, waitBefore|write)
}
