package store

import (
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/internal/civil"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
)

// Activity and profiles are by user, as records are, so a small commit would touch a
// page of them for nearly each of its people. They need not be changed at once: what
// they do not know yet is in the runs that came last, which are marked as pending. It
// is entered when those runs are merged, or before one of their records goes; until
// then whoever reads adds it up. That is little: at most runFan runs of pendingMost.
// Totals of the guild are kept at once.

// pendingMost is the size from which on what arrives is entered at once, in bytes.
const pendingMost = 64 << 10

// pending returns what activity and profiles do not know yet, in the order of users
// and times; only of one user if that is not 0. A record that cannot be read is not
// among it.
func (r *records) pending(user ID) (changes []change) {
	changes, _ = r.waiting().changes(user)
	return changes
}

// waiting returns a cursor over the records that are pending.
func (r *records) waiting() *recordCursor {
	c := &recordCursor{at: -1}
	for i := range r.runs.list {
		if run := &r.runs.list[i]; run.pending {
			c.sources = append(c.sources, blockCursor{c: r.runs.bucket(run).Cursor()})
		}
	}
	return c
}

// changes returns what the records behind a cursor add to activity and profiles, in the
// order of users and times; only those of one user if that is not 0. It says whether
// all could be read: of those that cannot nothing is known but that they are there.
func (c *recordCursor) changes(user ID) (changes []change, all bool) {
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

// countPending enters what is pending in activity and profiles.
func (g *guildTx) countPending() error {
	changes := g.records.pending(0)
	for i := range g.records.runs.list {
		run := &g.records.runs.list[i]
		if !run.pending {
			continue
		}
		run.pending, g.records.changed = false, true
		if err := g.records.runs.bucket(run).SetSequence(run.flags()); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return nil
	}
	info := g.info // which knows of them
	if err := g.flushProfiles(changes); err != nil {
		return err
	}
	g.info = info
	return g.flushActivity(changes)
}

// mayWait says whether the changes of this transaction may be entered in activity and
// profiles later: records that came, and not too many.
func (g *guildTx) mayWait() bool {
	return len(g.records.fresh) == len(g.changes) && len(g.changes) > 0 && record.SizeOf(g.records.fresh) <= pendingMost &&
		!slices.ContainsFunc(g.changes, func(c change) bool { return c.by < 0 })
}

// noteTotals adds records that came, in the order of users, to the guild's totals.
func (g *guildTx) noteTotals(came []change) error {
	g.info.messages += int64(len(came))
	waiting := g.records.waiting()
	for i, c := range came {
		if i > 0 && came[i-1].user == c.user {
			continue
		}
		known, err := packed.Get(g.profiles, nil, c.user)
		if err != nil {
			return err
		}
		if known != nil {
			continue
		}
		if b, _ := waiting.Seek(record.Key{User: c.user, Time: civil.MinMicros, ID: 0}.Append(nil)); b == nil || record.PadKey(b).User != c.user {
			g.info.users++
		}
	}
	return nil
}

// pendingWeeks are the weeks of what is pending, in the order of the activity's keys.
func pendingWeeks(tx *bbolt.Tx, guild ID) []userWeek {
	r := openRecords(tx, guild)
	if r == nil {
		return nil
	}
	return groupWeeks(r.pending(0))
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
