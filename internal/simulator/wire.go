package simulator

import (
	"net"
	"sync"
	"sync/atomic"
)

// listener accepts connections, or resets them at once while it refuses.
type listener struct {
	net.Listener
	refuse atomic.Bool
}

// Accept returns the next connection that is not refused, as a *wire.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !l.refuse.Load() {
			return &wire{Conn: c}, nil
		}
		reset(c)
	}
}

// reset closes a connection so that the other side sees it reset, not ended.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}

// wire is a connection whose writes can be gathered: a frame a system call would cost a busy
// gateway more than everything else that it does.
type wire struct {
	net.Conn
	mu     sync.Mutex
	corked bool
	buffer []byte
}

const wireBuffer = 64 << 10 // bytes that are gathered at most

// Write writes b, or keeps it until uncork.
func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.corked {
		return w.Conn.Write(b)
	}
	w.buffer = append(w.buffer, b...)
	if len(w.buffer) >= wireBuffer {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// cork makes Write gather.
func (w *wire) cork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corked = true
}

// uncork writes what was gathered.
func (w *wire) uncork() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corked = false
	return w.flush()
}

func (w *wire) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	_, err := w.Conn.Write(w.buffer)
	w.buffer = w.buffer[:0]
	if cap(w.buffer) > 4*wireBuffer { // one enormous payload is no reason to keep its room
		w.buffer = nil
	}
	return err
}

// closeWrite says that nothing more will be written, while the other side's last bytes can still be
// read: closing at once could reset the connection before the close frame is read.
func (w *wire) closeWrite() {
	if t, ok := w.Conn.(*net.TCPConn); ok {
		t.CloseWrite()
	}
}
