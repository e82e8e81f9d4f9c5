//go:build !unix

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// OpenLocked wants a file that nobody has open. It locks nothing: on Windows a
// file that another process has opened as a database cannot be renamed or replaced
// anyway, and who opens one that is being replaced finds out.
func OpenLocked(path string) (*os.File, error) {
	const sharing = syscall.Errno(32) // ERROR_SHARING_VIOLATION, which syscall does not name
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case err == nil:
		return f, f.Close() // it could not be renamed while we have it open
	case errors.Is(err, sharing):
		return nil, ErrLocked
	}
	return nil, Plain(err)
}
