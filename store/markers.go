package store

import (
	"slices"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// A message that was removed for good (ROLLCALL_ON_DELETE=remove) leaves a deletion marker in
// state/markers: who wrote when, and a hash instead of the text. Without it the
// same message would come back, from a page of the history or as a line of the logs.
// A deletion marker is no record, and no answer and no count knows of it; but it takes part in
// the matching as the message did, so the lines of other messages stay theirs.
//
// A message of somebody that does not count (a join, a boost, a new thread) has a deletion marker
// from the beginning: the other bot has logged it as it logs all others, and the line
// must not become a record.

// uncountedLimit bounds the deletion markers of messages that never counted, of a guild: some 75 MB.
// Beyond it they are not kept, and their lines count.
const uncountedLimit = 1_000_000

// putUncounted keeps deletion markers of messages that do not count.
func (g *guildTx) putUncounted(batch []putOp) error {
	g.coming = len(batch)
	for i := range batch {
		p := &batch[i]
		if p.out || g.isForgotten(p.key.User) || g.info.uncounted >= uncountedLimit || g.has(p.key) {
			continue
		}
		channel, err := g.numberOf(p)
		if err != nil {
			return err
		}
		s := record.Value{
			Source: p.more.Source, Channel: channel, Gone: true, First: g.w.hash("", []byte(p.content)), Uncounted: true,
			Line: record.Line{Channel: channel},
		}
		g.info.ids.Add(p.key.Time)
		g.info.uncounted++
		if g.info.logs.Overlaps(p.key.Time-logBefore, p.key.Time+logAfter) {
			err = g.mergeMessage(p, s, true)
		} else {
			err = g.putMarker(p.key, &s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// markerKey is the key of a deletion marker: guild u64 · key of the record.
func (g *guildTx) markerKey(recordKey []byte) []byte {
	return append(append(make([]byte, 0, 8+record.KeySize), g.key...), recordKey...)
}

// removed reports whether there is a deletion marker in the place of a record.
func (g *guildTx) removed(key record.Key) bool {
	return g.hasMarkers && g.w.state(stateMarkers).Get(g.markerKey(key.Append(nil))) != nil
}

func (g *guildTx) putMarker(key record.Key, s *record.Value) error {
	g.hasMarkers = true
	return g.w.put(g.w.state(stateMarkers), g.markerKey(key.Append(nil)), s.AppendHead(nil, key.Time, false))
}

// eraseMarkers removes the first deletion markers of a user's messages, or of all messages if user
// is 0, and returns how many.
func (g *guildTx) eraseMarkers(user ID, most int) (int, error) {
	if !g.hasMarkers {
		return 0, nil
	}
	b, prefix := g.w.state(stateMarkers), g.markerKey(nil)
	if user != 0 {
		prefix = kv.U64(prefix, uint64(user))
	}
	keys := kv.Keys(b, prefix, most)
	for _, key := range keys {
		payload, err := kv.Get(b, key)
		if err == nil {
			var s record.Value
			if s, err = record.Decode(payload, 0); err == nil && s.Uncounted {
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
func (g *guildTx) redact(key record.Key) error {
	return g.amend(key, func(s *record.Value) error {
		if s.Gone {
			return nil
		}
		return g.strip(key, s)
	})
}

// strip takes the text out of a value, and that of its line with it.
func (g *guildTx) strip(key record.Key, s *record.Value) error {
	if err := g.keepWords(key, s); err != nil {
		return err
	}
	if l := &s.Line; l.HasText {
		l.Hash, l.HasText, l.Size, l.Text = g.w.hash("", l.Text), false, 0, nil
	}
	s.Gone, s.Text, s.More, s.MoreSize = true, nil, nil, 0
	return nil
}

// obliterate takes a record away for good and leaves a deletion marker.
func (g *guildTx) obliterate(key record.Key) error {
	g.leave()
	s, err := g.whole(key)
	if err != nil {
		return err
	}
	if err := g.strip(key, &s); err != nil {
		return err
	}
	marker := record.Value{Source: s.Source, Channel: s.Channel, Gone: true, Hash: s.Hash, First: s.First, Loose: s.Loose, InLogs: s.InLogs, Line: s.Line}
	if err := g.putMarker(key, &marker); err != nil {
		return err
	}
	return g.remove(key)
}

// keepWords makes a record keep what the matching knows it by, before its text goes.
func (g *guildTx) keepWords(key record.Key, s *record.Value) error {
	if s.Hash != 0 || s.First != 0 || s.Gone {
		return nil
	}
	s.First = g.w.hash("", s.Text)
	if !s.InLogs || s.Line.Key != 0 {
		return nil
	}
	channel, err := g.channel(s.Line.Channel)
	s.Line.Key = g.w.hash(channel.Name, s.Text)
	return err
}

// whole returns a record with its text.
func (g *guildTx) whole(key record.Key) (record.Value, error) {
	b := key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), key.Time)
	if err != nil {
		return s, err
	}
	err = s.Open(g.texts, b, new([]byte))
	s.Text, s.More, s.Line.Text = slices.Clone(s.Text), slices.Clone(s.More), slices.Clone(s.Line.Text)
	return s, err
}

// amend rewrites a record with what fn makes of it. The record's place, source and
// channel stay.
func (g *guildTx) amend(key record.Key, fn func(*record.Value) error) error {
	g.leave()
	s, err := g.whole(key)
	if err != nil {
		return err
	}
	before := s
	if err := fn(&s); err != nil {
		return err
	}
	if s.SameContent(&before) {
		return nil
	}
	return g.records.Replace(key, recordValue(g, key, &s, s.Text))
}
