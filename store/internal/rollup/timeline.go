package rollup

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
)

// A timeline chunk holds some of the records of a quarter hour, by user:
//
//	{ user u64 · count · first offset · {difference to the one before}* }*
//
// Offsets are µs since the quarter's start, ascending, and may repeat.
type Moment struct {
	Time civil.Micros
	User snowflake.ID
}

// appendChunk packs moments of one quarter hour; they are sorted by user and time.
func appendChunk(b []byte, q uint32, moments []Moment) []byte {
	start := civil.QuarterStart(q)
	for i := 0; i < len(moments); {
		j := i
		for j < len(moments) && moments[j].User == moments[i].User {
			j++
		}
		b = kv.U64(b, uint64(moments[i].User))
		b = binary.AppendUvarint(b, uint64(j-i))
		before := start
		for ; i < j; i++ {
			b = binary.AppendUvarint(b, uint64(moments[i].Time-before))
			before = moments[i].Time
		}
	}
	return b
}

// DecodeChunk adds the moments of a chunk whose checksum was taken off.
func DecodeChunk(to []Moment, q uint32, b []byte) ([]Moment, error) {
	for len(b) > 0 {
		if len(b) < 8 {
			return to, kv.ErrBadValue
		}
		user := snowflake.ID(binary.BigEndian.Uint64(b))
		count, n := binary.Uvarint(b[8:])
		b = b[8:]
		if n <= 0 || count == 0 || count > uint64(len(b)) {
			return to, kv.ErrBadValue
		}
		b = b[n:]
		at := civil.QuarterStart(q)
		for ; count > 0; count-- {
			delta, n := binary.Uvarint(b)
			if n <= 0 || delta >= civil.QuarterMicros {
				return to, kv.ErrBadValue
			}
			at += civil.Micros(delta)
			to = append(to, Moment{at, user})
			b = b[n:]
		}
		if civil.QuarterOf(at) != q {
			return to, kv.ErrBadValue
		}
	}
	return to, nil
}

func CompareMoments(a, b Moment) int {
	if a.User != b.User {
		return cmp.Compare(a.User, b.User)
	}
	return cmp.Compare(a.Time, b.Time)
}

// Timeline tells which of a guild's users wrote when: its keys are quarter hour u32 · chunk
// u16. It is for one goroutine and one transaction.
type Timeline struct {
	b     *bbolt.Bucket
	arena *kv.Arena // of a write transaction
}

// OpenTimeline returns the timeline in a bucket; arena is nil for reading.
func OpenTimeline(b *bbolt.Bucket, arena *kv.Arena) *Timeline { return &Timeline{b, arena} }

// chunkSize is the size from which a chunk is left as it is and a new one is begun: live
// traffic rewrites the last chunk in every commit.
const chunkSize = 1536

// Apply enters what came and went into the quarter hours.
func (t *Timeline) Apply(deltas []Delta) error {
	var came, went []Moment
	for rest := kv.GroupBy(deltas, func(c *Delta) uint32 { return civil.QuarterOf(c.Time) }); len(rest) > 0; {
		q := civil.QuarterOf(rest[0].Time)
		n := 1
		for n < len(rest) && civil.QuarterOf(rest[n].Time) == q {
			n++
		}
		came, went = split(rest[:n], came[:0], went[:0])
		if len(went) > 0 {
			if err := t.remove(q, went); err != nil {
				return err
			}
		}
		if len(came) > 0 {
			if err := t.add(q, came); err != nil {
				return err
			}
		}
		rest = rest[n:]
	}
	return nil
}

// split adds the moments of deltas, which are in order, to those that came or to
// those that went, without those that did both.
func split(deltas []Delta, came, went []Moment) ([]Moment, []Moment) {
	for i := 0; i < len(deltas); {
		m, sum := Moment{deltas[i].Time, deltas[i].User}, 0
		for ; i < len(deltas) && deltas[i].User == m.User && deltas[i].Time == m.Time; i++ {
			sum += int(deltas[i].By)
		}
		for ; sum > 0; sum-- {
			came = append(came, m)
		}
		for ; sum < 0; sum++ {
			went = append(went, m)
		}
	}
	return came, went
}

func chunkKey(q uint32, chunk uint16) []byte { return kv.U16(kv.U32(nil, q), chunk) }

// add adds to the quarter's last chunk, or to a new one if that is large.
func (t *Timeline) add(q uint32, came []Moment) error {
	chunk := uint16(0)
	if key, value := t.lastChunk(q); key != nil {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		chunk = binary.BigEndian.Uint16(key[4:])
		switch {
		case len(payload) < chunkSize || chunk == 1<<16-1:
			var err error
			if came, err = DecodeChunk(came, q, payload); err != nil {
				return kv.Damaged(key)
			}
			slices.SortFunc(came, CompareMoments)
		default:
			chunk++
		}
	}
	return t.arena.Put(t.b, chunkKey(q, chunk), appendChunk(nil, q, came))
}

func (t *Timeline) lastChunk(q uint32) (key, value []byte) {
	key, value = kv.SeekLT(t.b.Cursor(), kv.U32(nil, q+1))
	if key == nil || binary.BigEndian.Uint32(key) != q {
		return nil, nil
	}
	return slices.Clone(key), value
}

// remove takes moments out of whichever chunk of the quarter has them.
func (t *Timeline) remove(q uint32, went []Moment) error {
	type kept struct {
		key     []byte
		moments []Moment
	}
	var changed []kept
	c := t.b.Cursor()
	for key, value := c.Seek(chunkKey(q, 0)); key != nil && binary.BigEndian.Uint32(key) == q && len(went) > 0; key, value = c.Next() {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		moments, err := DecodeChunk(nil, q, payload)
		if err != nil {
			return kv.Damaged(key)
		}
		before := len(moments)
		went = slices.DeleteFunc(went, func(m Moment) bool {
			i, found := slices.BinarySearchFunc(moments, m, CompareMoments)
			if found {
				moments = slices.Delete(moments, i, i+1)
			}
			return found
		})
		if len(moments) != before {
			changed = append(changed, kept{slices.Clone(key), moments})
		}
	}
	if len(went) > 0 {
		return fmt.Errorf("%w: the timeline lacks a record of user %d at %s", kv.ErrDamaged, went[0].User, went[0].Time)
	}
	for _, k := range changed {
		if len(k.moments) == 0 {
			if err := t.b.Delete(k.key); err != nil {
				return err
			}
			continue
		}
		if err := t.arena.Put(t.b, k.key, appendChunk(nil, q, k.moments)); err != nil {
			return err
		}
	}
	return nil
}

// Quarter returns the moments of a quarter hour, by user and time. ok is false if they take
// more than so many bytes.
func (t *Timeline) Quarter(q uint32, most int) (moments []Moment, ok bool, err error) {
	c := t.b.Cursor()
	size := 0
	key, value := c.Seek(chunkKey(q, 0))
	for ; isOf(key, q); key, value = c.Next() {
		if size += len(value); size > most {
			return nil, false, nil
		}
	}
	if size == 0 {
		return nil, true, nil
	}
	key, value = c.Seek(chunkKey(q, 0))
	moments, _, _, err = readQuarter(key, value, c.Next)
	slices.SortFunc(moments, CompareMoments)
	return moments, true, err
}

func isOf(key []byte, q uint32) bool { return len(key) >= 4 && binary.BigEndian.Uint32(key) == q }

// Backwards yields the moments of each quarter hour in [from, to] in which anybody wrote,
// from the last one on, in no order within it. An error is the last that it yields.
func (t *Timeline) Backwards(from, to uint32) iter.Seq2[[]Moment, error] {
	return func(yield func([]Moment, error) bool) {
		c := t.b.Cursor()
		key, value := kv.SeekLT(c, kv.U32(nil, to+1))
		for key != nil && binary.BigEndian.Uint32(key) >= from {
			var moments []Moment
			var err error
			moments, key, value, err = readQuarter(key, value, c.Prev)
			if !yield(moments, err) || err != nil {
				return
			}
		}
	}
}

// Forwards yields the moments of each quarter hour in [from, end), from the first one on,
// as backwards does.
func (t *Timeline) Forwards(from, end uint32) iter.Seq2[[]Moment, error] {
	return func(yield func([]Moment, error) bool) {
		c := t.b.Cursor()
		key, value := c.Seek(chunkKey(from, 0))
		for key != nil && binary.BigEndian.Uint32(key) < end {
			var moments []Moment
			var err error
			moments, key, value, err = readQuarter(key, value, c.Next)
			if !yield(moments, err) || err != nil {
				return
			}
		}
	}
}

// Next returns the first quarter hour from one on in which anybody wrote; ok is false if
// there is none.
func (t *Timeline) Next(from uint32) (q uint32, ok bool) {
	key, _ := t.b.Cursor().Seek(chunkKey(from, 0))
	if len(key) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(key), true
}

// momentSize is the size of a message in the timeline in bytes, about.
const momentSize = 10

// Reach returns the quarter hour, not before from, from which on up to the end of to there
// are so many messages, about, and how many there are; all is true if there are none before
// it that are not before from.
func (t *Timeline) Reach(from, to uint32, messages int) (first uint32, found int, all bool, err error) {
	size, first := 0, to
	c := t.b.Cursor()
	for key, value := kv.SeekLT(c, kv.U32(nil, to+1)); key != nil; key, value = c.Prev() {
		if len(key) != 6 {
			return 0, 0, false, kv.Damaged(key)
		}
		q := binary.BigEndian.Uint32(key)
		if q < from {
			break
		}
		if q != first && size >= messages*momentSize {
			return first, size / momentSize, false, nil
		}
		first = q
		size += len(value) - kv.ChecksumSize
	}
	return first, size / momentSize, true, nil
}

// Ends returns the first and the last moment.
func (t *Timeline) Ends() (first, last civil.Micros, err error) {
	c := t.b.Cursor()
	first, last = civil.MaxMicros, civil.MinMicros
	for _, end := range []struct {
		start, step func() (key, value []byte)
	}{{c.First, c.Next}, {c.Last, c.Prev}} {
		key, value := end.start()
		if key == nil {
			return 0, 0, kv.Damaged(nil)
		}
		moments, _, _, err := readQuarter(key, value, end.step)
		if err != nil {
			return 0, 0, err
		}
		for _, m := range moments {
			first, last = min(first, m.Time), max(last, m.Time)
		}
	}
	return first, last, nil
}

// readQuarter reads all chunks of the quarter hour that starts at b, in either
// direction, and returns the next key.
func readQuarter(b, value []byte, step func() (key, value []byte)) (moments []Moment, next, nextValue []byte, err error) {
	q := b[:4]
	for ; b != nil && bytes.Equal(b[:4], q); b, value = step() {
		payload, ok := kv.Unseal(b, value)
		if !ok || len(b) != 6 {
			return nil, nil, nil, kv.Damaged(b)
		}
		if moments, err = DecodeChunk(moments, binary.BigEndian.Uint32(q), payload); err != nil {
			return nil, nil, nil, kv.Damaged(b)
		}
	}
	return moments, b, value, nil
}

// MomentsBetween returns those of a user in a span of time.
func MomentsBetween(moments []Moment, user snowflake.ID, from, to civil.Micros) []Moment {
	first, _ := slices.BinarySearchFunc(moments, Moment{from, user}, CompareMoments)
	last := first
	for last < len(moments) && moments[last].User == user && moments[last].Time <= to {
		last++
	}
	return moments[first:last]
}
