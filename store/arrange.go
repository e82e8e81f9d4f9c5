package store

import (
	"cmp"
	"fmt"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// guildBatch is what one transaction puts into one guild.
type guildBatch struct {
	guild    ID
	channels []Channel // of the records, each once
	records  []putOp   // in the order of their keys and, of equal keys, of their batches
}

// putOp is a record on its way into a guild, with its key.
type putOp struct {
	key     record.Key
	content string
	more    *Record // nil for a log line, of which there is no more to know
	channel int32   // which one of the share's
	batch   int32   // which one it is of, of those that are stored together
	gone    bool    // the text is not to be kept
	out     bool    // nothing is: the gate does not let it in
}

// kept is what is stored of the text.
func (p *putOp) kept() string {
	if p.gone {
		return ""
	}
	return p.content
}

// prepare makes the shares of batches that are stored together, in the order of
// guilds. All of a guild's records are sorted as a whole: bbolt splits its pages
// when the transaction ends, so until then records in the order of several files
// would be inserted in the middle of ever larger ones.
func (db *DB) prepare(batches ...[]Record) ([]guildBatch, error) {
	a := batchBuilder{gate: db.guard(), salt: db.salt, at: map[ID]int{}, channels: map[guildChannel]int32{}}
	for _, records := range batches {
		for i := range records {
			if err := a.count(&records[i]); err != nil {
				return nil, err
			}
		}
	}
	for i := range a.batches {
		a.batches[i].records = make([]putOp, 0, a.counts[i])
	}
	for i, records := range batches {
		for k := range records {
			a.add(&records[k], int32(i))
		}
	}
	for i := range a.batches {
		a.batches[i].sort()
	}
	slices.SortFunc(a.batches, func(a, b guildBatch) int { return cmp.Compare(a.guild, b.guild) })
	return a.batches, nil
}

type batchBuilder struct {
	gate     Gate
	salt     []byte
	batches  []guildBatch
	counts   []int      // of the shares' records
	at       map[ID]int // guilds' places in shares
	last     int        // the place of the record before
	channels map[guildChannel]int32
	channel  Channel // of the record before, and its place in its share
	number   int32
	buffer   []byte
}

type guildChannel struct {
	share int
	Channel
}

func (a *batchBuilder) count(r *Record) error {
	if r.Guild == 0 || r.User == 0 || r.Time < civil.MinMicros || r.Time > civil.MaxMicros {
		return fmt.Errorf("record of guild %d, user %d at %d µs: not to be stored", r.Guild, r.User, r.Time)
	}
	a.counts[a.batch(r.Guild)]++
	return nil
}

// batch returns the place of a guild's share, which it makes if need be. Most
// records are of the guild of the one before.
func (a *batchBuilder) batch(guild ID) int {
	if a.last < len(a.batches) && a.batches[a.last].guild == guild {
		return a.last
	}
	i, ok := a.at[guild]
	if !ok {
		i = len(a.batches)
		a.batches, a.counts = append(a.batches, guildBatch{guild: guild}), append(a.counts, 0)
		a.at[guild] = i
	}
	a.last, a.number = i, -1
	return i
}

func (a *batchBuilder) add(r *Record, batch int32) {
	out := !a.gate.admits(r)
	s := &a.batches[a.batch(r.Guild)]
	if a.number < 0 || r.Channel != a.channel {
		a.channel, a.number = r.Channel, s.channelPlace(a.channels, a.last, r.Channel)
	}
	key, more := record.Key{User: r.User, Time: r.Time, ID: uint64(r.Message)}, r
	if r.Message == 0 {
		key.ID, a.buffer = record.LogKey(a.salt, a.buffer, r.Channel.Name, r.Content)
		more = nil
	}
	s.records = append(s.records, putOp{key, r.Content, more, a.number, batch, r.Redacted, out})
}

func (s *guildBatch) channelPlace(places map[guildChannel]int32, share int, c Channel) int32 {
	key := guildChannel{share, c}
	place, ok := places[key]
	if !ok {
		place = int32(len(s.channels))
		s.channels = append(s.channels, c)
		places[key] = place
	}
	return place
}

// sort sorts the records. They mostly come in the order of time, and then gathering
// those of each user is all there is to do.
func (s *guildBatch) sort() {
	s.records = kv.GroupBy(s.records, func(p *putOp) ID { return p.key.User })
	for rest := s.records; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].key.User == rest[0].key.User {
			n++
		}
		slices.SortFunc(rest[:n], func(a, b putOp) int {
			if c := a.key.Compare(b.key); c != 0 {
				return c
			}
			return int(a.batch - b.batch)
		})
		rest = rest[n:]
	}
}
