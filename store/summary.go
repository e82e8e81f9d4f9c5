package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
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
	return db.Part(nil).Summary(ctx, guild, d, most)
}

// Summary is DB.Summary of the part.
func (p Part) Summary(ctx context.Context, guild ID, d Days, most int) (Summary, error) {
	db := p.db
	t, err := p.tally(ctx, guild, d)
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

// activityPage is how many users' weeks are read in one transaction: some ten
// milliseconds.
const activityPage = 100_000

// scanActivity calls visit with every user's week of a guild that has something in
// the quarter hours [from, end), by week and user, only with the cells of those. The
// cells are overwritten after visit returns. A transaction ends with the chunk in
// which so many weeks have been read: what is written meanwhile may or may not be seen.
func (db *DB) scanActivity(ctx context.Context, guild ID, from, end uint32, page int, visit func(week uint32, user ID, cells []rollup.Cell)) error {
	next := rollup.WeekPrefix(civil.WeekOf(from))
	for next != nil {
		err := db.view(ctx, func(tx *kv.Tx) (err error) {
			b := tx.Bucket(bucketActivity).Bucket(bucketName(guild))
			if b == nil {
				next = nil
				return nil
			}
			var uncounted []rollup.Delta
			if r := recordsOf(tx, guild); r != nil {
				uncounted = uncountedOf(r, 0)
			}
			next, err = rollup.OpenActivity(b, nil).Scan(ctx, next, from, end, page, uncounted, visit)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tally adds up what a guild's users did on the given days, one half of the weeks
// beside the other: a year of a guild in which many write is read in half the time.
func (p Part) tally(ctx context.Context, guild ID, d Days) (*rollup.GuildTally, error) {
	db := p.db
	in, _, err := p.numbers(ctx, guild)
	if err != nil {
		return nil, err
	}
	from, end := d.Quarters()
	middle, err := db.middleWeek(ctx, guild, civil.WeekOf(from), civil.WeekOf(end-1))
	if err != nil {
		return nil, err
	}
	scan := func(from, end uint32) (*rollup.GuildTally, error) {
		t := rollup.NewGuildTally(civil.NewCalendar(d.Zone))
		if from < end {
			if err := db.scanActivity(ctx, guild, from, end, activityPage, only(in, t.Add)); err != nil {
				return nil, err
			}
		}
		t.FinishWeek()
		return t, nil
	}
	border := min(max(middle*civil.WeekQuarters, from), end)
	var earlier *rollup.GuildTally
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
	earlier.Join(later)
	return earlier, nil
}

// middleWeek returns the week in the middle between two, or between the first and the
// last one in which anybody wrote, where those lie closer together.
func (db *DB) middleWeek(ctx context.Context, guild ID, first, last uint32) (middle uint32, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		if b := tx.Bucket(bucketActivity).Bucket(bucketName(guild)); b != nil {
			if from, to, ok := rollup.OpenActivity(b, nil).Span(); ok {
				first, last = max(first, from), min(last, to)
			}
		}
		middle = first + (max(last, first)-first+1)/2
		return nil
	})
	return middle, err
}

// Profile is who a user is in a guild.
type Profile struct {
	Name string // display name as last seen, "" if unknown

	// Of the asked days:

	Messages   int64
	ActiveDays int64
	Hours      [24]int64
	Weekdays   [7]int64       // Monday first
	Channels   []ChannelCount // by messages from the most, then by name

	// Of all time:

	First, Last   Micros // the user's first and last message
	Streak        int64  // consecutive active days up to today, or up to yesterday
	LongestStreak int64
	LastDay       string // the last active day, YYYY-MM-DD
}

// Profile returns what a user did in a guild on the given days, in the calendar of
// their zone; today is the day in which now lies. known is false if nothing is
// stored of the user there. It reads one value for each week between the user's
// first and last message, or, of those who wrote little, the records, without texts.
func (db *DB) Profile(ctx context.Context, guild, user ID, d Days, now time.Time) (p Profile, known bool, err error) {
	return db.Part(nil).profile(ctx, guild, user, d, now, nil)
}

// profile is Profile of these channel numbers, nil for all; First and Last are those of all.
func (of Part) profile(ctx context.Context, guild, user ID, d Days, now time.Time, in []bool) (p Profile, known bool, err error) {
	db := of.db
	if user == DeletedUser {
		return p, false, nil
	}
	err = of.view(ctx, func(tx *kv.Tx) error {
		p = Profile{}
		r := openReader(tx, db.keys, guild)
		activity := tx.Bucket(bucketActivity).Bucket(bucketName(guild))
		if r == nil || activity == nil {
			return nil
		}
		c := r.records.Cursor()
		if p.First, p.Last, known = ends(c, user); !known {
			return nil
		}
		if p.Name, err = readName(tx, db.keys, guild, user); err != nil {
			return err
		}
		t := rollup.NewUserTally(civil.NewCalendar(d.Zone), d)
		if err := r.weeks(tx, activity, c, user, civil.QuarterOf(p.First), civil.QuarterOf(p.Last), func(week uint32, cells []rollup.Cell) {
			if in != nil {
				cells = within(in, cells)
			}
			t.Add(week, cells)
		}); err != nil {
			return err
		}
		t.Finish(MicrosOf(now))
		p.Messages, p.ActiveDays, p.Hours, p.Weekdays = t.Messages, t.ActiveDays, t.Hours, t.Weekdays
		p.Streak, p.LongestStreak, p.LastDay = t.Streak, t.LongestStreak, t.LastDay
		p.Channels, err = db.countChannels(tx, r, maps.All(t.Channels))
		return err
	})
	return p, known, err
}

// weekRecords is how many of a user's records are read in the time of a look at a week.
const weekRecords = 3

// weeks calls visit with a user's weeks between two quarter hours, in order: from the
// activity, or made of the records if those are few. Where one of them cannot be read
// the activity still knows of it.
func (r *reader) weeks(tx *kv.Tx, activity *kv.Bucket, c *lsm.Cursor, user ID, from, to uint32, visit func(week uint32, cells []rollup.Cell)) error {
	total, err := totalOf(tx, r.guild, user)
	if err != nil {
		return err
	}
	if total <= weekRecords*int64(civil.WeekOf(to)-civil.WeekOf(from)+1) {
		if changes, all := deltasOf(c, user); all {
			var cells []rollup.Cell
			for _, w := range rollup.GroupWeeks(changes) {
				cells = rollup.AddCells(cells[:0], w.Cells(nil))
				visit(w.Week, cells)
			}
			return nil
		}
	}
	return rollup.OpenActivity(activity, nil).WeeksOf(user, from, to, uncountedOf(r.records, user), visit)
}

// ends returns the times of a user's first and last record.
func ends(c *lsm.Cursor, user ID) (first, last Micros, ok bool) {
	b, _ := c.Seek(record.Key{User: user, Time: civil.MinMicros, ID: 0}.Append(nil))
	key, ok := record.ParseKey(b)
	if !ok || key.User != user {
		return 0, 0, false
	}
	first = key.Time
	b, _ = c.Before(record.Key{User: user, Time: civil.MaxMicros + 1, ID: 0}.Append(nil))
	key, ok = record.ParseKey(b)
	return first, key.Time, ok && key.User == user
}
