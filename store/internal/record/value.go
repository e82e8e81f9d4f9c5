package record

import (
	"bytes"
	"encoding/binary"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
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
	FlagEncrypted  = 0x08
	flagGone       = 0x10
	flagLoose      = 0x20
	FlagFields     = 0x80
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
	fieldUncounted  = 14 // u8 = 1: a deletion marker of a message that never counted
	maxFields       = 192
	maxContentBytes = 64 << 20

	// MaxCount is the largest number of attachments that is stored.
	MaxCount = 1<<31 - 1
	// Overhead is the number of bytes that a key and its value take at most, with the
	// checksum, but for the texts.
	Overhead = KeySize + 2 + 5 + 2 + maxFields + crypt.Overhead + kv.ChecksumSize
)

// Value is a record's value, decoded. Its text is there when it was opened.
type Value struct {
	Source      Source
	Channel     uint32
	ReplyTo     snowflake.ID
	ReplyUser   snowflake.ID
	Attachments int
	InLogs      bool
	Gone        bool         // the text is not kept
	Hash        uint64       // fieldHash, 0 if there is none
	First       uint64       // textHash of what was said first, if the text is gone or was changed; else 0
	Loose       bool         // what was said first is not known: the message had been edited when it was first seen
	Edited      civil.Micros // when the text was changed last, 0 if never
	Uncounted   bool         // a deletion marker of a message that never counted
	Line        Line
	Encrypted   bool   // as it was read
	Head, Raw   []byte // the value: what it has before the text, and that as it is stored
	Body        []byte // all texts: the content, and what is behind it
	Text        []byte // the content
	More        []byte // the texts behind it, packed (extra.go)
	MoreSize    int    // of them

	Forward      bool // it passes on a message of somebody else's
	forwardFiles int  // that message's attachments
}

// Line is what a message keeps of its log line, if inLogs. The line is in the
// message's channel and said what the message said first, unless it is told otherwise.
type Line struct {
	Time    civil.Micros
	Channel uint32
	Key     uint64 // the id in its key, 0 if channel and text tell it
	HasText bool   // it said something else: text
	Size    int    // of text
	Text    []byte
	Hash    uint64 // it said something else that is gone: textHash of it, or unknownText; else 0
}

// Differs reports whether the line said something else than the message did first.
func (l *Line) Differs() bool { return l.HasText || l.Hash != 0 }

// AppendHead writes a record's value up to its content.
func (s *Value) AppendHead(b []byte, at civil.Micros, encrypted bool) []byte {
	flags := byte(s.Source)
	if encrypted {
		flags |= FlagEncrypted
	}
	if s.Gone {
		flags |= flagGone
	}
	if s.Loose {
		flags |= flagLoose
	}
	hasFields := s.InLogs || s.ReplyTo != 0 || s.ReplyUser != 0 || s.Attachments != 0 || s.Hash != 0 || s.Edited != 0 ||
		s.MoreSize != 0 && !s.Gone || s.Forward || s.First != 0 || s.Uncounted
	if hasFields {
		flags |= FlagFields
	}
	b = append(b, recordFormat, flags)
	b = binary.AppendUvarint(b, uint64(s.Channel))
	if hasFields {
		var fields [maxFields]byte
		f := s.appendFields(fields[:0], at)
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

// Append writes the key and the value of a record, without its checksum. If its
// text is gone, it writes none.
func Append[T string | []byte](b []byte, t *crypt.Codec, key Key, s *Value, content T) []byte {
	start := len(b)
	encrypted := t.Encrypts() && !s.Gone
	b = s.AppendHead(key.Append(b), key.Time, encrypted)
	switch {
	case encrypted:
		return crypt.AppendEncrypted(t, b, b[start:], content, s.More, s.Line.Text)
	case s.Gone:
		return b
	}
	return append(append(append(b, content...), s.More...), s.Line.Text...)
}

// Open makes the texts of the record under the key b: parts of its value, or, if it
// is encrypted, put into the room that buffer has, which then becomes the texts'.
func (s *Value) Open(t *crypt.Codec, b []byte, buffer *[]byte) (err error) {
	s.More, s.Line.Text = nil, nil
	switch {
	case s.Gone:
		s.Body = nil
	case s.Encrypted:
		if s.Body, err = t.Decrypt((*buffer)[:0], t.Bind(b, s.Head), s.Raw); err == nil {
			*buffer = s.Body
		}
	case t.Plain():
		s.Body = s.Raw
	default:
		err = crypt.ErrNotPlain
	}
	if s.Text = s.Body; s.MoreSize+s.Line.Size > 0 && err == nil {
		end := len(s.Body) - s.Line.Size
		if n := end - s.MoreSize; n >= 0 { // n < 0: opened with SkipDecrypt, and empty
			s.Text, s.More, s.Line.Text = s.Body[:n:n], s.Body[n:end:end], s.Body[end:]
		}
	}
	return crypt.TextError(b, err)
}

// TextSize is the length of the content, whether or not it is open.
func (s *Value) TextSize() int { return s.TextsSize() - s.MoreSize - s.Line.Size }

// TextsSize is the length of the content and the texts behind it.
func (s *Value) TextsSize() int {
	if s.Encrypted {
		return len(s.Raw) - crypt.Overhead
	}
	return len(s.Raw)
}

func (s *Value) appendFields(f []byte, at civil.Micros) []byte {
	if s.ReplyTo != 0 {
		f = kv.U64(append(f, fieldReplyTo, 8), uint64(s.ReplyTo))
	}
	if s.ReplyUser != 0 {
		f = kv.U64(append(f, fieldReplyUser, 8), uint64(s.ReplyUser))
	}
	if s.Attachments != 0 {
		f = appendUvarintField(f, fieldAttached, uint64(s.Attachments))
	}
	if s.InLogs {
		f = appendVarintField(f, fieldLogTime, int64(s.Line.Time-at))
	}
	if s.Hash != 0 {
		f = kv.U64(append(f, fieldHash, 8), s.Hash)
	}
	if s.Edited != 0 {
		f = appendVarintField(f, fieldEdited, int64(s.Edited-at))
	}
	if s.MoreSize != 0 && !s.Gone {
		f = appendUvarintField(f, fieldExtra, uint64(s.MoreSize))
	}
	if s.Forward {
		f = appendUvarintField(f, fieldForwarded, uint64(s.forwardFiles))
	}
	if s.First != 0 {
		f = kv.U64(append(f, fieldFirst, 8), s.First)
	}
	if s.InLogs {
		f = s.Line.appendFields(f, s.Channel)
	}
	if s.Uncounted {
		f = append(f, fieldUncounted, 1, 1)
	}
	return f
}

func (l *Line) appendFields(f []byte, channel uint32) []byte {
	if l.Channel != channel {
		f = appendUvarintField(f, fieldLogChannel, uint64(l.Channel))
	}
	if l.Key != 0 {
		f = kv.U64(append(f, fieldLogKey, 8), l.Key)
	}
	if l.HasText {
		f = appendUvarintField(f, fieldLogText, uint64(l.Size))
	}
	if l.Hash != 0 {
		f = kv.U64(append(f, fieldLogHash, 8), l.Hash)
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

// Read takes the value under the key b apart, all but the text.
func Read(b, value []byte, at civil.Micros) (Value, error) {
	payload, ok := kv.Unseal(b, value)
	if !ok {
		return Value{}, kv.Damaged(b)
	}
	s, err := Decode(payload, at)
	if err != nil {
		return Value{}, kv.Damaged(b)
	}
	return s, nil
}

// Decode reads a record's value whose checksum was taken off.
func Decode(b []byte, at civil.Micros) (Value, error) {
	whole := b
	if len(b) < 3 || b[0] != recordFormat {
		return Value{}, kv.ErrBadValue
	}
	s := Value{Source: Source(b[1] & flagSource), Encrypted: b[1]&FlagEncrypted != 0, Gone: b[1]&flagGone != 0}
	if s.Source < SourceLive || s.Source > SourceImport {
		return Value{}, kv.ErrBadValue
	}
	hasFields := b[1]&FlagFields != 0
	b = b[2:]
	channel, n := binary.Uvarint(b)
	if n <= 0 || channel > 1<<32-1 {
		return Value{}, kv.ErrBadValue
	}
	s.Channel, s.Line.Channel = uint32(channel), uint32(channel)
	b = b[n:]
	if hasFields {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Value{}, kv.ErrBadValue
		}
		if err := s.decodeFields(b[n:n+int(size)], at); err != nil {
			return Value{}, err
		}
		b = b[n+int(size):]
	}
	if s.Encrypted && len(b) < crypt.Overhead || s.Gone && len(b) > 0 {
		return Value{}, kv.ErrBadValue
	}
	s.Head, s.Raw = whole[:len(whole)-len(b)], b
	if s.MoreSize+s.Line.Size > s.TextsSize() || s.Line.Differs() && !s.InLogs {
		return Value{}, kv.ErrBadValue
	}
	// An edited message that keeps no hash has been so since it was first seen.
	s.Loose = whole[1]&flagLoose != 0 || s.Edited != 0 && s.Hash == 0 && s.First == 0
	return s, nil
}

func (s *Value) decodeFields(f []byte, at civil.Micros) error {
	for len(f) > 0 {
		if len(f) < 2 {
			return kv.ErrBadValue
		}
		tag := f[0]
		size, n := binary.Uvarint(f[1:])
		if n <= 0 || size > uint64(len(f)-1-n) {
			return kv.ErrBadValue
		}
		value := f[1+n : 1+n+int(size)]
		f = f[1+n+int(size):]
		ok := true
		switch tag {
		case fieldReplyTo:
			s.ReplyTo, ok = idField(value)
		case fieldReplyUser:
			s.ReplyUser, ok = idField(value)
		case fieldAttached:
			count, n := binary.Uvarint(value)
			s.Attachments, ok = int(count), n == len(value) && count <= MaxCount
		case fieldLogTime:
			delta, n := binary.Varint(value)
			s.InLogs, s.Line.Time, ok = true, at+civil.Micros(delta), n == len(value)
		case fieldHash:
			s.Hash, ok = hashField(value)
		case fieldEdited:
			delta, n := binary.Varint(value)
			s.Edited, ok = at+civil.Micros(delta), n == len(value)
		case fieldExtra:
			size, n := binary.Uvarint(value)
			s.MoreSize, ok = int(size), n == len(value) && size > 0 && size <= maxContentBytes
		case fieldForwarded:
			count, n := binary.Uvarint(value)
			s.Forward, s.forwardFiles, ok = true, int(count), n == len(value) && count <= MaxCount
		case fieldFirst:
			s.First, ok = hashField(value)
		case fieldLogChannel:
			channel, n := binary.Uvarint(value)
			s.Line.Channel, ok = uint32(channel), n == len(value) && channel <= 1<<32-1
		case fieldLogKey:
			s.Line.Key, ok = hashField(value)
		case fieldLogText:
			size, n := binary.Uvarint(value)
			s.Line.HasText, s.Line.Size, ok = true, int(size), n == len(value) && size <= maxContentBytes
		case fieldLogHash:
			s.Line.Hash, ok = hashField(value)
		case fieldUncounted:
			s.Uncounted, ok = true, len(value) == 1 && value[0] == 1
		}
		if !ok {
			return kv.ErrBadValue
		}
	}
	return nil
}

func hashField(b []byte) (uint64, bool) {
	id, ok := idField(b)
	return uint64(id), ok
}

func idField(b []byte) (snowflake.ID, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return snowflake.ID(binary.BigEndian.Uint64(b)), true
}

// SameContent reports whether what may be changed of two values is the same.
func (s *Value) SameContent(o *Value) bool {
	return s.ReplyTo == o.ReplyTo && s.ReplyUser == o.ReplyUser && s.Gone == o.Gone && s.First == o.First && s.Edited == o.Edited &&
		s.Attachments == o.Attachments && s.Forward == o.Forward && s.forwardFiles == o.forwardFiles && bytes.Equal(s.Text, o.Text) && bytes.Equal(s.More, o.More)
}
