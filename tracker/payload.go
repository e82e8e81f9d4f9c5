package tracker

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// rawPrefix is put before the names of the events that we decode ourselves.
const rawPrefix = "RAW_"

// keptRoom is how large a buffer may be that is used again: one huge guild is no
// reason to keep its room for ever.
const keptRoom = 1 << 20

// deliver hands a whole message on, or leaves it out.
func (w *wire) deliver() error {
	payload, err := w.payload()
	if err == nil {
		err = w.handOn(payload)
	}
	if cap(w.message) > keptRoom {
		w.message = nil
	}
	if w.inflated.Cap() > keptRoom {
		w.inflated = bytes.Buffer{}
	}
	if r := (*rejectError)(nil); errors.As(err, &r) {
		w.rejected(r)
		return nil
	}
	return err
}

// payload returns the message as text.
func (w *wire) payload() ([]byte, error) {
	if w.oversize {
		return nil, w.tooLarge()
	}
	if !w.binary {
		return w.message, nil
	}
	var err error
	if w.inflater == nil {
		w.inflater, err = zlib.NewReader(bytes.NewReader(w.message))
	} else {
		err = w.inflater.(zlib.Resetter).Reset(bytes.NewReader(w.message), nil)
	}
	if err != nil {
		w.inflater = nil
		return nil, reject("not zlib: " + err.Error())
	}
	w.inflated.Reset()
	n, err := io.Copy(&w.inflated, io.LimitReader(w.inflater, int64(w.limits.payload)+1))
	switch {
	case err != nil:
		return nil, reject("not zlib: " + err.Error())
	case n > int64(w.limits.payload):
		return nil, w.tooLarge()
	}
	return w.inflated.Bytes(), nil
}

func (w *wire) tooLarge() error {
	return reject("larger than " + strconv.Itoa(w.limits.payload) + " bytes")
}

// Gateway opcodes that a server sends.
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
	opACK            = 11
)

// envelope is a payload of the gateway. data is part of it.
type envelope struct {
	op       int
	sequence int64 // 0: none
	event    string
	data     []byte
}

var errNoOp = errors.New("no op")

func (e *envelope) read(payload []byte) error {
	e.op = -1
	err := walk(payload, func(key, value []byte) error {
		switch string(key) {
		case "op":
			return readInt(value, &e.op)
		case "s":
			return json.Unmarshal(value, &e.sequence)
		case "t":
			return readString(value, &e.event)
		case "d":
			e.data = value
		}
		return nil
	})
	if err == nil && e.op < 0 {
		err = errNoOp
	}
	return err
}

// handOn puts into out what discordgo is to see of a payload.
func (w *wire) handOn(payload []byte) error {
	var e envelope
	if err := e.read(payload); err != nil {
		return reject(err.Error())
	}
	switch e.op {
	case opDispatch:
		if e.sequence != 0 {
			w.sequence = e.sequence
		}
		return w.handOnEvent(e.event, e.data)
	case opHeartbeat:
		w.put(`{"op":1}`)
	case opReconnect:
		return errReconnect
	case opInvalidSession:
		return &invalidSession{resumable: string(e.data) == "true"}
	case opHello:
		return w.handOnHello(e.data)
	case opACK:
		w.mu.Lock()
		w.acked = time.Now()
		w.mu.Unlock()
		w.put(`{"op":11}`)
	default:
		return reject("unknown op " + strconv.Itoa(e.op))
	}
	return nil
}

// handOnHello passes the heartbeat's interval on, if a timer can be made of it.
func (w *wire) handOnHello(data []byte) error {
	var hello struct {
		Interval float64 `json:"heartbeat_interval"` // milliseconds
	}
	if err := json.Unmarshal(data, &hello); err != nil || !(hello.Interval >= 1 && hello.Interval <= 3_600_000) {
		return errors.New("HELLO without a usable heartbeat_interval")
	}
	ms := int64(hello.Interval)
	w.mu.Lock()
	w.interval, w.acked = time.Duration(ms)*time.Millisecond, time.Now()
	w.mu.Unlock()
	w.put(`{"op":10,"d":{"heartbeat_interval":` + strconv.FormatInt(ms, 10) + "}}")
	return nil
}

// handOnEvent passes an event on.
func (w *wire) handOnEvent(name string, data []byte) error {
	w.mu.Lock()
	w.progress = time.Now()
	w.mu.Unlock()
	w.data = nil
	head := `{"op":0,"s":` + strconv.FormatInt(w.sequence, 10) + `,"t":"`
	switch {
	case name == "READY":
		var ready struct {
			Session string `json:"session_id"`
		}
		if err := json.Unmarshal(data, &ready); err != nil || ready.Session == "" {
			return errors.New("READY without a session_id")
		}
		session, err := json.Marshal(ready)
		if err != nil {
			return err
		}
		w.resumeAt(data)
		w.establish()
		w.data = data
		w.put(head + `READY","d":` + string(session) + "}")
	case name == "RESUMED":
		w.establish()
		w.put(head + `RESUMED","d":{}}`)
	case handles(name):
		w.data = data
		w.put(head + rawPrefix + name + `","d":null}`)
	default:
		w.put(head + rawPrefix + `OTHER","d":null}`)
	}
	return nil
}

// establish notes that the session is up.
func (w *wire) establish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = true
}

// resumeAt notes the address that a READY names for a RESUME.
func (w *wire) resumeAt(ready []byte) {
	var told struct {
		Address text `json:"resume_gateway_url"`
	}
	if json.Unmarshal(ready, &told) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resume = string(told.Address)
}

// put makes a text frame for discordgo.
func (w *wire) put(payload string) {
	f := append(w.frame[:0], 0x80|frameText)
	switch n := len(payload); {
	case n < 126:
		f = append(f, byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 127), uint64(n))
	}
	w.frame = append(f, payload...)
	w.out = w.frame
}
