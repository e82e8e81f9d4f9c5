package store

import (
	"cmp"
	"context"
	"time"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/rollup"
)

// UserCount is how much a user wrote.
type UserCount struct {
	User     ID
	Name     string // display name as last seen, "" if unknown
	Messages int64
	Days     int64 // days with messages
}

// By is what a leaderboard is ordered by.
type By int

const (
	ByMessages By = iota
	ByDays
)

// Leaders returns the users who wrote most in a guild on the given days, at most
// limit, and how many messages all users wrote, without DeletedUser. They come by what was asked for from
// the most, then by the other count, then by id.
func (db *DB) Leaders(ctx context.Context, guild ID, d Days, by By, limit int) (counts []UserCount, total int64, err error) {
	return db.Part(nil).Leaders(ctx, guild, d, by, limit)
}

// Leaders is DB.Leaders of the part.
func (p Part) Leaders(ctx context.Context, guild ID, d Days, by By, limit int) (counts []UserCount, total int64, err error) {
	db := p.db
	if p.in == nil && by == ByMessages && d.When.All() {
		counts, total, some, err := p.leadersEver(ctx, guild, d.Zone, limit)
		if err != nil || some {
			return counts, total, err
		}
	}
	in, _, err := p.numbers(ctx, guild)
	if err != nil {
		return nil, 0, err
	}
	var users rollup.UserSums
	calendar := civil.NewCalendar(d.Zone)
	from, end := d.Quarters()
	err = db.scanActivity(ctx, guild, from, end, activityPage, only(in, func(week uint32, user ID, cells []rollup.Cell) {
		if user == DeletedUser {
			return
		}
		slots, sum := calendar.Slots(week), users.Of(week, user)
		for _, c := range cells {
			sum.Add(c.Count, slots[c.Quarter].Day)
			total += c.Count
		}
	}))
	if err != nil {
		return nil, 0, err
	}
	users.FinishWeek()
	err = db.view(ctx, func(tx *kv.Tx) (err error) {
		counts, err = leaders(tx, db.keys, guild, &users, by, limit)
		return err
	})
	return counts, total, err
}

// leaders returns the first of users in the order of a leaderboard, at most limit.
func leaders(tx *kv.Tx, keys *crypt.Keyring, guild ID, u *rollup.UserSums, by By, limit int) ([]UserCount, error) {
	before := func(a, b rollup.UserSum) int {
		first, second := cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Days, a.Days)
		if by == ByDays {
			first, second = second, first
		}
		switch {
		case first != 0:
			return first
		case second != 0:
			return second
		}
		return cmp.Compare(a.User, b.User)
	}
	best := u.First(limit, before)
	counts := make([]UserCount, len(best))
	for i, sum := range best {
		name, err := readName(tx, keys, guild, sum.User)
		if err != nil {
			return nil, err
		}
		counts[i] = UserCount{sum.User, name, sum.Messages, sum.Days}
	}
	return counts, nil
}

// leadersMost is how many users are told the days of whom it takes, each from a week of theirs
// after the other: beyond that all users' weeks are read in less time.
const leadersMost = 200

// leadersEver is Leaders by messages and of all time. The users' totals are kept (profiles), so
// only the weeks of the first of them are read. ok is false if too many have as many messages
// as the last of them.
func (p Part) leadersEver(ctx context.Context, guild ID, zone *time.Location, limit int) (counts []UserCount, total int64, ok bool, err error) {
	if limit > leadersMost {
		return nil, 0, false, nil
	}
	err = p.view(ctx, func(tx *kv.Tx) error {
		counts, total, ok = []UserCount{}, 0, true
		r := openReader(tx, p.db.keys, guild)
		activity := tx.Bucket(bucketActivity).Bucket(bucketName(guild))
		if r == nil || activity == nil {
			return nil
		}
		var users rollup.UserSums
		if users.Sums, err = r.totals(ctx, tx); err != nil {
			return err
		}
		for _, u := range users.Sums {
			total += u.Messages
		}
		// Who has as many messages as the last of them may have more days.
		first := users.First(leadersMost+1, func(a, b rollup.UserSum) int {
			return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.User, b.User))
		})
		n := min(limit, len(first))
		for n > 0 && n < len(first) && first[n].Messages == first[n-1].Messages {
			n++
		}
		if ok = n <= leadersMost; !ok {
			return nil
		}
		calendar, c := civil.NewCalendar(zone), r.records.Cursor()
		days := map[uint32]*[civil.WeekQuarters]int32{} // of the weeks that have been met: all users have about the same
		users.Sums = users.Sums[:0]
		for _, u := range first[:n] {
			sum := rollup.UserSum{User: u.User}
			from, to, known := ends(c, u.User)
			if !known {
				continue // all of its records are damaged, or gone in this transaction
			}
			err := r.weeks(tx, activity, c, u.User, civil.QuarterOf(from), civil.QuarterOf(to), func(week uint32, cells []rollup.Cell) {
				if days[week] == nil {
					days[week] = new([civil.WeekQuarters]int32)
					for i, slot := range calendar.Slots(week) {
						days[week][i] = slot.Day
					}
				}
				for _, cell := range cells {
					sum.Add(cell.Count, days[week][cell.Quarter])
				}
			})
			if err != nil {
				return err
			}
			users.Sums = append(users.Sums, sum)
		}
		counts, err = leaders(tx, p.db.keys, guild, &users, ByMessages, limit)
		return err
	})
	return counts, total, ok, err
}

// totals returns the messages of all users, by user, without DeletedUser.
func (r *reader) totals(ctx context.Context, tx *kv.Tx) (sums []rollup.UserSum, err error) {
	waiting := uncountedOf(r.records, 0)
	add := func(user ID, n int64) {
		if user == DeletedUser {
			return
		}
		if last := len(sums) - 1; last >= 0 && sums[last].User == user {
			sums[last].Messages += n
			return
		}
		sums = append(sums, rollup.UserSum{User: user, Messages: n})
	}
	before := func(user ID) { // what is uncounted of the users up to one
		for ; len(waiting) > 0 && waiting[0].User <= user; waiting = waiting[1:] {
			add(waiting[0].User, int64(waiting[0].By))
		}
	}
	err = tx.Bucket(bucketProfiles).Bucket(bucketName(r.guild)).ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return packed.Each(key, payload, func(user ID, value []byte) error {
			n, err := decodeProfile(value)
			if err != nil {
				return kv.Damaged(key)
			}
			before(user)
			add(user, n)
			return nil
		})
	})
	before(1<<64 - 1)
	return sums, err
}
