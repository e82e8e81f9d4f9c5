package store

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/rollup"
)

// writeTx is a write transaction: it puts records at once and gathers what they
// change elsewhere, which flush writes in order, each key once.
type writeTx struct {
	tx        *kv.Tx
	keys      *crypt.Keyring
	salt      []byte
	forgotten *tombstones
	kept      []keptOutMessage // for WhyKeptOut, once the transaction stands
	bad       *damaged
	gate      Gate
	early     *earlyIndex
	earlier   map[earlyKey]*earlyMark // what becomes of early once the transaction stands
	guilds    map[ID]*guildTx
	known     *crypt.Codec // of state/known, once it is needed
	arena     kv.Arena
	// outcomes are counted by Source, and into Stats once the transaction stands.
	outcomes [SourceImport + 1]Outcomes
}

// put stores payload under key with its checksum. The payload is copied.
func (w *writeTx) put(b *kv.Bucket, key, payload []byte) error {
	return w.arena.Put(b, key, payload)
}

func (w *writeTx) state(name []byte) *kv.Bucket { return w.tx.Bucket(bucketState).Bucket(name) }

func (w *writeTx) putJSON(b *kv.Bucket, key []byte, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.put(b, key, payload)
}

func getID(b *kv.Bucket, key []byte) (ID, error) {
	payload, err := kv.Get(b, key)
	if err != nil || payload == nil {
		return 0, err
	}
	if len(payload) != 8 {
		return 0, kv.Damaged(key)
	}
	return ID(binary.BigEndian.Uint64(payload)), nil
}

// lowerCount takes by from a count, whose key goes when nothing is left of it.
func (w *writeTx) lowerCount(b *kv.Bucket, key []byte, by uint64) error {
	if by == 0 {
		return nil
	}
	n, err := getID(b, key)
	if err != nil {
		return err
	}
	if uint64(n) <= by {
		return b.Delete(key)
	}
	return w.put(b, key, kv.U64(nil, uint64(n)-by))
}

// guildsFrom calls fn with the guilds from an id on until it says that it is enough.
func (w *writeTx) guildsFrom(from ID, fn func(*guildTx) (enough bool, err error)) error {
	c := w.tx.Bucket(bucketGuilds).Cursor()
	for key, _ := c.Seek(kv.U64(nil, uint64(from))); key != nil; {
		if len(key) != 8 {
			return kv.Damaged(key)
		}
		id := ID(binary.BigEndian.Uint64(key))
		g, err := w.guild(id)
		if err != nil {
			return err
		}
		if enough, err := fn(g); err != nil || enough || id == 1<<64-1 {
			return err
		}
		key, _ = c.Seek(kv.U64(nil, uint64(id)+1)) // what fn has put may have moved the cursor
	}
	return nil
}

// guild returns a guild's part of the transaction, making its buckets.
func (w *writeTx) guild(id ID) (*guildTx, error) {
	if g := w.guilds[id]; g != nil {
		return g, nil
	}
	g := &guildTx{
		w: w, id: id, key: kv.U64(nil, uint64(id)), numbers: map[Channel]uint32{}, names: map[uint32]Channel{},
		quarters: map[uint32][]rollup.Moment{}, removedFrom: map[ID]bool{},
	}
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
	g.hasMarkers = len(kv.Keys(w.state(stateMarkers), g.markerKey(nil), 1)) > 0
	if b := w.state(stateAccounts); len(kv.Keys(b, nil, 1)) > 0 {
		g.accounts = b
	}
	w.guilds[id] = g
	return g, nil
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

// Work that would make too large a transaction is done in many. It is a task in the
// file until it is finished, so it goes on after a kill; whoever does the next step
// of it, nothing is done twice.
const (
	stepRecords = 500    // records that one step changes
	stepVisits  = 20_000 // records that one step looks at
)
