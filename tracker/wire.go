package tracker

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

// wire is the connection to the gateway, as discordgo is given it. It stands
// between the two because discordgo's reading cannot be helped from outside: a
// payload of null, a GUILD_CREATE without data or a heartbeat interval of 0 is a
// panic in a goroutine of its own, op 7 before READY a deadlock, and op 9 an
// IDENTIFY that nobody counted. So wire reads the websocket's frames and hands on
// only what discordgo needs and cannot stumble over:
//
//   - HELLO, heartbeat requests and ACKs, written anew;
//   - READY with nothing but the session id; its list of guilds stays here, see below;
//   - of every other event its number and, if we handle it, its name, with rawPrefix
//     so that discordgo, which does not know it, decodes nothing. The event's own
//     data stays here: the handler, which discordgo calls before it reads on, takes
//     it from data. That spares two passes over each message, and discordgo's
//     types, which turn a message with one unknown component into an empty one;
//   - the closing frame, whose code it keeps.
//
// op 7 and op 9 end the connection here; the supervisor decides what follows.
//
// One goroutine reads; all other methods may be called from any goroutine.
type wire struct {
	net.Conn // below the websocket, above TLS
	in       *bufio.Reader
	limits   limits
	rejected func(error) // told of each payload that was left out

	// What is written before the websocket is open, see outgoing.
	agent  string   // the User-Agent
	target *url.URL // the address, if it is not the one that discordgo asks for
	asked  bool     // the request was written
	head   []byte   // ... and as far as it has come before that

	upgraded bool   // the HTTP part is over
	plain    bool   // the server did not upgrade: what follows is an HTTP body
	frame    []byte // the last one for discordgo
	out      []byte // what it has not read of it yet
	message  []byte // the frames of an unfinished message
	binary   bool   // ... which is compressed
	oversize bool   // ... or too large, and thrown away
	inflater io.ReadCloser
	inflated bytes.Buffer
	sequence int64
	data     []byte // of the event that was handed on last; valid until the next Read

	done chan struct{} // closed when cause is set

	mu       sync.Mutex
	cause    error  // why the connection ended, the first reason
	ready    bool   // READY or RESUMED has come
	resume   string // resume_gateway_url of READY
	reading  bool   // discordgo waits for us
	since    time.Time
	progress time.Time // the last event, or the start
	acked    time.Time
	interval time.Duration // of heartbeats, 0 before HELLO
}

// newWire wraps a connection on which the websocket has not been opened yet.
func newWire(c net.Conn, l limits, rejected func(error)) *wire {
	now := time.Now()
	w := &wire{
		Conn: c, limits: l, rejected: rejected,
		done:  make(chan struct{}),
		since: now, progress: now, acked: now,
	}
	w.in = bufio.NewReaderSize(deadlineConn{c, l.silence}, 32<<10)
	return w
}

// deadlineConn gives a connection a new deadline before each read, so that a peer
// that has vanished without a word is noticed.
type deadlineConn struct {
	net.Conn
	silence time.Duration
}

func (p deadlineConn) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.silence)); err != nil {
		return 0, err
	}
	n, err := p.Conn.Read(b)
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		err = fmt.Errorf("nothing came for %v", p.silence)
	}
	return n, err
}

// Write sends what discordgo writes, each time with a new deadline.
func (w *wire) Write(b []byte) (int, error) {
	if err := w.ended(); err != nil {
		return 0, err
	}
	if err := w.SetWriteDeadline(time.Now().Add(w.limits.silence)); err != nil {
		return 0, err
	}
	out, err := w.outgoing(b)
	if err == nil && len(out) > 0 {
		_, err = w.Conn.Write(out)
	}
	if err != nil {
		w.fail(fmt.Errorf("write: %w", err))
		return 0, err
	}
	return len(b), nil
}

// Close ends the connection; it is what discordgo calls when it gives up.
func (w *wire) Close() error {
	w.fail(errClosedHere)
	return nil
}

// fail ends the connection for the given reason. No closing frame is sent: one
// from us would end the session, and it is to be resumed.
func (w *wire) fail(err error) {
	w.end(err)
	w.Conn.Close()
}

// end notes why the connection is over; the first reason stands.
func (w *wire) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == nil {
		w.cause = err
		close(w.done)
	}
}

// reached reports whether HELLO has come, and READY or RESUMED, and returns the address
// that READY named for a RESUME, "" if it did not come.
func (w *wire) reached() (greeted, ready bool, resume string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.interval != 0, w.ready, w.resume
}

// ended returns why the connection is over, nil while it is not.
func (w *wire) ended() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

// Read gives discordgo what it is to see.
func (w *wire) Read(p []byte) (int, error) {
	w.turn(true)
	defer w.turn(false)
	for len(w.out) == 0 {
		if err := w.ended(); err != nil { // though more may have come already
			return 0, err
		}
		if err := w.fill(); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errBrokenOff
			}
			w.fail(err)
			return 0, err
		}
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

// turn notes who is at work: we, or discordgo with the handler. The time that the
// handler took, which waits while the disk is full, is no silence of Discord's.
func (w *wire) turn(reading bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if took := now.Sub(w.since); reading && took > longTurn {
		w.acked, w.progress = w.acked.Add(took), w.progress.Add(took)
	}
	w.reading, w.since = reading, now
}

// longTurn is far above what the handler takes while the queue has room.
const longTurn = 100 * time.Millisecond

// overdue returns an error if the connection has to be given up at this moment:
// READY does not come, or heartbeats are not acknowledged though the connection
// seems to live, or nobody reads what comes although the handler does not run.
func (w *wire) overdue(now time.Time, handling bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case handling:
		return nil
	case !w.reading && now.Sub(w.since) > w.limits.open:
		return errStuck
	case !w.ready && now.Sub(w.progress) > w.limits.open:
		return fmt.Errorf("no READY within %v", w.limits.open)
	case w.interval != 0 && now.Sub(w.acked) > 2*w.interval+w.limits.ackSlack:
		return errZombie
	}
	return nil
}
