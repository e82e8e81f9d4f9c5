package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
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
	// uncounted is how many traces there are of messages that never counted.
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
	share    *share        // whose records are being put
	given    []int64       // the numbers of the share's channels, -1 until they are needed
	newest   []record.Span // and the times of their records that were put
	numbers  map[Channel]uint32
	names    map[uint32]Channel
	changes  []rollup.Change // what was put and deleted, for flush
	// removedFrom are the users of whom records were deleted that had been there before.
	removedFrom map[ID]bool
	asked       ID // the user whom forgets was asked about last, and its answer
	answer      bool
	accounts    *kv.Bucket // state/tombstones, if accounts are noted there; see isAccount
	accounted   ID         // the same of isAccount
	account     bool
	traces      bool                       // some messages were removed, see traces.go
	quarters    map[uint32][]rollup.Moment // what the timeline says, of quarter hours that were asked for
	coming      int                        // how many records are put at once
	near        vicinity                   // of the record that is put
	room        []byte                     // for a key
}

// guild returns a guild's part of the transaction, making its buckets.
func (w *writeTx) guild(id ID) (*guildTx, error) {
	if g := w.guilds[id]; g != nil {
		return g, nil
	}
	g := &guildTx{w: w, id: id, key: kv.U64(nil, uint64(id)), numbers: map[Channel]uint32{}, names: map[uint32]Channel{}, quarters: map[uint32][]rollup.Moment{}, removedFrom: map[ID]bool{}}
	g.info.texts = civil.MaxMicros
	payload, err := kv.Get(w.tx.Bucket(bucketGuilds), g.key)
	if err != nil {
		return nil, err
	}
	if payload != nil {
		if g.info, err = decodeGuildInfo(payload); err != nil {
			return nil, kv.Damaged(g.key)
		}
	}
	g.before = g.info
	name := bucketName(id)
	g.texts, g.named = w.keys.NestedTexts(bucketRecords, name), w.keys.NestedTexts(bucketChannels, name)
	var main, timeline, weeks *kv.Bucket
	for i, to := range []**kv.Bucket{&main, &timeline, &weeks, &g.profiles, &g.channels} {
		if *to, err = w.tx.Bucket(perGuildBuckets[i]).CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	if g.records = lsm.Begin(main, w.tx.Bucket(bucketRecent), id, &w.arena); g.records.Damaged() {
		w.bad.note(id, g.key, kv.Damaged(g.key))
	}
	timeline.FillPercent = kv.BulkFill // it grows at its end
	g.timeline, g.activity = rollup.OpenTimeline(timeline, &w.arena), rollup.OpenActivity(weeks, &w.arena)
	g.traces = len(kv.Keys(w.state(stateTombstones), g.traceKey(nil), 1)) > 0
	if b := w.state(stateTombstones); len(kv.Keys(b, []byte{tombAccount}, 1)) > 0 {
		g.accounts = b
	}
	w.guilds[id] = g
	return g, nil
}

// Keys of channels/<guild>: 0 · number u32 gives a channel as it was (id u64 ·
// name, a text); 1 · the first 16 bytes of SHA-256(salt · id u64 · name) gives its
// number back. Names may be longer than a key.
func channelNumberKey(number uint32) []byte { return kv.U32([]byte{0}, number) }

func channelHashKey(salt []byte, c Channel) []byte {
	sum := sha256.Sum256(append(kv.U64(bytes.Clone(salt), uint64(c.ID)), c.Name...))
	return append([]byte{1}, sum[:16]...)
}

// number returns the number of a channel as it is, giving out a new one if it
// was never seen so.
func (g *guildTx) number(c Channel) (uint32, error) {
	if n, ok := g.numbers[c]; ok {
		return n, nil
	}
	hash := channelHashKey(g.w.salt, c)
	payload, err := kv.Get(g.channels, hash)
	if err != nil {
		return 0, err
	}
	if payload != nil {
		if len(payload) != 4 {
			return 0, kv.Damaged(hash)
		}
		n := binary.BigEndian.Uint32(payload)
		g.numbers[c] = n
		return n, nil
	}
	n := g.info.channels
	g.info.channels++
	key := channelNumberKey(n)
	if err := g.w.put(g.channels, key, g.named.Append(kv.U64(nil, uint64(c.ID)), key, []byte(c.Name))); err != nil {
		return 0, err
	}
	if err := g.w.put(g.channels, hash, kv.U32(nil, n)); err != nil {
		return 0, err
	}
	g.numbers[c] = n
	return n, nil
}

// bulk is from how many records of a guildBatch on activity is written in bulk.
const bulk = 5000

// begin makes ready for the records of a share.
func (g *guildTx) begin(s *share) {
	if len(s.records) >= bulk {
		g.activity.Fill()
	}
	g.leave()
	g.share, g.given, g.newest = s, make([]int64, len(s.channels)), make([]record.Span, len(s.channels))
	for i := range g.given {
		g.given[i] = -1
	}
	g.changes = slices.Grow(g.changes, len(s.records))
}

// numberOf returns the number of the channel of one of the share's records.
func (g *guildTx) numberOf(p *pending) (uint32, error) {
	if n := g.given[p.channel]; n >= 0 {
		return uint32(n), nil
	}
	n, err := g.number(g.share.channels[p.channel])
	if err == nil {
		g.given[p.channel] = int64(n)
	}
	return n, err
}

// channel returns the channel with a number.
func (g *guildTx) channel(number uint32) (Channel, error) {
	if c, ok := g.names[number]; ok {
		return c, nil
	}
	c, err := readChannel(g.channels, g.named, number)
	if err == nil {
		g.names[number] = c
	}
	return c, err
}

func readChannel(b *kv.Bucket, names *crypt.Codec, number uint32) (Channel, error) {
	key := channelNumberKey(number)
	payload, err := kv.Get(b, key)
	if err != nil {
		return Channel{}, err
	}
	return decodeChannel(names, key, payload)
}

func decodeChannel(names *crypt.Codec, key, payload []byte) (Channel, error) {
	name, err := names.Read(key, payload, 8)
	if err != nil {
		return Channel{}, err
	}
	return Channel{ID(binary.BigEndian.Uint64(payload)), string(name)}, nil
}

// flush writes what the records of this transaction changed beside them.
func (w *writeTx) flush() error {
	ids := make([]ID, 0, len(w.guilds))
	for id := range w.guilds {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := w.guilds[id].flush(); err != nil {
			return err
		}
	}
	return nil
}

func (g *guildTx) flush() error {
	g.leave()
	rollup.SortChanges(g.changes)
	g.addTotals(g.changes)
	plan := g.records.Plan(g.mayWait())
	if len(g.changes) > 0 && !plan.Uncounted {
		if err := g.count(g.changes); err != nil {
			return err
		}
	}
	if err := g.records.Apply(plan); err != nil {
		return err
	}
	if err := g.timeline.Apply(g.changes); err != nil {
		return fmt.Errorf("guild %d: %w", g.id, err)
	}
	g.changes = g.changes[:0]
	clear(g.quarters)
	clear(g.removedFrom)
	if g.info == g.before {
		return nil
	}
	g.before = g.info
	return g.w.put(g.w.tx.Bucket(bucketGuilds), g.key, g.info.append(nil))
}
