package store

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

const (
	windowParts = 16      // spans of users, which two readers take one after the other
	windowSteps = 32      // cost less than a seek
	windowClock = 8 << 10 // bytes of records between two looks at the clock
)

// window is a span of a guild's time that is searched in the order of users.
type window struct {
	db       *DB
	q        Query
	behind   Position // what is not behind it is left out
	limit    int      // so many of the newest records
	page     int      // pageVisits
	from, to Micros   // first and last instant
	messages int      // about
	oldest   bool     // q selects nothing before it

	firstUser, lastUser ID // of the guild
}

// measure makes the window reach back from its end over whole quarter hours, until it
// has about so many messages.
func (w *window) measure(r *reader, messages int) error {
	from, to := w.q.When.Bounds()
	w.from, w.to, w.oldest = from, min(to, w.behind.Time), true
	first, found, all, err := r.timeline.Reach(civil.QuarterOf(from), civil.QuarterOf(w.to), messages)
	if err != nil {
		return err
	}
	if !all {
		w.from, w.oldest = civil.QuarterStart(first), false
	}
	w.messages = found
	return nil
}

// findUsers finds the first and the last user.
func (w *window) findUsers(r *reader) error {
	c := r.records.Cursor()
	b, _ := c.First()
	first, ok := record.ParseKey(b)
	if !ok {
		return kv.Damaged(b)
	}
	b, _ = c.Last()
	last, ok := record.ParseKey(b)
	if !ok {
		return kv.Damaged(b)
	}
	w.firstUser, w.lastUser = first.User, last.User
	return nil
}

// read returns the newest records that are selected. The users are read in parts, by
// two readers beside each other.
func (w *window) read(ctx context.Context) ([]foundRecord, error) {
	var part atomic.Uint64
	var one *newestFew
	done := make(chan error, 1)
	go func() {
		few, err := w.readParts(ctx, &part)
		one = few
		done <- err
	}()
	other, err := w.readParts(ctx, &part)
	if e := <-done; e != nil {
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	one.found = append(one.found, other.found...)
	one.cut()
	return one.found, nil
}

// readParts reads one part after the other that is not taken yet.
func (w *window) readParts(ctx context.Context, part *atomic.Uint64) (*newestFew, error) {
	few := &newestFew{limit: w.limit}
	users := w.lastUser - w.firstUser
	step := users/windowParts + 1
	for {
		i := ID(part.Add(1) - 1)
		if i >= windowParts || i*step > users {
			return few, nil
		}
		first := w.firstUser + i*step
		last := first + min(step-1, w.lastUser-first)
		for next := (&record.Key{User: first, Time: w.from, ID: 0}); next != nil; {
			var err error
			if next, err = w.readPage(ctx, *next, last, few); err != nil {
				return nil, err
			}
		}
	}
}

// readPage reads from a key on in one transaction, to the last record of a user at
// most, and returns the key to go on from, nil at the end.
func (w *window) readPage(ctx context.Context, start record.Key, last ID, few *newestFew) (next *record.Key, err error) {
	err = w.db.view(ctx, func(tx *kv.Tx) error {
		r := openReader(tx, w.db.keys, w.q.Guild)
		if r == nil {
			return nil
		}
		visits, aside, unclocked, begin := 0, 0, 0, time.Now()
		late := func() bool {
			if unclocked < windowClock {
				return false
			}
			unclocked = 0
			return time.Since(begin) > pageTime
		}
		c := r.records.Between(w.from, w.to)
		for b, value := c.Seek(start.Append(nil)); b != nil; visits++ {
			key, ok := record.ParseKey(b)
			switch {
			case !ok:
				return kv.Damaged(b)
			case key.User > last:
				return nil
			case visits >= w.page || late():
				more := key
				next = &more
				return nil
			}
			unclocked += len(b) + len(value)
			if !w.has(key) {
				if aside++; aside < windowSteps {
					b, value = c.Next()
					continue
				}
				aside = 0
				switch {
				case key.Time < w.from:
					b, value = c.Seek(record.Key{User: key.User, Time: w.from, ID: 0}.Append(nil))
				case key.User < last:
					b, value = c.Seek(record.Key{User: key.User + 1, Time: w.from, ID: 0}.Append(nil))
				default:
					return nil
				}
				continue
			}
			aside = 0
			if few.wants(key) {
				found, err := r.selected(&w.q, key, b, value)
				switch {
				case err != nil:
					w.db.bad.note(w.q.Guild, b, err)
				case found != nil:
					few.add(foundRecord{key, *found})
				}
				if w.q.Match != nil {
					unclocked = windowClock // it may be slow, however small the record
				}
			}
			b, value = c.Next()
		}
		return nil
	})
	return next, err
}

// has reports whether a record lies in the window.
func (w *window) has(key record.Key) bool {
	return key.Time >= w.from && key.Time <= w.to &&
		(key.Time < w.behind.Time || newestFirst(record.Key{User: w.behind.User, Time: w.behind.Time, ID: w.behind.Key}, key) < 0)
}

// newestFirst is the order in which Newest returns records.
func newestFirst(a, b record.Key) int {
	switch {
	case a.Time != b.Time:
		return cmp.Compare(b.Time, a.Time)
	case a.User != b.User:
		return cmp.Compare(b.User, a.User)
	default:
		return cmp.Compare(b.ID, a.ID)
	}
}

type foundRecord struct {
	key    record.Key
	record Record
}

// newestFew keeps the newest of what it is given.
type newestFew struct {
	limit  int
	found  []foundRecord
	full   bool
	oldest record.Key // of limit records, if full
}

func (n *newestFew) wants(key record.Key) bool { return !n.full || newestFirst(key, n.oldest) < 0 }

func (n *newestFew) add(f foundRecord) {
	if n.found = append(n.found, f); len(n.found) >= 2*n.limit {
		n.cut()
	}
}

// cut puts what was found in order and drops what is too much.
func (n *newestFew) cut() {
	slices.SortFunc(n.found, func(a, b foundRecord) int { return newestFirst(a.key, b.key) })
	if len(n.found) >= n.limit {
		clear(n.found[n.limit:])
		n.found = n.found[:n.limit]
		n.full, n.oldest = true, n.found[n.limit-1].key
	}
}
