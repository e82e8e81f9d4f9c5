//go:build unix

package disk

import "golang.org/x/sys/unix"

// Free returns how many bytes are free for us on the disk that holds path.
func Free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
