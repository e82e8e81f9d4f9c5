package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// A page is what is read in one transaction: long transactions pin pages of the
// file and keep it growing.
const (
	pageRecords = 2_000                  // at most this many records
	pageBytes   = 1 << 20                // or, once this much text is copied out
	pageVisits  = 50_000                 // or, once this many were looked at
	pageTime    = 100 * time.Millisecond // or, once this has passed: Query.Match may be slow, and contexts are looked at between pages
)

// Records yields the selected records by guild, user, time, in that order. Each
// page is read in a transaction of its own and yielded outside of it, so a slow
// consumer holds nothing open; a record that is put meanwhile may or may not be
// among them. The error, if any, comes last: records that are damaged are left
// out, and an error that wraps ErrDamaged and ErrLeftOut says how many.
func (db *DB) Records(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return db.Part(nil).Records(ctx, q)
}

// Records is DB.Records at the part's moment, if it has one. What is in the part q has to say:
// see Select.
func (p Part) Records(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		guilds, err := p.db.guildsOf(ctx, q)
		if err != nil {
			yield(Record{}, err)
			return
		}
		var left damage
		for _, guild := range guilds {
			q.Guild = guild
			from, _ := q.When.Bounds()
			for next := (record.Key{User: q.User, Time: from, ID: 0}).Append(nil); next != nil; {
				page, err := p.recordsPage(ctx, q, next)
				if err != nil {
					yield(Record{}, err)
					return
				}
				for i := range page.records {
					if !yield(page.records[i], nil) {
						return
					}
				}
				left.add(page.damage)
				next = page.next
			}
		}
		if left.count > 0 {
			yield(Record{}, fmt.Errorf("database %q: %d %w, the first: %w", p.db.path, left.count, ErrLeftOut, left.first))
		}
	}
}

func (db *DB) guildsOf(ctx context.Context, q Query) ([]ID, error) {
	if q.Guild != 0 {
		return []ID{q.Guild}, nil
	}
	guilds, err := db.Guilds(ctx)
	ids := make([]ID, len(guilds))
	for i, g := range guilds {
		ids[i] = g.ID
	}
	return ids, err
}

// damage counts records that were left out because they cannot be read.
type damage struct {
	count int
	first error
}

func (d *damage) add(o damage) {
	if d.count += o.count; d.first == nil {
		d.first = o.first
	}
}

// page is what recordsPage read.
type page struct {
	records []Record
	damage  damage
	next    []byte // the key to go on from, nil at the end
}

// recordsPage reads from the key start on.
func (of Part) recordsPage(ctx context.Context, q Query, start []byte) (p page, err error) {
	db := of.db
	from, to := q.When.Bounds()
	err = of.view(ctx, func(tx *kv.Tx) error {
		r := openReader(tx, db.keys, q.Guild)
		if r == nil {
			return nil
		}
		size, visits, begin := 0, 0, time.Now()
		c := r.records.Cursor()
		for b, value := c.Seek(start); b != nil; {
			key, ok := record.ParseKey(b)
			if !ok {
				return kv.Damaged(b)
			}
			if q.User != 0 && key.User != q.User {
				return nil
			}
			if len(p.records) >= pageRecords || size >= pageBytes || visits >= pageVisits || visits > 0 && time.Since(begin) > pageTime {
				p.next = slices.Clone(b)
				return nil
			}
			visits++
			if key.Time > to { // on to the next user
				if q.User != 0 || key.User == 1<<64-1 {
					return nil
				}
				b, value = c.Seek(record.Key{User: key.User + 1, Time: from, ID: 0}.Append(nil))
				continue
			}
			if key.Time < from {
				b, value = c.Seek(record.Key{User: key.User, Time: from, ID: 0}.Append(nil))
				continue
			}
			found, err := r.selected(&q, key, b, value)
			switch {
			case err != nil:
				db.bad.note(q.Guild, b, err)
				p.damage.add(damage{1, err})
			case found != nil:
				p.records = append(p.records, *found)
				size += len(found.Content) + record.ExtraSize(found.Extra)
			}
			b, value = c.Next()
		}
		return nil
	})
	return p, err
}

// reader reads the records of a guild in one transaction.
type reader struct {
	guild    ID
	records  *lsm.Records
	timeline *rollup.Timeline
	texts    *crypt.Codec
	text     []byte         // room for one
	at       []record.Entry // room for those of one instant
	key      []byte         // and for the key of one of them
	found    Record         // and for one
	channel  func(uint32) (Channel, error)
}

// openReader returns nil if nothing is known of the guild.
func openReader(tx *kv.Tx, keys *crypt.Keyring, guild ID) *reader {
	name := bucketName(guild)
	r := &reader{guild: guild, records: recordsOf(tx, guild)}
	timeline := tx.Bucket(bucketTimeline).Bucket(name)
	channels := tx.Bucket(bucketChannels).Bucket(name)
	if r.records == nil || timeline == nil || channels == nil {
		return nil
	}
	r.timeline = rollup.OpenTimeline(timeline, nil)
	r.texts = keys.NestedTexts(bucketRecords, name)
	r.channel = channelsOf(channels, keys.NestedTexts(bucketChannels, name))
	return r
}

// selected returns the record under the key b if q selects it, else nil. The next call
// overwrites it. What costs little is asked first: a search passes nearly all by.
func (r *reader) selected(q *Query, key record.Key, b, value []byte) (*Record, error) {
	s, err := record.Read(b, value, key.Time)
	if err != nil {
		return nil, err
	}
	if q.Channel != nil {
		if c, err := r.channel(s.Channel); err != nil || !q.Channel(c) {
			return nil, err
		}
	}
	if err := s.Open(r.texts, b, &r.text); err != nil {
		return nil, err
	}
	if q.Text != nil && !s.AnyText(q.Text) {
		return nil, nil
	}
	channel, err := r.channel(s.Channel)
	if err != nil {
		return nil, err
	}
	r.found = Record{
		Guild: r.guild, User: key.User, Time: key.Time, Channel: channel, Content: string(s.Text), Source: s.Source,
		ReplyTo: s.ReplyTo, ReplyToUser: s.ReplyUser, Attachments: s.Attachments, InLogs: s.InLogs || key.IsLog(),
		Redacted: s.Gone, Edited: s.Edited,
	}
	if r.found.Extra, err = s.Extra(); err != nil {
		return nil, crypt.TextError(b, err)
	}
	if !key.IsLog() {
		r.found.Message = ID(key.ID)
	}
	if q.Match != nil && !q.Match(&r.found) {
		return nil, nil
	}
	return &r.found, nil
}

// Guilds returns the guilds that have records, by id.
func (db *DB) Guilds(ctx context.Context) (guilds []Guild, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		return tx.Bucket(bucketGuilds).ForEach(func(b, value []byte) error {
			g, err := readGuild(tx, db.keys, b, value)
			if err == nil && g.Messages > 0 {
				guilds = append(guilds, g)
			}
			return err
		})
	})
	return guilds, err
}

// Guild returns one guild; known is false if it has no records.
func (db *DB) Guild(ctx context.Context, id ID) (g Guild, known bool, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		b := kv.U64(nil, uint64(id))
		value := tx.Bucket(bucketGuilds).Get(b)
		if value == nil {
			return nil
		}
		g, err = readGuild(tx, db.keys, b, value)
		known = g.Messages > 0
		return err
	})
	return g, known, err
}

// readGuild reads what stands under a guild's key; of one without records only the id.
func readGuild(tx *kv.Tx, keys *crypt.Keyring, b, value []byte) (Guild, error) {
	payload, ok := kv.Unseal(b, value)
	if !ok || len(b) != 8 {
		return Guild{}, kv.Damaged(b)
	}
	info, err := decodeGuildInfo(payload)
	if err != nil {
		return Guild{}, kv.Damaged(b)
	}
	g := Guild{ID: ID(binary.BigEndian.Uint64(b)), Messages: info.messages}
	if g.Messages == 0 {
		return g, nil
	}
	if g.Users, err = people(tx, g.ID, info); err != nil {
		return Guild{}, err
	}
	if g.Name, err = readName(tx, keys, g.ID, 0); err != nil {
		return Guild{}, err
	}
	timeline := tx.Bucket(bucketTimeline).Bucket(bucketName(g.ID))
	if timeline == nil {
		return g, kv.Damaged(bucketTimeline)
	}
	g.First, g.Last, err = rollup.OpenTimeline(timeline, nil).Ends()
	return g, err
}

// people returns how many users a guild has records of, without DeletedUser.
func people(tx *kv.Tx, guild ID, info guildInfo) (int64, error) {
	nobodys, err := messagesOf(tx, guild, DeletedUser)
	if nobodys > 0 {
		info.users--
	}
	return info.users, err
}
