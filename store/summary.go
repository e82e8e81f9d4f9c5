package store

import (
	"cmp"
	"context"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
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

// Summary is what happened in a guild on some days.
type Summary struct {
	Messages int64
	Users    int64
	Daily    []Day          // the days that have messages, in order
	Heatmap  [7][24]int64   // messages by weekday, Monday first, and hour
	Channels []ChannelCount // by messages from the most, then by name and id
	Leaders  []UserCount    // by messages, as Leaders returns them
}

// Summary returns what happened in a guild on the given days, in the calendar of
// their zone, with at most so many leaders. It reads users' weeks, no messages.
func (db *DB) Summary(ctx context.Context, guild ID, d Days, most int) (Summary, error) {
	t, err := db.tally(ctx, guild, d)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Messages: t.Messages, Users: int64(len(t.Users.Sums)), Daily: t.Daily(), Heatmap: t.Heatmap}
	err = db.view(ctx, func(tx *kv.Tx) (err error) {
		if s.Leaders, err = leaders(tx, db.keys, guild, &t.Users, ByMessages, most); err != nil {
			return err
		}
		if r := openReader(tx, db.keys, guild); r != nil {
			s.Channels, err = db.countChannels(tx, r, slices.All(t.Channels))
		}
		return err
	})
	return s, err
}

// Leaders returns the users who wrote most in a guild on the given days, at most
// limit, and how many messages all users wrote, without DeletedUser. They come by what was asked for from
// the most, then by the other count, then by id.
func (db *DB) Leaders(ctx context.Context, guild ID, d Days, by By, limit int) (counts []UserCount, total int64, err error) {
	var users rollup.UserSums
	calendar := civil.NewCalendar(d.Zone)
	from, end := d.Quarters()
	err = db.scanActivity(ctx, guild, from, end, activityPage, func(week uint32, user ID, cells []rollup.Cell) {
		if user == DeletedUser {
			return
		}
		slots, sum := calendar.Slots(week), users.Of(week, user)
		for _, c := range cells {
			sum.Add(c.Count, slots[c.Quarter].Day)
			total += c.Count
		}
	})
	if err != nil {
		return nil, 0, err
	}
	users.Settle()
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
