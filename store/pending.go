package store

import (
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
)

// Activity is by user, as records are, so a small commit would touch a page of it for
// nearly each of its people. It need not be changed at once: what it does not know yet is
// in the runs that came last, which are marked as uncounted. It is entered when those runs
// are merged, or before one of their records goes; until then whoever reads adds it up.
// That is little: a few runs of some kilobytes. Totals of the guild are kept at once.

// recordsOf returns the records of a guild; nil if it is not known.
func recordsOf(tx *bbolt.Tx, guild ID) *lsm.Records {
	main := tx.Bucket(bucketRecords).Bucket(bucketName(guild))
	if main == nil {
		return nil
	}
	return lsm.Open(main, tx.Bucket(bucketRecent), guild)
}

// uncountedOf returns what activity does not know yet, in the order of users and times;
// only of one user if that is not 0. A record that cannot be read is not among it.
func uncountedOf(r *lsm.Records, user ID) []change {
	changes, _ := changesOf(r.Uncounted(), user)
	return changes
}

// changesOf returns what the records behind a cursor add to activity, in the order of users
// and times; only those of one user if that is not 0. all is false if some could not be
// read: of those nothing is known but that they are there.
func changesOf(c *lsm.Cursor, user ID) (changes []change, all bool) {
	all = true
	for b, value := c.Seek(record.Key{User: user, Time: civil.MinMicros}.Append(nil)); b != nil; b, value = c.Next() {
		key := record.PadKey(b)
		if user != 0 && key.User != user {
			break
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			all = false
			continue
		}
		changes = append(changes, change{key.User, key.Time, s.Channel, 1})
	}
	return changes, all
}

// count enters in activity what is uncounted, and changes, which are in the order of users
// and times.
func (g *guildTx) count(changes []change) error {
	if uncounted := uncountedOf(g.records, 0); len(uncounted) > 0 {
		changes = append(uncounted, changes...)
		sortChanges(changes)
	}
	if err := g.records.MarkCounted(); err != nil || len(changes) == 0 {
		return err
	}
	if err := g.flushProfiles(changes); err != nil {
		return err
	}
	return g.flushActivity(changes)
}

// mayWait reports whether the changes of this transaction are records that came, and
// nothing else.
func (g *guildTx) mayWait() bool {
	return g.records.Added() == len(g.changes) && len(g.changes) > 0 &&
		!slices.ContainsFunc(g.changes, func(c change) bool { return c.by < 0 })
}

// addTotals adds changes, which are in the order of users, to the guild's totals. The
// records that were added have no place yet.
func (g *guildTx) addTotals(changes []change) {
	users := g.records.Users()
	for i, c := range changes {
		g.info.messages += int64(c.by)
		if i > 0 && changes[i-1].user == c.user {
			continue
		}
		placed, added := users.Has(c.user)
		before, after := placed || g.removedFrom[c.user], placed || added
		switch {
		case after && !before:
			g.info.users++
		case before && !after:
			g.info.users--
		}
	}
}

// uncountedWeeks are the weeks of what is uncounted, in the order of the activity's keys.
func uncountedWeeks(tx *bbolt.Tx, guild ID) []userWeek {
	r := recordsOf(tx, guild)
	if r == nil {
		return nil
	}
	return groupWeeks(uncountedOf(r, 0))
}

// cell is where a change is counted in its week.
func (c *change) cell() cell {
	return cell{uint16(civil.QuarterOf(c.time) % civil.WeekQuarters), c.channel, int64(c.by)}
}

// cells are what came and went in a user's week, in no order.
func (w *userWeek) cells(to []cell) []cell {
	for _, c := range w.changes {
		to = append(to, c.cell())
	}
	return to
}
