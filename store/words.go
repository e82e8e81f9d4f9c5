package store

import (
	"bytes"

	"rollcall/store/internal/record"
)

// words are what a message or a line said, as far as the matching can know it.
type words struct {
	has  bool // the text is there
	open bool // in text
	size int  // of the text
	text []byte
	of   *message // in whose record it is, if it is not open
	line bool     // there it is what the line said

	hash uint64 // textHash, 0 if it is not known or was not needed yet
	// mark is record.LogKey of the text and a channel's name, 0 if it is not known.
	mark    uint64
	channel uint32
}

// unknownText stands for the textHash of a text of which there is none: every hash has
// record.LogMark.
const unknownText = 1

// textHash stands for a text that is not there. It is salted, as record.LogKey is.
func (g *guildTx) textHash(w *words) (uint64, error) {
	if w.hash != 0 || !w.has {
		return w.hash, nil
	}
	err := g.openWords(w)
	if err == nil {
		w.hash = g.w.hash("", w.text)
	}
	return w.hash, err
}

// hash is record.LogKey of a channel's name and a text.
func (w *writeTx) hash(channel string, text []byte) uint64 {
	hash, _ := record.LogKey(w.salt, nil, channel, text)
	return hash
}

// wordsOf returns what a message said first.
func (m *message) wordsOf() words {
	if m.First != 0 || m.Hash != 0 || m.Gone {
		return words{hash: m.First, mark: m.Hash, channel: m.Channel}
	}
	return words{has: true, size: m.TextSize(), of: m}
}

// openMessage makes the text of a message.
func (g *guildTx) openMessage(m *message) error {
	if m.opened {
		return nil
	}
	m.opened = true
	g.room = m.key.Append(g.room[:0])
	return m.Open(g.texts, g.room, &m.room)
}

// openWords makes the text of words that have one.
func (g *guildTx) openWords(w *words) error {
	if w.open {
		return nil
	}
	if err := g.openMessage(w.of); err != nil {
		return err
	}
	if w.text = w.of.Text; w.line {
		w.text = w.of.Line.Text
	}
	w.open = true
	return nil
}

// same reports whether two said the same. Where nobody can tell they did not.
func (g *guildTx) same(a, b *words) (bool, error) {
	switch {
	case a.has && b.has:
		if a.size != b.size {
			return false, nil
		}
		if a.of != nil && a.of == b.of && a.line == b.line {
			return true, nil
		}
		if err := g.openWords(a); err != nil {
			return false, err
		}
		err := g.openWords(b)
		return bytes.Equal(a.text, b.text), err
	case a.has:
		return g.isHashOf(b, a)
	case b.has:
		return g.isHashOf(a, b)
	case a.hash > unknownText && b.hash > unknownText:
		return a.hash == b.hash, nil
	case a.mark == 0 || a.mark != b.mark:
		return false, nil
	}
	one, err := g.channel(a.channel)
	if err != nil {
		return false, err
	}
	two, err := g.channel(b.channel)
	return one.Name == two.Name, err
}

// isHashOf reports whether gone is what is left of a text.
func (g *guildTx) isHashOf(gone, text *words) (bool, error) {
	if gone.hash > unknownText {
		hash, err := g.textHash(text)
		return gone.hash == hash, err
	}
	if gone.mark == 0 {
		return false, nil
	}
	channel, err := g.channel(gone.channel)
	if err != nil {
		return false, err
	}
	if err := g.openWords(text); err != nil {
		return false, err
	}
	return g.w.hash(channel.Name, text.text) == gone.mark, nil
}

// learn takes over what others know who said the same.
func (w *words) learn(o *words) {
	switch {
	case w.has:
	case o.has:
		hash := max(w.hash, o.hash)
		*w = *o
		w.hash = hash
	case w.hash == 0:
		w.hash = o.hash
	}
}
