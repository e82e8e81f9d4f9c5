package store

import (
	"encoding/binary"

	"rollcall/store/internal/crypt"
)

// The value of a record. Numbers are uvarints unless their size is given.
//
//	format u8 = 1
//	flags u8            bits 0-2 source, bit 3: encrypted, bit 4: the text is gone, bit 7: fields follow
//	channel             number in channels/<guild>
//	[fields]            length · { tag u8 · length · bytes }*, tags ascending, unknown ones are kept out of the way
//	text                to the end; or encrypted (crypt/codec.go), bound to the key and all of the above:
//	  content           UTF-8
//	  [extra]           the last bytes, as many as fieldExtra says (extra.go)
//	crc u32             CRC-32C of key and everything above
const (
	recordFormat    = 1
	flagSource      = 0x07
	flagEncrypted   = 0x08
	flagGone        = 0x10
	flagFields      = 0x80
	fieldReplyTo    = 1 // u64: message id
	fieldReplyUser  = 2 // u64: user id
	fieldAttached   = 3 // number of attachments
	fieldLogTime    = 4 // zigzag varint µs: the matching log line's time, less the record's own
	fieldHash       = 5 // u64: stands for channel and content in the matching, where the content cannot
	fieldEdited     = 6 // zigzag varint µs: when the text was changed last, less the record's own time
	fieldExtra      = 7 // how many bytes behind the content are what the message says besides
	fieldForwarded  = 8 // it is a forward: number of attachments of the forwarded message
	maxFields       = 96
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
	logTime     Micros // of the matching log line, if inLogs
	gone        bool   // the text is not kept
	hash        uint64 // logKey of what was said first, of a message whose text is gone or was changed; else 0
	edited      Micros // when the text was changed last, 0 if never
	encrypted   bool   // as it was read
	head, raw   []byte // the value: what it has before the text, and that as it is stored
	text        []byte // the content
	more        []byte // the texts behind it, packed (extra.go)
	moreSize    int    // of them

	forward      bool // it passes on a message of somebody else's
	forwardFiles int  // that message's attachments
}

// appendHead writes a record's value up to its content.
func (s *stored) appendHead(b []byte, at Micros, encrypted bool) []byte {
	flags := byte(s.source)
	if encrypted {
		flags |= flagEncrypted
	}
	if s.gone {
		flags |= flagGone
	}
	hasFields := s.inLogs || s.replyTo != 0 || s.replyUser != 0 || s.attachments != 0 || s.hash != 0 || s.edited != 0 ||
		s.moreSize != 0 && !s.gone || s.forward
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
		return crypt.AppendEncrypted(t, b, b[start:], content, s.more)
	case s.gone:
		return b
	}
	return append(append(b, content...), s.more...)
}

// open makes the texts of the record under the key b: parts of its value, or, if it
// is encrypted, put into the room that buffer has, which then becomes the texts'.
func (s *stored) open(t *crypt.Codec, b []byte, buffer *[]byte) (err error) {
	s.more = nil
	switch {
	case s.gone:
		s.text = nil
	case s.encrypted:
		if s.text, err = t.Decrypt((*buffer)[:0], t.Bind(b, s.head), s.raw); err == nil {
			*buffer = s.text
		}
	case t.Plain():
		s.text = s.raw
	default:
		err = crypt.ErrNotPlain
	}
	if n := len(s.text) - s.moreSize; s.moreSize > 0 && err == nil && n >= 0 { // n < 0: opened with SkipDecrypt, and empty
		s.text, s.more = s.text[:n:n], s.text[n:]
	}
	return crypt.TextError(b, err)
}

// textSize is the length of the content, whether or not it is open.
func (s *stored) textSize() int { return s.textsSize() - s.moreSize }

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
		f = appendVarField(f, fieldAttached, binary.AppendUvarint(nil, uint64(s.attachments)))
	}
	if s.inLogs {
		f = appendVarField(f, fieldLogTime, binary.AppendVarint(nil, int64(s.logTime-at)))
	}
	if s.hash != 0 {
		f = u64(append(f, fieldHash, 8), s.hash)
	}
	if s.edited != 0 {
		f = appendVarField(f, fieldEdited, binary.AppendVarint(nil, int64(s.edited-at)))
	}
	if s.moreSize != 0 && !s.gone {
		f = appendVarField(f, fieldExtra, binary.AppendUvarint(nil, uint64(s.moreSize)))
	}
	if s.forward {
		f = appendVarField(f, fieldForwarded, binary.AppendUvarint(nil, uint64(s.forwardFiles)))
	}
	return f
}

func appendVarField(f []byte, tag byte, value []byte) []byte {
	f = append(f, tag, byte(len(value)))
	return append(f, value...)
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
	s.channel = uint32(channel)
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
	if s.moreSize > s.textsSize() {
		return stored{}, errBadValue
	}
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
			s.inLogs, s.logTime, ok = true, at+Micros(delta), n == len(value)
		case fieldHash:
			var hash ID
			hash, ok = idField(value)
			s.hash = uint64(hash)
		case fieldEdited:
			delta, n := binary.Varint(value)
			s.edited, ok = at+Micros(delta), n == len(value)
		case fieldExtra:
			size, n := binary.Uvarint(value)
			s.moreSize, ok = int(size), n == len(value) && size > 0 && size <= maxContentBytes
		case fieldForwarded:
			count, n := binary.Uvarint(value)
			s.forward, s.forwardFiles, ok = true, int(count), n == len(value) && count <= maxCount
		}
		if !ok {
			return errBadValue
		}
	}
	return nil
}

func idField(b []byte) (ID, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return ID(binary.BigEndian.Uint64(b)), true
}
