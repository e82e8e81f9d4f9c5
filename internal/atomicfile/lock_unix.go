//go:build unix

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// OpenLocked opens a file that need not be a database and keeps others from
// opening it as one until it is closed: bbolt locks its files in the same way.
func OpenLocked(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Plain(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, err
}
