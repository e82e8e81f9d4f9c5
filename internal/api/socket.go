package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// dialTime is how long the process at the other end of a socket has to accept.
const dialTime = time.Second

// ListenSocket listens on a unix socket that only the owner may open. A file that
// is left there by a process that is gone is replaced; one that answers, or
// that is no socket, is not. Closing the listener removes the file.
//
// The socket is made under another name and renamed, so that it is never there
// with other rights than 0600, and so that replacing leaves no moment without one.
func ListenSocket(path string) (net.Listener, error) {
	listener, err := listenSocket(path)
	if err != nil {
		return nil, fmt.Errorf("listen on socket %q: %w", path, err)
	}
	return listener, nil
}

func listenSocket(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, reason(err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, errors.New("there is a file that is no socket: remove it, or set ROLLCALL_SOCKET to another path")
	default:
		conn, err := DialSocket(context.Background(), path)
		if err == nil {
			conn.Close()
			return nil, errors.New("another process answers there: stop it, or set ROLLCALL_SOCKET to another path")
		}
		if !refused(err) {
			return nil, err
		}
	}
	temporary := filepath.Join(filepath.Dir(path), ".rc-"+rand.Text()[:6]) // shorter than any likely name
	address, done, err := socketAddress(temporary)
	if err != nil {
		return nil, err
	}
	defer done()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, reason(err)
	}
	listener.SetUnlinkOnClose(false) // it would remove the temporary name
	if err = os.Chmod(temporary, 0o600); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		listener.Close()
		os.Remove(temporary)
		return nil, reason(err)
	}
	made, err := os.Lstat(path)
	if err != nil {
		listener.Close()
		return nil, reason(err)
	}
	return &socket{UnixListener: listener, path: path, made: made}, nil
}

// DialSocket connects to a unix socket.
func DialSocket(ctx context.Context, path string) (net.Conn, error) {
	address, done, err := socketAddress(path)
	if err != nil {
		return nil, fmt.Errorf("connect to socket %q: %w", path, err)
	}
	defer done()
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "unix", address)
	if err != nil {
		return nil, fmt.Errorf("connect to socket %q: %w", path, reason(err))
	}
	return conn, nil
}

// refused reports whether an error of DialSocket means that no process holds the
// socket any more.
func refused(err error) bool {
	const windows = syscall.Errno(10061) // WSAECONNREFUSED, which syscall does not name
	return errors.Is(err, syscall.ECONNREFUSED) || runtime.GOOS == "windows" && errors.Is(err, windows)
}

// socket removes its file when it is closed.
type socket struct {
	*net.UnixListener
	path string
	made os.FileInfo
	once sync.Once
}

// Close removes the file unless another process has replaced it meanwhile.
func (s *socket) Close() error {
	s.once.Do(func() {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.made) {
			os.Remove(s.path)
		}
	})
	return s.UnixListener.Close()
}

// Addr returns the path, not the temporary name that was bound.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// reason drops operation and path from an error: the caller names them.
func reason(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
