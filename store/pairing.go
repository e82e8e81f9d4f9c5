package store

import (
	"bytes"
	"slices"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// Builds before format 4 took a message and a line for one only if text and channel name
// were equal, so a file of theirs may have two records where there should be one. Once
// such a file has been brought up to date, its messages that have no line look for one
// again, in a task.
//
// So do the messages of a channel whose name has been learnt, even those that have a line:
// under the name unknown another one may have seemed to be the best. The task is of that
// channel then. As long as it is not finished only messages of the channel may rather have
// a line that would rather have them; once each of them has looked, none does.

// pairVisits is how many records a step looks at, at whose lines it may have to look, too.
const pairVisits = 4_000

// putPairing leaves the task for a guild, or for a channel of it, if the guild has messages
// where lines are about.
func (w *writeTx) putPairing(guild, channel ID, info guildInfo) error {
	if !info.mayPair() {
		return nil
	}
	return w.put(w.state(stateTasks), Task{taskPair, guild, channel}.key(), nil)
}

// mayPair reports whether the guild has messages where lines are about.
func (i *guildInfo) mayPair() bool {
	return i.ids.Set && i.logs.Overlaps(i.ids.Min-logBefore, i.ids.Max+logAfter)
}

// stepPair lets some messages look for their lines and returns where to go on, nil at the
// end: first the records, from a key of them, or for a channel of the activity, on, then the
// deletion markers, from the key of one on, which is longer than those.
func (w *writeTx) stepPair(t Task, position []byte) (erased Erased, next []byte, err error) {
	if w.tx.Bucket(bucketGuilds).Get(kv.U64(nil, uint64(t.guild))) == nil {
		return erased, nil, nil
	}
	g, err := w.guild(t.guild)
	if err != nil {
		return erased, nil, err
	}
	var channels map[uint32]bool // nil: all
	if t.id != 0 {
		if channels, err = g.numbersOf(t.id); err != nil || len(channels) == 0 {
			return erased, nil, err
		}
	}
	var keys []record.Key
	switch {
	case len(position) > record.KeySize:
		keys, next, err = g.markersFrom(position, channels)
	case channels == nil:
		keys, next = g.unpaired(position)
	default:
		if err := g.count(nil); err != nil {
			return erased, nil, err
		}
		keys, next, err = g.writtenIn(channels, true, position)
	}
	if err != nil {
		return erased, nil, err
	}
	if next == nil && len(position) <= record.KeySize && g.hasMarkers {
		next = g.markerKey(make([]byte, record.KeySize))
	}
	for _, key := range keys {
		if key.IsLog() || !g.info.logs.Overlaps(key.Time-logBefore, key.Time+logAfter) {
			continue
		}
		before := len(g.deltas)
		if err := g.pair(key); err != nil {
			return erased, nil, err
		}
		erased.Messages += int64(len(g.deltas) - before)
	}
	return erased, next, nil
}

// unpaired returns messages that have no line, from the key of a record on, and the key to
// go on from, nil at the end.
func (g *guildTx) unpaired(position []byte) (keys []record.Key, next []byte) {
	c := g.records.Cursor()
	visits := 0
	for b, value := c.Seek(position); b != nil; b, value = c.Next() {
		if visits++; visits > pairVisits || len(keys) >= stepRecords {
			return keys, slices.Clone(b)
		}
		key := record.PadKey(b)
		if key.IsLog() || !g.info.logs.Overlaps(key.Time-logBefore, key.Time+logAfter) {
			continue
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			g.w.bad.note(g.id, b, err)
		} else if !s.InLogs {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// markersFrom returns the keys of messages that are no records: of those in channels, or
// of all that have no line if channels is nil, from the key of a deletion marker on, and the
// one to go on from, nil at the end.
func (g *guildTx) markersFrom(position []byte, channels map[uint32]bool) (keys []record.Key, next []byte, err error) {
	prefix := g.markerKey(nil)
	c := g.w.state(stateMarkers).Cursor()
	visits := 0
	for b, value := c.Seek(position); bytes.HasPrefix(b, prefix); b, value = c.Next() {
		if visits++; visits > pairVisits || len(keys) >= stepRecords {
			return keys, slices.Clone(b), nil
		}
		key, ok := record.ParseKey(b[len(prefix):])
		if !ok {
			return nil, nil, kv.Damaged(b)
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			return nil, nil, err
		}
		if channels == nil && !s.InLogs || channels[s.Channel] {
			keys = append(keys, key)
		}
	}
	return keys, nil, nil
}

// pair lets a message look for its best line. One that it has is turned out if there is a
// better one, or if it was taken for one of the message's channel because the name of neither
// was known.
func (g *guildTx) pair(key record.Key) error {
	if err := g.approach(key.User, key.Time); err != nil {
		return err
	}
	at, found := slices.BinarySearchFunc(g.near.messages, key, func(m *message, key record.Key) int { return m.key.Compare(key) })
	if !found {
		return nil
	}
	m := g.near.messages[at]
	if !m.InLogs {
		return g.settleMessage(m, false)
	}
	held, err := g.heldRank(m)
	if err != nil {
		return err
	}
	best, err := g.bestOffer(m)
	if err != nil {
		return err
	}
	c := 1
	if best != nil {
		if c = best.compare(held); c == 0 {
			c, err = g.compareLines(best.line, g.lineOf(m))
		}
	}
	if err != nil {
		return err
	}
	named, err := g.channel(m.Line.Channel)
	if err != nil || c >= 0 && (held.tier == exact || named.Name != UnknownChannel) {
		return err
	}
	line, err := g.release(m)
	if err != nil {
		return err
	}
	if line.borrowed {
		if best != nil && best.tier < edited { // they said the same
			if best.line.words.has {
				if err := g.openWords(&best.line.words); err != nil {
					return err
				}
			}
			line.words.learn(&best.line.words)
		}
		if line.words.has {
			if err := g.openWords(&line.words); err != nil {
				return err
			}
		}
		line.gone, line.borrowed = !line.words.has, false
	}
	if err := g.rewrite(m); err != nil {
		return err
	}
	if err := g.settleMessage(m, false); err != nil {
		return err
	}
	return g.settleLine(line, line.gone)
}
