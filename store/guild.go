package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// guildInfo is a guild's entry in the guilds bucket. The spans are those of all
// records with, and without, a message id that were ever put: a batch outside
// the other kind's span cannot hold a message that is already there in the
// other kind, and pays nothing for looking. Likewise what is older than texts has no
// text, so that retention need not look there again; files that were written before
// there was retention do not say it.
type guildInfo struct {
	messages int64
	users    int64
	channels uint32 // numbers given out
	ids      record.Span
	logs     record.Span
	texts    Micros // no record before it has a text
	// uncounted is how many deletion markers there are of messages that never counted.
	uncounted int64
}

func (i guildInfo) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(i.messages))
	b = binary.AppendUvarint(b, uint64(i.users))
	b = binary.AppendUvarint(b, uint64(i.channels))
	for _, s := range []record.Span{i.ids, i.logs} {
		if !s.Set {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.AppendVarint(b, int64(s.Min))
		b = binary.AppendVarint(b, int64(s.Max))
	}
	b = binary.AppendVarint(b, int64(i.texts))
	if i.uncounted > 0 {
		b = binary.AppendUvarint(b, uint64(i.uncounted))
	}
	return b
}

func decodeGuildInfo(b []byte) (guildInfo, error) {
	var i guildInfo
	var numbers [3]uint64
	for k := range numbers {
		n := 0
		if numbers[k], n = binary.Uvarint(b); n <= 0 || numbers[k] > 1<<62 {
			return i, kv.ErrBadValue
		}
		b = b[n:]
	}
	i.messages, i.users, i.channels = int64(numbers[0]), int64(numbers[1]), uint32(numbers[2])
	for _, s := range []*record.Span{&i.ids, &i.logs} {
		if len(b) == 0 {
			return i, kv.ErrBadValue
		}
		s.Set, b = b[0] == 1, b[1:]
		for _, t := range []*Micros{&s.Min, &s.Max} {
			if !s.Set {
				break
			}
			v, n := binary.Varint(b)
			if n <= 0 {
				return i, kv.ErrBadValue
			}
			*t, b = Micros(v), b[n:]
		}
	}
	if i.texts = civil.MinMicros; len(b) > 0 {
		v, n := binary.Varint(b)
		if n <= 0 {
			return i, kv.ErrBadValue
		}
		i.texts, b = Micros(v), b[n:]
	}
	if len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			return i, kv.ErrBadValue
		}
		i.uncounted = int64(v)
	}
	return i, nil
}

// guildTx is one guild in a write transaction.
type guildTx struct {
	w        *writeTx
	id       ID
	key      []byte
	info     guildInfo
	before   guildInfo // info when the transaction began
	records  *lsm.Records
	timeline *rollup.Timeline
	activity *rollup.Activity
	profiles *kv.Bucket
	channels *kv.Bucket
	texts    *crypt.Codec  // of records
	named    *crypt.Codec  // names of channels
	batch    *guildBatch   // whose records are being put
	given    []int64       // the numbers of the share's channels, -1 until they are needed
	newest   []record.Span // and the times of their records that were put
	numbers  map[Channel]uint32
	names    map[uint32]Channel
	deltas   []rollup.Delta // what was put and deleted, for flush
	// removedFrom are the users of whom records were deleted that had been there before.
	removedFrom map[ID]bool
	asked       ID // the user whom forgets was asked about last, and its answer
	answer      bool
	accounts    *kv.Bucket // state/accounts, if any are noted; see isAccount
	accounted   ID         // the same of isAccount
	account     bool
	hasMarkers  bool                       // some messages were removed, see markers.go
	quarters    map[uint32][]rollup.Moment // what the timeline says, of quarter hours that were asked for
	coming      int                        // how many records are put at once
	near        vicinity                   // of the record that is put
	room        []byte                     // for a key
}

// bulk is from how many records of a guildBatch on activity is written in bulk.
const bulk = 5000

// begin makes ready for the records of a share.
func (g *guildTx) begin(s *guildBatch) {
	if len(s.records) >= bulk {
		g.activity.Fill()
	}
	g.leave()
	g.batch, g.given, g.newest = s, make([]int64, len(s.channels)), make([]record.Span, len(s.channels))
	for i := range g.given {
		g.given[i] = -1
	}
	g.deltas = slices.Grow(g.deltas, len(s.records))
}

func (g *guildTx) flush() error {
	g.leave()
	rollup.SortDeltas(g.deltas)
	g.addTotals(g.deltas)
	plan := g.records.Plan(g.mayWait())
	if len(g.deltas) > 0 && !plan.Uncounted {
		if err := g.count(g.deltas); err != nil {
			return err
		}
	}
	if err := g.records.Apply(plan); err != nil {
		return err
	}
	if err := g.timeline.Apply(g.deltas); err != nil {
		return fmt.Errorf("guild %d: %w", g.id, err)
	}
	g.deltas = g.deltas[:0]
	clear(g.quarters)
	clear(g.removedFrom)
	if g.info == g.before {
		return nil
	}
	g.before = g.info
	return g.w.put(g.w.tx.Bucket(bucketGuilds), g.key, g.info.append(nil))
}

// numberOf returns the number of the channel of one of the share's records.
func (g *guildTx) numberOf(p *putOp) (uint32, error) {
	if n := g.given[p.channel]; n >= 0 {
		return uint32(n), nil
	}
	n, err := g.number(g.batch.channels[p.channel])
	if err == nil {
		g.given[p.channel] = int64(n)
	}
	return n, err
}

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
func uncountedOf(r *lsm.Records, user ID) []rollup.Delta {
	deltas, _ := deltasOf(r.Uncounted(), user)
	return deltas
}

// deltasOf returns what the records behind a cursor add to activity, in the order of users
// and times; only those of one user if that is not 0. all is false if some could not be
// read: of those nothing is known but that they are there.
func deltasOf(c *lsm.Cursor, user ID) (deltas []rollup.Delta, all bool) {
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
		deltas = append(deltas, rollup.Delta{User: key.User, Time: key.Time, Channel: s.Channel, By: 1})
	}
	return deltas, all
}

// count enters in activity what is uncounted, and deltas, which are in the order of users
// and times.
func (g *guildTx) count(deltas []rollup.Delta) error {
	if uncounted := uncountedOf(g.records, 0); len(uncounted) > 0 {
		deltas = append(uncounted, deltas...)
		rollup.SortDeltas(deltas)
	}
	if err := g.records.MarkCounted(); err != nil || len(deltas) == 0 {
		return err
	}
	if err := g.flushProfiles(deltas); err != nil {
		return err
	}
	return g.activity.Apply(deltas)
}

// mayWait reports whether the deltas of this transaction are records that came, and
// nothing else.
func (g *guildTx) mayWait() bool {
	return g.records.Added() == len(g.deltas) && len(g.deltas) > 0 &&
		!slices.ContainsFunc(g.deltas, func(c rollup.Delta) bool { return c.By < 0 })
}

// addTotals adds deltas, which are in the order of users, to the guild's totals. The
// records that were added have no place yet.
func (g *guildTx) addTotals(deltas []rollup.Delta) {
	users := g.records.Users()
	for i, c := range deltas {
		g.info.messages += int64(c.By)
		if i > 0 && deltas[i-1].User == c.User {
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
func (g *guildTx) flushProfiles(all []rollup.Delta) error {
	type sum struct {
		user ID
		by   int64
	}
	var sums []sum
	for rest := all; len(rest) > 0; {
		user, by, n := rest[0].User, int64(0), 0
		for ; n < len(rest) && rest[n].User == user; n++ {
			by += int64(rest[n].By)
		}
		rest = rest[n:]
		if by != 0 {
			sums = append(sums, sum{user, by})
		}
	}
	d := packed.NewWriter(g.profiles, &g.w.arena)
	return d.Update(nil, len(sums), func(i int) ID { return sums[i].user }, func(i int, old, to []byte) ([]byte, error) {
		total := sums[i].by
		if old != nil {
			before, err := decodeProfile(old)
			if err != nil {
				return nil, fmt.Errorf("%w: the profile of user %d does not decode", ErrDamaged, sums[i].user)
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
