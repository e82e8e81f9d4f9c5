package store

import (
	"context"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"
)

// activityPage is how many users' weeks are read in one transaction: some ten
// milliseconds.
const activityPage = 100_000

// scanActivity calls visit with every user's week of a guild that has something in
// the quarter hours [from, end), by week and user, only with the cells of those. The
// cells are overwritten after visit returns. It reads at most page weeks in a
// transaction: what is written meanwhile may or may not be seen.
func (db *DB) scanActivity(ctx context.Context, guild ID, from, end uint32, page int, visit func(week uint32, user ID, cells []cell)) error {
	next := weekKey(weekOf(from), 0)
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
	var cells []cell
	c := b.Cursor()
	visits := 0
	for key, value := c.Seek(start); key != nil; key, value = c.Next() {
		payload, ok := unseal(key, value)
		if !ok || len(key) != 12 {
			return nil, damagedValue(key)
		}
		week := binary.BigEndian.Uint32(key)
		if week > weekOf(end-1) {
			return nil, nil
		}
		if visits++; visits&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if visits > page {
			return slices.Clone(key), nil
		}
		if cells, err = decodeWeek(cells[:0], payload); err != nil {
			return nil, damagedValue(key)
		}
		if within := cellsWithin(cells, week, from, end); len(within) > 0 {
			visit(week, ID(binary.BigEndian.Uint64(key[4:])), within)
		}
	}
	return nil, nil
}

// cellsWithin returns those cells of a week that lie in the quarter hours [from, end).
func cellsWithin(cells []cell, week, from, end uint32) []cell {
	first := week * weekQuarters
	if from <= first && first+weekQuarters <= end {
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

// userWeeks calls visit with one user's weeks between two quarter hours, in order.
// Keys begin with the week, so it looks once or twice for each week in which
// anybody wrote.
func userWeeks(b *bbolt.Bucket, user ID, from, to uint32, visit func(week uint32, cells []cell)) error {
	var cells []cell
	c := b.Cursor()
	for week := weekOf(from); week <= weekOf(to); {
		key, value := c.Seek(weekKey(week, user))
		if key == nil {
			return nil
		}
		if len(key) != 12 {
			return damagedValue(key)
		}
		found := binary.BigEndian.Uint32(key)
		switch {
		case found > week:
			week = found
			if ID(binary.BigEndian.Uint64(key[4:])) > user {
				week++
			}
			continue
		case ID(binary.BigEndian.Uint64(key[4:])) == user:
			payload, ok := unseal(key, value)
			if !ok {
				return damagedValue(key)
			}
			var err error
			if cells, err = decodeWeek(cells[:0], payload); err != nil {
				return damagedValue(key)
			}
			visit(week, cells)
		}
		week++
	}
	return nil
}
