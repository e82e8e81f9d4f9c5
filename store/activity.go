package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/packed"
)

// activityPage is how many users' weeks are read in one transaction: some ten
// milliseconds.
const activityPage = 100_000

// scanActivity calls visit with every user's week of a guild that has something in
// the quarter hours [from, end), by week and user, only with the cells of those. The
// cells are overwritten after visit returns. A transaction ends with the chunk in
// which so many weeks have been read: what is written meanwhile may or may not be seen.
func (db *DB) scanActivity(ctx context.Context, guild ID, from, end uint32, page int, visit func(week uint32, user ID, cells []cell)) error {
	next := weekPrefix(civil.WeekOf(from))
	for next != nil {
		err := db.view(ctx, func(tx *bbolt.Tx) (err error) {
			next, err = scanActivityPage(ctx, tx, guild, next, from, end, page, visit)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func scanActivityPage(ctx context.Context, tx *bbolt.Tx, guild ID, start []byte, from, end uint32, page int, visit func(uint32, ID, []cell)) (next []byte, err error) {
	b := tx.Bucket(bucketActivity).Bucket(bucketName(guild))
	if b == nil {
		return nil, nil
	}
	waiting := uncountedWeeks(tx, guild)
	var cells, more []cell
	show := func(week uint32, user ID, cells []cell) {
		if within := cellsWithin(cells, week, from, end); len(within) > 0 {
			visit(week, user, within)
		}
	}
	// showBefore shows what is only waiting, up to the place of a user's week.
	showBefore := func(week uint32, user ID) {
		for len(waiting) > 0 && (waiting[0].week < week || waiting[0].week == week && waiting[0].user < user) {
			more = addCells(more[:0], waiting[0].cells(nil))
			show(waiting[0].week, waiting[0].user, more)
			waiting = waiting[1:]
		}
	}
	waiting = slices.DeleteFunc(waiting, func(w userWeek) bool {
		return w.week > civil.WeekOf(end-1) || bytes.Compare(u64(weekPrefix(w.week), uint64(w.user)), start) < 0
	})
	c := b.Cursor()
	visits := 0
	for key, value := c.Seek(start); key != nil; key, value = c.Next() {
		payload, ok := unseal(key, value)
		if !ok || len(key) != 12 {
			return nil, damagedValue(key)
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
		err := packed.Each(key, payload, func(user ID, value []byte) error {
			visits++
			if cells, err = decodeWeek(cells[:0], value); err != nil {
				return damagedValue(key)
			}
			showBefore(week, user)
			if len(waiting) > 0 && waiting[0].week == week && waiting[0].user == user {
				more = waiting[0].cells(more[:0])
				cells = addCells(cells, more)
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
func cellsWithin(cells []cell, week, from, end uint32) []cell {
	first := week * civil.WeekQuarters
	if from <= first && first+civil.WeekQuarters <= end {
		return cells
	}
	i, j := 0, len(cells)
	for i < j && first+uint32(cells[i].quarter) < from {
		i++
	}
	for i < j && first+uint32(cells[j-1].quarter) >= end {
		j--
	}
	return cells[i:j]
}

// userWeeks calls visit with one user's weeks between two quarter hours, in order;
// waiting are those that the bucket does not know of yet. Keys begin with the week, so
// it looks once for each week in which anybody wrote.
func userWeeks(b *bbolt.Bucket, user ID, from, to uint32, waiting []userWeek, visit func(week uint32, cells []cell)) error {
	var cells []cell
	c := b.Cursor()
	for week := civil.WeekOf(from); week <= civil.WeekOf(to); {
		cells = cells[:0]
		ahead := uint32(1<<32 - 1) // the next week in which somebody wrote, if not in this one
		key, sealed, next := packed.Seek(c, weekPrefix(week), user)
		if key != nil {
			ahead = week + 1
			value, err := packed.Find(key, sealed, user)
			if err != nil {
				return err
			}
			if cells, err = decodeWeek(cells, value); err != nil {
				return damagedValue(key)
			}
		} else if len(next) >= 4 {
			ahead = max(week+1, binary.BigEndian.Uint32(next))
		}
		if len(waiting) > 0 && waiting[0].week == week {
			cells = addCells(cells, waiting[0].cells(nil))
			waiting = waiting[1:]
		}
		if len(cells) > 0 {
			visit(week, cells)
		}
		if len(waiting) > 0 {
			ahead = min(ahead, waiting[0].week)
		}
		if ahead == 1<<32-1 {
			return nil
		}
		week = ahead
	}
	return nil
}
