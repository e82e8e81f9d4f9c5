package tracker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// fill reads until there is something for discordgo, or nothing more.
func (w *wire) fill() error {
	switch {
	case !w.upgraded:
		return w.readResponse()
	case w.plain:
		buf := make([]byte, 4096)
		n, err := w.in.Read(buf)
		w.out = buf[:n]
		return err
	}
	return w.readFrame()
}

// readResponse hands on the head of the server's answer to the upgrade.
func (w *wire) readResponse() error {
	var head []byte
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		head = append(head, line...)
		if len(head) > 64<<10 {
			return errors.New("endless answer to the websocket's upgrade")
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
	}
	w.upgraded, w.plain = true, !bytes.Contains(head[:bytes.IndexByte(head, '\n')], []byte(" 101"))
	w.out = head
	return nil
}

// Websocket opcodes, RFC 6455 section 5.2.
const (
	frameContinuation = 0
	frameText         = 1
	frameBinary       = 2
	frameClose        = 8
	framePong         = 10
)

// readFrame takes in one frame of the server.
func (w *wire) readFrame() error {
	var head [2]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return err
	}
	final, opcode := head[0]&0x80 != 0, head[0]&0x0f
	length := uint64(head[1] & 0x7f)
	if head[0]&0x70 != 0 || head[1]&0x80 != 0 {
		return errors.New("websocket: a frame with bits that were not agreed on")
	}
	if opcode >= frameClose {
		if !final || length > 125 || opcode > framePong {
			return errors.New("websocket: malformed control frame")
		}
		return w.readControl(head, int(length))
	}
	if length >= 126 {
		var ext [8]byte
		size := 2 << ((length - 126) * 2) // 2 or 8 bytes
		if _, err := io.ReadFull(w.in, ext[8-size:]); err != nil {
			return err
		}
		length = binary.BigEndian.Uint64(ext[:])
	}
	switch opcode {
	case frameText, frameBinary:
		w.message, w.binary, w.oversize = w.message[:0], opcode == frameBinary, false
	case frameContinuation:
	default:
		return fmt.Errorf("websocket: unknown opcode %d", opcode)
	}
	if err := w.readData(length); err != nil {
		return err
	}
	if !final {
		return nil
	}
	return w.deliver()
}

// readControl hands a ping, pong or closing frame on as it is.
func (w *wire) readControl(head [2]byte, length int) error {
	frame := append(head[:], make([]byte, length)...)
	if _, err := io.ReadFull(w.in, frame[2:]); err != nil {
		return err
	}
	if head[0]&0x0f == frameClose {
		e := &closeError{code: 1005} // RFC 6455: no code given
		if length >= 2 {
			e.code, e.text = int(binary.BigEndian.Uint16(frame[2:])), string(frame[4:])
		}
		w.end(e)
	}
	w.out = frame
	return nil
}

// readData appends a frame's payload to the message, or throws it away if the
// message grows too large.
func (w *wire) readData(length uint64) error {
	if w.oversize || length > uint64(w.limits.payload-len(w.message)) {
		w.message, w.oversize = nil, true
		for length > 0 { // in steps that fit an int64
			step := min(length, 1<<62)
			if _, err := io.CopyN(io.Discard, w.in, int64(step)); err != nil {
				return err
			}
			length -= step
		}
		return nil
	}
	have := len(w.message)
	for need := int(length); need > 0; { // grows with what really comes, not with what a header claims
		step := min(need, 1<<20)
		w.message = append(w.message, make([]byte, step)...)
		if _, err := io.ReadFull(w.in, w.message[have:have+step]); err != nil {
			return err
		}
		have += step
		need -= step
	}
	return nil
}
