package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

// channelInfo is what is known of a channel beside its records: a text in state/known, so
// that its name is encrypted where texts are.
type channelInfo struct {
	named  Micros // the name was the channel's then, and may be nameAge younger
	since  Micros // what has been said from then on reached us, or is a gap in the ledger
	after  ID     // the last message before since, 0 if that is not known
	heard  bool   // since is set
	gone   bool   // it was deleted
	parent ID
	name   string // "" if not known
}

const channelInfoSize = 8 + 8 + 1 + 1 + 8 + 8

func (c channelInfo) append(b []byte) []byte {
	b = kv.U64(kv.U64(b, uint64(c.named)), uint64(c.since))
	flag := func(is bool) byte {
		if is {
			return 1
		}
		return 0
	}
	return append(kv.U64(kv.U64(append(b, flag(c.heard), flag(c.gone)), uint64(c.parent)), uint64(c.after)), c.name...)
}

func decodeChannelInfo(b []byte) (c channelInfo, err error) {
	if len(b) < channelInfoSize || b[16] > 1 || b[17] > 1 {
		return c, kv.ErrBadValue
	}
	c.named, c.since = Micros(binary.BigEndian.Uint64(b)), Micros(binary.BigEndian.Uint64(b[8:]))
	c.heard, c.gone, c.parent = b[16] == 1, b[17] == 1, ID(binary.BigEndian.Uint64(b[18:]))
	c.after = ID(binary.BigEndian.Uint64(b[26:]))
	c.name = string(b[channelInfoSize:])
	return c, nil
}

func knownTexts(keys *crypt.Keyring) *crypt.Codec { return keys.NestedTexts(bucketState, stateKnown) }

func readChannelInfo(b *kv.Bucket, texts *crypt.Codec, guild, channel ID) (c channelInfo, err error) {
	var room [16]byte
	key := kv.U64(kv.U64(room[:0], uint64(guild)), uint64(channel))
	text, err := texts.Get(b, key)
	if err != nil || text == nil {
		return c, err
	}
	if c, err = decodeChannelInfo(text); err != nil {
		return c, kv.Damaged(key)
	}
	return c, nil
}

// noteChannel changes what is known of a channel. change reports whether it did.
func (w *writeTx) noteChannel(guild, channel ID, change func(*channelInfo) bool) error {
	b := w.state(stateKnown)
	if w.known == nil {
		w.known = knownTexts(w.keys)
	}
	c, err := readChannelInfo(b, w.known, guild, channel)
	if err != nil {
		return err
	}
	if !change(&c) {
		return nil
	}
	key := kv.U64(kv.U64(nil, uint64(guild)), uint64(channel))
	return w.put(b, key, w.known.Append(nil, key, c.append(nil)))
}

// nameAge is how much younger than named a message under the same name has to be to be noted:
// what is said in a channel must not cost a write for its name each time.
const nameAge Micros = 60 * 1e6

// call gives the channel a name that it had at an instant, unless a later one is known.
func (c *channelInfo) call(name string, at Micros) (changed bool) {
	if name == "" || name == UnknownChannel || c.name != "" && at <= c.named || c.name == name && at < c.named+nameAge {
		return false
	}
	c.name, c.named = name[:min(len(name), maxNameBytes)], at
	return true
}

// noteNames notes the names of the channels whose records were just put.
func (g *guildTx) noteNames() error {
	for i, c := range g.batch.channels {
		if c.ID == 0 || !g.newest[i].Set {
			continue
		}
		if err := g.w.noteChannel(g.id, c.ID, func(k *channelInfo) bool { return k.call(c.Name, g.newest[i].Max) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *writeTx) putChannels(channels []ChannelSeen) error {
	for _, s := range channels {
		err := w.noteChannel(s.Guild, s.Channel, func(c *channelInfo) bool {
			// Every start tells of every channel, and nearly always nothing new.
			changed := c.name != s.Name && c.call(s.Name, s.At)
			if s.Gone != c.gone {
				c.gone, changed = s.Gone, true
			}
			if s.Since != 0 && !c.heard {
				c.since, c.after, c.heard, changed = s.Since, s.After, true, true
			}
			if s.Parent != 0 && s.Parent != c.parent {
				c.parent, changed = s.Parent, true
			}
			return changed
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachKnown calls fn with what is known of the channels of a guild, by id.
func eachKnown(tx *kv.Tx, keys *crypt.Keyring, guild ID, fn func(channel ID, c channelInfo) error) error {
	texts := knownTexts(keys)
	cursor := tx.Bucket(bucketState).Bucket(stateKnown).Cursor()
	for key, value := cursor.Seek(kv.U64(nil, uint64(guild))); key != nil && ID(binary.BigEndian.Uint64(key)) == guild; key, value = cursor.Next() {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) != 16 {
			return kv.Damaged(key)
		}
		text, err := texts.Read(key, payload, 0)
		if err != nil {
			return err
		}
		c, err := decodeChannelInfo(text)
		if err != nil {
			return kv.Damaged(key)
		}
		if err := fn(ID(binary.BigEndian.Uint64(key[8:])), c); err != nil {
			return err
		}
	}
	return nil
}

// ChannelName returns the name that a channel of a guild has now, as far as is known, "" if
// it is not.
func (db *DB) ChannelName(ctx context.Context, guild, channel ID) (name string, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		c, err := readChannelInfo(tx.Bucket(bucketState).Bucket(stateKnown), knownTexts(db.keys), guild, channel)
		name = c.name
		return err
	})
	return name, err
}

const (
	UncountedBot     Uncounted = 1 // a bot wrote it
	UncountedWebhook Uncounted = 2
	UncountedSystem  Uncounted = 3 // Discord's own: somebody joined, a thread began
)

// passedLimit bounds how many are remembered, some 40 MB: those with the youngest ids.
const passedLimit = 1_000_000

// The keys of state/passed are messages' ids, which are in the order of time; the one of
// zeros, which is no message's, counts them.
var passedCount = make([]byte, 8)

const passedSize = 8 + 8 + 1

func (p Passed) append(b []byte) []byte {
	return append(kv.U64(kv.U64(b, uint64(p.Guild)), uint64(p.Channel)), byte(p.Why))
}

func decodePassed(key, payload []byte) (p Passed, ok bool) {
	if len(key) != 8 || len(payload) != passedSize || payload[16] < byte(UncountedBot) || payload[16] > byte(UncountedSystem) {
		return p, false
	}
	return Passed{
		Guild: ID(binary.BigEndian.Uint64(payload)), Channel: ID(binary.BigEndian.Uint64(payload[8:])),
		Message: ID(binary.BigEndian.Uint64(key)), Why: Uncounted(payload[16]),
	}, true
}

func (w *writeTx) putPassed(passed []Passed) error {
	if len(passed) == 0 {
		return nil
	}
	b := w.state(statePassed)
	count, err := getID(b, passedCount)
	if err != nil {
		return err
	}
	passed = slices.Clone(passed)
	slices.SortFunc(passed, func(a, b Passed) int { return cmp.Compare(a.Message, b.Message) })
	for _, p := range passed {
		key := kv.U64(nil, uint64(p.Message))
		if p.Message == 0 || b.Get(key) != nil {
			continue
		}
		if err := w.put(b, key, p.append(nil)); err != nil {
			return err
		}
		count++
	}
	if count > passedLimit {
		old := kv.Keys(b, nil, int(min(count-passedLimit, stepRecords))+1)
		for _, key := range old[1:] { // the first one counts
			if err := b.Delete(key); err != nil {
				return err
			}
			count--
		}
	}
	return w.put(b, passedCount, kv.U64(nil, uint64(count)))
}

// erasePassed removes those of a guild, at most so many as a step may.
func (w *writeTx) erasePassed(guild ID) (int, error) {
	b := w.state(statePassed)
	var keys [][]byte
	err := b.ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		if p, ok := decodePassed(key, payload); ok && p.Guild == guild && len(keys) < stepRecords {
			keys = append(keys, slices.Clone(key))
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	count, err := getID(b, passedCount)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), w.put(b, passedCount, kv.U64(nil, uint64(count)-uint64(len(keys))))
}

func readPassed(tx *kv.Tx, message ID) (p Passed, known bool, err error) {
	key := kv.U64(nil, uint64(message))
	payload, err := kv.Get(tx.Bucket(bucketState).Bucket(statePassed), key)
	if err != nil || payload == nil {
		return p, false, err
	}
	if p, known = decodePassed(key, payload); !known {
		err = kv.Damaged(key)
	}
	return p, known, err
}
