package store

import (
	"context"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/rollup"
)

// activityPage is how many users' weeks are read in one transaction: some ten
// milliseconds.
const activityPage = 100_000

// scanActivity calls visit with every user's week of a guild that has something in
// the quarter hours [from, end), by week and user, only with the cells of those. The
// cells are overwritten after visit returns. A transaction ends with the chunk in
// which so many weeks have been read: what is written meanwhile may or may not be seen.
func (db *DB) scanActivity(ctx context.Context, guild ID, from, end uint32, page int, visit func(week uint32, user ID, cells []rollup.Cell)) error {
	next := rollup.WeekPrefix(civil.WeekOf(from))
	for next != nil {
		err := db.view(ctx, func(tx *kv.Tx) (err error) {
			b := tx.Bucket(bucketActivity).Bucket(bucketName(guild))
			if b == nil {
				next = nil
				return nil
			}
			var uncounted []rollup.Change
			if r := recordsOf(tx, guild); r != nil {
				uncounted = uncountedOf(r, 0)
			}
			next, err = rollup.OpenActivity(b, nil).Scan(ctx, next, from, end, page, uncounted, visit)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tally adds up what a guild's users did on the given days, one half of the weeks
// beside the other: a year of a guild in which many write is read in half the time.
func (db *DB) tally(ctx context.Context, guild ID, d Days) (*rollup.GuildTally, error) {
	from, end := d.Quarters()
	middle, err := db.middleWeek(ctx, guild, civil.WeekOf(from), civil.WeekOf(end-1))
	if err != nil {
		return nil, err
	}
	scan := func(from, end uint32) (*rollup.GuildTally, error) {
		t := rollup.NewGuildTally(civil.NewCalendar(d.Zone))
		if from < end {
			if err := db.scanActivity(ctx, guild, from, end, activityPage, t.Add); err != nil {
				return nil, err
			}
		}
		t.FinishWeek()
		return t, nil
	}
	border := min(max(middle*civil.WeekQuarters, from), end)
	var earlier *rollup.GuildTally
	done := make(chan error, 1)
	go func() {
		t, err := scan(from, border)
		earlier = t
		done <- err
	}()
	later, err := scan(border, end)
	if e := <-done; e != nil {
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	earlier.Join(later)
	return earlier, nil
}

// middleWeek returns the week in the middle between two, or between the first and the
// last one in which anybody wrote, where those lie closer together.
func (db *DB) middleWeek(ctx context.Context, guild ID, first, last uint32) (middle uint32, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		if b := tx.Bucket(bucketActivity).Bucket(bucketName(guild)); b != nil {
			if from, to, ok := rollup.OpenActivity(b, nil).Span(); ok {
				first, last = max(first, from), min(last, to)
			}
		}
		middle = first + (max(last, first)-first+1)/2
		return nil
	})
	return middle, err
}
