package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"sync"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

// ChannelCount is how many messages were written in a channel.
//
// A channel is what has an id, whatever it was called, and is shown under the name that it
// has now. Records without an id, as most logs have them, count for the channel that has or
// had their channel's name, if exactly one did, and otherwise for that name.
type ChannelCount struct {
	Name     string `json:"channel_name"`
	Messages int64  `json:"messages"`
	ID       ID     `json:"channel_id,omitzero"` // 0 if not known
}

// countChannels turns counts by channel number into counts by channel.
func (db *DB) countChannels(tx *kv.Tx, r *reader, numbers iter.Seq2[int, int64]) ([]ChannelCount, error) {
	sums := map[Channel]int64{}
	for number, n := range numbers {
		if n == 0 {
			continue
		}
		c, err := r.channel(uint32(number))
		if err != nil {
			return nil, err
		}
		if c, err = db.grouped(tx, r.guild, c); err != nil {
			return nil, err
		}
		sums[c] += n
	}
	known, texts := tx.Bucket(bucketState).Bucket(stateKnown), knownTexts(db.keys)
	byID := map[ID]int{}
	counts := make([]ChannelCount, 0, len(sums))
	for c, n := range sums {
		if c.ID == 0 {
			counts = append(counts, ChannelCount{Name: c.Name, Messages: n})
			continue
		}
		if at, ok := byID[c.ID]; ok { // another name of the channel
			counts[at].Messages += n
			if counts[at].Name == UnknownChannel || counts[at].Name < c.Name && c.Name != UnknownChannel { // in case none is known as the present one
				counts[at].Name = c.Name
			}
			continue
		}
		byID[c.ID] = len(counts)
		counts = append(counts, ChannelCount{ID: c.ID, Name: c.Name, Messages: n})
	}
	for id, at := range byID {
		info, err := readChannelInfo(known, texts, r.guild, id)
		if err != nil {
			return nil, err
		}
		if info.name != "" {
			counts[at].Name = info.name
		}
	}
	slices.SortFunc(counts, func(a, b ChannelCount) int {
		if c := cmp.Compare(b.Messages, a.Messages); c != 0 {
			return c
		}
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return counts, nil
}

// grouped returns the channel with the id for which one without counts; all others stay.
func (db *DB) grouped(tx *kv.Tx, guild ID, c Channel) (Channel, error) {
	if c.ID != 0 || c.Name == UnknownChannel {
		return c, nil
	}
	ids, err := db.channelIDs.of(tx, db.keys, guild)
	if err == nil {
		c.ID = ids[c.Name]
	}
	return c, err
}

// SelectChannel returns what is Query.Channel for the channel that a caller calls by its id
// or by a name: records under that id or name, those of each channel that has the name now,
// and those without an id that count for such a channel.
func (db *DB) SelectChannel(ctx context.Context, guild ID, text string) (selects func(Channel) bool, err error) {
	ids, names := map[ID]bool{}, map[string]bool{text: true}
	if id, err := ParseID(text); err == nil { // a channel may also be called "2024"
		ids[id] = true
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		err := eachKnown(tx, db.keys, guild, func(channel ID, c channelInfo) error {
			if c.name == text {
				ids[channel] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		named, err := db.channelIDs.of(tx, db.keys, guild)
		for name, id := range named {
			if id != 0 && ids[id] {
				names[name] = true
			}
		}
		return err
	})
	return func(c Channel) bool {
		if c.ID != 0 {
			return ids[c.ID] || c.Name == text
		}
		return names[c.Name]
	}, err
}

// namedGuilds bounds of how many guilds channelIDs remembers the names.
const namedGuilds = 256

// channelIDs knows of the names that a guild's channels have had which id has each. It
// reads each channel once, when it is first asked, since a guild may have a hundred
// thousand threads.
type channelIDs struct {
	mu     sync.Mutex
	guilds map[ID]*namedIDs
}

type namedIDs struct {
	first Channel       // the one with the number 0, which tells that the guild is the same
	read  uint32        // numbers below it are in ids
	ids   map[string]ID // 0: several have had the name. Replaced, not changed
}

// of returns the ids by name, which the caller must not change.
func (k *channelIDs) of(tx *kv.Tx, keys *crypt.Keyring, guild ID) (map[string]ID, error) {
	name := bucketName(guild)
	channels := tx.Bucket(bucketChannels).Bucket(name)
	payload, err := kv.Get(tx.Bucket(bucketGuilds), kv.U64(nil, uint64(guild)))
	if err != nil || payload == nil || channels == nil {
		return nil, err
	}
	info, err := decodeGuildInfo(payload)
	if err != nil || info.channels == 0 {
		return nil, err
	}
	texts := keys.NestedTexts(bucketChannels, name)
	first, err := readChannel(channels, texts, 0)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.guilds[guild]
	if n != nil && n.first == first && n.read >= info.channels {
		return n.ids, nil
	}
	fresh := &namedIDs{first: first, ids: map[string]ID{}}
	if n != nil && n.first == first {
		fresh.read = n.read
		for name, id := range n.ids {
			fresh.ids[name] = id
		}
	}
	c := channels.Cursor()
	for key, value := c.Seek(channelNumberKey(fresh.read)); len(key) == 5 && key[0] == 0; key, value = c.Next() {
		number := binary.BigEndian.Uint32(key[1:])
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return nil, kv.Damaged(key)
		}
		channel, err := decodeChannel(texts, key, payload)
		if err != nil {
			return nil, err
		}
		fresh.read = number + 1
		if channel.ID == 0 || channel.Name == UnknownChannel {
			continue
		}
		if id, known := fresh.ids[channel.Name]; known && id != channel.ID {
			fresh.ids[channel.Name] = 0
		} else {
			fresh.ids[channel.Name] = channel.ID
		}
	}
	if len(k.guilds) >= namedGuilds || k.guilds == nil {
		k.guilds = map[ID]*namedIDs{}
	}
	k.guilds[guild] = fresh
	return fresh.ids, nil
}

// drop forgets a guild that is removed.
func (k *channelIDs) drop(guild ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.guilds, guild)
}
