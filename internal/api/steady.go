package api

import (
	"net"
	"time"
)

// writePiece is how many bytes a caller has writeTime to take in: half a kilobyte a
// second keeps a connection.
const writePiece = 16 << 10

// steadyListener's connections are closed on callers who make no progress, however long
// an answer takes as a whole.
type steadyListener struct{ net.Listener }

// Accept waits for a connection.
func (l steadyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return steadyConn{conn}, nil
}

// steadyConn renews the deadline of what is written piece by piece. It pays no heed to
// those that net/http sets, which are for whole answers.
type steadyConn struct{ net.Conn }

// Write writes all of p, or fails once a piece of it is not taken in.
func (c steadyConn) Write(p []byte) (n int, err error) {
	for {
		piece := p[n:min(n+writePiece, len(p))]
		if err := c.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return n, err
		}
		written, err := c.Conn.Write(piece)
		if n += written; err != nil || n == len(p) {
			return n, err
		}
	}
}

// SetDeadline sets that of reading alone.
func (c steadyConn) SetDeadline(t time.Time) error { return c.Conn.SetReadDeadline(t) }

// SetWriteDeadline has no effect.
func (c steadyConn) SetWriteDeadline(time.Time) error { return nil }
