package lsm

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// Records are those of a guild in one transaction: what is in its main bucket, in its runs
// and, of a write transaction, what was added and has no place yet. Each record is in
// exactly one of them. It reads as one bucket with a key for each record would. It is for
// one goroutine.
type Records struct {
	main *bbolt.Bucket
	runs runs
	// Of a write transaction:
	arena   *kv.Arena
	fresh   []record.Entry // in order
	changed bool           // what runs says
}

// Open returns the records of a guild for reading. parent is the bucket of all
// guilds' runs, nil in a file that has none yet.
func Open(main, parent *bbolt.Bucket, guild snowflake.ID) *Records {
	return &Records{main: main, runs: openRuns(parent, guild)}
}

// Begin returns the records of a guild for writing. What it puts is in the memory
// of arena. A manifest that is damaged is made anew (see damaged).
func Begin(main, parent *bbolt.Bucket, guild snowflake.ID, arena *kv.Arena) *Records {
	r := Open(main, parent, guild)
	r.arena, r.changed = arena, r.runs.damaged
	return r
}

// Damaged reports whether the guild's manifest could not be read. The runs are then found
// by their buckets.
func (r *Records) Damaged() bool { return r.runs.damaged }

// Get returns the value of a record, nil if it is not there. It is good until the
// record is changed or the transaction ends.
func (r *Records) Get(b []byte) []byte {
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
func (r *Records) places(from, to civil.Micros) iter.Seq2[*bbolt.Bucket, *run] {
	return func(yield func(*bbolt.Bucket, *run) bool) {
		for i := len(r.runs.list) - 1; i >= 0; i-- {
			if run := &r.runs.list[i]; run.times.Overlaps(from, to) && !yield(r.runs.bucket(run), run) {
				return
			}
		}
		yield(r.main, nil)
	}
}

// Cursor returns a cursor over all records.
func (r *Records) Cursor() *Cursor { return r.Between(civil.MinMicros, civil.MaxMicros) }

// Between returns a cursor that may leave out records which are not in the span [from, to].
func (r *Records) Between(from, to civil.Micros) *Cursor {
	c := &Cursor{at: -1}
	if len(r.fresh) > 0 {
		c.sources = append(c.sources, blockCursor{entries: r.fresh})
	}
	for bucket := range r.places(from, to) {
		c.sources = append(c.sources, blockCursor{c: bucket.Cursor()})
	}
	return c
}

// Keys returns the first keys with a prefix, at most so many.
func (r *Records) Keys(prefix []byte, most int) (keys []record.Key) {
	c := r.Cursor()
	for b, _ := c.Seek(prefix); b != nil && string(b[:len(prefix)]) == string(prefix) && len(keys) < most; b, _ = c.Next() {
		keys = append(keys, record.PadKey(b))
	}
	return keys
}

// Cursor goes through records as bbolt.Cursor goes through keys. The keys that
// its methods return are overwritten by the next call; the values stay, as bbolt's do.
// It does not hold while records are changed.
type Cursor struct {
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
func (c *Cursor) Seek(b []byte) (key, value []byte) {
	to := record.PadKey(b)
	for i := range c.sources {
		c.sources[i].seek(to)
	}
	c.back = false
	return c.pick()
}

func (c *Cursor) First() (key, value []byte) {
	for i := range c.sources {
		c.sources[i].first()
	}
	c.back = false
	return c.pick()
}

func (c *Cursor) Last() (key, value []byte) {
	for i := range c.sources {
		c.sources[i].last()
	}
	c.back = true
	return c.pick()
}

// Before moves to the last record before a key.
func (c *Cursor) Before(b []byte) (key, value []byte) {
	if key, _ := c.Seek(b); key == nil {
		return c.Last()
	}
	return c.Prev()
}

func (c *Cursor) Next() (key, value []byte) {
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

func (c *Cursor) Prev() (key, value []byte) {
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
func (c *Cursor) turn() {
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
func (c *Cursor) pick() (key, value []byte) {
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

func (c *Cursor) present() (key, value []byte) {
	e := c.sources[c.at].entry()
	binary.BigEndian.PutUint64(c.key[:], uint64(e.Key.User))
	binary.BigEndian.PutUint64(c.key[8:], uint64(e.Key.Time)^(1<<63))
	binary.BigEndian.PutUint64(c.key[16:], e.Key.ID)
	return c.key[:], e.Value
}

// Add stores a record that is not there. Its place is found by flush.
func (r *Records) Add(key record.Key, value []byte) {
	if n := len(r.fresh); n == 0 || r.fresh[n-1].Key.Compare(key) < 0 {
		r.fresh = append(r.fresh, record.Entry{Key: key, Value: value})
		return
	}
	i, _ := record.Find(r.fresh, key)
	r.fresh = slices.Insert(r.fresh, i, record.Entry{Key: key, Value: value})
}

// Replace stores another value of a record that is there, or takes it away if that is nil.
func (r *Records) Replace(key record.Key, value []byte) error {
	if i, found := record.Find(r.fresh, key); found {
		if r.fresh[i].Value = value; value == nil {
			r.fresh = slices.Delete(r.fresh, i, i+1)
		}
		return nil
	}
	for bucket, run := range r.places(key.Time, key.Time) {
		d := blockWriter{arena: r.arena, bucket: bucket}
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
	return fmt.Errorf("%w: the record under key %x is not in its place", kv.ErrDamaged, key.Append(nil))
}

// Added returns how many records were added and have no place yet.
func (r *Records) Added() int { return len(r.fresh) }

// AddedBetween returns the records that were added, have no place yet and are of the keys
// [from, to], in order. They must not be changed.
func (r *Records) AddedBetween(from, to record.Key) []record.Entry {
	i, _ := record.Find(r.fresh, from)
	j := i
	for j < len(r.fresh) && r.fresh[j].Key.Compare(to) <= 0 {
		j++
	}
	return r.fresh[i:j]
}

// Users tells which users have records. It does not hold while records are changed.
type Users struct {
	placed []blockCursor // the main bucket first: most users have records there
	fresh  []record.Entry
}

// Users returns what tells of the guild's users. To ask for them in ascending order is
// quickest.
func (r *Records) Users() *Users {
	u := &Users{placed: make([]blockCursor, 0, 1+len(r.runs.list)), fresh: r.fresh}
	u.placed = append(u.placed, blockCursor{c: r.main.Cursor()})
	for i := range r.runs.list {
		u.placed = append(u.placed, blockCursor{c: r.runs.bucket(&r.runs.list[i]).Cursor()})
	}
	return u
}

// Has reports whether a user has records that have their place, and whether some of theirs
// were added and have none yet.
func (u *Users) Has(user snowflake.ID) (placed, added bool) {
	from := record.Key{User: user, Time: civil.MinMicros}
	i, _ := record.Find(u.fresh, from)
	added = i < len(u.fresh) && u.fresh[i].Key.User == user
	for i := range u.placed {
		c := &u.placed[i]
		if c.seek(from); c.valid() && c.entry().Key.User == user {
			return true, added
		}
	}
	return false, added
}
