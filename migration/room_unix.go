//go:build unix

package migration

import "golang.org/x/sys/unix"

// room returns how many bytes are free for us on the disk that holds path.
func room(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
