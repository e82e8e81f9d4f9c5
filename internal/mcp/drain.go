package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// drainTime is how long the end of the input is held back for the answers that are under way.
const drainTime = time.Minute

// drain lets a client end its input behind its last request, as a pipe does, and still have the
// answer: the SDK gives up what is under way when the input ends.
type drain struct {
	ctx     context.Context
	in      io.ReadCloser
	lines   *bufio.Reader
	rest    []byte // of the line that is being read
	out     io.WriteCloser
	mu      sync.Mutex
	pending int
	idle    chan struct{} // holds one element when nothing is pending any more
}

func newDrain(ctx context.Context, in io.ReadCloser, out io.WriteCloser) *drain {
	return &drain{ctx: ctx, in: in, out: out, lines: bufio.NewReader(in), idle: make(chan struct{}, 1)}
}

// frame is what tells requests and answers apart.
type frame struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

func (d *drain) count(line []byte, by int, of func(frame) bool) {
	var f frame
	if json.Unmarshal(line, &f) != nil || len(f.ID) == 0 || !of(f) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending = max(d.pending+by, 0); d.pending == 0 {
		select {
		case d.idle <- struct{}{}:
		default:
		}
	}
}

// Read hands on the input line by line.
func (d *drain) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		line, err := d.lines.ReadSlice('\n')
		for err == bufio.ErrBufferFull { // longer than the buffer: piece by piece
			d.rest = append(d.rest, line...)
			line, err = d.lines.ReadSlice('\n')
			if len(d.rest) > maxBody {
				break
			}
		}
		d.rest = append(d.rest, line...)
		d.count(d.rest, 1, func(f frame) bool { return f.Method != "" })
		if err != nil && len(d.rest) == 0 {
			d.wait()
			return 0, err
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// wait returns when nothing is pending.
func (d *drain) wait() {
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	for {
		d.mu.Lock()
		over := d.pending == 0
		d.mu.Unlock()
		if over {
			return
		}
		select {
		case <-d.idle:
		case <-d.ctx.Done():
			return
		case <-timer.C:
			return
		}
	}
}

// Write takes an answer, a line at a time as the SDK writes them.
func (d *drain) Write(p []byte) (int, error) {
	n, err := d.out.Write(p)
	d.count(p, -1, func(f frame) bool { return f.Method == "" })
	return n, err
}

// Close closes the input.
func (d *drain) Close() error { return d.in.Close() }

// drained is the other side of a drain.
type drained struct{ *drain }

// Close closes the output.
func (d drained) Close() error { return d.out.Close() }
