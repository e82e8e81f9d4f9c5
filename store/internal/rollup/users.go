package rollup

import (
	"slices"

	"rollcall/internal/snowflake"
)

// UserSum is what one user did. firstDay and lastDay are the first and the last day
// counted in days.
type UserSum struct {
	User              snowflake.ID
	Messages, Days    int64
	firstDay, lastDay int32
}

// Add counts messages on a day and reports whether it is a day that was not counted
// yet. Days come in order, though one may lie in two weeks.
func (s *UserSum) Add(messages int64, day int32) (isNew bool) {
	s.Messages += messages
	if s.Days > 0 && s.lastDay == day {
		return false
	}
	if s.Days == 0 {
		s.firstDay = day
	}
	s.Days++
	s.lastDay = day
	return true
}

// UserSums adds up users' weeks, which come by week and user. Both it and a week are
// in the order of users, so it walks along instead of looking up.
type UserSums struct {
	Sums  []UserSum // by user; those of the present week that are not among them are in fresh
	fresh []UserSum
	at    int // sums before it are behind the present week's user
	week  uint32
}

// Of returns the sum of a user whose week comes next; it is valid until the next call.
func (u *UserSums) Of(week uint32, user snowflake.ID) *UserSum {
	if week != u.week {
		u.FinishWeek()
		u.week = week
	}
	for u.at < len(u.Sums) && u.Sums[u.at].User < user {
		u.at++
	}
	if u.at < len(u.Sums) && u.Sums[u.at].User == user {
		return &u.Sums[u.at]
	}
	u.fresh = append(u.fresh, UserSum{User: user})
	return &u.fresh[len(u.fresh)-1]
}

// FinishWeek takes in the users who were new in the week that has ended.
func (u *UserSums) FinishWeek() {
	u.at = 0
	if len(u.fresh) == 0 {
		return
	}
	old := len(u.Sums)
	u.Sums = append(u.Sums, u.fresh...)
	for i, j, k := old-1, len(u.fresh)-1, len(u.Sums)-1; j >= 0; k-- {
		if i >= 0 && u.Sums[i].User > u.fresh[j].User {
			u.Sums[k] = u.Sums[i]
			i--
		} else {
			u.Sums[k] = u.fresh[j]
			j--
		}
	}
	u.fresh = u.fresh[:0]
}

// join takes in the sums of later weeks. shared is called for each day that both have
// counted for a user: it lies on both sides of the border between their weeks.
func (u *UserSums) join(later *UserSums, shared func(day int32)) {
	joined := make([]UserSum, 0, len(u.Sums)+len(later.Sums))
	a, b := u.Sums, later.Sums
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].User < b[0].User:
			joined, a = append(joined, a[0]), a[1:]
		case a[0].User > b[0].User:
			joined, b = append(joined, b[0]), b[1:]
		default:
			sum := UserSum{a[0].User, a[0].Messages + b[0].Messages, a[0].Days + b[0].Days, a[0].firstDay, b[0].lastDay}
			if a[0].lastDay == b[0].firstDay {
				sum.Days--
				shared(a[0].lastDay)
			}
			joined, a, b = append(joined, sum), a[1:], b[1:]
		}
	}
	u.Sums = append(append(joined, a...), b...)
}

// First returns the first users in an order, at most limit.
func (u *UserSums) First(limit int, before func(a, b UserSum) int) []UserSum {
	best := make([]UserSum, 0, min(limit, len(u.Sums))+1)
	for _, sum := range u.Sums {
		if len(best) == limit && (limit == 0 || before(sum, best[limit-1]) > 0) {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, sum, before)
		best = slices.Insert(best, i, sum)
		best = best[:min(len(best), limit)]
	}
	return best
}
