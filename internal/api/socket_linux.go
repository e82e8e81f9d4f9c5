package api

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketName is what a unix socket's address may have: the 108 bytes of
// sockaddr_un.sun_path less the zero at its end.
const maxSocketName = 107

// socketAddress returns a name of at most maxSocketName bytes for a socket's
// path, valid until done is called. A longer path is named by way of its opened
// folder.
func socketAddress(path string) (address string, done func(), err error) {
	if len(path) <= maxSocketName {
		return path, func() {}, nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, reason(err)
	}
	address = fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(path))
	if len(address) > maxSocketName {
		folder.Close()
		return "", nil, errors.New("the file's name is too long: set ROLLCALL_SOCKET to a shorter one")
	}
	return address, func() { folder.Close() }, nil
}
