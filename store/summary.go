package store

import (
	"cmp"
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
)

// Day is what was written on a calendar day.
type Day struct {
	Date     string `json:"date"` // YYYY-MM-DD
	Messages int64  `json:"messages"`
	Users    int64  `json:"users"` // how many wrote
}

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
func (db *DB) Summary(ctx context.Context, guild ID, d Days, leaders int) (Summary, error) {
	t, err := db.tally(ctx, guild, d)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Messages: t.messages, Users: int64(len(t.users.sums)), Daily: t.daily(), Heatmap: t.heatmap}
	err = db.view(ctx, func(tx *bbolt.Tx) (err error) {
		if s.Leaders, err = t.users.leaders(tx, db.keys, guild, ByMessages, leaders); err != nil {
			return err
		}
		if r := openReader(tx, db.keys, guild); r != nil {
			s.Channels, err = db.countChannels(tx, r, slices.All(t.channels))
		}
		return err
	})
	return s, err
}

// Leaders returns the users who wrote most in a guild on the given days, at most
// limit, and how many messages all users wrote, without DeletedUser. They come by what was asked for from
// the most, then by the other count, then by id.
func (db *DB) Leaders(ctx context.Context, guild ID, d Days, by By, limit int) (leaders []UserCount, total int64, err error) {
	var users userSums
	calendar := civil.NewCalendar(d.Zone)
	from, end := d.Quarters()
	err = db.scanActivity(ctx, guild, from, end, activityPage, func(week uint32, user ID, cells []cell) {
		if user == DeletedUser {
			return
		}
		slots, sum := calendar.Slots(week), users.of(week, user)
		for _, c := range cells {
			sum.add(c.count, slots[c.quarter].Day)
			total += c.count
		}
	})
	if err != nil {
		return nil, 0, err
	}
	users.settle()
	err = db.view(ctx, func(tx *bbolt.Tx) (err error) {
		leaders, err = users.leaders(tx, db.keys, guild, by, limit)
		return err
	})
	return leaders, total, err
}

// userSum is what one user did. firstDay and lastDay are the first and the last day
// counted in days.
type userSum struct {
	user              ID
	messages, days    int64
	firstDay, lastDay int32
}

// add counts messages on a day and says whether it is a day that was not counted
// yet. Days come in order, though one may lie in two weeks.
func (s *userSum) add(messages int64, day int32) (isNew bool) {
	s.messages += messages
	if s.days > 0 && s.lastDay == day {
		return false
	}
	if s.days == 0 {
		s.firstDay = day
	}
	s.days++
	s.lastDay = day
	return true
}

// userSums adds up users' weeks, which come by week and user. Both it and a week are
// in the order of users, so it walks along instead of looking up.
type userSums struct {
	sums  []userSum // by user; those of the present week that are not among them are in fresh
	fresh []userSum
	at    int // sums before it are behind the present week's user
	week  uint32
}

// of returns the sum of a user whose week comes next; it is valid until the next call.
func (u *userSums) of(week uint32, user ID) *userSum {
	if week != u.week {
		u.settle()
		u.week = week
	}
	for u.at < len(u.sums) && u.sums[u.at].user < user {
		u.at++
	}
	if u.at < len(u.sums) && u.sums[u.at].user == user {
		return &u.sums[u.at]
	}
	u.fresh = append(u.fresh, userSum{user: user})
	return &u.fresh[len(u.fresh)-1]
}

// settle takes in the users who were new in the week that has ended.
func (u *userSums) settle() {
	u.at = 0
	if len(u.fresh) == 0 {
		return
	}
	old := len(u.sums)
	u.sums = append(u.sums, u.fresh...)
	for i, j, k := old-1, len(u.fresh)-1, len(u.sums)-1; j >= 0; k-- {
		if i >= 0 && u.sums[i].user > u.fresh[j].user {
			u.sums[k] = u.sums[i]
			i--
		} else {
			u.sums[k] = u.fresh[j]
			j--
		}
	}
	u.fresh = u.fresh[:0]
}

// join takes in the sums of later weeks. shared is called for each day that both have
// counted for a user: it lies on both sides of the border between their weeks.
func (u *userSums) join(later *userSums, shared func(day int32)) {
	joined := make([]userSum, 0, len(u.sums)+len(later.sums))
	a, b := u.sums, later.sums
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].user < b[0].user:
			joined, a = append(joined, a[0]), a[1:]
		case a[0].user > b[0].user:
			joined, b = append(joined, b[0]), b[1:]
		default:
			sum := userSum{a[0].user, a[0].messages + b[0].messages, a[0].days + b[0].days, a[0].firstDay, b[0].lastDay}
			if a[0].lastDay == b[0].firstDay {
				sum.days--
				shared(a[0].lastDay)
			}
			joined, a, b = append(joined, sum), a[1:], b[1:]
		}
	}
	u.sums = append(append(joined, a...), b...)
}

func (u *userSums) leaders(tx *bbolt.Tx, keys *crypt.Keyring, guild ID, by By, limit int) ([]UserCount, error) {
	before := func(a, b userSum) int {
		first, second := cmp.Compare(b.messages, a.messages), cmp.Compare(b.days, a.days)
		if by == ByDays {
			first, second = second, first
		}
		switch {
		case first != 0:
			return first
		case second != 0:
			return second
		}
		return cmp.Compare(a.user, b.user)
	}
	best := make([]userSum, 0, min(limit, len(u.sums))+1)
	for _, sum := range u.sums {
		if len(best) == limit && (limit == 0 || before(sum, best[limit-1]) > 0) {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, sum, before)
		best = slices.Insert(best, i, sum)
		best = best[:min(len(best), limit)]
	}
	leaders := make([]UserCount, len(best))
	for i, sum := range best {
		name, err := readName(tx, keys, guild, sum.user)
		if err != nil {
			return nil, err
		}
		leaders[i] = UserCount{sum.user, name, sum.messages, sum.days}
	}
	return leaders, nil
}
