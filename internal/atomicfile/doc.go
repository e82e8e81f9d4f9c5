// Package atomicfile makes files that are there as a whole or not at all, whatever is
// killed meanwhile: written under another name, synced, renamed, and the folder synced.
// It also keeps a new file's owner, and the lock that keeps a database to one process.
package atomicfile

import "errors"

// ErrLocked reports that another process has the database open.
var ErrLocked = errors.New("another rollcall holds it")
