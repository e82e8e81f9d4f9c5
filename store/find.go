package store

import (
	"cmp"
	"math"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// findSlack is how far a message's stored time may lie from the one that a Change
// tells. Discord's ids tell their messages' times to the millisecond.
const findSlack Micros = 1e6

// find returns the records of the messages that are stored.
func (g *guildTx) find(changes []Change) (map[ID]record.Key, error) {
	found := map[ID]record.Key{}
	var unknown []Change // whose authors are not known, each message once
	for _, c := range changes {
		if _, ok := found[c.Message]; ok {
			continue
		}
		if c.User == 0 {
			unknown = append(unknown, c)
			continue
		}
		cursor := g.records.Between(c.Time-findSlack, c.Time+findSlack)
		for b, _ := cursor.Seek(record.Key{User: c.User, Time: c.Time - findSlack, ID: 0}.Append(nil)); b != nil; b, _ = cursor.Next() {
			key, ok := record.ParseKey(b)
			if !ok {
				return nil, kv.Damaged(b)
			}
			if key.User != c.User || key.Time > c.Time+findSlack {
				break
			}
			if key.ID == uint64(c.Message) {
				found[c.Message] = key
			}
		}
	}
	return found, g.findByTime(unknown, found)
}

// findByTime looks for messages in the quarter hours in which they were written, each
// of which it reads once.
func (g *guildTx) findByTime(changes []Change, found map[ID]record.Key) error {
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Time, b.Time) })
	last := uint32(0)
	for i := range changes {
		for q := max(civil.QuarterOf(changes[i].Time-findSlack), last); q <= civil.QuarterOf(changes[i].Time+findSlack); q++ {
			if err := g.findIn(q, changes[i:], found); err != nil {
				return err
			}
			last = q + 1
		}
	}
	return nil
}

// findIn looks for those of the changes' messages that were written in a quarter hour.
func (g *guildTx) findIn(q uint32, changes []Change, found map[ID]record.Key) error {
	moments, _, err := g.timeline.Quarter(q, math.MaxInt)
	if err != nil {
		return err
	}
	for _, m := range moments {
		at, _ := slices.BinarySearchFunc(changes, m.Time-findSlack, func(c Change, t Micros) int { return cmp.Compare(c.Time, t) })
		for ; at < len(changes) && changes[at].Time <= m.Time+findSlack; at++ {
			key := record.Key{User: m.User, Time: m.Time, ID: uint64(changes[at].Message)}
			if g.records.Get(key.Append(nil)) != nil {
				found[changes[at].Message] = key
			}
		}
	}
	return nil
}

// has reports whether a record is there, or was and has been removed. The timeline tells
// of most that are not without a look at the records, unless much was written in their
// quarter hour and few ask.
func (g *guildTx) has(key record.Key) bool {
	if g.removed(key) {
		return true
	}
	if len(g.records.AddedBetween(key, key)) > 0 {
		return true
	}
	q := civil.QuarterOf(key.Time)
	moments, known := g.quarters[q]
	if !known {
		var err error
		if moments, known, err = g.timeline.Quarter(q, quarterShare*g.coming); err != nil || !known { // what is damaged there need not stop what comes
			return g.records.Get(key.Append(nil)) != nil
		}
		g.quarters[q] = moments
	}
	if _, found := slices.BinarySearchFunc(moments, rollup.Moment{Time: key.Time, User: key.User}, rollup.CompareMoments); !found {
		return false
	}
	return g.records.Get(key.Append(nil)) != nil
}

// quarterShare is how many bytes of the timeline may be read of a quarter hour for each
// record that is put at once: to look for one among the records costs about as much.
const quarterShare = 1 << 10

// locate returns the key of a message that is stored, or was and has been removed: under
// its own key, at a time that differs by less than a second (archives cut it, or have it
// of the id), or under the id of deleted accounts.
func (g *guildTx) locate(key record.Key) (record.Key, bool) {
	if g.has(key) {
		return key, true
	}
	if !g.info.ids.Overlaps(key.Time-findSlack, key.Time+findSlack) {
		return key, false
	}
	users := []ID{key.User, DeletedUser}
	if key.User == DeletedUser {
		users = users[:1]
	}
	for _, user := range users {
		if at, ok := g.findNear(record.Key{User: user, Time: key.Time, ID: key.ID}); ok {
			return at, true
		}
	}
	if key.User != DeletedUser {
		return key, false
	}
	moments, known := g.momentsOf(civil.QuarterOf(key.Time))
	for _, m := range moments {
		if at := (record.Key{User: m.User, Time: m.Time, ID: key.ID}); known && m.Time == key.Time && g.records.Get(at.Append(nil)) != nil {
			return at, true
		}
	}
	if known {
		return key, false
	}
	found := map[ID]record.Key{} // where the quarter hour is a long one
	if err := g.findByTime([]Change{{Message: ID(key.ID), Time: key.Time}}, found); err != nil {
		return key, false
	}
	at, ok := found[ID(key.ID)]
	if !ok {
		at = key
	}
	return at, ok
}

// findNear looks for a user's message within findSlack of its time.
func (g *guildTx) findNear(key record.Key) (record.Key, bool) {
	from, to := key.Time-findSlack, key.Time+findSlack
	for _, e := range g.records.AddedBetween(record.Key{User: key.User, Time: from}, record.Key{User: key.User, Time: to, ID: math.MaxUint64}) {
		if e.Key.ID == key.ID {
			return e.Key, true
		}
	}
	for q := civil.QuarterOf(from); q <= civil.QuarterOf(to); q++ {
		moments, known := g.momentsOf(q)
		if !known {
			return nearest(g.records, key)
		}
		for _, m := range rollup.MomentsBetween(moments, key.User, from, to) {
			if at := (record.Key{User: key.User, Time: m.Time, ID: key.ID}); g.records.Get(at.Append(nil)) != nil {
				return at, true
			}
		}
	}
	return key, false
}

// momentsOf returns the moments of a quarter hour, unless they are too many.
func (g *guildTx) momentsOf(q uint32) ([]rollup.Moment, bool) {
	if moments, ok := g.quarters[q]; ok {
		return moments, true
	}
	moments, ok, err := g.timeline.Quarter(q, quarterShare*g.coming)
	if err != nil || !ok {
		return nil, false
	}
	g.quarters[q] = moments
	return moments, true
}

// nearest looks among the records themselves for what findNear looks for.
func nearest(r *lsm.Records, key record.Key) (record.Key, bool) {
	from, to := key.Time-findSlack, key.Time+findSlack
	c := r.Between(from, to)
	for b, _ := c.Seek(record.Key{User: key.User, Time: from, ID: 0}.Append(nil)); b != nil; b, _ = c.Next() {
		at := record.PadKey(b)
		if at.User != key.User || at.Time > to {
			break
		}
		if at.ID == key.ID {
			return at, true
		}
	}
	return key, false
}

// writtenAt returns who has written something in a guild at a moment.
func writtenAt(tx *kv.Tx, guild ID, at Micros) (users []ID) {
	q := civil.QuarterOf(at)
	moments, _, err := rollup.OpenTimeline(tx.Bucket(bucketTimeline).Bucket(bucketName(guild)), nil).Quarter(q, math.MaxInt)
	if err != nil {
		return nil // what is damaged is told of elsewhere
	}
	for _, m := range moments {
		if m.Time == at {
			users = append(users, m.User)
		}
	}
	return users
}
