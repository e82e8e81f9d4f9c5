package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// What many messages hold is found soonest newest first, at a seek a message. What few
// hold is found soonest in the order in which records lie, at a step a message and a
// seek for each user who wrote nothing meanwhile. So a search begins with the one and
// goes on with the other (window.go), each time over more than before.
const (
	searchFirst  = 10_000 // messages newest first
	windowGrowth = 8      // times as many messages as before it are in a window
)

// Search returns what Newest returns, page after page, until there are limit records,
// or there are no more (then next is nil), or patience has passed. It reads in many
// transactions, none longer than that of a page: what is written meanwhile may or may
// not be seen. q.Channel, q.Text and q.Match are called by two goroutines at a time.
func (db *DB) Search(ctx context.Context, q Query, behind *Position, limit int, patience time.Duration) (found []Record, next *Position, err error) {
	s := &search{db: db, q: q, behind: behind, limit: limit, end: time.Now().Add(patience), first: searchFirst, page: pageVisits}
	if err := s.run(ctx); err != nil {
		return nil, nil, err
	}
	return s.found, s.behind, nil
}

type search struct {
	db      *DB
	q       Query
	behind  *Position // where to go on; nil before the newest, and when there are no more
	limit   int
	end     time.Time
	first   int // searchFirst
	page    int // pageVisits
	windows bool
	found   []Record
	seen    int           // messages so far, about
	pace    time.Duration // that one of them took, of late
}

func (s *search) run(ctx context.Context) error {
	s.windows = s.q.User == 0 // what one user wrote lies in the order of time
	for {
		if err := s.step(ctx); err != nil || s.over() {
			return err
		}
	}
}

func (s *search) step(ctx context.Context) error {
	if s.windows && s.seen >= s.first {
		if done, err := s.window(ctx); err != nil || done {
			return err
		}
	}
	return s.newest(ctx)
}

func (s *search) over() bool {
	return s.behind == nil || len(s.found) >= s.limit || !time.Now().Before(s.end)
}

func (s *search) took(messages int, since time.Time) {
	s.seen += messages
	s.pace = time.Since(since) / time.Duration(max(messages, 1))
}

// newest reads one page, newest first.
func (s *search) newest(ctx context.Context) error {
	begin := time.Now()
	page, next, visits, err := s.db.Part(nil).newestPage(ctx, s.q, s.behind, s.limit-len(s.found), s.first)
	s.found, s.behind = append(s.found, page...), next
	s.took(visits, begin)
	return err
}

// window reads the next window. Where newest first is as fast it does not; and what it has
// read counts for nothing if that takes more than half of the time that is left.
func (s *search) window(ctx context.Context) (done bool, err error) {
	begin := time.Now()
	patience := s.end.Sub(begin) / 2
	w, err := s.nextWindow(ctx, int(patience/max(s.pace, 1)))
	if err != nil || w == nil {
		return false, err
	}
	reading, stop := context.WithTimeout(ctx, patience)
	defer stop()
	found, err := w.read(reading)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		s.windows = false
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, f := range found {
		s.found = append(s.found, f.record)
	}
	switch {
	case len(found) == w.limit:
		s.behind = positionOf(found[len(found)-1].key)
	case w.oldest:
		s.behind = nil
	default:
		s.behind = &Position{Time: w.from} // nobody's id is 0
	}
	s.took(w.messages, begin)
	return true, nil
}

// nextWindow returns the window behind s.behind, with at most so many messages, about;
// nil if it is not to have more than the guild has users, each of whom costs a seek.
func (s *search) nextWindow(ctx context.Context, most int) (w *window, err error) {
	err = s.db.view(ctx, func(tx *kv.Tx) error {
		r := openReader(tx, s.db.keys, s.q.Guild)
		if r == nil {
			return nil
		}
		key := kv.U64(nil, uint64(s.q.Guild))
		payload, err := kv.Get(tx.Bucket(bucketGuilds), key)
		if payload == nil {
			return err
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return kv.Damaged(key)
		}
		users, left := int(info.users), s.limit-len(s.found)
		messages := min(max(windowGrowth*s.seen, 2*users), most)
		if n := len(s.found); n > 0 {
			messages = min(messages, 2*s.seen*left/n) // twice as many as are expected to be enough
		}
		next := &window{db: s.db, q: s.q, behind: *s.behind, limit: left, page: s.page}
		if err := next.measure(r, messages); err != nil || next.messages <= users {
			return err
		}
		w = next
		return w.findUsers(r)
	})
	return w, err
}

// Newest returns records of one guild (and user), newest first (of equal time: the
// higher user, then the higher id), starting behind the given position, or at the
// newest if it is nil, and the position to go on from, nil if there are no more. It
// reads one page in one transaction: it returns at most limit records, and fewer,
// even none, where it has looked at as many as a page may. Damaged records are left
// out (and counted, see Damaged).
func (db *DB) Newest(ctx context.Context, q Query, behind *Position, limit int) (page []Record, next *Position, err error) {
	return db.Part(nil).Newest(ctx, q, behind, limit)
}

// Newest is DB.Newest at the part's moment, if it has one; see Records.
func (p Part) Newest(ctx context.Context, q Query, behind *Position, limit int) (page []Record, next *Position, err error) {
	page, next, _, err = p.newestPage(ctx, q, behind, limit, pageVisits)
	return page, next, err
}

// newestPage is Newest that looks at so many records at most, and says at how many it did.
func (p Part) newestPage(ctx context.Context, q Query, behind *Position, limit, most int) (page []Record, next *Position, visits int, err error) {
	db := p.db
	err = p.view(ctx, func(tx *kv.Tx) error {
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
