package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// Coverage is what is known of a channel, or of a channel's name in logs.
type Coverage struct {
	ChannelFacts
	Guild       ID
	ID          ID // 0 if not known
	Messages    int64
	First, Last Micros // of the stored messages, if there are any
	Cursor      ID     // the last message that was seen of it, 0 if we have never listened to it
	Gaps        []Gap  // of the ledger, in its order
}

// GuildCoverage is what is known of a guild's channels.
type GuildCoverage struct {
	Guild
	Departed Micros // since when the bot is not in it any more, 0 if it is or never was
	Channels []Coverage
	Gaps     []Gap // of the ledger, that are about the guild as a whole
}

// edges bounds how many records are looked at to find the first and the last message of
// each channel exactly. Beyond that they are told to the quarter hour: its beginning for the
// first, its end for the last.
const edges = 300_000

// Coverage returns what is known of the channels of a guild, or of every guild (0), by guild
// and by name. It reads the users' weeks, the ledger, and, of the records, those of the first
// and the last quarter hour of each channel, without texts.
func (db *DB) Coverage(ctx context.Context, guild ID) ([]GuildCoverage, error) {
	return db.coverage(ctx, guild, false)
}

// CoverageByID is Coverage as if no record lacked its channel's id, as those of most logs do.
func (db *DB) CoverageByID(ctx context.Context, guild ID) ([]GuildCoverage, error) {
	return db.coverage(ctx, guild, true)
}

func (db *DB) coverage(ctx context.Context, guild ID, byID bool) (all []GuildCoverage, err error) {
	ids := []ID{guild}
	var gaps map[ID][]Gap
	err = db.view(ctx, func(tx *kv.Tx) (err error) {
		if guild == 0 {
			if ids, err = knownGuilds(tx); err != nil {
				return err
			}
		}
		gaps, err = ledgerOf(ctx, tx, guild)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		g, err := db.coverageOf(ctx, id, gaps[id], byID)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// ledgerOf returns the ledger by guild, of one guild alone unless that is 0.
func ledgerOf(ctx context.Context, tx *kv.Tx, guild ID) (map[ID][]Gap, error) {
	gaps, visits := map[ID][]Gap{}, 0
	c := tx.Bucket(bucketState).Bucket(stateGaps).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if visits++; visits&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return nil, kv.Damaged(key)
		}
		var g Gap
		if err := json.Unmarshal(payload, &g); err != nil {
			return nil, kv.DecodeJSON(key, payload, &g)
		}
		if guild == 0 || g.Guild == guild {
			gaps[g.Guild] = append(gaps[g.Guild], g)
		}
	}
	return gaps, nil
}

// extent is how many messages a channel's number has, and in which quarter hours the first
// and the last of them are.
type extent struct {
	messages    int64
	first, last uint32
}

func (e *extent) add(o extent) {
	if e.messages == 0 {
		*e = o
		return
	}
	e.messages += o.messages
	e.first, e.last = min(e.first, o.first), max(e.last, o.last)
}

func (db *DB) coverageOf(ctx context.Context, guild ID, gaps []Gap, byID bool) (g GuildCoverage, err error) {
	var extents []extent // by the channel's number
	from, end := civil.Days{}.Quarters()
	err = db.scanActivity(ctx, guild, from, end, activityPage, func(week uint32, _ ID, cells []rollup.Cell) {
		for _, c := range cells {
			for int(c.Channel) >= len(extents) {
				extents = append(extents, extent{})
			}
			q := week*civil.WeekQuarters + uint32(c.Quarter)
			extents[c.Channel].add(extent{c.Count, q, q})
		}
	})
	if err != nil {
		return g, err
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		if byID {
			if err := db.withoutNames(tx, guild, extents); err != nil {
				return err
			}
		}
		g, err = db.coverageIn(ctx, tx, guild, gaps, extents)
		return err
	})
	return g, err
}

// withoutNames empties the extents of the numbers of which a name alone is known.
func (db *DB) withoutNames(tx *kv.Tx, guild ID, extents []extent) error {
	r := openReader(tx, db.keys, guild)
	if r == nil {
		return nil
	}
	for i := range extents {
		if extents[i].messages == 0 {
			continue
		}
		c, err := r.channel(uint32(i))
		if err != nil {
			return err
		}
		if c.ID == 0 {
			extents[i] = extent{}
		}
	}
	return nil
}

func (db *DB) coverageIn(ctx context.Context, tx *kv.Tx, guild ID, gaps []Gap, extents []extent) (g GuildCoverage, err error) {
	g.ID = guild
	key := kv.U64(nil, uint64(guild))
	if value := tx.Bucket(bucketGuilds).Get(key); value != nil {
		if g.Guild, err = readGuild(tx, db.keys, key, value); err != nil {
			return g, err
		}
	}
	if g.Name, err = readName(tx, db.keys, guild, 0); err != nil {
		return g, err
	}
	left, err := getID(tx.Bucket(bucketState).Bucket(stateDeparted), key)
	if err != nil {
		return g, err
	}
	g.Departed = Micros(left)
	found := map[Channel]*Coverage{} // by id, or by name
	of := func(c Channel) *Coverage {
		if c.ID != 0 {
			c.Name = ""
		}
		if found[c] == nil {
			found[c] = &Coverage{Guild: guild, ID: c.ID, ChannelFacts: ChannelFacts{Name: c.Name}}
		}
		return found[c]
	}
	err = eachKnown(tx, db.keys, guild, func(channel ID, c channelInfo) error {
		of(Channel{ID: channel}).ChannelFacts = c.facts()
		return nil
	})
	if err != nil {
		return g, err
	}
	if err := eachCursor(tx, stateCursors, guild, func(channel, last ID) { of(Channel{ID: channel}).Cursor = last }); err != nil {
		return g, err
	}
	eachUnreadable(tx, guild, func(channel ID) { of(Channel{ID: channel}) })
	for _, gap := range gaps {
		if gap.ofGuild() {
			g.Gaps = append(g.Gaps, gap)
		} else {
			c := of(Channel{ID: gap.Channel})
			c.Gaps = append(c.Gaps, gap)
		}
	}
	if err := db.measure(ctx, tx, guild, extents, of); err != nil {
		return g, err
	}
	for c := range maps.Values(found) {
		if err := c.readUnread(tx, guild, c.ID); err != nil {
			return g, err
		}
		if c.Name == "" {
			c.Name = UnknownChannel
		}
		g.Channels = append(g.Channels, *c)
	}
	slices.SortFunc(g.Channels, func(a, b Coverage) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return g, nil
}

// eachUnreadable calls fn with the channels of a guild that cannot be read.
func eachUnreadable(tx *kv.Tx, guild ID, fn func(channel ID)) {
	c := tx.Bucket(bucketState).Bucket(stateUnreadable).Cursor()
	prefix := kv.U64(nil, uint64(guild))
	for key, _ := c.Seek(prefix); len(key) == 16 && string(key[:8]) == string(prefix); key, _ = c.Next() {
		fn(ID(binary.BigEndian.Uint64(key[8:])))
	}
}

// edge is a quarter hour in which a channel's first or last message is looked for.
type edge struct {
	channel *Coverage
	numbers map[uint32]bool
	first   bool
}

// measure finds out how many messages each channel has, and when the first and the last was
// said.
func (db *DB) measure(ctx context.Context, tx *kv.Tx, guild ID, extents []extent, of func(Channel) *Coverage) error {
	r := openReader(tx, db.keys, guild)
	if r == nil {
		return nil
	}
	sums, numbers := map[*Coverage]extent{}, map[*Coverage]map[uint32]bool{}
	for i, e := range extents {
		if e.messages <= 0 {
			continue
		}
		number := uint32(i)
		channel, err := r.channel(number)
		if err == nil {
			channel, err = db.grouped(tx, guild, channel)
		}
		if err != nil {
			return err
		}
		c := of(channel)
		if channel.ID != 0 && c.Name == "" {
			c.Name = channel.Name
		}
		sum := sums[c]
		sum.add(e)
		sums[c] = sum
		if numbers[c] == nil {
			numbers[c] = map[uint32]bool{}
		}
		numbers[c][number] = true
	}
	quarters := map[uint32][]edge{}
	for c, e := range sums {
		c.Messages = e.messages
		c.First, c.Last = civil.QuarterStart(e.first), civil.QuarterStart(e.last+1)-1
		quarters[e.first] = append(quarters[e.first], edge{c, numbers[c], true})
		quarters[e.last] = append(quarters[e.last], edge{c, numbers[c], false})
	}
	visits := 0
	for _, q := range slices.Sorted(maps.Keys(quarters)) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if visits > edges {
			return nil
		}
		n, err := r.findEdges(q, quarters[q])
		if err != nil {
			return err
		}
		visits += n
	}
	return nil
}

// findEdges finds first and last messages in a quarter hour, and says how many records it
// looked at. Records that cannot be read are left out.
func (r *reader) findEdges(q uint32, wanted []edge) (visits int, err error) {
	from, to := civil.QuarterStart(q), civil.QuarterStart(q+1)-1
	open := map[*Coverage]bool{}
	err = r.guildBackwards(from, to, nil, func(key record.Key, b, value []byte) (bool, error) {
		visits++
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			return true, nil
		}
		for _, e := range wanted {
			switch {
			case !e.numbers[s.Channel]:
			case e.first:
				e.channel.First = key.Time
			case !open[e.channel]:
				open[e.channel] = true
				e.channel.Last = key.Time
			}
		}
		return true, nil
	})
	return visits, err
}
