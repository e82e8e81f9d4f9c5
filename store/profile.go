package store

import (
	"context"
	"maps"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
)

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
	if user == DeletedUser {
		return p, false, nil
	}
	err = db.view(ctx, func(tx *bbolt.Tx) error {
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
		t := &profileTally{profile: &p, calendar: civil.NewCalendar(d.Zone), channels: map[int]int64{}}
		t.from, t.end = d.Quarters()
		if err := r.weeks(tx, activity, c, user, civil.QuarterOf(p.First), civil.QuarterOf(p.Last), t.add); err != nil {
			return err
		}
		t.finish(t.calendar.Slot(civil.QuarterOf(MicrosOf(now))).Day)
		p.Channels, err = db.countChannels(tx, r, maps.All(t.channels))
		return err
	})
	return p, known, err
}

// weekRecords is how many of a user's records are read in the time of a look at a week.
const weekRecords = 3

// weeks calls visit with a user's weeks between two quarter hours, in order: from the
// activity, or made of the records if those are few. Where one of them cannot be read
// the activity still knows of it.
func (r *reader) weeks(tx *bbolt.Tx, activity *bbolt.Bucket, c *lsm.Cursor, user ID, from, to uint32, visit func(week uint32, cells []cell)) error {
	total, err := totalOf(tx, r.guild, user)
	if err != nil {
		return err
	}
	if total <= weekRecords*int64(civil.WeekOf(to)-civil.WeekOf(from)+1) {
		if changes, all := changesOf(c, user); all {
			var cells []cell
			for _, w := range groupWeeks(changes) {
				cells = addCells(cells[:0], w.cells(nil))
				visit(w.week, cells)
			}
			return nil
		}
	}
	return userWeeks(activity, user, from, to, groupWeeks(uncountedOf(r.records, user)), visit)
}

// profileTally adds up a user's weeks, which come in order.
type profileTally struct {
	profile   *Profile
	calendar  *civil.Calendar
	from, end uint32 // quarter hours of the asked days
	channels  map[int]int64
	days      []int32 // active ones, of all time, ascending
	counted   int32   // the last day that was counted in ActiveDays
}

func (t *profileTally) add(week uint32, cells []cell) {
	p, slots := t.profile, t.calendar.Slots(week)
	for _, c := range cells {
		q := week*civil.WeekQuarters + uint32(c.quarter)
		s := slots[c.quarter]
		if n := len(t.days); n == 0 || t.days[n-1] != s.Day {
			t.days = append(t.days, s.Day)
		}
		if q < t.from || q >= t.end {
			continue
		}
		if p.ActiveDays == 0 || t.counted != s.Day {
			p.ActiveDays++
			t.counted = s.Day
		}
		p.Messages += c.count
		p.Hours[s.Hour] += c.count
		p.Weekdays[s.Weekday] += c.count
		t.channels[int(c.channel)] += c.count
	}
}

// finish finds the streaks.
func (t *profileTally) finish(today int32) {
	p := t.profile
	run := int64(0)
	for i, day := range t.days {
		if i > 0 && day == t.days[i-1]+1 {
			run++
		} else {
			run = 1
		}
		p.LongestStreak = max(p.LongestStreak, run)
		if day == today || day == today-1 {
			p.Streak = run
		}
	}
	if n := len(t.days); n > 0 {
		p.LastDay = civil.DateOf(t.days[n-1])
	}
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

// Name returns a user's display name in a guild, or the guild's own for user 0, as
// last seen; "" if it is not known.
func (db *DB) Name(ctx context.Context, guild, user ID) (name string, err error) {
	err = db.view(ctx, func(tx *bbolt.Tx) error {
		name, err = readName(tx, db.keys, guild, user)
		return err
	})
	return name, err
}

func readName(tx *bbolt.Tx, keys *crypt.Keyring, guild, user ID) (string, error) {
	if user == DeletedUser { // older builds have kept one
		return "", nil
	}
	name, err := keys.Texts(string(bucketNames)).Get(tx.Bucket(bucketNames), u64(u64(nil, uint64(guild)), uint64(user)))
	return string(name), err
}
