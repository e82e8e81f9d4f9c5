package store

import (
	"bytes"
	"cmp"
	"slices"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// message is a record with a message id, as the matching sees it, or the deletion marker of one.
type message struct {
	key record.Key
	record.Value
	removed bool // a deletion marker, not a record
	opened  bool // text is there
	room    []byte
	words   words
	held    *logLine // what lineOf returned
}

// logLine is a line of the logs: a record of its own, or held by a message.
type logLine struct {
	key      record.Key // of its record, if it has one
	time     Micros
	channel  uint32
	id       uint64 // in its key; 0 if it was not needed yet
	user     ID
	gone     bool // its text is not to be kept
	words    words
	borrowed bool // words are those of the message that holds it
}

// vicinity is what there is of a user in a span of time. Records come in the order of
// users and times, so what was read for one serves those behind it, and many messages
// within a minute are read once.
type vicinity struct {
	user     ID
	from, to Micros
	messages []*message  // by time and id
	lines    []*logLine  // those with records of their own, by time and id
	rooms    [][]message // for what is read, of which so many are used
	used     int
}

// roomsOf is how many messages there is room for at once.
const roomsOf = 32

// room returns a message that is used no more, or a new one.
func (v *vicinity) room() *message {
	i, k := v.used/roomsOf, v.used%roomsOf
	if i == len(v.rooms) {
		v.rooms = append(v.rooms, make([]message, roomsOf))
	}
	v.used++
	return &v.rooms[i][k]
}

// nearAhead is how much more of the time to come is read.
const nearAhead = logBefore + logAfter

// approach makes ready for a newcomer.
func (g *guildTx) approach(user ID, at Micros) error {
	from, to := at-logBefore-logAfter, at+logBefore+logAfter
	v := &g.near
	if v.user == user && v.from <= from && to <= v.to {
		return nil
	}
	*v = vicinity{user: user, from: from, to: from - 1, messages: v.messages[:0], lines: v.lines[:0], rooms: v.rooms[:min(len(v.rooms), 1)]}
	return g.extend(from, to+nearAhead)
}

// leave forgets what was read: the records are about to change.
func (g *guildTx) leave() { g.near = vicinity{} }

// extend reads what is missing of a span that overlaps, or adjoins, what was read. What
// is known already stays what it is.
func (g *guildTx) extend(from, to Micros) error {
	v := &g.near
	if to > v.to {
		if err := g.readNear(v.to+1, to); err != nil {
			return err
		}
		v.to = to
	}
	if from < v.from {
		if err := g.readNear(from, v.from-1); err != nil {
			return err
		}
		v.from = from
	}
	return nil
}

// readNear adds what there is in [from, to]. One record that is damaged must not hold up
// all others.
func (g *guildTx) readNear(from, to Micros) error {
	v := &g.near
	messages, lines := len(v.messages), len(v.lines)
	c := g.records.Between(from, to)
	g.room = record.Key{User: v.user, Time: from, ID: 0}.Append(g.room[:0])
	for b, value := c.Seek(g.room); b != nil; b, value = c.Next() {
		key, ok := record.ParseKey(b)
		if !ok {
			return kv.Damaged(b)
		}
		if key.User != v.user || key.Time > to {
			break
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			g.w.bad.note(g.id, b, err)
			continue
		}
		m := v.room()
		*m = message{key: key, Value: s}
		m.words = m.wordsOf()
		if !key.IsLog() {
			v.messages = append(v.messages, m)
			continue
		}
		l := &logLine{key: key, time: key.Time, channel: s.Channel, id: key.ID, user: key.User, gone: s.Gone, words: m.words}
		l.words.mark, l.words.channel = key.ID, s.Channel
		v.lines = append(v.lines, l)
	}
	if err := g.readMarkers(from, to); err != nil {
		return err
	}
	if messages > 0 || g.hasMarkers {
		slices.SortFunc(v.messages, func(a, b *message) int { return a.key.Compare(b.key) })
	}
	if lines > 0 {
		slices.SortFunc(v.lines, func(a, b *logLine) int { return a.key.Compare(b.key) })
	}
	return nil
}

// readMarkers adds the messages that are no records.
func (g *guildTx) readMarkers(from, to Micros) error {
	if !g.hasMarkers {
		return nil
	}
	v := &g.near
	prefix := g.markerKey(nil)
	c := g.w.state(stateMarkers).Cursor()
	for b, value := c.Seek(g.markerKey(record.Key{User: v.user, Time: from, ID: 0}.Append(nil))); bytes.HasPrefix(b, prefix); b, value = c.Next() {
		key, ok := record.ParseKey(b[len(prefix):])
		if !ok {
			return kv.Damaged(b)
		}
		if key.User != v.user || key.Time > to {
			break
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			return err
		}
		if !key.IsLog() {
			m := &message{key: key, Value: s, removed: true}
			m.words = m.wordsOf()
			v.messages = append(v.messages, m)
		}
	}
	return nil
}

// around returns the messages of a span, by time and id.
func (v *vicinity) around(from, to Micros) []*message {
	i, _ := slices.BinarySearchFunc(v.messages, from, func(m *message, t Micros) int { return cmp.Compare(m.key.Time, t) })
	j, _ := slices.BinarySearchFunc(v.messages, to+1, func(m *message, t Micros) int { return cmp.Compare(m.key.Time, t) })
	return v.messages[i:j]
}

// single returns the lines of a span that no message holds, by time and id.
func (v *vicinity) single(from, to Micros) []*logLine {
	i, _ := slices.BinarySearchFunc(v.lines, from, func(l *logLine, t Micros) int { return cmp.Compare(l.time, t) })
	j, _ := slices.BinarySearchFunc(v.lines, to+1, func(l *logLine, t Micros) int { return cmp.Compare(l.time, t) })
	return v.lines[i:j]
}

func (v *vicinity) insert(m *message) {
	i, _ := slices.BinarySearchFunc(v.messages, m.key, func(m *message, key record.Key) int { return m.key.Compare(key) })
	v.messages = slices.Insert(v.messages, i, m)
}

func (v *vicinity) insertLine(l *logLine) {
	i, _ := slices.BinarySearchFunc(v.lines, l.key, func(l *logLine, key record.Key) int { return l.key.Compare(key) })
	v.lines = slices.Insert(v.lines, i, l)
}

func (v *vicinity) drop(l *logLine) {
	v.lines = slices.DeleteFunc(v.lines, func(o *logLine) bool { return o == l })
}

// lineOf returns the line that a message holds.
func (g *guildTx) lineOf(m *message) *logLine {
	if m.held != nil {
		return m.held
	}
	l := &logLine{time: m.Line.Time, channel: m.Line.Channel, id: m.Line.Key, user: m.key.User}
	switch {
	case m.Line.HasText:
		l.words = words{has: true, size: m.Line.Size, of: m, line: true}
	case m.Line.Differs():
		l.words = words{hash: m.Line.Hash, mark: m.Line.Key, channel: m.Line.Channel}
		l.gone = true
	default:
		l.words, l.borrowed = m.words, true
	}
	m.held = l
	return l
}

// identify makes the id of a line's key.
func (g *guildTx) identify(l *logLine) error {
	if l.id != 0 {
		return nil
	}
	channel, err := g.channel(l.channel)
	if err != nil {
		return err
	}
	if l.words.has {
		err = g.openWords(&l.words)
		l.id = g.w.hash(channel.Name, l.words.text)
		return err
	}
	marked, err := g.channel(l.words.channel)
	if err == nil && (l.words.mark == 0 || marked.Name != channel.Name) {
		err = kv.ErrBadValue
	}
	l.id = l.words.mark
	return err
}

// isSame reports whether two lines of one user and time are the same.
func (g *guildTx) isSame(a, b *logLine) (bool, error) {
	if a.id != 0 && b.id != 0 {
		return a.id == b.id, nil
	}
	one, err := g.channel(a.channel)
	if err != nil {
		return false, err
	}
	if two, err := g.channel(b.channel); err != nil || one.Name != two.Name {
		return false, err
	}
	return g.same(&a.words, &b.words)
}

// putSingle makes a record of a line that no message takes.
func (g *guildTx) putSingle(l *logLine) error {
	if err := g.identify(l); err != nil {
		return err
	}
	l.key = record.Key{User: l.user, Time: l.time, ID: l.id}
	s := record.Value{Source: SourceLog, Channel: l.channel, Gone: l.gone || !l.words.has}
	var text []byte
	if s.Gone {
		hash, err := g.textHash(&l.words)
		if err != nil {
			return err
		}
		if hash != unknownText {
			s.First = hash
		}
	} else {
		if err := g.openWords(&l.words); err != nil {
			return err
		}
		text = l.words.text
	}
	l.gone, l.borrowed = s.Gone, false
	g.near.insertLine(l)
	put(g, l.key, &s, text)
	return nil
}

// places are how two channels may be related.
type places uint8

const (
	oneChannel places = iota
	otherName
	twoChannels
)

// compareChannels says how a line's channel is related to one of a message. A channel
// that did not exist yet when the line was written is not the line's, whoever has
// found its id by the name.
func (g *guildTx) compareChannels(l *logLine, number uint32) (places, error) {
	if l.channel == number {
		return oneChannel, nil
	}
	a, err := g.channel(l.channel)
	if err != nil {
		return 0, err
	}
	b, err := g.channel(number)
	switch {
	case err != nil:
		return 0, err
	case a.ID == b.ID && a.ID != 0:
		return oneChannel, nil
	case a.ID != 0 && b.ID != 0 && Micros(a.ID.Millis()*1e3) <= l.time+logBefore:
		return twoChannels, nil
	case a.Name == b.Name:
		return oneChannel, nil
	}
	return otherName, nil
}
