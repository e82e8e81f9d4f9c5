package store

import (
	"cmp"
	"math"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
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
		if w.tx.Bucket(bucketGuilds).Get(kv.U64(nil, uint64(id))) == nil {
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
func (g *guildTx) edit(key record.Key, c *Change) error {
	return g.change(key, func(s *record.Value) error {
		if s.Gone || c.Edited < s.Edited {
			return nil
		}
		now := *s
		now.Text = []byte(c.Content)
		if c.Attachments != nil {
			now.Attachments = min(max(*c.Attachments, 0), record.MaxCount)
		}
		if c.Extra != nil {
			now.SetExtra(c.Extra)
		}
		if now.SameContent(s) {
			return nil
		}
		if err := g.keepWords(key, s); err != nil {
			return err
		}
		now.First, now.Line.Key, now.Edited = s.First, s.Line.Key, c.Edited
		*s = now
		return nil
	})
}

// find returns the records of the messages that are stored.
func (g *guildTx) find(changes []Change) (map[ID]record.Key, error) {
	found := map[ID]record.Key{}
	var unknown []Change // whose authors are not known, each message once
	for _, c := range changes {
		if _, ok := found[c.Message]; ok {
			continue
		}
		if c.User == 0 {
			unknown = append(unknown, c)
			continue
		}
		cursor := g.records.Between(c.Time-findSlack, c.Time+findSlack)
		for b, _ := cursor.Seek(record.Key{User: c.User, Time: c.Time - findSlack, ID: 0}.Append(nil)); b != nil; b, _ = cursor.Next() {
			key, ok := record.ParseKey(b)
			if !ok {
				return nil, kv.Damaged(b)
			}
			if key.User != c.User || key.Time > c.Time+findSlack {
				break
			}
			if key.ID == uint64(c.Message) {
				found[c.Message] = key
			}
		}
	}
	return found, g.findByTime(unknown, found)
}

// findByTime looks for messages in the quarter hours in which they were written, each
// of which it reads once.
func (g *guildTx) findByTime(changes []Change, found map[ID]record.Key) error {
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Time, b.Time) })
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
func (g *guildTx) findIn(q uint32, changes []Change, found map[ID]record.Key) error {
	moments, _, err := g.timeline.Quarter(q, math.MaxInt)
	if err != nil {
		return err
	}
	for _, m := range moments {
		at, _ := slices.BinarySearchFunc(changes, m.Time-findSlack, func(c Change, t Micros) int { return cmp.Compare(c.Time, t) })
		for ; at < len(changes) && changes[at].Time <= m.Time+findSlack; at++ {
			key := record.Key{User: m.User, Time: m.Time, ID: uint64(changes[at].Message)}
			if g.records.Get(key.Append(nil)) != nil {
				found[changes[at].Message] = key
			}
		}
	}
	return nil
}
