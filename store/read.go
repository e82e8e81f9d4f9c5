package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"slices"

	"go.etcd.io/bbolt"
)

// A page is what is read in one transaction: long transactions pin pages of the
// file and keep it growing.
const (
	pageRecords = 2_000   // at most this many records
	pageBytes   = 1 << 20 // or, once this much text is copied out
	pageVisits  = 50_000  // or, once this many were looked at
)

// bounds returns the range's first and last instant.
func (r Range) bounds() (from, to Micros) {
	if r == (Range{}) {
		return minMicros, maxMicros
	}
	return max(r.From, minMicros), min(r.To-1, maxMicros)
}

// Records yields the selected records by guild, user, time, in that order. Each
// page is read in a transaction of its own and yielded outside of it, so a slow
// consumer holds nothing open; a record that is put meanwhile may or may not be
// among them. The error, if any, comes last.
func (db *DB) Records(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		guilds := []ID{q.Guild}
		if q.Guild == 0 {
			all, err := db.Guilds(ctx)
			if err != nil {
				yield(Record{}, err)
				return
			}
			guilds = guilds[:0]
			for _, g := range all {
				guilds = append(guilds, g.ID)
			}
		}
		for _, guild := range guilds {
			q.Guild = guild
			from, _ := q.When.bounds()
			for next := (recordKey{q.User, from, 0}).append(nil); next != nil; {
				var page []Record
				var err error
				if page, next, err = db.recordsPage(ctx, q, next); err != nil {
					yield(Record{}, err)
					return
				}
				for i := range page {
					if !yield(page[i], nil) {
						return
					}
				}
			}
		}
	}
}

// recordsPage reads from the key start on and returns the key to go on from, nil at the end.
func (db *DB) recordsPage(ctx context.Context, q Query, start []byte) (page []Record, next []byte, err error) {
	from, to := q.When.bounds()
	err = db.view(ctx, func(tx *bbolt.Tx) error {
		r := openReader(tx, q.Guild)
		if r == nil {
			return nil
		}
		size, visits := 0, 0
		c := r.records.Cursor()
		for b, value := c.Seek(start); b != nil; {
			key, ok := parseRecordKey(b)
			if !ok {
				return damagedValue(b)
			}
			if q.User != 0 && key.user != q.User {
				return nil
			}
			if len(page) >= pageRecords || size >= pageBytes || visits >= pageVisits {
				next = slices.Clone(b)
				return nil
			}
			visits++
			if key.time > to { // on to the next user
				if q.User != 0 || key.user == 1<<64-1 {
					return nil
				}
				b, value = c.Seek(recordKey{key.user + 1, from, 0}.append(nil))
				continue
			}
			if key.time < from {
				b, value = c.Seek(recordKey{key.user, from, 0}.append(nil))
				continue
			}
			record, err := r.record(key, b, value)
			if err != nil {
				return err
			}
			if q.Match == nil || q.Match(&record) {
				page = append(page, record)
				size += len(record.Content)
			}
			b, value = c.Next()
		}
		return nil
	})
	return page, next, err
}

// reader reads the records of a guild in one transaction.
type reader struct {
	guild    ID
	records  *bbolt.Bucket
	timeline *bbolt.Bucket
	channel  func(uint32) (Channel, error)
}

// openReader returns nil if nothing is known of the guild.
func openReader(tx *bbolt.Tx, guild ID) *reader {
	name := bucketName(guild)
	r := &reader{guild: guild, records: tx.Bucket(bucketRecords).Bucket(name), timeline: tx.Bucket(bucketTimeline).Bucket(name)}
	channels := tx.Bucket(bucketChannels).Bucket(name)
	if r.records == nil || r.timeline == nil || channels == nil {
		return nil
	}
	r.channel = channelsOf(channels)
	return r
}

func (r *reader) record(key recordKey, b, value []byte) (Record, error) {
	payload, ok := unseal(b, value)
	if !ok {
		return Record{}, damagedValue(b)
	}
	s, err := decodeStored(payload, key.time)
	if err != nil {
		return Record{}, damagedValue(b)
	}
	channel, err := r.channel(s.channel)
	if err != nil {
		return Record{}, err
	}
	record := Record{
		Guild: r.guild, User: key.user, Time: key.time, Channel: channel, Content: string(s.content), Source: s.source,
		ReplyTo: s.replyTo, ReplyToUser: s.replyUser, Attachments: s.attachments, InLogs: s.inLogs || key.isLog(),
	}
	if !key.isLog() {
		record.Message = ID(key.id)
	}
	return record, nil
}

// Newest returns at most limit records of one guild (and user), newest first
// (of equal time: the higher user, then the higher id), starting behind the given
// position, or at the newest if it is nil, and the position to go on from, nil if
// there are no more.
func (db *DB) Newest(ctx context.Context, q Query, behind *Position, limit int) ([]Record, *Position, error) {
	var found []Record
	for {
		page, next, err := db.newestPage(ctx, q, behind, limit-len(found))
		if err != nil {
			return nil, nil, err
		}
		found = append(found, page...)
		if next == nil || len(found) >= limit {
			return found, next, nil
		}
		behind = next
	}
}

// newestPage looks at a bounded number of records.
func (db *DB) newestPage(ctx context.Context, q Query, behind *Position, limit int) (page []Record, next *Position, err error) {
	err = db.view(ctx, func(tx *bbolt.Tx) error {
		r := openReader(tx, q.Guild)
		if r == nil {
			return nil
		}
		from, to := q.When.bounds()
		visits, size := 0, 0
		visit := func(key recordKey, b, value []byte) (more bool, err error) {
			if len(page) >= limit || visits >= pageVisits || size >= pageBytes {
				next = behind
				return false, nil
			}
			visits++
			record, err := r.record(key, b, value)
			if err != nil {
				return false, err
			}
			behind = &Position{Time: key.time, User: key.user, Key: key.id}
			if q.Match == nil || q.Match(&record) {
				page = append(page, record)
				size += len(record.Content)
			}
			return true, nil
		}
		if q.User != 0 {
			return r.userBackwards(q.User, from, to, behind, visit)
		}
		return r.guildBackwards(from, to, behind, visit)
	})
	return page, next, err
}

type visitor func(key recordKey, b, value []byte) (more bool, err error)

// userBackwards visits a user's records from the newest.
func (r *reader) userBackwards(user ID, from, to Micros, behind *Position, visit visitor) error {
	end := recordKey{user, to + 1, 0}
	if behind != nil && behind.Time <= to {
		end = recordKey{user, behind.Time, behind.Key}
	}
	c := r.records.Cursor()
	for b, value := lastBefore(c, end.append(nil)); b != nil; b, value = c.Prev() {
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
	b, value := lastBefore(c, u32(nil, quarterOf(to)+1))
	for b != nil {
		if binary.BigEndian.Uint32(b) < quarterOf(from) {
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
		for _, m := range slices.Compact(moments) {
			if m.time > to || m.time < from || behind != nil && m.time == behind.Time && m.user > behind.User {
				continue
			}
			if more, err := r.moment(m, behind, visit); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// lastBefore moves to the last key below end.
func lastBefore(c *bbolt.Cursor, end []byte) (key, value []byte) {
	if key, _ := c.Seek(end); key == nil {
		return c.Last()
	}
	return c.Prev()
}

// moment visits the records of one user at one instant, the highest id first.
func (r *reader) moment(m moment, behind *Position, visit visitor) (more bool, err error) {
	type found struct{ key, value []byte }
	var at []found
	c := r.records.Cursor()
	prefix := recordKey{m.user, m.time, 0}.append(nil)
	for b, value := c.Seek(prefix); b != nil && bytes.Equal(b[:16], prefix[:16]); b, value = c.Next() {
		at = append(at, found{b, value})
	}
	for _, f := range slices.Backward(at) {
		key, ok := parseRecordKey(f.key)
		if !ok {
			return false, damagedValue(f.key)
		}
		if behind != nil && key.time == behind.Time && key.user == behind.User && key.id >= behind.Key {
			continue
		}
		if more, err := visit(key, f.key, f.value); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// Guilds returns the guilds that have records, by id.
func (db *DB) Guilds(ctx context.Context) (guilds []Guild, err error) {
	err = db.view(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketGuilds).ForEach(func(b, value []byte) error {
			payload, ok := unseal(b, value)
			if !ok || len(b) != 8 {
				return damagedValue(b)
			}
			info, err := decodeGuildInfo(payload)
			if err != nil {
				return damagedValue(b)
			}
			g := Guild{ID: ID(binary.BigEndian.Uint64(b)), Messages: info.messages, Users: info.users}
			if g.Messages == 0 {
				return nil
			}
			name, err := get(tx.Bucket(bucketNames), append(slices.Clone(b), 0, 0, 0, 0, 0, 0, 0, 0))
			if err != nil {
				return err
			}
			g.Name = string(name)
			if g.First, g.Last, err = firstAndLast(tx.Bucket(bucketTimeline).Bucket(bucketName(g.ID))); err != nil {
				return err
			}
			guilds = append(guilds, g)
			return nil
		})
	})
	return guilds, err
}

// firstAndLast reads the outermost quarter hours of a guild's timeline.
func firstAndLast(timeline *bbolt.Bucket) (first, last Micros, err error) {
	if timeline == nil {
		return 0, 0, damagedValue(bucketTimeline)
	}
	c := timeline.Cursor()
	first, last = maxMicros, minMicros
	for _, end := range []struct {
		start, step func() (key, value []byte)
	}{{c.First, c.Next}, {c.Last, c.Prev}} {
		b, value := end.start()
		if b == nil {
			return 0, 0, damagedValue(bucketTimeline)
		}
		moments, _, _, err := readQuarter(b, value, end.step)
		if err != nil {
			return 0, 0, err
		}
		for _, m := range moments {
			first, last = min(first, m.time), max(last, m.time)
		}
	}
	return first, last, nil
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
