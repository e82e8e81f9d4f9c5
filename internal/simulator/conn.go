package simulator

import (
	"bytes"
	"compress/zlib"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// Conn is a connection to the gateway. Its methods may be called from any goroutine, and from the
// actions of phases.
type Conn struct {
	s       *Server
	socket  *websocket.Conn
	wire    *wire
	version int
	stream  bool // all of what is sent is one zlib stream

	wake chan struct{} // there may be something to write
	over chan struct{} // closed by close or end, whichever comes first
	gone chan struct{} // closed by end

	// The rest is guarded by s.mu.
	session  *session
	out      [][]byte // what is not an event: HELLO, ACKs, op 7…
	closing  *closing // what to close it with once out is written
	ended    bool
	silent   bool
	deaf     bool // heartbeats are not answered
	throttle time.Duration
}

type closing struct {
	code   int
	reason string
}

const (
	batchSize    = 256             // frames that are written with one system call
	compressOver = 4 << 10         // bytes; READY and GUILD_CREATE are compressed whatever their size
	lingerLimit  = 2 * time.Second // how long a client may take to answer a close frame

	clientWriteLimit = 30 * time.Second // a client that has not read for so long is cut off
	// heartbeatGrace is how late a heartbeat may be: generous, so that a busy machine is not taken for
	// a dead client.
	heartbeatGrace = 10 * time.Second
)

// Conns returns the open connections to the gateway, without those that are being closed, in no
// order.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		if c.alive() {
			all = append(all, c)
		}
	}
	return all
}

// Shard returns the shard that the connection has identified as; ok is false before that.
func (c *Conn) Shard() (id, count int, ok bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.session == nil {
		return 0, 0, false
	}
	return c.session.shard, c.session.shards, true
}

// SessionID returns the id that READY told, "" before that.
func (c *Conn) SessionID() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.session == nil {
		return ""
	}
	return c.session.id
}

// Send sends a payload as it is, be it JSON or not, before the events that wait.
func (c *Conn) Send(payload string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.send([]byte(payload))
}

func (c *Conn) send(payload []byte) {
	c.out = append(c.out, payload)
	c.wakeUp()
}

// Dispatch sends a numbered event of this session alone, known or unknown to clients. data is its
// d, be it JSON or not. Before READY it does nothing.
func (c *Conn) Dispatch(name, data string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.session != nil {
		c.s.push(c.session, frame{name, []byte(data)})
	}
}

// Reconnect sends op 7: the client shall connect anew and resume.
func (c *Conn) Reconnect() { c.Send(`{"t":null,"s":null,"op":7,"d":null}`) }

// Invalidate sends op 9: the session is over, or (resumable) may be resumed.
func (c *Conn) Invalidate(resumable bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.invalidate(resumable)
}

func (c *Conn) invalidate(resumable bool) {
	if !resumable && c.session != nil {
		c.s.forget(c.session)
		c.session = nil
	}
	c.s.stats.Invalidated++
	c.send([]byte(`{"t":null,"s":null,"op":9,"d":` + strconv.FormatBool(resumable) + `}`))
}

// AskHeartbeat sends op 1: the client shall send a heartbeat at once.
func (c *Conn) AskHeartbeat() { c.Send(`{"t":null,"s":null,"op":1,"d":null}`) }

// StopACKs leaves heartbeats unanswered from now on, while events go on: a zombie.
func (c *Conn) StopACKs() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.deaf = true
}

// Silence stops reading and writing without closing anything, as when the other side's machine has
// gone: a half-open connection. Its session misses what is posted from now on.
func (c *Conn) Silence() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.silent = true
	c.s.changed.Broadcast()
}

// Throttle makes every event take d.
func (c *Conn) Throttle(d time.Duration) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.throttle = d
}

// Close closes the connection with a code; events that wait are not sent. The session can be
// resumed, unless the code says otherwise (see SessionEnds).
func (c *Conn) Close(code int, reason string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.close(code, reason)
}

func (c *Conn) close(code int, reason string) {
	if c.alive() {
		c.closing = &closing{code, reason}
		close(c.over)
	}
	c.silent = false
	c.detach(SessionEnds(code))
	c.wakeUp()
}

// Cut resets the connection without a close frame.
func (c *Conn) Cut() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.detach(false)
	reset(c.wire.Conn)
	c.end()
}

// SessionEnds reports whether a client that was closed with this code must identify anew.
func SessionEnds(code int) bool {
	switch code {
	case 1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014:
		return true
	}
	return false
}

// detach takes the connection away from its session. s.mu is held.
func (c *Conn) detach(over bool) {
	ss := c.session
	if ss == nil {
		return
	}
	c.session = nil
	if ss.conn == c {
		ss.conn = nil
	}
	if over {
		c.s.forget(ss)
	}
	c.s.forgetLost()
	c.s.changed.Broadcast()
}

// end closes the connection; its goroutines return. s.mu is held.
func (c *Conn) end() {
	if c.ended {
		return
	}
	if c.alive() {
		close(c.over)
	}
	c.ended = true
	close(c.gone)
	c.wire.Conn.Close()
	delete(c.s.conns, c)
	c.s.changed.Broadcast()
}

// pause waits for d; it returns false if the connection is closed before.
func (c *Conn) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-c.over:
		return false
	}
}

func (c *Conn) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

// batch is what the writer takes at once.
type batch struct {
	out      [][]byte
	events   []frame
	first    uint64 // number of events[0]
	session  *session
	closing  *closing
	throttle time.Duration
}

// write writes what there is until the connection ends.
func (c *Conn) write() {
	var w frameWriter
	for {
		b, ok := c.take()
		if !ok {
			select {
			case <-c.wake:
				continue
			case <-c.gone:
				return
			}
		}
		err := w.write(c, b)
		c.wrote(b)
		if err != nil {
			c.s.mu.Lock()
			c.end()
			c.s.mu.Unlock()
			return
		}
		if b.closing != nil {
			c.hangUp(b.closing)
			return
		}
	}
}

// take returns what is to be written next; ok is false if there is nothing.
func (c *Conn) take() (b batch, ok bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.silent || c.ended {
		return batch{}, false
	}
	b.out, c.out, b.closing, b.throttle = c.out, nil, c.closing, c.throttle
	if ss := c.session; ss != nil && b.closing == nil && ss.unsent() > 0 {
		n := min(ss.unsent(), batchSize)
		if b.throttle > 0 {
			n = 1
		}
		at := int(ss.sent + 1 - ss.first)
		b.session, b.first, b.events = ss, ss.sent+1, append([]frame(nil), ss.events[at:at+n]...)
		ss.sent += uint64(n)
		c.s.changed.Broadcast() // there is room again
	}
	return b, b.out != nil || b.events != nil || b.closing != nil
}

// wrote notes that a batch has been written.
func (c *Conn) wrote(b batch) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if b.session != nil && b.session == c.session {
		b.session.written = max(b.session.written, b.first+uint64(len(b.events))-1)
	}
	c.s.changed.Broadcast()
}

// hangUp sends the close frame, gives the client time to read it, and ends the connection.
func (c *Conn) hangUp(with *closing) {
	frame := websocket.FormatCloseMessage(with.code, with.reason)
	c.socket.WriteControl(websocket.CloseMessage, frame, time.Now().Add(c.s.writeLimit))
	c.wire.closeWrite()
	select {
	case <-c.gone:
	case <-time.After(lingerLimit):
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.end()
}

// frameWriter renders frames; it keeps its buffers from one to the next.
type frameWriter struct {
	text   []byte
	packed bytes.Buffer
	zlib   *zlib.Writer
}

// write writes a batch with as few system calls as it can.
func (w *frameWriter) write(c *Conn, b batch) error {
	if b.throttle > 0 && b.events != nil && !c.pause(b.throttle) {
		return nil // take finds out what happened
	}
	c.socket.SetWriteDeadline(time.Now().Add(c.s.writeLimit))
	c.wire.cork()
	for _, payload := range b.out {
		if err := w.message(c, payload); err != nil {
			return err
		}
	}
	for i, f := range b.events {
		if f.data == nil {
			continue // lost on the way
		}
		if err := w.event(c, f, b.first+uint64(i), b.session.compress); err != nil {
			return err
		}
	}
	return c.wire.uncork()
}

// message writes a payload as the client wants all of them: as text, or as a piece of one stream
// that is compressed.
func (w *frameWriter) message(c *Conn, text []byte) error {
	if !c.stream {
		return c.socket.WriteMessage(websocket.TextMessage, text)
	}
	w.packed.Reset()
	if w.zlib == nil {
		w.zlib = zlib.NewWriter(&w.packed)
	}
	w.zlib.Write(text) // into memory: cannot fail
	w.zlib.Flush()
	return c.socket.WriteMessage(websocket.BinaryMessage, w.packed.Bytes())
}

func (w *frameWriter) event(c *Conn, f frame, number uint64, compress bool) error {
	w.text = append(w.text[:0], `{"t":"`...)
	w.text = append(w.text, f.name...)
	w.text = append(w.text, `","s":`...)
	w.text = strconv.AppendUint(w.text, number, 10)
	w.text = append(w.text, `,"op":0,"d":`...)
	w.text = append(w.text, f.data...)
	w.text = append(w.text, '}')
	if c.stream || !compress || len(w.text) < compressOver && f.name != "READY" && f.name != "GUILD_CREATE" {
		return w.message(c, w.text)
	}
	w.packed.Reset()
	if w.zlib == nil {
		w.zlib = zlib.NewWriter(&w.packed)
	} else {
		w.zlib.Reset(&w.packed)
	}
	w.zlib.Write(w.text) // into memory: cannot fail
	w.zlib.Close()
	return c.socket.WriteMessage(websocket.BinaryMessage, w.packed.Bytes())
}
