package tracker

import (
	"encoding/json"

	"rollcall/store"
)

// A message of Discord may say something without content: it passes a message on,
// asks a question with answers to choose from, or shows stickers. What of this cannot
// be read is taken as absent, part by part, and never costs the message. How much of
// it is kept at most is the store's business.

// referenceForward is the type of a message_reference that passes a message on.
const referenceForward = 1

// extraParts are the members of a message that make its Extra.
type extraParts struct {
	forward                   bool // the reference is a forward's
	snapshots, poll, stickers []byte
}

// extra reads the parts; nil if there is nothing in them.
func (p *extraParts) extra() *store.Extra {
	if !p.forward && p.snapshots == nil && p.poll == nil && p.stickers == nil {
		return nil // most messages
	}
	x := store.Extra{Forwarded: forwardedIn(p.snapshots), Poll: pollIn(p.poll), Stickers: stickersIn(p.stickers)}
	if x.Forwarded == nil && p.forward {
		x.Forwarded = &store.Forwarded{} // of what, is withheld
	}
	if x.Forwarded == nil && x.Poll == nil && x.Stickers == nil {
		return nil
	}
	return &x
}

// forwardedIn reads a forward's message_snapshots, of which the first counts: Discord
// sends one. nil if there is none.
func forwardedIn(list []byte) (f *store.Forwarded) {
	eachElement(list, func(snapshot []byte) bool {
		if len(snapshot) == 0 || snapshot[0] != '{' {
			return true
		}
		f = &store.Forwarded{}
		_ = walk(memberOf(snapshot, "message"), func(key, value []byte) error {
			switch string(key) {
			case "content":
				f.Content = looseText(value)
			case "attachments":
				f.Attachments = countElements(value)
			}
			return nil
		})
		return false
	})
	return f
}

// pollIn reads a poll; nil if it has neither a question nor answers.
func pollIn(object []byte) *store.Poll {
	p := store.Poll{Answers: []string{}}
	_ = walk(object, func(key, value []byte) error {
		switch string(key) {
		case "question":
			p.Question = looseText(memberOf(value, "text"))
		case "answers":
			p.Answers = p.Answers[:0]
			eachElement(value, func(answer []byte) bool {
				if len(answer) > 0 && answer[0] == '{' { // one that is an emoji alone has no text, and its place
					p.Answers = append(p.Answers, looseText(memberOf(memberOf(answer, "poll_media"), "text")))
				}
				return len(p.Answers) < maxElements
			})
		}
		return nil
	})
	if p.Question == "" && len(p.Answers) == 0 {
		return nil
	}
	return &p
}

// stickersIn reads the names of sticker_items; those without are left out.
func stickersIn(list []byte) (names []string) {
	eachElement(list, func(item []byte) bool {
		if name := looseText(memberOf(item, "name")); name != "" {
			names = append(names, name)
		}
		return len(names) < maxElements
	})
	return names
}

// maxElements bounds what is read of a list: more than is kept.
const maxElements = 64

// memberOf returns the member of a JSON object under a key, nil if there is none. Of
// several with one key it is the last.
func memberOf(object []byte, name string) (member []byte) {
	_ = walk(object, func(key, value []byte) error {
		if string(key) == name {
			member = value
		}
		return nil
	})
	return member
}

// eachElement calls visit with the elements of a JSON list until it returns false, or
// one cannot be read. What is no list has none.
func eachElement(list []byte, visit func(element []byte) bool) {
	if len(list) == 0 || list[0] != '[' {
		return
	}
	for i := skipSpace(list, 1); i < len(list) && list[i] != ']'; {
		end := skipValue(list, i)
		if end < 0 || !visit(list[i:end]) {
			return
		}
		if i = skipSpace(list, end); i == len(list) || list[i] != ',' {
			return
		}
		i = skipSpace(list, i+1)
	}
}

// looseText reads a string, made valid UTF-8; anything else is none.
func looseText(value []byte) (s string) {
	if readString(value, &s) != nil {
		return ""
	}
	return s
}

// isMute reports whether there is nothing in it that Discord may withhold: it leaves the names
// of stickers, and that something is passed on.
func isMute(x *store.Extra) bool {
	return x == nil || x.Poll == nil && (x.Forwarded == nil || x.Forwarded.Content == "" && x.Forwarded.Attachments == 0)
}

// isForward reports whether a message_reference is a forward's.
func isForward(reference []byte) bool {
	var kind int
	return json.Unmarshal(memberOf(reference, "type"), &kind) == nil && kind == referenceForward
}
