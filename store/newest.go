package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"rollcall/internal/civil"

	"go.etcd.io/bbolt"
)

// Newest returns records of one guild (and user), newest first (of equal time: the
// higher user, then the higher id), starting behind the given position, or at the
// newest if it is nil, and the position to go on from, nil if there are no more. It
// reads one page in one transaction: it returns at most limit records, and fewer,
// even none, where it has looked at as many as a page may. Damaged records are left
// out (and counted, see Damaged).
func (db *DB) Newest(ctx context.Context, q Query, behind *Position, limit int) (page []Record, next *Position, err error) {
	page, next, _, err = db.newestPage(ctx, q, behind, limit, pageVisits)
	return page, next, err
}

// newestPage is Newest that looks at so many records at most, and says at how many it did.
func (db *DB) newestPage(ctx context.Context, q Query, behind *Position, limit, most int) (page []Record, next *Position, visits int, err error) {
	err = db.view(ctx, func(tx *bbolt.Tx) error {
		r := openReader(tx, db.keys, q.Guild)
		if r == nil {
			return nil
		}
		from, to := q.When.Bounds()
		size, begin := 0, time.Now()
		visit := func(key recordKey, b, value []byte) (more bool, err error) {
			if len(page) >= limit || visits >= most || size >= pageBytes || visits > 0 && time.Since(begin) > pageTime {
				next = behind
				return false, nil
			}
			visits++
			behind = key.position()
			record, err := r.selected(&q, key, b, value)
			switch {
			case err != nil:
				db.bad.note(q.Guild, b, err)
			case record != nil:
				page = append(page, *record)
				size += len(record.Content) + record.Extra.size()
			}
			return true, nil
		}
		if q.User != 0 {
			return r.userBackwards(q.User, from, to, behind, visit)
		}
		return r.guildBackwards(from, to, behind, visit)
	})
	return page, next, visits, err
}

func (k recordKey) position() *Position { return &Position{Time: k.time, User: k.user, Key: k.id} }

type visitor func(key recordKey, b, value []byte) (more bool, err error)

// userBackwards visits a user's records from the newest.
func (r *reader) userBackwards(user ID, from, to Micros, behind *Position, visit visitor) error {
	end := recordKey{user, to + 1, 0}
	if behind != nil && behind.Time <= to {
		end = recordKey{user, behind.Time, behind.Key}
	}
	c := r.records.between(from, min(end.time, civil.MaxMicros))
	for b, value := c.Before(end.append(nil)); b != nil; b, value = c.Prev() {
		key, ok := parseRecordKey(b)
		if !ok {
			return damagedValue(b)
		}
		if key.user != user || key.time < from {
			return nil
		}
		if more, err := visit(key, b, value); err != nil || !more {
			return err
		}
	}
	return nil
}

// guildBackwards visits a guild's records from the newest, quarter hour by quarter hour.
func (r *reader) guildBackwards(from, to Micros, behind *Position, visit visitor) error {
	if behind != nil {
		to = min(to, behind.Time)
	}
	c := r.timeline.Cursor()
	b, value := lastBefore(c, u32(nil, civil.QuarterOf(to)+1))
	for b != nil {
		if binary.BigEndian.Uint32(b) < civil.QuarterOf(from) {
			return nil
		}
		var moments []moment
		var err error
		if moments, b, value, err = readQuarter(b, value, c.Prev); err != nil {
			return err
		}
		slices.SortFunc(moments, func(a, b moment) int {
			if a.time != b.time {
				return order(b.time, a.time)
			}
			return order(b.user, a.user)
		})
		q := civil.QuarterOf(moments[0].time)
		in := r.records.between(civil.QuarterStart(q), civil.QuarterStart(q+1)-1)
		for _, m := range slices.Compact(moments) {
			if m.time > to || m.time < from || behind != nil && m.time == behind.Time && m.user > behind.User {
				continue
			}
			if more, err := r.moment(in, m, behind, visit); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// moment visits the records of one user at one instant, the highest id first, by a
// cursor that has them.
func (r *reader) moment(c *recordCursor, m moment, behind *Position, visit visitor) (more bool, err error) {
	r.at = r.at[:0]
	var room [recordKeySize]byte
	for b, value := c.Seek(recordKey{m.user, m.time, 0}.append(room[:0])); b != nil; b, value = c.Next() {
		key := paddedKey(b)
		if key.user != m.user || key.time != m.time {
			break
		}
		r.at = append(r.at, entry{key, value})
	}
	for _, e := range slices.Backward(r.at) {
		if behind != nil && e.key.time == behind.Time && e.key.user == behind.User && e.key.id >= behind.Key {
			continue
		}
		r.key = e.key.append(r.key[:0])
		if more, err := visit(e.key, r.key, e.value); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// readQuarter reads all chunks of the quarter hour that starts at b, in either
// direction, and returns the next key.
func readQuarter(b, value []byte, step func() (key, value []byte)) (moments []moment, next, nextValue []byte, err error) {
	q := b[:4]
	for ; b != nil && bytes.Equal(b[:4], q); b, value = step() {
		payload, ok := unseal(b, value)
		if !ok || len(b) != 6 {
			return nil, nil, nil, damagedValue(b)
		}
		if moments, err = decodeChunk(moments, binary.BigEndian.Uint32(q), payload); err != nil {
			return nil, nil, nil, damagedValue(b)
		}
	}
	return moments, b, value, nil
}
