package store

import (
	"encoding/binary"
	"slices"

	"rollcall/internal/civil"
)

// findSlack is how far a message's stored time may lie from the one that a Change
// tells. Discord's ids tell their messages' times to the millisecond.
const findSlack Micros = 1e6

// applyChanges does what happened to messages, in its order.
func (w *writeTx) applyChanges(changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	// The timeline, in which messages are found, must know those of this transaction.
	if err := w.flush(); err != nil {
		return err
	}
	guilds := map[ID][]Change{}
	for _, c := range changes {
		guilds[c.Guild] = append(guilds[c.Guild], c)
	}
	for id, changes := range guilds {
		if w.tx.Bucket(bucketGuilds).Get(u64(nil, uint64(id))) == nil {
			for i := range changes {
				if err := w.noteEarly(&changes[i]); err != nil {
					return err
				}
			}
			continue
		}
		g, err := w.guild(id)
		if err != nil {
			return err
		}
		if err := g.applyChanges(changes); err != nil {
			return err
		}
	}
	return w.thinEarly()
}

func (g *guildTx) applyChanges(changes []Change) error {
	found, err := g.find(changes)
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		key, ok := found[c.Message]
		if !ok {
			if err := g.w.noteEarly(c); err != nil {
				return err
			}
			continue
		}
		switch c.Action {
		case Edit:
			err = g.editIfAllowed(key, c)
		case Redact:
			err = g.redact(key)
		case Remove:
			delete(found, c.Message)
			err = g.obliterate(key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// edit changes what a message says. The matching goes on with what was said first. Of
// two edits in the same millisecond the later one to arrive counts.
func (g *guildTx) edit(key recordKey, c *Change) error {
	return g.change(key, func(s *stored) error {
		if s.gone || c.Edited < s.edited {
			return nil
		}
		now := *s
		now.text = []byte(c.Content)
		if c.Attachments != nil {
			now.attachments = min(max(*c.Attachments, 0), maxCount)
		}
		if c.Extra != nil {
			now.setExtra(c.Extra)
		}
		if now.same(s) {
			return nil
		}
		if err := g.keepWords(key, s); err != nil {
			return err
		}
		now.first, now.line.key, now.edited = s.first, s.line.key, c.Edited
		*s = now
		return nil
	})
}

// find returns the records of the messages that are stored.
func (g *guildTx) find(changes []Change) (map[ID]recordKey, error) {
	found := map[ID]recordKey{}
	var unknown []Change // whose authors are not known, each message once
	for _, c := range changes {
		if _, ok := found[c.Message]; ok {
			continue
		}
		if c.User == 0 {
			unknown = append(unknown, c)
			continue
		}
		cursor := g.records.between(c.Time-findSlack, c.Time+findSlack)
		for b, _ := cursor.Seek(recordKey{c.User, c.Time - findSlack, 0}.append(nil)); b != nil; b, _ = cursor.Next() {
			key, ok := parseRecordKey(b)
			if !ok {
				return nil, damagedValue(b)
			}
			if key.user != c.User || key.time > c.Time+findSlack {
				break
			}
			if key.id == uint64(c.Message) {
				found[c.Message] = key
			}
		}
	}
	return found, g.findByTime(unknown, found)
}

// findByTime looks for messages in the quarter hours in which they were written, each
// of which it reads once.
func (g *guildTx) findByTime(changes []Change, found map[ID]recordKey) error {
	slices.SortFunc(changes, func(a, b Change) int { return order(a.Time, b.Time) })
	last := uint32(0)
	for i := range changes {
		for q := max(civil.QuarterOf(changes[i].Time-findSlack), last); q <= civil.QuarterOf(changes[i].Time+findSlack); q++ {
			if err := g.findIn(q, changes[i:], found); err != nil {
				return err
			}
			last = q + 1
		}
	}
	return nil
}

// findIn looks for those of the changes' messages that were written in a quarter hour.
func (g *guildTx) findIn(q uint32, changes []Change, found map[ID]recordKey) error {
	c := g.timeline.Cursor()
	for b, value := c.Seek(chunkKey(q, 0)); b != nil && binary.BigEndian.Uint32(b) == q; b, value = c.Next() {
		payload, ok := unseal(b, value)
		if !ok {
			return damagedValue(b)
		}
		moments, err := decodeChunk(nil, q, payload)
		if err != nil {
			return damagedValue(b)
		}
		for _, m := range moments {
			at, _ := slices.BinarySearchFunc(changes, m.time-findSlack, func(c Change, t Micros) int { return order(c.Time, t) })
			for ; at < len(changes) && changes[at].Time <= m.time+findSlack; at++ {
				key := recordKey{m.user, m.time, uint64(changes[at].Message)}
				if g.records.Get(key.append(nil)) != nil {
					found[changes[at].Message] = key
				}
			}
		}
	}
	return nil
}
