package lsm

import (
	"bytes"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
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
	// moved, of up to runLeast × 8³ = 3 MiB.
	runLevels = 3
	// runBulk is from which size on what arrives needs no run, in bytes.
	runBulk = runLeast * runFan * runFan
	// runMove is how many bytes must have arrived before twice as many are moved.
	runMove = 64 << 10
)

// run is a part of a guild's records.
type run struct {
	number    uint32
	moving    bool // it is being moved, from its start
	uncounted bool // activity and profiles do not know of its records yet; see Plan
	records   int64
	size      int64       // bytes, about
	times     record.Span // all its records lie in it
	bucket    *bbolt.Bucket
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
	guild          snowflake.ID
	parent         *bbolt.Bucket
	list           []run
	next           uint32 // number of the next one
	bytesSinceMove uint64 // bytes since records were moved
	// damaged: the list could not be read, and was made anew of the runs that are there.
	damaged bool
}

// openRuns returns what the file says; a file of an older format has none.
func openRuns(parent *bbolt.Bucket, guild snowflake.ID) runs {
	r := runs{guild: guild, parent: parent}
	if r.parent == nil {
		return r
	}
	payload, err := kv.Get(r.parent, r.key())
	if err == nil && payload != nil {
		err = r.decode(payload)
	}
	for i := range r.list {
		if r.parent.Bucket(r.name(&r.list[i])) == nil {
			err = kv.ErrBadValue
		}
	}
	if err != nil {
		r.rebuildManifest()
	}
	return r
}

// rebuildManifest makes the list anew of the buckets that are there. What only a write transaction needs to know is left out of
// others, as it takes long.
func (r *runs) rebuildManifest() {
	*r = runs{guild: r.guild, parent: r.parent, damaged: true}
	prefix := r.key()
	c := r.parent.Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if value != nil || len(key) != RunNameSize {
			continue
		}
		run := run{number: binary.BigEndian.Uint32(key[len(prefix):]), times: record.Span{Set: true, Min: civil.MinMicros, Max: civil.MaxMicros}}
		run.setFlags(r.bucket(&run).Sequence())
		if r.parent.Writable() {
			run.times = record.Span{}
			blocks := blockCursor{c: r.bucket(&run).Cursor()}
			for blocks.first(); blocks.valid(); blocks.next() {
				e := blocks.entry()
				run.times.Add(e.Key.Time)
				run.count(1, len(e.Value)+record.EntryHead)
			}
		}
		r.list, r.next = append(r.list, run), run.number+1
	}
}

func (r *runs) key() []byte { return kv.U64(nil, uint64(r.guild)) }

const RunNameSize = 12 // of a run's bucket

func (r *runs) name(run *run) []byte { return kv.U32(r.key(), run.number) }

func (r *runs) bucket(run *run) *bbolt.Bucket {
	if run.bucket == nil {
		run.bucket = r.parent.Bucket(r.name(run))
	}
	return run.bucket
}

// The list of runs: next · bytesSinceMove · { number · flags · records · size · first · last }*,
// uvarints, times as varints. The flags are kept as the sequence number of the run's
// bucket, too, for the day when the list is damaged.
const (
	runMoving    = 1
	runUncounted = 2
)

func (r *run) flags() (flags uint64) {
	if r.moving {
		flags |= runMoving
	}
	if r.uncounted {
		flags |= runUncounted
	}
	return flags
}

func (r *run) setFlags(flags uint64) {
	r.moving, r.uncounted = flags&runMoving != 0, flags&runUncounted != 0
}

func (r *runs) append(b []byte) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(r.next)), r.bytesSinceMove)
	for i := range r.list {
		run := &r.list[i]
		for _, v := range []uint64{uint64(run.number), run.flags(), uint64(run.records), uint64(run.size)} {
			b = binary.AppendUvarint(b, v)
		}
		b = binary.AppendVarint(binary.AppendVarint(b, int64(run.times.Min)), int64(run.times.Max))
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
	bytesSinceMove, ok2 := number(1 << 62)
	if !ok1 || !ok2 {
		return kv.ErrBadValue
	}
	r.next, r.bytesSinceMove, r.list = uint32(next), bytesSinceMove, r.list[:0]
	for len(b) > 0 {
		var values [4]uint64
		for i, most := range []uint64{uint64(next) - 1, runMoving | runUncounted, 1 << 62, 1 << 62} {
			var ok bool
			if values[i], ok = number(most); !ok || next == 0 {
				return kv.ErrBadValue
			}
		}
		times := record.Span{Set: true}
		for _, t := range []*civil.Micros{&times.Min, &times.Max} {
			v, n := binary.Varint(b)
			if n <= 0 {
				return kv.ErrBadValue
			}
			*t, b = civil.Micros(v), b[n:]
		}
		run := run{number: uint32(values[0]), records: int64(values[2]), size: int64(values[3]), times: times}
		run.setFlags(values[1])
		r.list = append(r.list, run)
	}
	return nil
}

// make adds an empty run.
func (r *runs) make(moving, uncounted bool) (*run, error) {
	r.list = append(r.list, run{number: r.next, moving: moving, uncounted: uncounted})
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
