package rollup

import "rollcall/internal/civil"

// UserTally adds up a user's weeks, which come in order. What it says of streaks is of all
// time, all else is of the asked days.
type UserTally struct {
	Messages, ActiveDays  int64
	Hours                 [24]int64
	Weekdays              [7]int64      // Monday first
	Channels              map[int]int64 // messages, by the channel's number
	Streak, LongestStreak int64         // streak: up to today, or up to yesterday
	LastDay               string        // the last active day, YYYY-MM-DD

	calendar  *civil.Calendar
	from, end uint32  // quarter hours of the asked days
	days      []int32 // active ones, of all time, ascending
	counted   int32   // the last day that was counted in activeDays
}

func NewUserTally(c *civil.Calendar, d civil.Days) *UserTally {
	t := &UserTally{calendar: c, Channels: map[int]int64{}}
	t.from, t.end = d.Quarters()
	return t
}

func (t *UserTally) Add(week uint32, cells []Cell) {
	slots := t.calendar.Slots(week)
	for _, c := range cells {
		q := week*civil.WeekQuarters + uint32(c.Quarter)
		s := slots[c.Quarter]
		if n := len(t.days); n == 0 || t.days[n-1] != s.Day {
			t.days = append(t.days, s.Day)
		}
		if q < t.from || q >= t.end {
			continue
		}
		if t.ActiveDays == 0 || t.counted != s.Day {
			t.ActiveDays++
			t.counted = s.Day
		}
		t.Messages += c.Count
		t.Hours[s.Hour] += c.Count
		t.Weekdays[s.Weekday] += c.Count
		t.Channels[int(c.Channel)] += c.Count
	}
}

// Finish finds the streaks; today is the day in which now lies.
func (t *UserTally) Finish(now civil.Micros) {
	today := t.calendar.Slot(civil.QuarterOf(now)).Day
	run := int64(0)
	for i, day := range t.days {
		if i > 0 && day == t.days[i-1]+1 {
			run++
		} else {
			run = 1
		}
		t.LongestStreak = max(t.LongestStreak, run)
		if day == today || day == today-1 {
			t.Streak = run
		}
	}
	if n := len(t.days); n > 0 {
		t.LastDay = civil.DateOf(t.days[n-1])
	}
}
