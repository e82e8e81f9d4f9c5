package api

import (
	"bufio"
	"net/http"
	"time"
)

const (
	streamBuffer = 32 << 10
	// flushTime is how long what a caller waits for may lie in buffers. It is sent
	// earlier where they fill up, as they do unless little is found in much.
	flushTime = time.Second
)

// stream is an answer of any length.
type stream struct {
	buffer *bufio.Writer // used in turns
	turn   chan struct{}
	ended  chan struct{} // closed by close
	idle   chan struct{} // closed when nothing but the owner uses the stream any more

	w      http.ResponseWriter
	served bool // something was sent
	gone   bool // the caller did not take it
}

// newStream returns a stream that its owner closes.
func newStream(w http.ResponseWriter) *stream {
	s := &stream{w: w, turn: make(chan struct{}, 1), ended: make(chan struct{}), idle: make(chan struct{})}
	s.buffer = bufio.NewWriterSize((*pieces)(s), streamBuffer)
	go s.keepFlushing()
	return s
}

// write calls a function that writes to the buffer.
func (s *stream) write(f func() error) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return f()
}

func (s *stream) keepFlushing() {
	defer close(s.idle)
	ticks := time.NewTicker(flushTime)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-s.ended:
			return
		}
		s.write(func() error { // the owner meets the same error with its next piece
			if s.buffer.Flush() == nil && s.served {
				http.NewResponseController(s.w).Flush()
			}
			return nil
		})
	}
}

// close ends the flushing; what is in the buffer stays there.
func (s *stream) close() {
	close(s.ended)
	<-s.idle
}

// pieces is the end of the stream's buffer.
type pieces stream

func (p *pieces) Write(b []byte) (int, error) {
	p.served = true
	n, err := p.w.Write(b)
	p.gone = err != nil
	return n, err
}
