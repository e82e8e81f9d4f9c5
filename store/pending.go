package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// Activity is by user, as records are, so a small commit would touch a page of it for
// nearly each of its people. It need not be changed at once: what it does not know yet is
// in the runs that came last, which are marked as uncounted. It is entered when those runs
// are merged, or before one of their records goes; until then whoever reads adds it up.
// That is little: a few runs of some kilobytes. Totals of the guild are kept at once.

// recordsOf returns the records of a guild; nil if it is not known.
func recordsOf(tx *kv.Tx, guild ID) *lsm.Records {
	main := tx.Bucket(bucketRecords).Bucket(bucketName(guild))
	if main == nil {
		return nil
	}
	return lsm.Open(main, tx.Bucket(bucketRecent), guild)
}

// uncountedOf returns what activity does not know yet, in the order of users and times;
// only of one user if that is not 0. A record that cannot be read is not among it.
func uncountedOf(r *lsm.Records, user ID) []rollup.Change {
	changes, _ := changesOf(r.Uncounted(), user)
	return changes
}

// changesOf returns what the records behind a cursor add to activity, in the order of users
// and times; only those of one user if that is not 0. all is false if some could not be
// read: of those nothing is known but that they are there.
func changesOf(c *lsm.Cursor, user ID) (changes []rollup.Change, all bool) {
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
		changes = append(changes, rollup.Change{User: key.User, Time: key.Time, Channel: s.Channel, By: 1})
	}
	return changes, all
}

// count enters in activity what is uncounted, and changes, which are in the order of users
// and times.
func (g *guildTx) count(changes []rollup.Change) error {
	if uncounted := uncountedOf(g.records, 0); len(uncounted) > 0 {
		changes = append(uncounted, changes...)
		rollup.SortChanges(changes)
	}
	if err := g.records.MarkCounted(); err != nil || len(changes) == 0 {
		return err
	}
	if err := g.flushProfiles(changes); err != nil {
		return err
	}
	return g.activity.Apply(changes)
}

// mayWait reports whether the changes of this transaction are records that came, and
// nothing else.
func (g *guildTx) mayWait() bool {
	return g.records.Added() == len(g.changes) && len(g.changes) > 0 &&
		!slices.ContainsFunc(g.changes, func(c rollup.Change) bool { return c.By < 0 })
}

// addTotals adds changes, which are in the order of users, to the guild's totals. The
// records that were added have no place yet.
func (g *guildTx) addTotals(changes []rollup.Change) {
	users := g.records.Users()
	for i, c := range changes {
		g.info.messages += int64(c.By)
		if i > 0 && changes[i-1].User == c.User {
			continue
		}
		placed, added := users.Has(c.User)
		before, after := placed || g.removedFrom[c.User], placed || added
		switch {
		case after && !before:
			g.info.users++
		case before && !after:
			g.info.users--
		}
	}
}

// flushProfiles changes the users' totals.
func (g *guildTx) flushProfiles(all []rollup.Change) error {
	type change struct {
		user ID
		by   int64
	}
	var changes []change
	for rest := all; len(rest) > 0; {
		user, by, n := rest[0].User, int64(0), 0
		for ; n < len(rest) && rest[n].User == user; n++ {
			by += int64(rest[n].By)
		}
		rest = rest[n:]
		if by != 0 {
			changes = append(changes, change{user, by})
		}
	}
	d := packed.NewWriter(g.profiles, &g.w.arena)
	return d.Update(nil, len(changes), func(i int) ID { return changes[i].user }, func(i int, old, to []byte) ([]byte, error) {
		total := changes[i].by
		if old != nil {
			before, err := decodeProfile(old)
			if err != nil {
				return nil, fmt.Errorf("%w: the profile of user %d does not decode", ErrDamaged, changes[i].user)
			}
			total += before
		}
		if total <= 0 {
			return to, nil
		}
		return binary.AppendUvarint(to, uint64(total)), nil
	})
}

// decodeProfile reads a user's number of messages.
func decodeProfile(b []byte) (int64, error) {
	total, n := binary.Uvarint(b)
	if n <= 0 || total > 1<<62 {
		return 0, kv.ErrBadValue
	}
	return int64(total), nil
}
