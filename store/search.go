package store

import (
	"context"
	"errors"
	"time"

	"rollcall/store/internal/kv"
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
	page, next, visits, err := s.db.newestPage(ctx, s.q, s.behind, s.limit-len(s.found), s.first)
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
