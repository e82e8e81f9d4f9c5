package lsm

import (
	"errors"
	"math"
	"slices"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// uncountedMost is the size from which on what was added is counted at once, in bytes.
const uncountedMost = 64 << 10

// Plan is what apply will do with the records that were added.
type Plan struct {
	// uncounted: the records that were added may stay uncounted, and no runs are merged of
	// which some are. Otherwise whoever keeps the counts enters, before apply, what the
	// records of uncounted (the method) and those that were added make, and calls markCounted.
	Uncounted bool
}

// Plan works out what will become of the records that were added. If mayWait, their counts
// need not be kept up to date at once.
func (r *Records) Plan(mayWait bool) Plan {
	size := record.SizeOf(r.fresh)
	if !mayWait || len(r.fresh) == 0 || size > uncountedMost {
		return Plan{}
	}
	list := slices.Clone(r.runs.list)
	if n := len(list); n > 0 && list[n-1].takes(size, true) {
		list[n-1].size += int64(size)
	} else {
		list = append(list, run{uncounted: true, size: int64(size)})
	}
	_, _, merges := toMerge(list, 0)
	return Plan{Uncounted: !merges}
}

// MarkCounted notes that the counts know all records that have their place.
func (r *Records) MarkCounted() error {
	for i := range r.runs.list {
		run := &r.runs.list[i]
		if !run.uncounted {
			continue
		}
		run.uncounted, r.changed = false, true
		if err := r.runs.bucket(run).SetSequence(run.flags()); err != nil {
			return err
		}
	}
	return nil
}

// Uncounted returns a cursor over the records that the counts do not know yet. Records
// that were added are not among them.
func (r *Records) Uncounted() *Cursor {
	c := &Cursor{at: -1}
	for i := range r.runs.list {
		if run := &r.runs.list[i]; run.uncounted {
			c.sources = append(c.sources, blockCursor{c: r.runs.bucket(run).Cursor()})
		}
	}
	return c
}

// Apply finds a place for the records that were added, and a better one for some of those
// that are there, and writes the manifest if it has changed.
func (r *Records) Apply(p Plan) error {
	if len(r.fresh) > 0 {
		if err := r.place(r.fresh, p.Uncounted); err != nil {
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
	return r.arena.Put(r.runs.parent, r.runs.key(), r.runs.append(nil))
}

// place stores entries: many of them in the main bucket, few in a run.
func (r *Records) place(fresh []record.Entry, uncounted bool) error {
	size := record.SizeOf(fresh)
	if size >= runBulk {
		r.main.FillPercent = kv.BulkFill
		d := blockWriter{arena: r.arena, bucket: r.main}
		return d.put(fresh)
	}
	r.changed = true
	var last *run
	if n := len(r.runs.list); n > 0 && r.runs.list[n-1].takes(size, uncounted) {
		last = &r.runs.list[n-1]
	} else {
		var err error
		if last, err = r.runs.make(false, uncounted); err != nil {
			return err
		}
	}
	if err := r.enter(last, fresh); err != nil {
		return err
	}
	if err := r.mergeRuns(); err != nil {
		return err
	}
	if r.runs.bytesSinceMove += uint64(size); r.runs.bytesSinceMove < runMove {
		return nil
	}
	most := 2 * int(r.runs.bytesSinceMove)
	r.runs.bytesSinceMove = 0
	return r.move(most)
}

// takes reports whether more can be added to the run.
func (r *run) takes(size int, uncounted bool) bool {
	return !r.moving && r.uncounted == uncounted && r.size+int64(size) <= runLeast
}

// toMerge returns the first level, from one on, whose runs are to become one, and the place
// in the list from which on they are: the last ones, of those up to the level's size.
func toMerge(list []run, from int) (level, at int, ok bool) {
	for level = from; level < runLevels; level++ {
		at = len(list)
		for at > 0 && !list[at-1].moving && list[at-1].level() <= level {
			at--
		}
		if len(list)-at >= runFan {
			return level, at, true
		}
	}
	return 0, 0, false
}

// mergeRuns makes one run of the last ones, of those up to a size, when they are many.
func (r *Records) mergeRuns() error {
	level, at, ok := toMerge(r.runs.list, 0)
	for ; ok; level, at, ok = toMerge(r.runs.list, level) {
		largest := level == runLevels-1
		if largest && at > 0 && r.runs.list[0].moving { // it is empty by now, unless much was brought at once
			if err := r.move(math.MaxInt); err != nil {
				return err
			}
			continue
		}
		if err := r.merge(at, largest); err != nil {
			return err
		}
		if level++; level == runLevels {
			return nil
		}
	}
	return nil
}

// errUncounted: apply was called without counting what plan asked for.
var errUncounted = errors.New("runs are merged of which some are not counted")

// enter puts entries into a run.
func (r *Records) enter(to *run, entries []record.Entry) error {
	d := blockWriter{arena: r.arena, bucket: r.runs.bucket(to)}
	for i := range entries {
		to.times.Add(entries[i].Key.Time)
	}
	to.count(len(entries), record.SizeOf(entries))
	return d.put(entries)
}

// merge makes one run of those from a place on.
func (r *Records) merge(from int, moving bool) error {
	var all []record.Entry
	var room [record.KeySize]byte
	c := Cursor{at: -1}
	old := slices.Clone(r.runs.list[from:])
	if slices.ContainsFunc(old, func(r run) bool { return r.uncounted }) {
		return errUncounted
	}
	for i := range old {
		c.sources = append(c.sources, blockCursor{c: r.runs.bucket(&old[i]).Cursor()})
	}
	for b, value := c.First(); b != nil; b, value = c.Next() {
		e := record.Entry{Key: record.PadKey(b), Value: value}
		if n := len(all); n == 0 || all[n-1].Key != e.Key {
			all = append(all, e)
		} else if !all[n-1].ChecksumOK(&room) { // twice: one of them is damaged
			all[n-1] = e
		}
	}
	// The values are those of pages that stay as they are while the transaction lasts.
	r.runs.list = r.runs.list[:from]
	made, err := r.runs.make(moving, false)
	if err != nil {
		return err
	}
	if err := r.enter(made, all); err != nil {
		return err
	}
	for i := range old {
		if err := r.runs.parent.DeleteBucket(r.runs.name(&old[i])); err != nil {
			return err
		}
	}
	return nil
}

// move moves about so many bytes from the start of the run that is to be moved to
// where all older records are: whole users, so that each page there is touched once.
func (r *Records) move(most int) error {
	if len(r.runs.list) == 0 || !r.runs.list[0].moving {
		return nil
	}
	run := &r.runs.list[0]
	bucket := r.runs.bucket(run)
	var moved, rest []record.Entry
	var keys [][]byte
	size := 0
	to := blockWriter{arena: r.arena, bucket: r.main}
	c := bucket.Cursor()
	for key, value := c.First(); key != nil && len(rest) == 0; key, value = c.Next() {
		before := len(moved)
		moved = ReadBlock(moved, &to.key, bucket, key, value)
		for i := max(before, 1); i < len(moved); i++ {
			if record.SizeOf(moved[before:i])+size >= most && moved[i].Key.User != moved[i-1].Key.User {
				rest = append(rest, moved[i:]...)
				moved = moved[:i]
			}
		}
		size += record.SizeOf(moved[before:])
		keys = append(keys, key)
	}
	r.main.FillPercent = kv.BulkFill
	if err := to.put(moved); err != nil {
		return err
	}
	for _, key := range keys {
		if err := bucket.Delete(key); err != nil {
			return err
		}
	}
	from := blockWriter{arena: r.arena, bucket: bucket}
	if err := from.write(nil, rest); err != nil {
		return err
	}
	if run.count(-len(moved), -size); isEmpty(bucket) {
		run.records = 0 // whatever was damaged
	}
	return r.runs.dropEmpty()
}
