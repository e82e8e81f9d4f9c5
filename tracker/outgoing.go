package tracker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/url"
	"runtime"
	"strings"
)

// What discordgo writes is put right on its way out: it opens the websocket without a
// User-Agent of ours, and at the general address where the session is to be resumed
// at one of its own; and its IDENTIFY names its properties as Discord did until 2022.

// maxHead bounds the head of the request that opens the websocket, in bytes.
const maxHead = 16 << 10

// outgoing returns what is to be sent in place of b; nothing while the head of the
// request that opens the websocket is not complete.
func (w *wire) outgoing(b []byte) ([]byte, error) {
	if w.asked {
		if fixed := fixIdentify(b); fixed != nil {
			return fixed, nil
		}
		return b, nil
	}
	w.head = append(w.head, b...)
	end := bytes.Index(w.head, []byte("\r\n\r\n"))
	if end < 0 {
		if len(w.head) > maxHead {
			return nil, errors.New("endless request for the websocket's upgrade")
		}
		return nil, nil
	}
	head, rest := w.head[:end], w.head[end:]
	w.asked, w.head = true, nil
	return append(fixUpgrade(head, w.agent, w.target), rest...), nil
}

// fixUpgrade rewrites the head of the request that opens the websocket, without the
// empty line at its end. target is another address than discordgo has dialled, or nil.
func fixUpgrade(head []byte, agent string, target *url.URL) []byte {
	lines := strings.Split(string(head), "\r\n")
	fixed := lines[:0:0]
	for i, line := range lines {
		name, _, _ := strings.Cut(line, ":")
		switch {
		case i == 0 && target != nil:
			line = retarget(line, target)
		case i > 0 && strings.EqualFold(name, "Host") && target != nil:
			line = "Host: " + target.Host
		case i > 0 && strings.EqualFold(name, "User-Agent"):
			continue
		}
		fixed = append(fixed, line)
	}
	return []byte(strings.Join(append(fixed, "User-Agent: "+agent), "\r\n"))
}

// retarget puts a target's path into a request line, whose own query stays.
func retarget(line string, target *url.URL) string {
	method, rest, _ := strings.Cut(line, " ")
	at := strings.LastIndexByte(rest, ' ')
	if at < 0 {
		return line
	}
	path := target.EscapedPath()
	if path == "" {
		path = "/"
	}
	if _, query, ok := strings.Cut(rest[:at], "?"); ok {
		path += "?" + query
	}
	return method + " " + path + rest[at:]
}

// identifyMark is how discordgo's IDENTIFY begins.
var identifyMark = []byte(`{"op":2,`)

// fixIdentify rewrites an IDENTIFY in a frame of a client (RFC 6455, section 5.2); nil
// if the frame is none. discordgo writes it with one call.
func fixIdentify(frame []byte) []byte {
	payload, mask, ok := clientText(frame)
	if !ok || len(payload) < len(identifyMark) {
		return nil
	}
	start := bytes.Clone(payload[:len(identifyMark)])
	applyMask(start, mask)
	if !bytes.Equal(start, identifyMark) {
		return nil
	}
	text := bytes.Clone(payload)
	applyMask(text, mask)
	var identify struct {
		Op   int                        `json:"op"`
		Data map[string]json.RawMessage `json:"d"`
	}
	if json.Unmarshal(text, &identify) != nil || identify.Data == nil {
		return nil
	}
	var err error
	if identify.Data["properties"], err = json.Marshal(identifyProperties{runtime.GOOS, "rollcall", "rollcall"}); err != nil {
		return nil
	}
	if text, err = json.Marshal(identify); err != nil {
		return nil
	}
	return appendClientText(nil, text, mask)
}

// identifyProperties are what an IDENTIFY tells of the client.
type identifyProperties struct {
	OS      string `json:"os"`
	Browser string `json:"browser"`
	Device  string `json:"device"`
}

// clientText takes a whole text frame of a client apart. payload is part of frame.
func clientText(frame []byte) (payload []byte, mask [4]byte, ok bool) {
	if len(frame) < 6 || frame[0] != 0x80|frameText || frame[1]&0x80 == 0 {
		return nil, mask, false
	}
	head, length := 2, uint64(frame[1]&0x7f)
	switch {
	case length == 126 && len(frame) >= 8:
		head, length = 4, uint64(binary.BigEndian.Uint16(frame[2:]))
	case length == 127 && len(frame) >= 14:
		head, length = 10, binary.BigEndian.Uint64(frame[2:])
	case length > 125:
		return nil, mask, false
	}
	copy(mask[:], frame[head:])
	payload = frame[head+len(mask):]
	return payload, mask, length == uint64(len(payload))
}

// appendClientText adds a text frame of a client to b. It masks text in its place.
func appendClientText(b, text []byte, mask [4]byte) []byte {
	b = append(b, 0x80|frameText)
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	applyMask(text, mask)
	return append(append(b, mask[:]...), text...)
}

func applyMask(b []byte, mask [4]byte) {
	for i := range b {
		b[i] ^= mask[i%4]
	}
}
