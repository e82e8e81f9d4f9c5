package rollup

import (
	"slices"

	"rollcall/internal/civil"
	"rollcall/internal/snowflake"
	"rollcall/store/internal/record"
)

// GuildTally adds up the weeks of a guild's users, which come by week and user.
type GuildTally struct {
	calendar *civil.Calendar
	Users    UserSums
	Messages int64
	Channels []int64 // messages, by the channel's number
	Heatmap  [7][24]int64
	days     map[int32]*Day

	// The present week:

	week     uint32
	quarters [civil.WeekQuarters]int64 // messages
	writers  [10]int64                 // users by day, from the week's first day on (a zone may skip a day)
}

func NewGuildTally(c *civil.Calendar) *GuildTally {
	return &GuildTally{calendar: c, days: map[int32]*Day{}}
}

func (t *GuildTally) Add(week uint32, user snowflake.ID, cells []Cell) {
	if week != t.week {
		t.FinishWeek()
		t.week = week
	}
	slots := t.calendar.Slots(week)
	var sum *UserSum
	if user != record.DeletedUser { // of whom there is none
		sum = t.Users.Of(week, user)
	}
	for _, c := range cells {
		t.Messages += c.Count
		t.quarters[c.Quarter] += c.Count
		for int(c.Channel) >= len(t.Channels) {
			t.Channels = append(t.Channels, 0)
		}
		t.Channels[c.Channel] += c.Count
		if day := slots[c.Quarter].Day; sum != nil && sum.Add(c.Count, day) {
			t.writers[day-slots[0].Day]++
		}
	}
}

func (t *GuildTally) day(day int32) *Day {
	d := t.days[day]
	if d == nil {
		d = &Day{Date: civil.DateOf(day)}
		t.days[day] = d
	}
	return d
}

// FinishWeek takes in what was counted of the week that has ended.
func (t *GuildTally) FinishWeek() {
	slots := t.calendar.Slots(t.week)
	for q, n := range t.quarters {
		if n > 0 {
			t.Heatmap[slots[q].Weekday][slots[q].Hour] += n
			t.day(slots[q].Day).Messages += n
		}
	}
	for i, n := range t.writers {
		if n > 0 {
			t.day(slots[0].Day + int32(i)).Users += n
		}
	}
	t.quarters, t.writers = [civil.WeekQuarters]int64{}, [10]int64{}
	t.Users.FinishWeek()
}

// Join takes in the tally of later weeks.
func (t *GuildTally) Join(later *GuildTally) {
	t.Messages += later.Messages
	for i, hours := range later.Heatmap {
		for k, n := range hours {
			t.Heatmap[i][k] += n
		}
	}
	for len(t.Channels) < len(later.Channels) {
		t.Channels = append(t.Channels, 0)
	}
	for i, n := range later.Channels {
		t.Channels[i] += n
	}
	for number, d := range later.days {
		sum := t.day(number)
		sum.Messages += d.Messages
		sum.Users += d.Users
	}
	t.Users.join(&later.Users, func(day int32) { t.day(day).Users-- })
}

func (t *GuildTally) Daily() []Day {
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

// Day is what was written on a calendar day.
type Day struct {
	Date     string `json:"date"` // YYYY-MM-DD
	Messages int64  `json:"messages"`
	Users    int64  `json:"users"` // how many wrote
}
