package store

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/record"
)

// records are those of a guild, in one transaction: what is in user_stats/<guild>, in
// the guild's runs and, of a write transaction, what was added and has no place yet.
// Each record is in one of them only. It reads as one bucket with a key for each
// record would.
type records struct {
	main *bbolt.Bucket
	runs runs
	// Of a write transaction:
	w       *writeTx
	fresh   []record.Entry // in order
	changed bool           // what runs says
}

// openRecords returns the records of a guild; nil if it is not known.
func openRecords(tx *bbolt.Tx, guild ID) *records {
	main := tx.Bucket(bucketRecords).Bucket(bucketName(guild))
	if main == nil {
		return nil
	}
	return &records{main: main, runs: openRuns(tx, guild)}
}

// Get returns the value of a record, nil if it is not there. It is good until the
// record is changed or the transaction ends.
func (r *records) Get(b []byte) []byte {
	key := record.PadKey(b)
	if i, found := record.Find(r.fresh, key); found {
		return r.fresh[i].Value
	}
	var c blockCursor
	for bucket := range r.places(key.Time, key.Time) {
		c = blockCursor{c: bucket.Cursor(), room: c.room}
		if c.seek(key); c.valid() && c.entry().Key == key {
			return c.entry().Value
		}
	}
	return nil
}

// places returns the buckets that may have records of the span [from, to]: the newest
// run first, user_stats, which is no run, last.
func (r *records) places(from, to Micros) iter.Seq2[*bbolt.Bucket, *run] {
	return func(yield func(*bbolt.Bucket, *run) bool) {
		for i := len(r.runs.list) - 1; i >= 0; i-- {
			if run := &r.runs.list[i]; run.times.overlaps(from, to) && !yield(r.runs.bucket(run), run) {
				return
			}
		}
		yield(r.main, nil)
	}
}

// Cursor returns a cursor over all records.
func (r *records) Cursor() *recordCursor { return r.between(civil.MinMicros, civil.MaxMicros) }

// between returns a cursor that may leave out records which are not in the span [from, to].
func (r *records) between(from, to Micros) *recordCursor {
	c := &recordCursor{at: -1}
	if len(r.fresh) > 0 {
		c.sources = append(c.sources, blockCursor{entries: r.fresh})
	}
	for bucket := range r.places(from, to) {
		c.sources = append(c.sources, blockCursor{c: bucket.Cursor()})
	}
	return c
}

// keysFrom returns the first keys with a prefix, at most so many.
func (r *records) keysFrom(prefix []byte, most int) (keys []record.Key) {
	c := r.Cursor()
	for b, _ := c.Seek(prefix); b != nil && string(b[:len(prefix)]) == string(prefix) && len(keys) < most; b, _ = c.Next() {
		keys = append(keys, record.PadKey(b))
	}
	return keys
}

// recordCursor goes through records as bbolt.Cursor goes through keys. The keys that
// its methods return are overwritten by the next call; the values stay, as bbolt's do.
// It does not hold while records are changed.
type recordCursor struct {
	sources []blockCursor
	at      int // the source of the present record, -1 if there is none
	back    bool
	// bound is the next record of another source, if there is one: until then
	// the present source goes on alone.
	bound   record.Key
	bounded bool
	key     [record.KeySize]byte
}

// Seek moves to the first record that is not before a key, or a part of one.
func (c *recordCursor) Seek(b []byte) (key, value []byte) {
	to := record.PadKey(b)
	for i := range c.sources {
		c.sources[i].seek(to)
	}
	c.back = false
	return c.pick()
}

func (c *recordCursor) First() (key, value []byte) {
	for i := range c.sources {
		c.sources[i].first()
	}
	c.back = false
	return c.pick()
}

func (c *recordCursor) Last() (key, value []byte) {
	for i := range c.sources {
		c.sources[i].last()
	}
	c.back = true
	return c.pick()
}

// Before moves to the last record before a key.
func (c *recordCursor) Before(b []byte) (key, value []byte) {
	if key, _ := c.Seek(b); key == nil {
		return c.Last()
	}
	return c.Prev()
}

func (c *recordCursor) Next() (key, value []byte) {
	if c.at < 0 {
		return nil, nil
	}
	if c.back {
		c.turn()
	}
	s := &c.sources[c.at]
	s.next()
	if s.valid() && (!c.bounded || s.entry().Key.Compare(c.bound) < 0) {
		return c.present()
	}
	return c.pick()
}

func (c *recordCursor) Prev() (key, value []byte) {
	if c.at < 0 {
		return nil, nil
	}
	if !c.back {
		c.turn()
	}
	s := &c.sources[c.at]
	s.prev()
	if s.valid() && (!c.bounded || s.entry().Key.Compare(c.bound) > 0) {
		return c.present()
	}
	return c.pick()
}

// turn makes the other sources ready for the other direction.
func (c *recordCursor) turn() {
	at := c.sources[c.at].entry().Key
	for i := range c.sources {
		if i == c.at {
			continue
		}
		s := &c.sources[i]
		s.seek(at)
		if c.back {
			continue
		}
		if s.valid() {
			s.prev()
		} else {
			s.last()
		}
	}
	c.back = !c.back
	c.pick()
}

// pick chooses the source whose record is next in the direction of the cursor.
func (c *recordCursor) pick() (key, value []byte) {
	c.at, c.bounded = -1, false
	for i := range c.sources {
		s := &c.sources[i]
		switch {
		case !s.valid():
		case c.at < 0:
			c.at = i
		case (s.entry().Key.Compare(c.sources[c.at].entry().Key) < 0) != c.back:
			c.bound, c.bounded = c.sources[c.at].entry().Key, true
			c.at = i
		case !c.bounded || (s.entry().Key.Compare(c.bound) < 0) != c.back:
			c.bound, c.bounded = s.entry().Key, true
		}
	}
	if c.at < 0 {
		return nil, nil
	}
	return c.present()
}

func (c *recordCursor) present() (key, value []byte) {
	e := c.sources[c.at].entry()
	binary.BigEndian.PutUint64(c.key[:], uint64(e.Key.User))
	binary.BigEndian.PutUint64(c.key[8:], uint64(e.Key.Time)^(1<<63))
	binary.BigEndian.PutUint64(c.key[16:], e.Key.ID)
	return c.key[:], e.Value
}

// add stores a record that is not there. Its place is found by flush.
func (r *records) add(key record.Key, value []byte) {
	if n := len(r.fresh); n == 0 || r.fresh[n-1].Key.Compare(key) < 0 {
		r.fresh = append(r.fresh, record.Entry{Key: key, Value: value})
		return
	}
	i, _ := record.Find(r.fresh, key)
	r.fresh = slices.Insert(r.fresh, i, record.Entry{Key: key, Value: value})
}

// replace stores another value of a record that is there, or takes it away if that is nil.
func (r *records) replace(key record.Key, value []byte) error {
	if i, found := record.Find(r.fresh, key); found {
		if r.fresh[i].Value = value; value == nil {
			r.fresh = slices.Delete(r.fresh, i, i+1)
		}
		return nil
	}
	for bucket, run := range r.places(key.Time, key.Time) {
		d := blockWriter{w: r.w, bucket: bucket}
		found, grown, err := d.replace(key, value)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if run != nil {
			records := 0
			if value == nil {
				records = -1
			}
			run.count(records, grown)
			r.changed = true
		}
		return nil
	}
	return fmt.Errorf("%w: the record under key %x is not in its place", ErrDamaged, key.Append(nil))
}

// flush finds a place for what was added, and a better one for what has been there:
// see place.
func (r *records) flush(pending bool, count func() error) error {
	if len(r.fresh) > 0 {
		if err := r.place(r.fresh, pending, count); err != nil {
			return err
		}
		r.fresh = r.fresh[:0]
	}
	if !r.changed {
		return nil
	}
	r.changed = false
	if err := r.runs.dropEmpty(); err != nil {
		return err
	}
	return r.w.put(r.w.tx.Bucket(bucketRecent), r.runs.key(), r.runs.append(nil))
}
