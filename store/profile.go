package store

import (
	"context"
	"maps"
	"time"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
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
	err = db.view(ctx, func(tx *kv.Tx) error {
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
		if err := r.weeks(tx, activity, c, user, civil.QuarterOf(p.First), civil.QuarterOf(p.Last), t.Add); err != nil {
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
		if changes, all := changesOf(c, user); all {
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

// Name returns a user's display name in a guild, or the guild's own for user 0, as
// last seen; "" if it is not known.
func (db *DB) Name(ctx context.Context, guild, user ID) (name string, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		name, err = readName(tx, db.keys, guild, user)
		return err
	})
	return name, err
}

func readName(tx *kv.Tx, keys *crypt.Keyring, guild, user ID) (string, error) {
	if user == DeletedUser { // older builds have kept one
		return "", nil
	}
	name, err := keys.Texts(string(bucketNames)).Get(tx.Bucket(bucketNames), kv.U64(kv.U64(nil, uint64(guild)), uint64(user)))
	return string(name), err
}
