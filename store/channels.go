package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

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

// channelsOf returns a guild's channels as they were, by number, those ever seen.
func channelsOf(b *kv.Bucket, names *crypt.Codec) func(uint32) (Channel, error) {
	known := map[uint32]Channel{}
	return func(number uint32) (Channel, error) {
		if c, ok := known[number]; ok {
			return c, nil
		}
		if len(known) >= 1<<14 { // a page of records, not a guild's whole past
			clear(known)
		}
		c, err := readChannel(b, names, number)
		if err == nil {
			known[number] = c
		}
		return c, err
	}
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
