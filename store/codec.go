package store

import (
	"encoding/binary"

	"rollcall/store/internal/crypt"
)

// The value of a record. Numbers are uvarints unless their size is given.
//
//	format u8 = 1
//	flags u8            bits 0-2 source, bit 3: encrypted, bit 4: the text is gone, bit 5: what was said first is not known, bit 7: fields follow
//	channel             number in channels/<guild>
//	[fields]            length · { tag u8 · length · bytes }*, tags ascending, unknown ones are kept out of the way
//	text                to the end; or encrypted (crypt/codec.go), bound to the key and all of the above:
//	  content           UTF-8
//	  [extra]           as many bytes as fieldExtra says (extra.go)
//	  [line]            the last bytes, as many as fieldLogText says: what the log line said
//	crc u32             CRC-32C of key and everything above
const (
	recordFormat   = 1
	flagSource     = 0x07
	flagEncrypted  = 0x08
	flagGone       = 0x10
	flagLoose      = 0x20
	flagFields     = 0x80
	fieldReplyTo   = 1 // u64: message id
	fieldReplyUser = 2 // u64: user id
	fieldAttached  = 3 // number of attachments
	fieldLogTime   = 4 // zigzag varint µs: the matching log line's time, less the record's own
	fieldHash      = 5 // u64: logKey of channel and first text, which builds before format 4 kept where fieldFirst is now
	fieldEdited    = 6 // zigzag varint µs: when the text was changed last, less the record's own time
	fieldExtra     = 7 // how many bytes behind the content are what the message says besides
	fieldForwarded = 8 // it is a forward: number of attachments of the forwarded message
	// What the matching (merge.go) needs to know:
	fieldFirst      = 9  // u64: textHash of what was said first, where the content is not that
	fieldLogChannel = 10 // number of the line's channel, where that is not the record's
	fieldLogKey     = 11 // u64: the id in the line's key, where content and channel do not tell it
	fieldLogText    = 12 // the line said something else: how many bytes of it are behind all else
	fieldLogHash    = 13 // u64: the same, but its text is gone: textHash of it, or unknownText
	fieldUncounted  = 14 // u8 = 1: a trace of a message that never counted
	maxFields       = 192
	maxContentBytes = 64 << 20
	maxCount        = 1<<31 - 1 // of attachments
)

// stored is a record's value, decoded. Its text is there when it was opened.
type stored struct {
	source      Source
	channel     uint32
	replyTo     ID
	replyUser   ID
	attachments int
	inLogs      bool
	gone        bool   // the text is not kept
	hash        uint64 // fieldHash, 0 if there is none
	first       uint64 // textHash of what was said first, if the text is gone or was changed; else 0
	loose       bool   // what was said first is not known: the message had been edited when it was first seen
	edited      Micros // when the text was changed last, 0 if never
	uncounted   bool   // a trace of a message that never counted
	line        storedLine
	encrypted   bool   // as it was read
	head, raw   []byte // the value: what it has before the text, and that as it is stored
	body        []byte // all texts: the content, and what is behind it
	text        []byte // the content
	more        []byte // the texts behind it, packed (extra.go)
	moreSize    int    // of them

	forward      bool // it passes on a message of somebody else's
	forwardFiles int  // that message's attachments
}

// storedLine is what a message keeps of its log line, if inLogs. The line is in the
// message's channel and said what the message said first, unless it is told otherwise.
type storedLine struct {
	time    Micros
	channel uint32
	key     uint64 // the id in its key, 0 if channel and text tell it
	hasText bool   // it said something else: text
	size    int    // of text
	text    []byte
	hash    uint64 // it said something else that is gone: textHash of it, or unknownText; else 0
}

// other reports whether the line said something else than the message did first.
func (l *storedLine) other() bool { return l.hasText || l.hash != 0 }

// appendHead writes a record's value up to its content.
func (s *stored) appendHead(b []byte, at Micros, encrypted bool) []byte {
	flags := byte(s.source)
	if encrypted {
		flags |= flagEncrypted
	}
	if s.gone {
		flags |= flagGone
	}
	if s.loose {
		flags |= flagLoose
	}
	hasFields := s.inLogs || s.replyTo != 0 || s.replyUser != 0 || s.attachments != 0 || s.hash != 0 || s.edited != 0 ||
		s.moreSize != 0 && !s.gone || s.forward || s.first != 0 || s.uncounted
	if hasFields {
		flags |= flagFields
	}
	b = append(b, recordFormat, flags)
	b = binary.AppendUvarint(b, uint64(s.channel))
	if hasFields {
		var fields [maxFields]byte
		f := s.appendFields(fields[:0], at)
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

// appendRecord writes the key and the value of a record, without its checksum. If its
// text is gone, it writes none.
func appendRecord[T string | []byte](b []byte, t *crypt.Codec, key recordKey, s *stored, content T) []byte {
	start := len(b)
	encrypted := t.Encrypts() && !s.gone
	b = s.appendHead(key.append(b), key.time, encrypted)
	switch {
	case encrypted:
		return crypt.AppendEncrypted(t, b, b[start:], content, s.more, s.line.text)
	case s.gone:
		return b
	}
	return append(append(append(b, content...), s.more...), s.line.text...)
}

// open makes the texts of the record under the key b: parts of its value, or, if it
// is encrypted, put into the room that buffer has, which then becomes the texts'.
func (s *stored) open(t *crypt.Codec, b []byte, buffer *[]byte) (err error) {
	s.more, s.line.text = nil, nil
	switch {
	case s.gone:
		s.body = nil
	case s.encrypted:
		if s.body, err = t.Decrypt((*buffer)[:0], t.Bind(b, s.head), s.raw); err == nil {
			*buffer = s.body
		}
	case t.Plain():
		s.body = s.raw
	default:
		err = crypt.ErrNotPlain
	}
	if s.text = s.body; s.moreSize+s.line.size > 0 && err == nil {
		end := len(s.body) - s.line.size
		if n := end - s.moreSize; n >= 0 { // n < 0: opened with SkipDecrypt, and empty
			s.text, s.more, s.line.text = s.body[:n:n], s.body[n:end:end], s.body[end:]
		}
	}
	return crypt.TextError(b, err)
}

// textSize is the length of the content, whether or not it is open.
func (s *stored) textSize() int { return s.textsSize() - s.moreSize - s.line.size }

// textsSize is the length of the content and the texts behind it.
func (s *stored) textsSize() int {
	if s.encrypted {
		return len(s.raw) - crypt.Overhead
	}
	return len(s.raw)
}

func (s *stored) appendFields(f []byte, at Micros) []byte {
	if s.replyTo != 0 {
		f = u64(append(f, fieldReplyTo, 8), uint64(s.replyTo))
	}
	if s.replyUser != 0 {
		f = u64(append(f, fieldReplyUser, 8), uint64(s.replyUser))
	}
	if s.attachments != 0 {
		f = appendUvarintField(f, fieldAttached, uint64(s.attachments))
	}
	if s.inLogs {
		f = appendVarintField(f, fieldLogTime, int64(s.line.time-at))
	}
	if s.hash != 0 {
		f = u64(append(f, fieldHash, 8), s.hash)
	}
	if s.edited != 0 {
		f = appendVarintField(f, fieldEdited, int64(s.edited-at))
	}
	if s.moreSize != 0 && !s.gone {
		f = appendUvarintField(f, fieldExtra, uint64(s.moreSize))
	}
	if s.forward {
		f = appendUvarintField(f, fieldForwarded, uint64(s.forwardFiles))
	}
	if s.first != 0 {
		f = u64(append(f, fieldFirst, 8), s.first)
	}
	if s.inLogs {
		f = s.line.appendFields(f, s.channel)
	}
	if s.uncounted {
		f = append(f, fieldUncounted, 1, 1)
	}
	return f
}

func (l *storedLine) appendFields(f []byte, channel uint32) []byte {
	if l.channel != channel {
		f = appendUvarintField(f, fieldLogChannel, uint64(l.channel))
	}
	if l.key != 0 {
		f = u64(append(f, fieldLogKey, 8), l.key)
	}
	if l.hasText {
		f = appendUvarintField(f, fieldLogText, uint64(l.size))
	}
	if l.hash != 0 {
		f = u64(append(f, fieldLogHash, 8), l.hash)
	}
	return f
}

func appendUvarintField(f []byte, tag byte, v uint64) []byte {
	f = append(f, tag, 0)
	n := len(f)
	f = binary.AppendUvarint(f, v)
	f[n-1] = byte(len(f) - n)
	return f
}

func appendVarintField(f []byte, tag byte, v int64) []byte {
	f = append(f, tag, 0)
	n := len(f)
	f = binary.AppendVarint(f, v)
	f[n-1] = byte(len(f) - n)
	return f
}

// readStored takes the value under the key b apart, all but the text.
func readStored(b, value []byte, at Micros) (stored, error) {
	payload, ok := unseal(b, value)
	if !ok {
		return stored{}, damagedValue(b)
	}
	s, err := decodeStored(payload, at)
	if err != nil {
		return stored{}, damagedValue(b)
	}
	return s, nil
}

// decodeStored reads a record's value whose checksum was taken off.
func decodeStored(b []byte, at Micros) (stored, error) {
	whole := b
	if len(b) < 3 || b[0] != recordFormat {
		return stored{}, errBadValue
	}
	s := stored{source: Source(b[1] & flagSource), encrypted: b[1]&flagEncrypted != 0, gone: b[1]&flagGone != 0}
	if s.source < SourceLive || s.source > SourceImport {
		return stored{}, errBadValue
	}
	hasFields := b[1]&flagFields != 0
	b = b[2:]
	channel, n := binary.Uvarint(b)
	if n <= 0 || channel > 1<<32-1 {
		return stored{}, errBadValue
	}
	s.channel, s.line.channel = uint32(channel), uint32(channel)
	b = b[n:]
	if hasFields {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return stored{}, errBadValue
		}
		if err := s.decodeFields(b[n:n+int(size)], at); err != nil {
			return stored{}, err
		}
		b = b[n+int(size):]
	}
	if s.encrypted && len(b) < crypt.Overhead || s.gone && len(b) > 0 {
		return stored{}, errBadValue
	}
	s.head, s.raw = whole[:len(whole)-len(b)], b
	if s.moreSize+s.line.size > s.textsSize() || s.line.other() && !s.inLogs {
		return stored{}, errBadValue
	}
	// An edited message that keeps no hash has been so since it was first seen.
	s.loose = whole[1]&flagLoose != 0 || s.edited != 0 && s.hash == 0 && s.first == 0
	return s, nil
}

func (s *stored) decodeFields(f []byte, at Micros) error {
	for len(f) > 0 {
		if len(f) < 2 {
			return errBadValue
		}
		tag := f[0]
		size, n := binary.Uvarint(f[1:])
		if n <= 0 || size > uint64(len(f)-1-n) {
			return errBadValue
		}
		value := f[1+n : 1+n+int(size)]
		f = f[1+n+int(size):]
		ok := true
		switch tag {
		case fieldReplyTo:
			s.replyTo, ok = idField(value)
		case fieldReplyUser:
			s.replyUser, ok = idField(value)
		case fieldAttached:
			count, n := binary.Uvarint(value)
			s.attachments, ok = int(count), n == len(value) && count <= maxCount
		case fieldLogTime:
			delta, n := binary.Varint(value)
			s.inLogs, s.line.time, ok = true, at+Micros(delta), n == len(value)
		case fieldHash:
			s.hash, ok = hashField(value)
		case fieldEdited:
			delta, n := binary.Varint(value)
			s.edited, ok = at+Micros(delta), n == len(value)
		case fieldExtra:
			size, n := binary.Uvarint(value)
			s.moreSize, ok = int(size), n == len(value) && size > 0 && size <= maxContentBytes
		case fieldForwarded:
			count, n := binary.Uvarint(value)
			s.forward, s.forwardFiles, ok = true, int(count), n == len(value) && count <= maxCount
		case fieldFirst:
			s.first, ok = hashField(value)
		case fieldLogChannel:
			channel, n := binary.Uvarint(value)
			s.line.channel, ok = uint32(channel), n == len(value) && channel <= 1<<32-1
		case fieldLogKey:
			s.line.key, ok = hashField(value)
		case fieldLogText:
			size, n := binary.Uvarint(value)
			s.line.hasText, s.line.size, ok = true, int(size), n == len(value) && size <= maxContentBytes
		case fieldLogHash:
			s.line.hash, ok = hashField(value)
		case fieldUncounted:
			s.uncounted, ok = true, len(value) == 1 && value[0] == 1
		}
		if !ok {
			return errBadValue
		}
	}
	return nil
}

func hashField(b []byte) (uint64, bool) {
	id, ok := idField(b)
	return uint64(id), ok
}

func idField(b []byte) (ID, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return ID(binary.BigEndian.Uint64(b)), true
}
