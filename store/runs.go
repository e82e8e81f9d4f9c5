package store

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/record"
)

// Records are kept by user, but arrive by time: a commit of a few hundred messages of
// as many people would touch a page of each. So what arrives becomes a run at first,
// in order in itself, in a bucket of its own. Runs up to a size, the last ones, are
// merged when there are runFan of them, and what is made of the largest is moved to
// user_stats/<guild> bit by bit, when it has several records of many who wrote. Who
// reads merges them all: there are at most runFan, and those with nothing of the time
// that is asked for are passed by. What arrives in bulk goes to user_stats/<guild> at once.
//
// The bucket `recent` has a list of a guild's runs under the guild's id, and the
// bucket of a run under guild u64 · number u32.
const (
	// runLeast is the size up to which the last run takes in what arrives: a page or two.
	runLeast = 6 << 10
	// runFan is how many runs up to a size are merged, and by how many sizes differ.
	runFan = 8
	// runLevels is how many sizes there are. The runs of the last become the one that is
	// moved, of up to runLeast × 8⁳ = 3 MiB.
	runLevels = 3
	// runBulk is from which size on what arrives needs no run, in bytes.
	runBulk = runLeast * runFan * runFan
	// runMove is how many bytes must have arrived before twice as many are moved.
	runMove = 64 << 10
)

// run is a part of a guild's records.
type run struct {
	number  uint32
	moving  bool // it is being moved, from its start
	pending bool // activity and profiles do not know of its records yet (pending.go)
	records int64
	size    int64 // bytes, about
	times   span  // all its records lie in it
	bucket  *bbolt.Bucket
}

// level is the run's size: 0 for the smallest.
func (r *run) level() int {
	level := 0
	for size := int64(runLeast); r.size > size && level < runLevels-1; size *= runFan {
		level++
	}
	return level
}

// count adds to, or takes from, what is known of a run. What is damaged may make both
// wrong, but not less than nothing.
func (r *run) count(records, size int) {
	r.records = max(r.records+int64(records), 0)
	r.size = max(r.size+int64(size), 0)
}

// runs are those of a guild, in the order in which they came.
type runs struct {
	guild  ID
	parent *bbolt.Bucket
	list   []run
	next   uint32 // number of the next one
	came   uint64 // bytes since records were moved
	// damaged: the list could not be read, and was made anew of the runs that are there.
	damaged bool
}

// openRuns returns what the file says; a file of an older format has none.
func openRuns(tx *bbolt.Tx, guild ID) runs {
	r := runs{guild: guild, parent: tx.Bucket(bucketRecent)}
	if r.parent == nil {
		return r
	}
	payload, err := get(r.parent, r.key())
	if err == nil && payload != nil {
		err = r.decode(payload)
	}
	for i := range r.list {
		if r.parent.Bucket(r.name(&r.list[i])) == nil {
			err = errBadValue
		}
	}
	if err != nil {
		r.find()
	}
	return r
}

// find makes the list anew. What only a write transaction needs to know is left out of
// others, as it takes long.
func (r *runs) find() {
	*r = runs{guild: r.guild, parent: r.parent, damaged: true}
	prefix := r.key()
	c := r.parent.Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if value != nil || len(key) != runNameSize {
			continue
		}
		run := run{number: binary.BigEndian.Uint32(key[len(prefix):]), times: span{true, civil.MinMicros, civil.MaxMicros}}
		run.setFlags(r.bucket(&run).Sequence())
		if r.parent.Writable() {
			run.times = span{}
			blocks := blockCursor{c: r.bucket(&run).Cursor()}
			for blocks.first(); blocks.valid(); blocks.next() {
				e := blocks.entry()
				run.times.add(e.Key.Time)
				run.count(1, len(e.Value)+record.EntryHead)
			}
		}
		r.list, r.next = append(r.list, run), run.number+1
	}
}

func (r *runs) key() []byte { return u64(nil, uint64(r.guild)) }

const runNameSize = 12 // of a run's bucket

func (r *runs) name(run *run) []byte { return u32(r.key(), run.number) }

func (r *runs) bucket(run *run) *bbolt.Bucket {
	if run.bucket == nil {
		run.bucket = r.parent.Bucket(r.name(run))
	}
	return run.bucket
}

// The list of runs: next · came · { number · flags · records · size · first · last }*,
// uvarints, times as varints. The flags are kept as the sequence number of the run's
// bucket, too, for the day when the list is damaged.
const (
	runMoving  = 1
	runPending = 2
)

func (r *run) flags() (flags uint64) {
	if r.moving {
		flags |= runMoving
	}
	if r.pending {
		flags |= runPending
	}
	return flags
}

func (r *run) setFlags(flags uint64) {
	r.moving, r.pending = flags&runMoving != 0, flags&runPending != 0
}

func (r *runs) append(b []byte) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(r.next)), r.came)
	for i := range r.list {
		run := &r.list[i]
		for _, v := range []uint64{uint64(run.number), run.flags(), uint64(run.records), uint64(run.size)} {
			b = binary.AppendUvarint(b, v)
		}
		b = binary.AppendVarint(binary.AppendVarint(b, int64(run.times.min)), int64(run.times.max))
	}
	return b
}

func (r *runs) decode(b []byte) error {
	number := func(most uint64) (v uint64, ok bool) {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > most {
			return 0, false
		}
		b = b[n:]
		return v, true
	}
	next, ok1 := number(1<<32 - 1)
	came, ok2 := number(1 << 62)
	if !ok1 || !ok2 {
		return errBadValue
	}
	r.next, r.came, r.list = uint32(next), came, r.list[:0]
	for len(b) > 0 {
		var values [4]uint64
		for i, most := range []uint64{uint64(next) - 1, runMoving | runPending, 1 << 62, 1 << 62} {
			var ok bool
			if values[i], ok = number(most); !ok || next == 0 {
				return errBadValue
			}
		}
		times := span{set: true}
		for _, t := range []*Micros{&times.min, &times.max} {
			v, n := binary.Varint(b)
			if n <= 0 {
				return errBadValue
			}
			*t, b = Micros(v), b[n:]
		}
		run := run{number: uint32(values[0]), records: int64(values[2]), size: int64(values[3]), times: times}
		run.setFlags(values[1])
		r.list = append(r.list, run)
	}
	return nil
}

// make adds an empty run.
func (r *runs) make(moving, pending bool) (*run, error) {
	r.list = append(r.list, run{number: r.next, moving: moving, pending: pending})
	run := &r.list[len(r.list)-1]
	r.next++
	var err error
	if run.bucket, err = r.parent.CreateBucket(r.name(run)); err != nil {
		return nil, err
	}
	run.bucket.FillPercent = runFill
	return run, run.bucket.SetSequence(run.flags())
}

// runFill is how full the pages of a run become: little is put between its records.
const runFill = 0.95

// dropEmpty removes runs that have no records.
func (r *runs) dropEmpty() error {
	kept := r.list[:0]
	for _, run := range r.list {
		if run.records > 0 || !isEmpty(r.bucket(&run)) {
			kept = append(kept, run)
		} else if err := r.parent.DeleteBucket(r.name(&run)); err != nil {
			return err
		}
	}
	r.list = kept
	return nil
}

func isEmpty(b *bbolt.Bucket) bool {
	key, _ := b.Cursor().First()
	return key == nil
}

// place stores what was added. count is called before runs are merged of which some
// are pending, and lets none be so.
func (r *records) place(fresh []record.Entry, pending bool, count func() error) error {
	size := record.SizeOf(fresh)
	if size >= runBulk {
		r.main.FillPercent = bulkFill
		d := blockWriter{w: r.w, bucket: r.main}
		return d.put(fresh)
	}
	r.changed = true
	var last *run
	if n := len(r.runs.list); n > 0 && r.runs.list[n-1].takes(size, pending) {
		last = &r.runs.list[n-1]
	} else {
		var err error
		if last, err = r.runs.make(false, pending); err != nil {
			return err
		}
	}
	if err := r.enter(last, fresh); err != nil {
		return err
	}
	if err := r.mergeRuns(count); err != nil {
		return err
	}
	if r.runs.came += uint64(size); r.runs.came < runMove {
		return nil
	}
	most := 2 * int(r.runs.came)
	r.runs.came = 0
	return r.move(most)
}

// enter puts entries into a run.
func (r *records) enter(to *run, entries []record.Entry) error {
	d := blockWriter{w: r.w, bucket: r.runs.bucket(to)}
	for i := range entries {
		to.times.add(entries[i].Key.Time)
	}
	to.count(len(entries), record.SizeOf(entries))
	return d.put(entries)
}

// takes says whether more can be added to the run.
func (r *run) takes(size int, pending bool) bool {
	return !r.moving && r.pending == pending && r.size+int64(size) <= runLeast
}

// mergeRuns makes one run of the last ones, of those up to a size, when they are many.
func (r *records) mergeRuns(count func() error) error {
	for level := range runLevels {
		list := r.runs.list
		n := len(list)
		for n > 0 && !list[n-1].moving && list[n-1].level() <= level {
			n--
		}
		if len(list)-n < runFan {
			continue
		}
		largest := level == runLevels-1
		if largest && n > 0 && list[0].moving { // it is empty by now, unless much was brought at once
			if err := r.move(math.MaxInt); err != nil {
				return err
			}
			return r.mergeRuns(count)
		}
		if err := count(); err != nil {
			return err
		}
		if err := r.merge(n, largest); err != nil {
			return err
		}
	}
	return nil
}

// merge makes one run of those from a place on.
func (r *records) merge(from int, moving bool) error {
	var all []record.Entry
	var room [record.KeySize]byte
	c := recordCursor{at: -1}
	old := slices.Clone(r.runs.list[from:])
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
func (r *records) move(most int) error {
	if len(r.runs.list) == 0 || !r.runs.list[0].moving {
		return nil
	}
	run := &r.runs.list[0]
	bucket := r.runs.bucket(run)
	var moved, rest []record.Entry
	var keys [][]byte
	size := 0
	to := blockWriter{w: r.w, bucket: r.main}
	c := bucket.Cursor()
	for key, value := c.First(); key != nil && len(rest) == 0; key, value = c.Next() {
		before := len(moved)
		moved = readBlock(moved, &to.key, bucket, key, value)
		for i := max(before, 1); i < len(moved); i++ {
			if record.SizeOf(moved[before:i])+size >= most && moved[i].Key.User != moved[i-1].Key.User {
				rest = append(rest, moved[i:]...)
				moved = moved[:i]
			}
		}
		size += record.SizeOf(moved[before:])
		keys = append(keys, key)
	}
	r.main.FillPercent = bulkFill
	if err := to.put(moved); err != nil {
		return err
	}
	for _, key := range keys {
		if err := bucket.Delete(key); err != nil {
			return err
		}
	}
	from := blockWriter{w: r.w, bucket: bucket}
	if err := from.write(nil, rest); err != nil {
		return err
	}
	if run.count(-len(moved), -size); isEmpty(bucket) {
		run.records = 0 // whatever was damaged
	}
	return r.runs.dropEmpty()
}
