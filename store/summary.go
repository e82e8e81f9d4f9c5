package store

import (
	"context"
	"slices"

	"go.etcd.io/bbolt"
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
	Channels []ChannelCount // by messages from the most, then by name
	Leaders  []UserCount    // by messages, as Leaders returns them
}

// Summary returns what happened in a guild on the given days, in the calendar of
// their zone, with at most so many leaders. It reads users' weeks, no messages.
func (db *DB) Summary(ctx context.Context, guild ID, d Days, leaders int) (Summary, error) {
	t := newGuildTally(newCalendar(d.Zone))
	from, end := d.quarters()
	if err := db.scanActivity(ctx, guild, from, end, activityPage, t.add); err != nil {
		return Summary{}, err
	}
	t.finishWeek()
	s := Summary{Messages: t.messages, Users: int64(len(t.users.sums)), Daily: t.daily(), Heatmap: t.heatmap}
	err := db.view(ctx, func(tx *bbolt.Tx) (err error) {
		if s.Leaders, err = t.users.leaders(tx, guild, ByMessages, leaders); err != nil {
			return err
		}
		if r := openReader(tx, guild); r != nil {
			s.Channels, err = countByName(t.channels, r.channel)
		}
		return err
	})
	return s, err
}

// Leaders returns the users who wrote most in a guild on the given days, at most
// limit, and how many messages all users wrote. They come by what was asked for from
// the most, then by the other count, then by id.
func (db *DB) Leaders(ctx context.Context, guild ID, d Days, by By, limit int) (leaders []UserCount, total int64, err error) {
	var users userSums
	calendar := newCalendar(d.Zone)
	from, end := d.quarters()
	err = db.scanActivity(ctx, guild, from, end, activityPage, func(week uint32, user ID, cells []cell) {
		total += users.add(week, user, cells, calendar.slots(week))
	})
	if err != nil {
		return nil, 0, err
	}
	users.settle()
	err = db.view(ctx, func(tx *bbolt.Tx) (err error) {
		leaders, err = users.leaders(tx, guild, by, limit)
		return err
	})
	return leaders, total, err
}

// userSum is what one user did. lastDay is the last day counted in days.
type userSum struct {
	user           ID
	messages, days int64
	lastDay        int32
}

// userSums adds up users' weeks, which come by week and user. Both it and a week are
// in the order of users, so it walks along instead of looking up.
type userSums struct {
	sums  []userSum // by user; those of the present week that are not among them are in fresh
	fresh []userSum
	at    int // sums before it are behind the present week's user
	week  uint32
}

// add counts a user's week and returns how many messages it has.
func (u *userSums) add(week uint32, user ID, cells []cell, slots *[weekQuarters]slot) (messages int64) {
	if week != u.week {
		u.settle()
		u.week = week
	}
	for u.at < len(u.sums) && u.sums[u.at].user < user {
		u.at++
	}
	var sum *userSum
	if u.at < len(u.sums) && u.sums[u.at].user == user {
		sum = &u.sums[u.at]
	} else {
		u.fresh = append(u.fresh, userSum{user: user})
		sum = &u.fresh[len(u.fresh)-1]
	}
	for _, c := range cells {
		messages += c.count
		if day := slots[c.quarter].day; sum.days == 0 || day != sum.lastDay {
			sum.days++
			sum.lastDay = day
		}
	}
	sum.messages += messages
	return messages
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

func (u *userSums) leaders(tx *bbolt.Tx, guild ID, by By, limit int) ([]UserCount, error) {
	before := func(a, b userSum) int {
		first, second := order(b.messages, a.messages), order(b.days, a.days)
		if by == ByDays {
			first, second = second, first
		}
		switch {
		case first != 0:
			return first
		case second != 0:
			return second
		}
		return order(a.user, b.user)
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
		name, err := readName(tx, guild, sum.user)
		if err != nil {
			return nil, err
		}
		leaders[i] = UserCount{sum.user, name, sum.messages, sum.days}
	}
	return leaders, nil
}

// guildTally adds up the weeks of a guild's users, which come by week and user.
type guildTally struct {
	calendar *calendar
	users    userSums
	messages int64
	channels map[uint32]int64
	heatmap  [7][24]int64
	days     map[int32]*dayCount

	// The present week:

	week     uint32
	quarters [weekQuarters]int64 // messages
	writers  [10]int64           // users by day, from the week's first day on (a zone may skip a day)
	// A day may lie in two weeks. Who wrote in its first part is not counted again in
	// its second: the users, in order, who wrote on the last day of the week before
	// (until), and on that of this one.
	until, last []ID
	untilDay    int32
}

type dayCount struct{ messages, users int64 }

func newGuildTally(c *calendar) *guildTally {
	return &guildTally{calendar: c, channels: map[uint32]int64{}, days: map[int32]*dayCount{}}
}

func (t *guildTally) add(week uint32, user ID, cells []cell) {
	if week != t.week {
		t.finishWeek()
		t.week = week
	}
	slots := t.calendar.slots(week)
	t.messages += t.users.add(week, user, cells, slots)
	channel, inChannel := cells[0].channel, int64(0)
	first, day := slots[0].day, slots[cells[0].quarter].day
	t.countUser(first, day, user)
	for _, c := range cells {
		t.quarters[c.quarter] += c.count
		if c.channel != channel {
			t.channels[channel] += inChannel
			channel, inChannel = c.channel, 0
		}
		inChannel += c.count
		if next := slots[c.quarter].day; next != day {
			day = next
			t.countUser(first, day, user)
		}
	}
	t.channels[channel] += inChannel
	if day == slots[weekQuarters-1].day {
		t.last = append(t.last, user)
	}
}

// countUser counts a user who wrote on a day of the week that begins with day first.
func (t *guildTally) countUser(first, day int32, user ID) {
	if day == t.untilDay {
		for len(t.until) > 0 && t.until[0] < user {
			t.until = t.until[1:]
		}
		if len(t.until) > 0 && t.until[0] == user {
			return
		}
	}
	t.writers[day-first]++
}

func (t *guildTally) day(day int32) *dayCount {
	d := t.days[day]
	if d == nil {
		d = new(dayCount)
		t.days[day] = d
	}
	return d
}

// finishWeek takes in the messages of the week that has ended.
func (t *guildTally) finishWeek() {
	slots := t.calendar.slots(t.week)
	for q, n := range t.quarters {
		if n > 0 {
			t.heatmap[slots[q].weekday][slots[q].hour] += n
			t.day(slots[q].day).messages += n
		}
	}
	for i, n := range t.writers {
		if n > 0 {
			t.day(slots[0].day + int32(i)).users += n
		}
	}
	t.quarters, t.writers = [weekQuarters]int64{}, [10]int64{}
	t.until, t.last, t.untilDay = t.last, nil, slots[weekQuarters-1].day
	t.users.settle()
}

func (t *guildTally) daily() []Day {
	numbers := make([]int32, 0, len(t.days))
	for n := range t.days {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	daily := make([]Day, len(numbers))
	for i, n := range numbers {
		daily[i] = Day{dateOf(n), t.days[n].messages, t.days[n].users}
	}
	return daily
}
