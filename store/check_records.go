package store

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/record"
)

// eachRecord calls fn with a guild's records in order, and reports what is wrong with
// the blocks and runs in which they are.
func (c *checker) eachRecord(name string, guild ID, fn func(key record.Key, b, payload []byte) error) error {
	r := openRecords(c.tx, guild)
	if r == nil {
		return c.report("%s: the bucket is missing", name)
	}
	if r.runs.damaged {
		if err := c.report("%s: guild %d's list of runs is damaged", bucketRecent, guild); err != nil {
			return err
		}
	}
	_, err := c.blocks(name, r.main, nil)
	if err != nil {
		return err
	}
	for i := range r.runs.list {
		run := &r.runs.list[i]
		n, err := c.blocks(string(bucketRecent), r.runs.bucket(run), run)
		if err == nil && n != run.records && !r.runs.damaged {
			err = c.report("%s: run %d of guild %d has %d records, want %d", bucketRecent, run.number, guild, n, run.records)
		}
		if err == nil && r.runs.bucket(run).Sequence() != run.flags() {
			err = c.report("%s: run %d of guild %d is of another kind than its list says", bucketRecent, run.number, guild)
		}
		if err != nil {
			return err
		}
	}
	var last record.Key
	cursor := r.Cursor()
	for b, value := cursor.First(); b != nil; b, value = cursor.Next() {
		if c.visits++; c.visits&0xfff == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		key := record.PadKey(b)
		payload, ok := unseal(b, value)
		switch {
		case last.Compare(key) >= 0:
			err = c.report("%s: key %x is there twice, or out of order", name, b)
		case !ok:
			err = c.report("%s: the value under key %x fails its checksum", name, b)
		default:
			err = fn(key, b, payload)
		}
		if err != nil {
			return err
		}
		last = key
	}
	return nil
}

// blocks reports blocks of a bucket, which may be a run's, that are not as they should
// be, and counts the records in them.
func (c *checker) blocks(name string, b *bbolt.Bucket, of *run) (n int64, err error) {
	var last record.Key
	var entries []record.Entry
	err = b.ForEach(func(b, value []byte) error {
		if c.visits++; c.visits&0xfff == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		key, ok := record.ParseKey(b)
		if !ok {
			return c.report("%s: key %x is no record's", name, b)
		}
		if n > 0 && last.Compare(key) >= 0 {
			return c.report("%s: the block under key %x begins before the one before it ends", name, b)
		}
		var err error
		if entries, err = record.DecodeBlock(entries[:0], key, value); err != nil {
			return c.report("%s: the block under key %x does not decode", name, b)
		}
		n += int64(len(entries))
		last = entries[len(entries)-1].Key
		for i := range entries {
			if of != nil && !of.times.overlaps(entries[i].Key.Time, entries[i].Key.Time) {
				return c.report("%s: a record of the block under key %x lies outside of its run's span", name, b)
			}
		}
		return nil
	})
	return n, err
}

// runs reports what is in the bucket of runs and does not belong to a list of them, or
// to a guild.
func (c *checker) runs(known map[string]bool) error {
	listed := map[string]bool{}
	parent := c.tx.Bucket(bucketRecent)
	return parent.ForEach(func(key, value []byte) error {
		if len(key) < 8 || !known[string(bucketName(ID(binary.BigEndian.Uint64(key))))] {
			return c.report("%s: key %x: the guild is not among the guilds", bucketRecent, key)
		}
		if value == nil {
			if !listed[string(key)] {
				return c.report("%s: the run under key %x is not in its guild's list", bucketRecent, key)
			}
			return nil
		}
		r := openRuns(c.tx, ID(binary.BigEndian.Uint64(key)))
		for i := range r.list {
			listed[string(r.name(&r.list[i]))] = true
		}
		return nil
	})
}
