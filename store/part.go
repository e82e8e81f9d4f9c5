package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"rollcall/store/internal/boltfile"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/rollup"
)

// Part is what a database has of some channels, for who may not see the others. What
// it answers is what a database would answer in which nothing else was ever written.
type Part struct {
	db    *DB
	in    func(channel ID) bool // nil: all of them
	named bool                  // records without a channel's id belong to the channel of their name
	tx    *kv.Tx                // of a Moment, else nil
}

// Part returns the part of these channels; nil stands for all. Records without a channel's id, as most logs have
// them, belong to the channel that has or had their channel's name, if exactly one did; other
// records of that kind are in no part.
func (db *DB) Part(channels []ID) Part {
	if channels == nil {
		return Part{db: db}
	}
	ids := make(map[ID]bool, len(channels))
	for _, id := range channels {
		ids[id] = true
	}
	return Part{db: db, in: func(id ID) bool { return ids[id] }, named: true}
}

// PartWhere returns the part of the channels for whose ids in returns true. Records without a
// channel's id are not in it: whoever may open a thread can give it the name of a channel that
// they may not read. in may be called from any goroutine, many times for a channel.
func (db *DB) PartWhere(in func(channel ID) bool) Part { return Part{db: db, in: in} }

// Moment calls fn with the part as it is at one moment: what fn asks of it is answered from one
// read transaction, so that answers agree with each other whatever is written meanwhile. Only
// one goroutine may ask at a time, nothing may be written by it, and nothing of the part be
// kept. The pages of the file that are freed meanwhile wait for fn, so it must end soon.
func (p Part) Moment(ctx context.Context, fn func(Part) error) (err error) {
	tx, end, err := p.db.file.Begin(ctx)
	if err != nil {
		p.db.named(&err)
		return err
	}
	defer end()
	p.tx = tx
	return fn(p)
}

// view runs fn in the transaction of the moment, or else in one of its own.
func (p Part) view(ctx context.Context, fn func(*kv.Tx) error) (err error) {
	if p.tx == nil {
		return p.db.view(ctx, fn)
	}
	defer p.db.named(&err)
	if err := ctx.Err(); err != nil {
		return err
	}
	return boltfile.Guard(func() error { return fn(p.tx) })
}

// Select returns what selects the records of the part in a guild, for Query.Channel; nil if
// it is all of them.
func (p Part) Select(ctx context.Context, guild ID) (selects func(Channel) bool, err error) {
	if p.in == nil {
		return nil, nil
	}
	if !p.named {
		return func(c Channel) bool { return c.ID != 0 && p.in(c.ID) }, nil
	}
	names := map[string]bool{}
	err = p.view(ctx, func(tx *kv.Tx) error {
		named, err := p.db.channelIDs.of(tx, p.db.keys, guild)
		for name, id := range named {
			if id != 0 && p.in(id) {
				names[name] = true
			}
		}
		return err
	})
	return func(c Channel) bool {
		if c.ID != 0 {
			return p.in(c.ID)
		}
		return c.Name != UnknownChannel && names[c.Name]
	}, err
}

// numbers tells of a guild's channel numbers which are in the part, nil if all are, and returns what
// selects them, as Select does. Channels that come later are in none.
func (p Part) numbers(ctx context.Context, guild ID) (in []bool, selects func(Channel) bool, err error) {
	if selects, err = p.Select(ctx, guild); err != nil || selects == nil {
		return nil, nil, err
	}
	in = []bool{}
	err = p.view(ctx, func(tx *kv.Tx) error {
		r := openReader(tx, p.db.keys, guild)
		payload, err := kv.Get(tx.Bucket(bucketGuilds), kv.U64(nil, uint64(guild)))
		if r == nil || payload == nil {
			return err
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return err
		}
		for number := range info.channels {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c, err := r.channel(number)
			if err != nil {
				return err
			}
			in = append(in, selects(c))
		}
		return nil
	})
	return in, selects, err
}

// only returns a visitor that is shown the cells of these channel numbers alone; in is nil
// for all.
func only(in []bool, visit func(week uint32, user ID, cells []rollup.Cell)) func(week uint32, user ID, cells []rollup.Cell) {
	if in == nil {
		return visit
	}
	return func(week uint32, user ID, cells []rollup.Cell) {
		if cells = within(in, cells); len(cells) > 0 {
			visit(week, user, cells)
		}
	}
}

// within returns the cells of these channel numbers, in their order. It writes over cells.
func within(in []bool, cells []rollup.Cell) []rollup.Cell {
	return slices.DeleteFunc(cells, func(c rollup.Cell) bool { return int(c.Channel) >= len(in) || !in[c.Channel] })
}

// Profile is DB.Profile of the part. It also looks for the user's first and last message there.
func (p Part) Profile(ctx context.Context, guild, user ID, d Days, now time.Time) (out Profile, known bool, err error) {
	in, selects, err := p.numbers(ctx, guild)
	if err != nil {
		return out, false, err
	}
	out, known, err = p.profile(ctx, guild, user, d, now, in)
	if err != nil || !known || selects == nil {
		return out, known, err
	}
	q := Query{Guild: guild, User: user, Channel: selects}
	known = false
	for r, err := range p.Records(ctx, q) {
		if errors.Is(err, ErrLeftOut) {
			break
		}
		if err != nil {
			return out, false, err
		}
		out.First, known = r.Time, true
		break
	}
	for behind := (*Position)(nil); known; {
		page, next, err := p.Newest(ctx, q, behind, 1)
		if err != nil {
			return out, false, err
		}
		if len(page) > 0 {
			out.Last = page[0].Time
			break
		}
		if behind = next; next == nil {
			break
		}
	}
	if !known {
		return Profile{}, false, nil
	}
	return out, true, nil
}
