//go:build !linux

package api

import "fmt"

// socketAddress returns the path itself, if it fits a socket's address.
func socketAddress(path string) (address string, done func(), err error) {
	const most = 103 // of BSD and macOS; Windows has a little more
	if len(path) > most {
		return "", nil, fmt.Errorf("the path has %d bytes, a socket's at most %d: set ROLLCALL_SOCKET to a shorter one", len(path), most)
	}
	return path, func() {}, nil
}
