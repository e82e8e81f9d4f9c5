package api_test

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/coverage"
	"rollcall/internal/words"
	"rollcall/store"
)

// obvious answers from exported records in the plainest way there is: it goes through
// all of them for every answer.
type obvious struct {
	records     []api.Record // of every guild
	names       map[store.ID]string
	zone        *time.Location
	first, last string // the days that are asked about, "" for no bound
	today       string
	lexicon     *words.Lexicon
}

func (o obvious) local(r api.Record) time.Time { return r.Time.Time().In(o.zone) }
func (o obvious) date(r api.Record) string     { return o.local(r).Format(time.DateOnly) }

// asked are the records of the asked days, of one user unless it is 0.
func (o obvious) asked(guild, user store.ID) (found []api.Record) {
	for _, r := range o.records {
		date := o.date(r)
		if r.Guild == guild && (user == 0 || r.User == user) && (o.first == "" || date >= o.first) && (o.last == "" || date <= o.last) {
			found = append(found, r)
		}
	}
	return found
}

// weekday counts from Monday.
func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

func (o obvious) guild(id store.ID, name string) api.Guild {
	g := api.Guild{ID: id, Name: name, Daily: []store.Day{}, TopChannels: []store.ChannelCount{}, TopUsers: []api.UserMessages{}}
	writers := map[string]map[store.ID]bool{}
	daily := map[string]int64{}
	users := map[store.ID]bool{}
	for _, r := range o.asked(id, 0) {
		at, date := o.local(r), o.date(r)
		g.Messages++
		users[r.User] = true
		g.Heatmap[weekday(at)][at.Hour()]++
		daily[date]++
		if writers[date] == nil {
			writers[date] = map[store.ID]bool{}
		}
		writers[date][r.User] = true
	}
	g.Users = int64(len(users))
	for date, n := range daily {
		g.Daily = append(g.Daily, store.Day{Date: date, Messages: n, Users: int64(len(writers[date]))})
	}
	slices.SortFunc(g.Daily, func(a, b store.Day) int { return strings.Compare(a.Date, b.Date) })
	g.TopChannels = o.channels(id, 0)
	for _, l := range o.top(id, "messages", 10) {
		g.TopUsers = append(g.TopUsers, api.UserMessages{User: l.User, Name: l.Name, Messages: l.Messages})
	}
	return g
}

// channelOf tells the channel of each record: by its id, under the name of the newest record;
// without one the only channel with an id that had the name, or the name.
func (o obvious) channelOf(guild store.ID) func(api.Record) store.Channel {
	everything := o
	everything.first, everything.last = "", ""
	ids := map[string]map[store.ID]bool{} // of the channels that had a name
	newest := map[store.ID]api.Record{}
	for _, r := range everything.asked(guild, 0) {
		if r.ChannelID == 0 {
			continue
		}
		if ids[r.ChannelName] == nil {
			ids[r.ChannelName] = map[store.ID]bool{}
		}
		ids[r.ChannelName][r.ChannelID] = true
		if r.Time > newest[r.ChannelID].Time {
			newest[r.ChannelID] = r
		}
	}
	return func(r api.Record) store.Channel {
		c := store.Channel{ID: r.ChannelID, Name: r.ChannelName}
		if c.ID == 0 && len(ids[c.Name]) == 1 {
			for id := range ids[c.Name] {
				c.ID = id
			}
		}
		if c.ID != 0 {
			c.Name = newest[c.ID].ChannelName
		}
		return c
	}
}

func (o obvious) channels(guild, user store.ID) []store.ChannelCount {
	of := o.channelOf(guild)
	counts := map[store.Channel]int64{}
	for _, r := range o.asked(guild, user) {
		counts[of(r)]++
	}
	list := []store.ChannelCount{}
	for c, n := range counts {
		list = append(list, store.ChannelCount{ID: c.ID, Name: c.Name, Messages: n})
	}
	slices.SortFunc(list, func(a, b store.ChannelCount) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return list[:min(len(list), 10)]
}

// coverage is what is known of a guild's channels from the records alone, by name and id.
func (o obvious) coverage(guild store.ID) (list []coverage.Channel) {
	all := o
	all.first, all.last = "", ""
	of := all.channelOf(guild)
	spans := map[store.Channel]*coverage.Channel{}
	for _, r := range all.asked(guild, 0) {
		key := of(r)
		c := spans[key]
		if c == nil {
			first, last := r.Time, r.Time
			c = &coverage.Channel{Guild: guild, Name: key.Name, From: &first, To: &last, Gaps: []coverage.Gap{}}
			if key.ID != 0 {
				c.ID = &key.ID
			}
			spans[key] = c
		}
		c.Messages++
		*c.From, *c.To = min(*c.From, r.Time), max(*c.To, r.Time)
	}
	for _, c := range spans {
		list = append(list, *c)
	}
	id := func(c coverage.Channel) store.ID {
		if c.ID == nil {
			return 0
		}
		return *c.ID
	}
	slices.SortFunc(list, func(a, b coverage.Channel) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(id(a), id(b)))
	})
	return list
}

func (o obvious) top(guild store.ID, by string, limit int) []api.Leader {
	messages, days := map[store.ID]int64{}, map[store.ID]map[string]bool{}
	total := 0
	for _, r := range o.asked(guild, 0) {
		total++
		messages[r.User]++
		if days[r.User] == nil {
			days[r.User] = map[string]bool{}
		}
		days[r.User][o.date(r)] = true
	}
	list := []api.Leader{}
	for user, n := range messages {
		share := math.Round(float64(n)/float64(total)*1e6) / 1e6
		list = append(list, api.Leader{User: user, Name: o.names[user], Messages: n, Days: int64(len(days[user])), Share: share})
	}
	slices.SortFunc(list, func(a, b api.Leader) int {
		if by == "days" {
			return cmp.Or(cmp.Compare(b.Days, a.Days), cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.User, b.User))
		}
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Days, a.Days), cmp.Compare(a.User, b.User))
	})
	for i := range list {
		list[i].Rank = i + 1
	}
	return list[:min(len(list), limit)]
}

// user returns false if nothing is known of the user.
func (o obvious) user(guild, user store.ID) (u api.User, known bool) {
	u = api.User{Guild: guild, ID: user, Name: o.names[user], TopChannels: o.channels(guild, user)}
	for _, r := range o.asked(guild, user) {
		at := o.local(r)
		u.Messages++
		u.Hours[at.Hour()]++
		u.Weekdays[weekday(at)]++
	}
	active := map[string]bool{}
	everything := o
	everything.first, everything.last = "", ""
	for _, r := range everything.asked(guild, user) {
		if !known || r.Time < u.First {
			u.First = r.Time
		}
		if !known || r.Time > u.Last {
			u.Last = r.Time
		}
		known = true
		active[o.date(r)] = true
	}
	run := func(date string) (n int64) {
		for day, _ := time.Parse(time.DateOnly, date); active[day.Format(time.DateOnly)]; day = day.AddDate(0, 0, -1) {
			n++
		}
		return n
	}
	for date := range active {
		u.LongestStreak = max(u.LongestStreak, run(date))
		u.LastDay = max(u.LastDay, date)
	}
	today, _ := time.Parse(time.DateOnly, o.today)
	u.Streak = cmp.Or(run(o.today), run(today.AddDate(0, 0, -1).Format(time.DateOnly)))
	counted := o.words(guild, user, 20, 10)
	u.TopWords, u.TopEmojis = counted.Words, counted.Emojis
	return u, known
}

func (o obvious) words(guild, user store.ID, most, mostEmojis int) api.Words {
	counter := o.lexicon.NewCounter()
	for _, r := range o.asked(guild, user) {
		if err := counter.Add(r.Content); err != nil {
			panic(err)
		}
	}
	var w api.Words
	w.Words, w.Emojis = counter.Top(most, mostEmojis)
	return w
}

// messages are a user's, or everybody's, newest first.
func (o obvious) messages(guild, user store.ID) []api.Record {
	list := o.asked(guild, user)
	slices.SortStableFunc(list, func(a, b api.Record) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.User, a.User))
	})
	return list
}
