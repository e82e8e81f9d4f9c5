package store

import (
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
)

// eachRecord calls fn with a guild's records in order, and reports what is wrong with
// the blocks and runs in which they are.
func (c *checker) eachRecord(name string, guild ID, fn func(key record.Key, b, payload []byte) error) error {
	r := recordsOf(c.tx, guild)
	if r == nil {
		return c.report("%s: the bucket is missing", name)
	}
	for problem := range r.Problems(c.ctx, name, string(bucketRecent)) {
		if err := c.report("%s", problem); err != nil {
			return err
		}
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	var last record.Key
	cursor := r.Cursor()
	var err error
	for b, value := cursor.First(); b != nil; b, value = cursor.Next() {
		if c.visits++; c.visits&0xfff == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		key := record.PadKey(b)
		payload, ok := kv.Unseal(b, value)
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

// runs reports what is in the bucket of runs and does not belong to a manifest, or to a
// guild.
func (c *checker) runs(known map[string]bool) error {
	for key, k := range lsm.RecentKeys(c.tx.Bucket(bucketRecent)) {
		var err error
		switch {
		case !known[string(bucketName(k.Guild))]:
			err = c.report("%s: key %x: the guild is not among the guilds", bucketRecent, key)
		case !k.Known:
			err = c.report("%s: the run under key %x is not in its guild's list", bucketRecent, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
