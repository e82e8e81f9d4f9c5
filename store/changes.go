package store

import (
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

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

// edit changes what a message says. The matching goes on with what was said first. Edited
// is the version of the text: it advances with an edit that changes nothing, such as one that
// takes back another that is still on its way, or that one would win. Of two edits in the
// same millisecond the later one to arrive counts.
func (g *guildTx) edit(key record.Key, c *Change) error {
	return g.amend(key, func(s *record.Value) error {
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
		if now.Edited = c.Edited; now.SameContent(s) {
			return nil
		}
		if err := g.keepWords(key, s); err != nil {
			return err
		}
		now.First, now.Line.Key = s.First, s.Line.Key
		*s = now
		return nil
	})
}

// stepWeeks is how many users' weeks one step of a channel's task looks at.
const stepWeeks = 5_000

// putTasks notes the channels that were deleted. Their messages may be too many for
// this transaction.
func (w *writeTx) putTasks(deleted []DeletedChannel) error {
	for _, d := range deleted {
		t := Task{taskRedactChannel, d.Guild, d.Channel}
		if d.Action == Remove {
			t.kind = taskRemoveChannel
		}
		if err := w.put(w.state(stateTasks), t.key(), nil); err != nil {
			return err
		}
	}
	return nil
}

// stepChannel does away with a part of a deleted channel's messages: those that are
// stored with its id. The activity tells who wrote there in which week, so that not
// every record has to be looked at; the position is a key of it.
func (w *writeTx) stepChannel(t Task, position []byte) (erased Erased, next []byte, err error) {
	if w.tx.Bucket(bucketGuilds).Get(kv.U64(nil, uint64(t.guild))) == nil {
		return erased, nil, nil
	}
	g, err := w.guild(t.guild)
	if err != nil {
		return erased, nil, err
	}
	numbers, err := g.numbersOf(t.id)
	if err != nil || len(numbers) == 0 {
		return erased, nil, err
	}
	if err := g.count(nil); err != nil {
		return erased, nil, err
	}
	keys, next, err := g.writtenIn(numbers, t.kind == taskRemoveChannel, position)
	if err != nil {
		return erased, nil, err
	}
	erased.Messages = int64(len(keys))
	for _, key := range keys {
		if t.kind == taskRemoveChannel {
			err = g.obliterate(key)
		} else {
			err = g.redact(key)
		}
		if err != nil {
			return erased, nil, err
		}
	}
	return erased, next, nil
}

// numbersOf returns the numbers under which a channel is known: one for each name it
// has had.
func (g *guildTx) numbersOf(channel ID) (map[uint32]bool, error) {
	numbers := map[uint32]bool{}
	for n := range g.info.channels {
		c, err := g.channel(n)
		if err != nil {
			return nil, err
		}
		if c.ID == channel {
			numbers[n] = true
		}
	}
	return numbers, nil
}

// writtenIn returns records in channels, even those whose text is gone, from a key of
// the activity on, and the key to go on from, nil at the end.
func (g *guildTx) writtenIn(channels map[uint32]bool, even bool, position []byte) (keys []record.Key, next []byte, err error) {
	weeks := 0
	for at := position; ; at = next {
		more := false
		var chunk []byte
		chunk, next, err = g.activity.Chunk(at, func(week uint32, user ID, cells []rollup.Cell) (err error) {
			weeks++
			if !more && slices.ContainsFunc(cells, func(c rollup.Cell) bool { return channels[c.Channel] }) {
				keys, more, err = g.writtenBy(user, week, channels, even, keys)
			}
			return err
		})
		switch {
		case err != nil:
			return nil, nil, err
		case more: // the rest of this chunk has its turn in the next step
			return keys, chunk, nil
		case next == nil || len(keys) >= stepRecords || weeks >= stepWeeks:
			return keys, next, nil
		}
	}
}

// writtenBy adds the records of a user's week that are in channels, even those whose
// text is gone, and reports whether there are more than a step may change.
func (g *guildTx) writtenBy(user ID, week uint32, channels map[uint32]bool, even bool, keys []record.Key) (all []record.Key, more bool, err error) {
	from, to := civil.QuarterStart(week*civil.WeekQuarters), civil.QuarterStart((week+1)*civil.WeekQuarters)
	c := g.records.Between(from, to)
	for b, value := c.Seek(record.Key{User: user, Time: from, ID: 0}.Append(nil)); b != nil; b, value = c.Next() {
		key, ok := record.ParseKey(b)
		if !ok {
			return nil, false, kv.Damaged(b)
		}
		if key.User != user || key.Time >= to {
			break
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			g.w.bad.note(g.id, b, err)
			continue
		}
		if !channels[s.Channel] || s.Gone && !even {
			continue
		}
		if len(keys) >= stepRecords {
			return keys, true, nil
		}
		keys = append(keys, key)
	}
	return keys, false, nil
}
