package record

import (
	"encoding/binary"
	"unicode/utf8"

	"rollcall/store/internal/kv"
)

// Extra is what a message says beside its content, or instead of one. Its texts are
// texts like the content: they are encrypted, redacted, swept and removed with it.
type Extra struct {
	Forwarded *Forwarded // what the message passes on; nil: it is no forward
	Poll      *Poll      // nil: none
	Stickers  []string   // their names
}

// Forwarded is a message that somebody else wrote, passed on by the record's author.
// Of a record whose text is not kept the content is "", and the number stays.
type Forwarded struct {
	Content     string `json:"content"`
	Attachments int    `json:"attachments"` // of the forwarded message; Record.Attachments are the author's own
}

// Poll is a question that the author asks, with the answers to choose from.
type Poll struct {
	Question string   `json:"question"`
	Answers  []string `json:"answers"`
}

// What is stored of an Extra at most, in bytes and numbers: several times what Discord
// allows. Longer texts are cut at the end of a character, longer lists behind the last
// that is kept.
const (
	maxForwarded = 64 << 10
	maxQuestion  = 4 << 10
	maxAnswer    = 1 << 10
	maxAnswers   = 32
	maxSticker   = 512
	maxStickers  = 16
)

// The texts of an Extra follow the content, and are encrypted with it:
//
//	{ tag u8 · length · bytes }*     lengths are uvarints; tags do not descend, and unknown ones are passed over
//
// How many bytes they are is a field of the record (fieldExtra), and so is that it is
// a forward, with the number of its attachments (fieldForwarded). A poll has a question,
// which may be empty.
const (
	extraForwarded = 1
	extraQuestion  = 2
	extraAnswer    = 3 // one each, in their order
	extraSticker   = 4 // one each, in their order
)

// AppendExtra packs the texts of an Extra, within their bounds.
func AppendExtra(b []byte, x *Extra) []byte {
	if x == nil {
		return b
	}
	if x.Forwarded != nil && x.Forwarded.Content != "" {
		b = appendPart(b, extraForwarded, x.Forwarded.Content, maxForwarded)
	}
	if x.Poll != nil {
		b = appendPart(b, extraQuestion, x.Poll.Question, maxQuestion)
		for _, answer := range x.Poll.Answers[:min(len(x.Poll.Answers), maxAnswers)] {
			b = appendPart(b, extraAnswer, answer, maxAnswer)
		}
	}
	for _, name := range x.Stickers[:min(len(x.Stickers), maxStickers)] {
		b = appendPart(b, extraSticker, name, maxSticker)
	}
	return b
}

func appendPart(b []byte, tag byte, text string, most int) []byte {
	if len(text) > most {
		for text = text[:most+1]; !utf8.RuneStart(text[len(text)-1]); {
			text = text[:len(text)-1]
		}
		text = text[:len(text)-1]
	}
	b = binary.AppendUvarint(append(b, tag), uint64(len(text)))
	return append(b, text...)
}

// eachPart calls fn with the parts of a packed Extra in their order, until it returns false.
func eachPart(b []byte, fn func(tag byte, text []byte) bool) error {
	last := byte(0)
	for len(b) > 0 {
		tag := b[0]
		size, n := binary.Uvarint(b[1:])
		if n <= 0 || size > uint64(len(b)-1-n) || tag < last {
			return kv.ErrBadValue
		}
		text := b[1+n : 1+n+int(size)]
		if !fn(tag, text) {
			return nil
		}
		b, last = b[1+n+int(size):], tag
	}
	return nil
}

// DecodeExtra unpacks the texts of an Extra into x. It does not check that they are UTF-8.
func DecodeExtra(x *Extra, b []byte) error {
	return eachPart(b, func(tag byte, text []byte) bool {
		switch tag {
		case extraForwarded:
			if x.Forwarded == nil {
				x.Forwarded = &Forwarded{}
			}
			x.Forwarded.Content = string(text)
		case extraQuestion:
			x.Poll = &Poll{Question: string(text), Answers: []string{}}
		case extraAnswer:
			if x.Poll == nil {
				x.Poll = &Poll{}
			}
			x.Poll.Answers = append(x.Poll.Answers, string(text))
		case extraSticker:
			x.Stickers = append(x.Stickers, string(text))
		}
		return true
	})
}

// Extra returns what a record has besides its content, nil if nothing. It must be open.
func (s *Value) Extra() (*Extra, error) {
	if !s.Forward && len(s.More) == 0 {
		return nil, nil
	}
	x := &Extra{}
	if s.Forward {
		x.Forwarded = &Forwarded{Attachments: s.forwardFiles}
	}
	return x, DecodeExtra(x, s.More)
}

// AnyText reports whether one of a record's texts, each by itself, is selected. It must be
// open. Texts that do not decode are not; that is found when the record is made, or by Check.
func (s *Value) AnyText(selects func(text []byte) bool) (found bool) {
	if selects(s.Text) {
		return true
	}
	_ = eachPart(s.More, func(_ byte, text []byte) bool {
		found = selects(text)
		return !found
	})
	return found
}

// SetExtra takes over what a record is to have besides its content.
func (s *Value) SetExtra(x *Extra) {
	s.Forward, s.forwardFiles = false, 0
	if x != nil && x.Forwarded != nil {
		s.Forward, s.forwardFiles = true, min(max(x.Forwarded.Attachments, 0), MaxCount)
	}
	s.More = AppendExtra(nil, x)
	s.MoreSize = len(s.More)
}

// ExtraOK reports whether the packed texts are as AppendExtra makes them. Parts of a
// kind that is not known are taken for sound.
func (s *Value) ExtraOK() bool {
	var count [extraSticker + 1]int
	most := [extraSticker + 1]struct{ size, count int }{
		extraForwarded: {maxForwarded, 1}, extraQuestion: {maxQuestion, 1}, extraAnswer: {maxAnswer, maxAnswers}, extraSticker: {maxSticker, maxStickers},
	}
	sound := true
	err := eachPart(s.More, func(tag byte, text []byte) bool {
		if tag <= extraSticker {
			count[tag]++
			sound = sound && len(text) <= most[tag].size && count[tag] <= most[tag].count
		}
		sound = sound && tag > 0 && (tag != extraForwarded || len(text) > 0) && utf8.Valid(text)
		return sound
	})
	return sound && err == nil && (count[extraForwarded] == 0 || s.Forward) && (count[extraAnswer] == 0 || count[extraQuestion] > 0)
}

// ExtraSize is how many bytes of text an Extra has.
func ExtraSize(x *Extra) (n int) {
	if x == nil {
		return 0
	}
	if x.Forwarded != nil {
		n += len(x.Forwarded.Content)
	}
	if x.Poll != nil {
		n += len(x.Poll.Question)
		for _, answer := range x.Poll.Answers {
			n += len(answer)
		}
	}
	for _, name := range x.Stickers {
		n += len(name)
	}
	return n
}
