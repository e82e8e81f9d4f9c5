package rollup

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
)

// Activity has, for each week and user of a guild, how many messages they wrote in which
// channel in which quarter hour. It is for one goroutine and one transaction.
type Activity struct {
	b     *bbolt.Bucket
	arena *kv.Arena // of a write transaction
}

// OpenActivity returns the activity in a bucket; arena is nil for reading.
func OpenActivity(b *bbolt.Bucket, arena *kv.Arena) *Activity { return &Activity{b, arena} }

// Span returns the first and the last week in which anybody wrote; ok is false if there is
// none.
func (a *Activity) Span() (first, last uint32, ok bool) {
	key, _ := a.b.Cursor().First()
	end, _ := a.b.Cursor().Last()
	if len(key) != 12 || len(end) != 12 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key), binary.BigEndian.Uint32(end), true
}

// WeekPrefix begins the keys of activity: the weeks of a leaderboard or a series
// stand together, and a commit touches few pages.
func WeekPrefix(week uint32) []byte { return kv.U32(nil, week) }

// UserWeek is what came and went of a user in one week.
type UserWeek struct {
	Week   uint32
	user   snowflake.ID
	deltas []Delta
}

// GroupWeeks gathers deltas, which are in the order of users and times, in the order
// of the activity's keys.
func GroupWeeks(deltas []Delta) []UserWeek {
	var all []UserWeek
	for rest := deltas; len(rest) > 0; {
		week, user := civil.WeekOf(civil.QuarterOf(rest[0].Time)), rest[0].User
		n := 1
		for n < len(rest) && rest[n].User == user && civil.WeekOf(civil.QuarterOf(rest[n].Time)) == week {
			n++
		}
		all = append(all, UserWeek{week, user, rest[:n]})
		rest = rest[n:]
	}
	return kv.GroupBy(all, func(w *UserWeek) uint32 { return w.Week })
}

// Apply enters what came and went into the users' weeks.
func (a *Activity) Apply(deltas []Delta) error {
	var cells, changed []Cell
	d := packed.NewWriter(a.b, a.arena)
	for rest := GroupWeeks(deltas); len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Week == rest[0].Week {
			n++
		}
		weeks := rest[:n]
		rest = rest[n:]
		err := d.Update(WeekPrefix(weeks[0].Week), n, func(i int) snowflake.ID { return weeks[i].user }, func(i int, old, to []byte) (_ []byte, err error) {
			changed = weeks[i].Cells(changed[:0])
			if cells, err = DecodeWeek(cells[:0], old); err != nil {
				return nil, fmt.Errorf("%w: week %d of user %d does not decode", kv.ErrDamaged, weeks[i].Week, weeks[i].user)
			}
			cells = AddCells(cells, changed)
			return AppendWeek(to, cells), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Scan calls visit with every user's week that has something in the quarter hours [from,
// end), by week and user, from the key start on (see WeekPrefix), only with the cells of
// those. uncounted is what the bucket does not know of, in the order of users and times.
// The cells are overwritten after visit returns. It ends with the chunk in which page weeks
// have been read, and returns the key to go on from, nil at the end.
func (a *Activity) Scan(ctx context.Context, start []byte, from, end uint32, page int, uncounted []Delta,
	visit func(uint32, snowflake.ID, []Cell),
) (next []byte, err error) {
	waiting := GroupWeeks(uncounted)
	var cells, more []Cell
	show := func(week uint32, user snowflake.ID, cells []Cell) {
		if within := cellsWithin(cells, week, from, end); len(within) > 0 {
			visit(week, user, within)
		}
	}
	// showBefore shows what is only waiting, up to the place of a user's week.
	showBefore := func(week uint32, user snowflake.ID) {
		for len(waiting) > 0 && (waiting[0].Week < week || waiting[0].Week == week && waiting[0].user < user) {
			more = AddCells(more[:0], waiting[0].Cells(nil))
			show(waiting[0].Week, waiting[0].user, more)
			waiting = waiting[1:]
		}
	}
	waiting = slices.DeleteFunc(waiting, func(w UserWeek) bool {
		return w.Week > civil.WeekOf(end-1) || bytes.Compare(kv.U64(WeekPrefix(w.Week), uint64(w.user)), start) < 0
	})
	c := a.b.Cursor()
	visits := 0
	for key, value := c.Seek(start); key != nil; key, value = c.Next() {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) != 12 {
			return nil, kv.Damaged(key)
		}
		week := binary.BigEndian.Uint32(key)
		if week > civil.WeekOf(end-1) {
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if visits >= page {
			first, _ := packed.First(key)
			showBefore(week, first)
			return slices.Clone(key), nil
		}
		err := packed.Each(key, payload, func(user snowflake.ID, value []byte) error {
			visits++
			if cells, err = DecodeWeek(cells[:0], value); err != nil {
				return kv.Damaged(key)
			}
			showBefore(week, user)
			if len(waiting) > 0 && waiting[0].Week == week && waiting[0].user == user {
				more = waiting[0].Cells(more[:0])
				cells = AddCells(cells, more)
				waiting = waiting[1:]
			}
			show(week, user, cells)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	showBefore(1<<32-1, 0)
	return nil, nil
}

// cellsWithin returns those cells of a week that lie in the quarter hours [from, end).
func cellsWithin(cells []Cell, week, from, end uint32) []Cell {
	first := week * civil.WeekQuarters
	if from <= first && first+civil.WeekQuarters <= end {
		return cells
	}
	i, j := 0, len(cells)
	for i < j && first+uint32(cells[i].Quarter) < from {
		i++
	}
	for i < j && first+uint32(cells[j-1].Quarter) >= end {
		j--
	}
	return cells[i:j]
}

// WeeksOf calls visit with one user's weeks between two quarter hours, in order;
// uncounted is what the bucket does not know of. Keys begin with the week, so
// it looks once for each week in which anybody wrote.
func (a *Activity) WeeksOf(user snowflake.ID, from, to uint32, uncounted []Delta, visit func(week uint32, cells []Cell)) error {
	var cells []Cell
	waiting := GroupWeeks(uncounted)
	c := a.b.Cursor()
	for week := civil.WeekOf(from); week <= civil.WeekOf(to); {
		cells = cells[:0]
		ahead := uint32(1<<32 - 1) // the next week in which somebody wrote, if not in this one
		key, sealed, next := packed.Seek(c, WeekPrefix(week), user)
		if key != nil {
			ahead = week + 1
			value, err := packed.Find(key, sealed, user)
			if err != nil {
				return err
			}
			if cells, err = DecodeWeek(cells, value); err != nil {
				return kv.Damaged(key)
			}
		} else if len(next) >= 4 {
			ahead = max(week+1, binary.BigEndian.Uint32(next))
		}
		if len(waiting) > 0 && waiting[0].Week == week {
			cells = AddCells(cells, waiting[0].Cells(nil))
			waiting = waiting[1:]
		}
		if len(cells) > 0 {
			visit(week, cells)
		}
		if len(waiting) > 0 {
			ahead = min(ahead, waiting[0].Week)
		}
		if ahead == 1<<32-1 {
			return nil
		}
		week = ahead
	}
	return nil
}

// Fill makes pages that are split stay nearly full: much comes at once.
func (a *Activity) Fill() { a.b.FillPercent = kv.BulkFill }

// Chunk calls visit with the users' weeks of the first chunk that is not before start, and
// returns its key and the next one's, nil if there is none.
func (a *Activity) Chunk(start []byte, visit func(week uint32, user snowflake.ID, cells []Cell) error) (key, next []byte, err error) {
	var cells []Cell
	c := a.b.Cursor()
	key, value := c.Seek(start)
	if key == nil {
		return nil, nil, nil
	}
	key = bytes.Clone(key)
	payload, ok := kv.Unseal(key, value)
	if !ok || len(key) != 12 {
		return nil, nil, kv.Damaged(key)
	}
	if err := packed.Each(key, payload, func(user snowflake.ID, value []byte) (err error) {
		if cells, err = DecodeWeek(cells[:0], value); err != nil {
			return kv.Damaged(key)
		}
		return visit(binary.BigEndian.Uint32(key), user, cells)
	}); err != nil {
		return nil, nil, err
	}
	c.Seek(key)
	after, _ := c.Next()
	return key, bytes.Clone(after), nil
}
