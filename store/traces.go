package store

import (
	"bytes"
	"encoding/binary"
	"slices"

	"rollcall/internal/civil"
)

// A message that was removed for good (ROLLCALL_ON_DELETE=remove) leaves a trace in
// state/tombstones: who wrote when, and a hash instead of the text. Without it the
// same message would come back, from a page of the history or as a line of the logs.
// A trace is no record, and no answer and no count knows of it; but it takes part in
// the matching as the message did, so the lines of other messages stay theirs.
//
// A message of somebody that does not count (a join, a boost, a new thread) has a trace
// from the beginning: the other bot has logged it as it logs all others, and the line
// must not become a record.

// uncountedLimit bounds the traces of messages that never counted, of a guild: some 75 MB.
// Beyond it they are not kept, and their lines count.
const uncountedLimit = 1_000_000

// putUncounted keeps traces of messages that do not count.
func (g *guildTx) putUncounted(batch []pending) error {
	g.coming = len(batch)
	for i := range batch {
		p := &batch[i]
		if p.out || g.forgets(p.key.user) || g.info.uncounted >= uncountedLimit || g.has(p.key) {
			continue
		}
		channel, err := g.numberOf(p)
		if err != nil {
			return err
		}
		s := stored{
			source: p.more.Source, channel: channel, gone: true, first: g.w.hash("", []byte(p.content)), uncounted: true,
			line: storedLine{channel: channel},
		}
		g.info.ids.add(p.key.time)
		g.info.uncounted++
		if g.info.logs.overlaps(p.key.time-logBefore, p.key.time+logAfter) {
			err = g.mergeMessage(p, s, true)
		} else {
			err = g.putTrace(p.key, &s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// traceKey is the key of a trace: tombMessage · guild u64 · key of the record.
func (g *guildTx) traceKey(recordKey []byte) []byte {
	return append(append([]byte{tombMessage}, g.key...), recordKey...)
}

// removed says whether there is a trace in the place of a record.
func (g *guildTx) removed(key recordKey) bool {
	return g.traces && g.w.state(stateTombstones).Get(g.traceKey(key.append(nil))) != nil
}

// quarterShare is how many bytes of the timeline may be read of a quarter hour for each
// record that is put at once: to look for one among the records costs about as much.
const quarterShare = 1 << 10

// has says whether a record is there, or was and has been removed. The timeline tells
// of most that are not without a look at the records, unless much was written in their
// quarter hour and few ask.
func (g *guildTx) has(key recordKey) bool {
	if g.removed(key) {
		return true
	}
	if _, found := findEntry(g.records.fresh, key); found {
		return true
	}
	q := civil.QuarterOf(key.time)
	moments, known := g.quarters[q]
	if !known {
		var err error
		if moments, known, err = g.readQuarter(q, quarterShare*g.coming); err != nil || !known { // what is damaged there need not stop what comes
			return g.records.Get(key.append(nil)) != nil
		}
		g.quarters[q] = moments
	}
	if _, found := slices.BinarySearchFunc(moments, moment{key.time, key.user}, compareMoments); !found {
		return false
	}
	return g.records.Get(key.append(nil)) != nil
}

// readQuarter returns the moments of a quarter hour, by user; ok is false if they take
// more than so many bytes.
func (g *guildTx) readQuarter(q uint32, most int) (moments []moment, ok bool, err error) {
	c := g.timeline.Cursor()
	size := 0
	for b, value := c.Seek(chunkKey(q, 0)); b != nil && binary.BigEndian.Uint32(b) == q; b, value = c.Next() {
		if size += len(value); size > most {
			return nil, false, nil
		}
	}
	b, value := c.Seek(chunkKey(q, 0))
	if b == nil || binary.BigEndian.Uint32(b) != q {
		return nil, true, nil
	}
	moments, _, _, err = readQuarter(b, value, c.Next)
	slices.SortFunc(moments, compareMoments)
	return moments, true, err
}

func (g *guildTx) putTrace(key recordKey, s *stored) error {
	g.traces = true
	return g.w.put(g.w.state(stateTombstones), g.traceKey(key.append(nil)), s.appendHead(nil, key.time, false))
}

// eraseTraces removes the first traces of a user's messages, or of all messages if user
// is 0, and returns how many.
func (g *guildTx) eraseTraces(user ID, most int) (int, error) {
	if !g.traces {
		return 0, nil
	}
	b, prefix := g.w.state(stateTombstones), g.traceKey(nil)
	if user != 0 {
		prefix = u64(prefix, uint64(user))
	}
	keys := keysFrom(b, prefix, most)
	for _, key := range keys {
		payload, err := get(b, key)
		if err == nil {
			var s stored
			if s, err = decodeStored(payload, 0); err == nil && s.uncounted {
				g.info.uncounted--
			}
		}
		if err != nil { // it goes in any case
			g.w.bad.note(g.id, key, err)
		}
		if err := b.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// redact takes the text out of a record.
func (g *guildTx) redact(key recordKey) error {
	return g.change(key, func(s *stored) error {
		if s.gone {
			return nil
		}
		return g.strip(key, s)
	})
}

// strip takes the text out of a value, and that of its line with it.
func (g *guildTx) strip(key recordKey, s *stored) error {
	if err := g.keepWords(key, s); err != nil {
		return err
	}
	if l := &s.line; l.hasText {
		l.hash, l.hasText, l.size, l.text = g.w.hash("", l.text), false, 0, nil
	}
	s.gone, s.text, s.more, s.moreSize = true, nil, nil, 0
	return nil
}

// obliterate takes a record away for good and leaves a trace.
func (g *guildTx) obliterate(key recordKey) error {
	g.leave()
	s, err := g.whole(key)
	if err != nil {
		return err
	}
	if err := g.strip(key, &s); err != nil {
		return err
	}
	trace := stored{source: s.source, channel: s.channel, gone: true, hash: s.hash, first: s.first, loose: s.loose, inLogs: s.inLogs, line: s.line}
	if err := g.putTrace(key, &trace); err != nil {
		return err
	}
	return g.remove(key)
}

// keepWords makes a record keep what the matching knows it by, before its text goes.
func (g *guildTx) keepWords(key recordKey, s *stored) error {
	if s.hash != 0 || s.first != 0 || s.gone {
		return nil
	}
	s.first = g.w.hash("", s.text)
	if !s.inLogs || s.line.key != 0 {
		return nil
	}
	channel, err := g.channel(s.line.channel)
	s.line.key = g.w.hash(channel.Name, s.text)
	return err
}

// whole returns a record with its text.
func (g *guildTx) whole(key recordKey) (stored, error) {
	b := key.append(nil)
	s, err := readStored(b, g.records.Get(b), key.time)
	if err != nil {
		return s, err
	}
	err = s.open(g.texts, b, new([]byte))
	s.text, s.more, s.line.text = slices.Clone(s.text), slices.Clone(s.more), slices.Clone(s.line.text)
	return s, err
}

// change rewrites a record with what fn makes of it. The record's place, source and
// channel stay.
func (g *guildTx) change(key recordKey, fn func(*stored) error) error {
	g.leave()
	s, err := g.whole(key)
	if err != nil {
		return err
	}
	before := s
	if err := fn(&s); err != nil {
		return err
	}
	if s.same(&before) {
		return nil
	}
	return g.records.replace(key, recordValue(g, key, &s, s.text))
}

// same says whether what may be changed of two values is the same.
func (s *stored) same(o *stored) bool {
	return s.replyTo == o.replyTo && s.replyUser == o.replyUser && s.gone == o.gone && s.first == o.first && s.edited == o.edited &&
		s.attachments == o.attachments && s.forward == o.forward && s.forwardFiles == o.forwardFiles && bytes.Equal(s.text, o.text) && bytes.Equal(s.more, o.more)
}
