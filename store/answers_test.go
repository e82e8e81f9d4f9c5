package store_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// zones in which days are hard: 45 minutes, half an hour of daylight saving, midnights
// that do not exist (São Paulo, Beirut) or come twice (Havana), a day that does not exist (Apia).
var zones = []string{"UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
	"Asia/Beirut", "America/Havana", "Pacific/Apia", "Pacific/Kiritimati"}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Every answer equals what an obvious computation over the records makes of them,
// after every batch of random writes from both sides, in every zone and span.
func TestAnswers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openChecked(t, path)
	for _, start := range []string{"2011-12-20T00:00:00Z", "2017-10-01T00:00:00Z", "2026-03-01T00:00:00Z"} {
		from, err := store.ParseMicros(start)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			writeRandomly(t, db, random, from, 45)
			now := time.UnixMicro(int64(from)).AddDate(0, 0, random.IntN(50))
			for _, name := range zones {
				compareAnswers(t, db, zone(t, name), now, random)
			}
		}
	}
}

// Reading in several transactions reads the same.
func TestActivityPages(t *testing.T) {
	db := openTemp(t)
	writeRandomly(t, db, rand.New(rand.NewPCG(3, 4)), 0, 30)
	whole, err := store.ActivityByPages(db, 1, 1_000_000)
	if err != nil || len(whole) < 20 {
		t.Fatalf("%d weeks, %v", len(whole), err)
	}
	for _, page := range []int{1, 2, 7} {
		read, err := store.ActivityByPages(db, 1, page)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("%d a page", page), read, whole)
	}
}

func TestName(t *testing.T) {
	db := openTemp(t)
	if _, err := db.Put(context.Background(), store.Batch{Names: []store.Name{{Guild: 1, User: 2, Name: "two"}, {Guild: 1, Name: "guild"}}}); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[store.ID]string{2: "two", 0: "guild", 3: ""} {
		if have, err := db.Name(context.Background(), 1, user); err != nil || have != want {
			t.Errorf("user %d is called %q, %v", user, have, err)
		}
	}
}

// writeRandomly puts messages and log lines of few users and channels, some of them
// the same, over some days.
func writeRandomly(t *testing.T, db *store.DB, random *rand.Rand, from store.Micros, days int) {
	t.Helper()
	var batch store.Batch
	var lines store.LogBatch
	for range 300 {
		r := store.Record{
			Guild: 1, User: store.ID(1 + random.IntN(8)*random.IntN(4)),
			Time:    from + store.Micros(random.Int64N(int64(days)*86400*1e6)),
			Content: fmt.Sprint(random.IntN(3)), Channel: store.Channel{Name: []string{"general", "bots", "art"}[random.IntN(3)]},
			Source: store.SourceLog,
		}
		if random.IntN(4) == 0 { // at midnight somewhere
			r.Time -= r.Time % (15 * 60 * 1e6)
		}
		if random.IntN(2) == 0 {
			lines.Records = append(lines.Records, r)
		}
		if random.IntN(2) == 0 {
			r.Source, r.Message, r.Channel.ID = store.SourceLive, store.ID(1+random.Int64N(1<<60)), store.ID(7+random.IntN(3))
			batch.Records = append(batch.Records, r)
		}
	}
	batch.Names = []store.Name{{Guild: 1, User: 1, Name: "one"}}
	if _, err := db.Put(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Import(context.Background(), db, lines); err != nil {
		t.Fatal(err)
	}
}

func compareAnswers(t *testing.T, db *store.DB, z *time.Location, now time.Time, random *rand.Rand) {
	t.Helper()
	ctx := context.Background()
	records := all(t, db, store.Query{Guild: 1})
	spans := []store.Days{{Zone: z}, store.LastDays(now, 7, z), store.LastDays(now, 1+random.IntN(60), z)}
	for _, d := range spans {
		what := fmt.Sprintf("%s, %v", z, d.When)
		summary, err := db.Summary(ctx, 1, d, 3)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, what+": summary", summary, obviousSummary(records, d))
		for _, by := range []store.By{store.ByMessages, store.ByDays} {
			leaders, total, err := db.Leaders(ctx, 1, d, by, 4)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, what+": total", total, summary.Messages)
			equal(t, what+": leaders", leaders, obviousLeaders(records, d, by, 4))
		}
		for user := store.ID(1); user < 30; user++ {
			have, known, err := db.Profile(ctx, 1, user, d, now)
			if err != nil {
				t.Fatal(err)
			}
			want, wantKnown := obviousProfile(records, user, d, now)
			equal(t, what+": known", known, wantKnown)
			equal(t, fmt.Sprintf("%s: profile of %d", what, user), have, want)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func equal(t *testing.T, what string, have, want any) {
	t.Helper()
	if !reflect.DeepEqual(have, want) {
		t.Errorf("%s:\nhave %+v\nwant %+v", what, have, want)
	}
}

func within(d store.Days, r store.Record) bool {
	return d.When == (store.Range{}) || r.Time >= d.When.From && r.Time < d.When.To
}

func inZone(d store.Days, r store.Record) time.Time { return r.Time.Time().In(d.Zone) }

func monday(w time.Weekday) int { return (int(w) + 6) % 7 }

// channelOf tells the channel of each record: by its id, under the name of the newest record;
// without one the only channel with an id that had the name, or the name.
func channelOf(records []store.Record) func(store.Record) store.Channel {
	ids, newest := map[string]map[store.ID]bool{}, map[store.ID]store.Record{}
	for _, r := range records {
		if r.Channel.ID == 0 {
			continue
		}
		if ids[r.Channel.Name] == nil {
			ids[r.Channel.Name] = map[store.ID]bool{}
		}
		ids[r.Channel.Name][r.Channel.ID] = true
		if last, known := newest[r.Channel.ID]; !known || r.Time > last.Time {
			newest[r.Channel.ID] = r
		}
	}
	return func(r store.Record) store.Channel {
		id := r.Channel.ID
		if of := ids[r.Channel.Name]; id == 0 && len(of) == 1 {
			for id = range of {
			}
		}
		if id == 0 {
			return r.Channel
		}
		return newest[id].Channel
	}
}

func byMost(counts map[store.Channel]int64) (list []store.ChannelCount) {
	list = []store.ChannelCount{}
	for c, n := range counts {
		list = append(list, store.ChannelCount{ID: c.ID, Name: c.Name, Messages: n})
	}
	slices.SortFunc(list, func(a, b store.ChannelCount) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func obviousSummary(records []store.Record, d store.Days) (s store.Summary) {
	users, days, channels := map[store.ID]bool{}, map[string]map[store.ID]int64{}, map[store.Channel]int64{}
	channel := channelOf(records)
	for _, r := range records {
		if !within(d, r) {
			continue
		}
		at := inZone(d, r)
		s.Messages++
		users[r.User] = true
		channels[channel(r)]++
		s.Heatmap[monday(at.Weekday())][at.Hour()]++
		date := at.Format(time.DateOnly)
		if days[date] == nil {
			days[date] = map[store.ID]int64{}
		}
		days[date][r.User]++
	}
	s.Users, s.Channels, s.Leaders, s.Daily = int64(len(users)), byMost(channels), obviousLeaders(records, d, store.ByMessages, 3), []store.Day{}
	for date, writers := range days {
		day := store.Day{Date: date, Users: int64(len(writers))}
		for _, n := range writers {
			day.Messages += n
		}
		s.Daily = append(s.Daily, day)
	}
	slices.SortFunc(s.Daily, func(a, b store.Day) int { return strings.Compare(a.Date, b.Date) })
	return s
}

func obviousLeaders(records []store.Record, d store.Days, by store.By, limit int) (leaders []store.UserCount) {
	leaders = []store.UserCount{}
	messages, days := map[store.ID]int64{}, map[store.ID]map[string]bool{}
	for _, r := range records {
		if within(d, r) {
			messages[r.User]++
			if days[r.User] == nil {
				days[r.User] = map[string]bool{}
			}
			days[r.User][inZone(d, r).Format(time.DateOnly)] = true
		}
	}
	for user, n := range messages {
		leaders = append(leaders, store.UserCount{User: user, Messages: n, Days: int64(len(days[user])), Name: map[store.ID]string{1: "one"}[user]})
	}
	slices.SortFunc(leaders, func(a, b store.UserCount) int {
		if by == store.ByDays {
			return cmp.Or(cmp.Compare(b.Days, a.Days), cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.User, b.User))
		}
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Days, a.Days), cmp.Compare(a.User, b.User))
	})
	return leaders[:min(limit, len(leaders))]
}

func obviousProfile(records []store.Record, user store.ID, d store.Days, now time.Time) (p store.Profile, known bool) {
	channels, days, active := map[store.Channel]int64{}, map[string]bool{}, map[string]bool{}
	channel := channelOf(records)
	for _, r := range records {
		if r.User != user {
			continue
		}
		at := inZone(d, r)
		if !known {
			p.First, known = r.Time, true
		}
		p.Last = r.Time
		days[at.Format(time.DateOnly)] = true
		if !within(d, r) {
			continue
		}
		p.Messages++
		p.Hours[at.Hour()]++
		p.Weekdays[monday(at.Weekday())]++
		channels[channel(r)]++
		active[at.Format(time.DateOnly)] = true
	}
	if !known {
		return p, false
	}
	if user == 1 {
		p.Name = "one"
	}
	p.ActiveDays, p.Channels = int64(len(active)), byMost(channels)
	before := func(date string, n int) string {
		day, _ := time.Parse(time.DateOnly, date)
		return day.AddDate(0, 0, -n).Format(time.DateOnly)
	}
	run := func(date string) (n int64) {
		for days[before(date, int(n))] {
			n++
		}
		return n
	}
	for date := range days {
		p.LongestStreak = max(p.LongestStreak, run(date))
		p.LastDay = max(p.LastDay, date)
	}
	today := now.In(d.Zone).Format(time.DateOnly)
	p.Streak = cmp.Or(run(today), run(before(today, 1)))
	return p, true
}
