package export

import (
	"encoding/binary"
	"errors"

	"rollcall/store"
)

// What a record has beside what all have.
const (
	hasReply = 1 << iota
	hasEdit
	hasForward
	hasPoll
	hasStickers
	isRedacted
	isInLogs
)

// appendRecord appends a record without its guild and user:
//
//	flags u8 · source u8 · time · message · channel id · channel name · attachments · content
//	hasReply: message · user
//	hasEdit: time
//	hasForward: content · attachments
//	hasPoll: question · how many answers · answers
//	hasStickers: how many · names
func appendRecord(b []byte, r *store.Record) []byte {
	var flags byte
	set := func(flag byte, is bool) {
		if is {
			flags |= flag
		}
	}
	set(hasReply, r.ReplyTo != 0 || r.ReplyToUser != 0)
	set(hasEdit, r.Edited != 0)
	set(isRedacted, r.Redacted)
	set(isInLogs, r.InLogs)
	var x store.Extra
	if r.Extra != nil {
		x = *r.Extra
	}
	set(hasForward, x.Forwarded != nil)
	set(hasPoll, x.Poll != nil)
	set(hasStickers, len(x.Stickers) > 0)
	b = append(b, flags, byte(r.Source))
	b = binary.AppendVarint(b, int64(r.Time))
	b = binary.AppendUvarint(b, uint64(r.Message))
	b = binary.AppendUvarint(b, uint64(r.Channel.ID))
	b = appendText(b, r.Channel.Name)
	b = binary.AppendUvarint(b, uint64(r.Attachments))
	b = appendText(b, r.Content)
	if flags&hasReply != 0 {
		b = binary.AppendUvarint(b, uint64(r.ReplyTo))
		b = binary.AppendUvarint(b, uint64(r.ReplyToUser))
	}
	if flags&hasEdit != 0 {
		b = binary.AppendVarint(b, int64(r.Edited))
	}
	if f := x.Forwarded; f != nil {
		b = appendText(b, f.Content)
		b = binary.AppendUvarint(b, uint64(f.Attachments))
	}
	if p := x.Poll; p != nil {
		b = appendTexts(appendText(b, p.Question), p.Answers)
	}
	if flags&hasStickers != 0 {
		b = appendTexts(b, x.Stickers)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// fields reads what was appended. Once something is not as it must be, all else is empty.
type fields struct {
	b     []byte
	bad   bool
	names *names
}

// names keeps the texts that come again and again: those of channels.
type names struct{ known map[string]string }

// maxNames bounds them.
const maxNames = 10_000

func (n *names) text(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = make(map[string]string)
	}
	s := string(b)
	n.known[s] = s
	return s
}

func (f *fields) fail() {
	f.b, f.bad = nil, true
}

// ended reports whether all was read, and nothing is left.
func (f *fields) ended() bool { return !f.bad && len(f.b) == 0 }

func (f *fields) byte() byte {
	if len(f.b) == 0 {
		f.fail()
		return 0
	}
	b := f.b[0]
	f.b = f.b[1:]
	return b
}

func (f *fields) number() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.fail()
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) id() store.ID { return store.ID(f.number()) }

func (f *fields) count() int {
	n := f.number()
	if n > 1<<31-1 {
		f.fail()
		return 0
	}
	return int(n)
}

func (f *fields) time() store.Micros {
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.fail()
		return 0
	}
	f.b = f.b[n:]
	return store.Micros(v)
}

func (f *fields) bytes() []byte {
	n := f.number()
	if n > uint64(len(f.b)) {
		f.fail()
		return nil
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) text() string { return string(f.bytes()) }

func (f *fields) texts() []string {
	n := f.number()
	if n > uint64(len(f.b)) { // each takes a byte at least
		f.fail()
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, f.text())
	}
	return list
}

// record reads what appendRecord has appended. The record may be given again to the next call.
func (f *fields) record(r *store.Record, x *store.Extra) {
	flags := f.byte()
	*r = store.Record{Source: store.Source(f.byte()), Time: f.time(), Message: f.id()}
	r.Channel.ID = f.id()
	r.Channel.Name = f.names.text(f.bytes())
	r.Attachments = f.count()
	r.Content = f.text()
	r.Redacted, r.InLogs = flags&isRedacted != 0, flags&isInLogs != 0
	if flags&hasReply != 0 {
		r.ReplyTo, r.ReplyToUser = f.id(), f.id()
	}
	if flags&hasEdit != 0 {
		r.Edited = f.time()
	}
	*x = store.Extra{}
	if flags&hasForward != 0 {
		x.Forwarded = &store.Forwarded{Content: f.text(), Attachments: f.count()}
	}
	if flags&hasPoll != 0 {
		x.Poll = &store.Poll{Question: f.text(), Answers: f.texts()}
	}
	if flags&hasStickers != 0 {
		x.Stickers = f.texts()
	}
	if flags&(hasForward|hasPoll|hasStickers) != 0 {
		r.Extra = x
	}
}

func isLeftOut(err error) bool { return errors.Is(err, store.ErrLeftOut) }
