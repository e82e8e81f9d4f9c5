package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/packed"
)

// chunkSize is the size from which a timeline chunk is left as it is and a new
// one is begun: live traffic rewrites the last chunk in every commit.
const chunkSize = 1536

// sortChanges puts the changes into the order of users and times, in which they
// are unless something was merged.
func sortChanges(changes []change) {
	slices.SortFunc(changes, func(a, b change) int {
		return compareMoments(moment{a.time, a.user}, moment{b.time, b.user})
	})
}

// flushTimeline enters what came and went into the quarter hours.
func (g *guildTx) flushTimeline() error {
	var came, went []moment
	for rest := groupBy(g.changes, func(c *change) uint32 { return civil.QuarterOf(c.time) }); len(rest) > 0; {
		q := civil.QuarterOf(rest[0].time)
		n := 1
		for n < len(rest) && civil.QuarterOf(rest[n].time) == q {
			n++
		}
		came, went = split(rest[:n], came[:0], went[:0])
		if len(went) > 0 {
			if err := g.removeMoments(q, went); err != nil {
				return err
			}
		}
		if len(came) > 0 {
			if err := g.addMoments(q, came); err != nil {
				return err
			}
		}
		rest = rest[n:]
	}
	return nil
}

// split adds the moments of changes, which are in order, to those that came or to
// those that went, without those that did both.
func split(changes []change, came, went []moment) ([]moment, []moment) {
	for i := 0; i < len(changes); {
		m, sum := moment{changes[i].time, changes[i].user}, 0
		for ; i < len(changes) && changes[i].user == m.user && changes[i].time == m.time; i++ {
			sum += int(changes[i].by)
		}
		for ; sum > 0; sum-- {
			came = append(came, m)
		}
		for ; sum < 0; sum++ {
			went = append(went, m)
		}
	}
	return came, went
}

func chunkKey(q uint32, chunk uint16) []byte { return u16(u32(nil, q), chunk) }

// addMoments adds to the quarter's last chunk, or to a new one if that is large.
func (g *guildTx) addMoments(q uint32, came []moment) error {
	chunk := uint16(0)
	if key, value := g.lastChunk(q); key != nil {
		payload, ok := unseal(key, value)
		if !ok {
			return damagedValue(key)
		}
		chunk = binary.BigEndian.Uint16(key[4:])
		switch {
		case len(payload) < chunkSize || chunk == 1<<16-1:
			var err error
			if came, err = decodeChunk(came, q, payload); err != nil {
				return damagedValue(key)
			}
			slices.SortFunc(came, compareMoments)
		default:
			chunk++
		}
	}
	return g.w.put(g.timeline, chunkKey(q, chunk), appendChunk(nil, q, came))
}

func (g *guildTx) lastChunk(q uint32) (key, value []byte) {
	key, value = lastBefore(g.timeline.Cursor(), u32(nil, q+1))
	if key == nil || binary.BigEndian.Uint32(key) != q {
		return nil, nil
	}
	return slices.Clone(key), value
}

// removeMoments takes moments out of whichever chunk of the quarter has them.
func (g *guildTx) removeMoments(q uint32, went []moment) error {
	type kept struct {
		key     []byte
		moments []moment
	}
	var changed []kept
	c := g.timeline.Cursor()
	for key, value := c.Seek(chunkKey(q, 0)); key != nil && binary.BigEndian.Uint32(key) == q && len(went) > 0; key, value = c.Next() {
		payload, ok := unseal(key, value)
		if !ok {
			return damagedValue(key)
		}
		moments, err := decodeChunk(nil, q, payload)
		if err != nil {
			return damagedValue(key)
		}
		before := len(moments)
		went = slices.DeleteFunc(went, func(m moment) bool {
			i, found := slices.BinarySearchFunc(moments, m, compareMoments)
			if found {
				moments = slices.Delete(moments, i, i+1)
			}
			return found
		})
		if len(moments) != before {
			changed = append(changed, kept{slices.Clone(key), moments})
		}
	}
	if len(went) > 0 {
		return fmt.Errorf("%w: the timeline of guild %d lacks a record of user %d at %s", ErrDamaged, g.id, went[0].user, went[0].time)
	}
	for _, k := range changed {
		if len(k.moments) == 0 {
			if err := g.timeline.Delete(k.key); err != nil {
				return err
			}
			continue
		}
		if err := g.w.put(g.timeline, k.key, appendChunk(nil, q, k.moments)); err != nil {
			return err
		}
	}
	return nil
}

// weekPrefix begins the keys of activity: the weeks of a leaderboard or a series
// stand together, and a commit touches few pages.
func weekPrefix(week uint32) []byte { return u32(nil, week) }

// userWeek is what came and went of a user in one week.
type userWeek struct {
	week    uint32
	user    ID
	changes []change
}

// groupWeeks gathers changes, which are in the order of users and times, in the order
// of the activity's keys.
func groupWeeks(changes []change) []userWeek {
	var all []userWeek
	for rest := changes; len(rest) > 0; {
		week, user := civil.WeekOf(civil.QuarterOf(rest[0].time)), rest[0].user
		n := 1
		for n < len(rest) && rest[n].user == user && civil.WeekOf(civil.QuarterOf(rest[n].time)) == week {
			n++
		}
		all = append(all, userWeek{week, user, rest[:n]})
		rest = rest[n:]
	}
	return groupBy(all, func(w *userWeek) uint32 { return w.week })
}

// flushActivity enters what came and went into the users' weeks.
func (g *guildTx) flushActivity(changes []change) error {
	var cells, changed []cell
	d := packed.NewWriter(g.activity, &g.w.arena)
	for rest := groupWeeks(changes); len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].week == rest[0].week {
			n++
		}
		weeks := rest[:n]
		rest = rest[n:]
		err := d.Update(weekPrefix(weeks[0].week), n, func(i int) ID { return weeks[i].user }, func(i int, old, to []byte) (_ []byte, err error) {
			changed = weeks[i].cells(changed[:0])
			if cells, err = decodeWeek(cells[:0], old); err != nil {
				return nil, fmt.Errorf("%w: week %d of user %d does not decode", ErrDamaged, weeks[i].week, weeks[i].user)
			}
			cells = addCells(cells, changed)
			return appendWeek(to, cells), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// flushProfiles changes the users' totals.
func (g *guildTx) flushProfiles(all []change) error {
	type change struct {
		user ID
		by   int64
	}
	var changes []change
	for rest := all; len(rest) > 0; {
		user, by, n := rest[0].user, int64(0), 0
		for ; n < len(rest) && rest[n].user == user; n++ {
			by += int64(rest[n].by)
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
		return 0, errBadValue
	}
	return int64(total), nil
}
