//go:build unix

package atomicfile

import (
	"fmt"
	"os"
	"syscall"
)

// InheritOwner gives a new file the owner and the rights of one whose place it is to
// take: who restores or compacts as root must not lock out the daemon. Of a folder
// only the owner counts.
func InheritOwner(f *os.File, model os.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return Plain(err)
	}
	is, ok1 := now.Sys().(*syscall.Stat_t)
	be, ok2 := model.Sys().(*syscall.Stat_t)
	if ok1 && ok2 && (is.Uid != be.Uid || is.Gid != be.Gid) {
		if err := f.Chown(int(be.Uid), int(be.Gid)); err != nil {
			return fmt.Errorf("give the new file to the owner of the old one: %w", Plain(err))
		}
	}
	if model.IsDir() {
		return nil
	}
	if err := f.Chmod(model.Mode().Perm()); err != nil {
		return Plain(err)
	}
	return nil
}
