package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
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
	err = db.view(ctx, func(tx *kv.Tx) error {
		r := openReader(tx, db.keys, q.Guild)
		if r == nil {
			return nil
		}
		from, to := q.When.Bounds()
		size, begin := 0, time.Now()
		visit := func(key record.Key, b, value []byte) (more bool, err error) {
			if len(page) >= limit || visits >= most || size >= pageBytes || visits > 0 && time.Since(begin) > pageTime {
				next = behind
				return false, nil
			}
			visits++
			behind = positionOf(key)
			found, err := r.selected(&q, key, b, value)
			switch {
			case err != nil:
				db.bad.note(q.Guild, b, err)
			case found != nil:
				page = append(page, *found)
				size += len(found.Content) + record.ExtraSize(found.Extra)
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

func positionOf(k record.Key) *Position { return &Position{Time: k.Time, User: k.User, Key: k.ID} }

type visitor func(key record.Key, b, value []byte) (more bool, err error)

// userBackwards visits a user's records from the newest.
func (r *reader) userBackwards(user ID, from, to Micros, behind *Position, visit visitor) error {
	end := record.Key{User: user, Time: to + 1, ID: 0}
	if behind != nil && behind.Time <= to {
		end = record.Key{User: user, Time: behind.Time, ID: behind.Key}
	}
	c := r.records.Between(from, min(end.Time, civil.MaxMicros))
	for b, value := c.Before(end.Append(nil)); b != nil; b, value = c.Prev() {
		key, ok := record.ParseKey(b)
		if !ok {
			return kv.Damaged(b)
		}
		if key.User != user || key.Time < from {
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
	for moments, err := range r.timeline.Backwards(civil.QuarterOf(from), civil.QuarterOf(to)) {
		if err != nil {
			return err
		}
		slices.SortFunc(moments, func(a, b rollup.Moment) int {
			if a.Time != b.Time {
				return cmp.Compare(b.Time, a.Time)
			}
			return cmp.Compare(b.User, a.User)
		})
		q := civil.QuarterOf(moments[0].Time)
		in := r.records.Between(civil.QuarterStart(q), civil.QuarterStart(q+1)-1)
		for _, m := range slices.Compact(moments) {
			if m.Time > to || m.Time < from || behind != nil && m.Time == behind.Time && m.User > behind.User {
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
func (r *reader) moment(c *lsm.Cursor, m rollup.Moment, behind *Position, visit visitor) (more bool, err error) {
	r.at = r.at[:0]
	var room [record.KeySize]byte
	for b, value := c.Seek(record.Key{User: m.User, Time: m.Time, ID: 0}.Append(room[:0])); b != nil; b, value = c.Next() {
		key := record.PadKey(b)
		if key.User != m.User || key.Time != m.Time {
			break
		}
		r.at = append(r.at, record.Entry{Key: key, Value: value})
	}
	for _, e := range slices.Backward(r.at) {
		if behind != nil && e.Key.Time == behind.Time && e.Key.User == behind.User && e.Key.ID >= behind.Key {
			continue
		}
		r.key = e.Key.Append(r.key[:0])
		if more, err := visit(e.Key, r.key, e.Value); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}
