package store

import (
	"bytes"
	"encoding/json"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// tombstones reads who is forgotten, of whom no records may be left.
func (c *checker) tombstones() error {
	if !c.keys.SkipDecrypt { // people are found by hashes with the salt, which is encrypted then
		if err := c.forgotten.load(c.tx); err != nil {
			return c.report("state/%s: %v", stateTombstones, err)
		}
	}
	c.leaving = map[ID]bool{}
	return c.eachValue("state/"+string(stateTombstones), c.tx.Bucket(bucketState).Bucket(stateTombstones), func(key, _ []byte) error {
		t, ok := parseTask(key)
		switch {
		case key[0] == tombTask && !ok:
			return c.report("state/%s: key %x is no task's", stateTombstones, key)
		case ok && t.kind == taskForget:
			c.leaving[t.id] = true
		case key[0] == tombAccount && len(key) != 9:
			return c.report("state/%s: key %x is no account's", stateTombstones, key)
		}
		return nil
	})
}

// isKnown reports whether the matching knows the record, though its text may be gone.
func isKnown(s *record.Value, key record.Key) bool {
	return !s.Gone || key.IsLog() || s.Hash != 0 || s.First != 0
}

// traces reads what is left of removed messages, of which there must be no records.
func (c *checker) traces(guild ID, info guildInfo, t *tally) error {
	records := recordsOf(c.tx, guild)
	if records == nil {
		return nil // reported with the records
	}
	prefix := kv.U64([]byte{tombMessage}, uint64(guild))
	cursor := c.tx.Bucket(bucketState).Bucket(stateTombstones).Cursor()
	for b, value := cursor.Seek(prefix); bytes.HasPrefix(b, prefix); b, value = cursor.Next() {
		key, ok := record.ParseKey(b[len(prefix):])
		s, err := record.Read(b, value, key.Time)
		if !ok || err != nil || !s.Gone || !isKnown(&s, key) || s.Channel >= info.channels || key.IsLog() != (s.Source == SourceLog) {
			if err := c.report("state/%s: the value under key %x is no trace of a message", stateTombstones, b); err != nil {
				return err
			}
			continue
		}
		if records.Get(b[len(prefix):]) != nil {
			if err := c.report("state/%s: key %x is of a message that is there", stateTombstones, b); err != nil {
				return err
			}
		}
		if s.Uncounted {
			t.uncounted++
		}
		t.span(key, &s)
	}
	return nil
}

// span takes a record's times into the spans of its sources.
func (t *tally) span(key record.Key, s *record.Value) {
	if key.IsLog() {
		t.logs.Add(key.Time)
	} else {
		t.ids.Add(key.Time)
	}
	if s.InLogs {
		t.logs.Add(s.Line.Time)
	}
}

// early verifies what is kept of messages that are not there.
func (c *checker) early() error {
	texts := earlyTexts(c.keys)
	return c.eachValue("state/"+string(stateEarly), c.tx.Bucket(bucketState).Bucket(stateEarly), func(b, payload []byte) error {
		_, ok := parseEarlyKey(b)
		e, err := decodeEarly(payload)
		switch {
		case !ok || err != nil || e.action != Edit && len(payload) > earlyHead:
			return c.report("state/%s: the value under key %x does not decode", stateEarly, b)
		case e.action != Edit:
			return nil
		}
		text, err := texts.Read(b, payload, earlyHead)
		if err != nil || !c.keys.SkipDecrypt && json.Unmarshal(text, new(earlyEdit)) != nil {
			return c.report("state/%s: the text under key %x cannot be read: %v", stateEarly, b, err)
		}
		return nil
	})
}
