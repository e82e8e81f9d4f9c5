package disk

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Free returns how many bytes are free for us on the disk that holds path.
func Free(path string) (int64, error) {
	folder, err := windows.UTF16PtrFromString(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(folder, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(free, 1<<62)), nil
}
