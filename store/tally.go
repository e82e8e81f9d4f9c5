package store

import (
	"context"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
)

// tally adds up what a guild's users did on the given days, one half of the weeks
// beside the other: a year of a guild in which many write is read in half the time.
func (db *DB) tally(ctx context.Context, guild ID, d Days) (*guildTally, error) {
	from, end := d.Quarters()
	middle, err := db.middleWeek(ctx, guild, civil.WeekOf(from), civil.WeekOf(end-1))
	if err != nil {
		return nil, err
	}
	scan := func(from, end uint32) (*guildTally, error) {
		t := newGuildTally(civil.NewCalendar(d.Zone))
		if from < end {
			if err := db.scanActivity(ctx, guild, from, end, activityPage, t.add); err != nil {
				return nil, err
			}
		}
		t.finishWeek()
		return t, nil
	}
	border := min(max(middle*civil.WeekQuarters, from), end)
	var earlier *guildTally
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
	earlier.join(later)
	return earlier, nil
}

// middleWeek returns the week in the middle between two, or between the first and the
// last one in which anybody wrote, where those lie closer together.
func (db *DB) middleWeek(ctx context.Context, guild ID, first, last uint32) (middle uint32, err error) {
	err = db.view(ctx, func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketActivity).Bucket(bucketName(guild)); b != nil {
			if key, _ := b.Cursor().First(); len(key) == 12 {
				first = max(first, binary.BigEndian.Uint32(key))
			}
			if key, _ := b.Cursor().Last(); len(key) == 12 {
				last = min(last, binary.BigEndian.Uint32(key))
			}
		}
		middle = first + (max(last, first)-first+1)/2
		return nil
	})
	return middle, err
}

// guildTally adds up the weeks of a guild's users, which come by week and user.
type guildTally struct {
	calendar *civil.Calendar
	users    userSums
	messages int64
	channels []int64 // messages, by the channel's number
	heatmap  [7][24]int64
	days     map[int32]*Day

	// The present week:

	week     uint32
	quarters [civil.WeekQuarters]int64 // messages
	writers  [10]int64                 // users by day, from the week's first day on (a zone may skip a day)
}

func newGuildTally(c *civil.Calendar) *guildTally {
	return &guildTally{calendar: c, days: map[int32]*Day{}}
}

func (t *guildTally) add(week uint32, user ID, cells []cell) {
	if week != t.week {
		t.finishWeek()
		t.week = week
	}
	slots := t.calendar.Slots(week)
	var sum *userSum
	if user != DeletedUser { // of whom there is none
		sum = t.users.of(week, user)
	}
	for _, c := range cells {
		t.messages += c.count
		t.quarters[c.quarter] += c.count
		for int(c.channel) >= len(t.channels) {
			t.channels = append(t.channels, 0)
		}
		t.channels[c.channel] += c.count
		if day := slots[c.quarter].Day; sum != nil && sum.add(c.count, day) {
			t.writers[day-slots[0].Day]++
		}
	}
}

func (t *guildTally) day(day int32) *Day {
	d := t.days[day]
	if d == nil {
		d = &Day{Date: civil.DateOf(day)}
		t.days[day] = d
	}
	return d
}

// finishWeek takes in what was counted of the week that has ended.
func (t *guildTally) finishWeek() {
	slots := t.calendar.Slots(t.week)
	for q, n := range t.quarters {
		if n > 0 {
			t.heatmap[slots[q].Weekday][slots[q].Hour] += n
			t.day(slots[q].Day).Messages += n
		}
	}
	for i, n := range t.writers {
		if n > 0 {
			t.day(slots[0].Day + int32(i)).Users += n
		}
	}
	t.quarters, t.writers = [civil.WeekQuarters]int64{}, [10]int64{}
	t.users.settle()
}

// join takes in the tally of later weeks.
func (t *guildTally) join(later *guildTally) {
	t.messages += later.messages
	for i, hours := range later.heatmap {
		for k, n := range hours {
			t.heatmap[i][k] += n
		}
	}
	for len(t.channels) < len(later.channels) {
		t.channels = append(t.channels, 0)
	}
	for i, n := range later.channels {
		t.channels[i] += n
	}
	for number, d := range later.days {
		sum := t.day(number)
		sum.Messages += d.Messages
		sum.Users += d.Users
	}
	t.users.join(&later.users, func(day int32) { t.day(day).Users-- })
}

func (t *guildTally) daily() []Day {
	numbers := make([]int32, 0, len(t.days))
	for n := range t.days {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	daily := make([]Day, len(numbers))
	for i, n := range numbers {
		daily[i] = *t.days[n]
	}
	return daily
}
