package store

import (
	"context"
	"encoding/binary"
	"slices"

	"rollcall/store/internal/kv"
)

// ChannelCursor says that everything up to message Last of a channel has been
// taken in, or is part of a gap that is in the ledger.
type ChannelCursor struct {
	Guild   ID
	Channel ID
	Last    ID
}

// GuildCursors are instants in the life of a guild, each as the id of a message of that
// instant; 0 if it is not known.
type GuildCursors struct {
	// Seen is the id that Discord would have made when it told of the guild first. What was
	// before is history, also in threads that are found later.
	Seen ID
	// Heard is the youngest message that we heard of while we listened.
	Heard ID
	// Away and Rechecked are where the oldest absence began after which the history has not
	// been read once more, and the youngest one after which it has. While Away is above
	// Rechecked, that is still to be done.
	Away, Rechecked ID
}

// GuildCursor moves the cursors of a guild.
type GuildCursor struct {
	Guild ID
	GuildCursors
}

// Max returns, of each cursor, the further one.
func (c GuildCursors) Max(o GuildCursors) GuildCursors {
	return GuildCursors{
		Seen: max(c.Seen, o.Seen), Heard: max(c.Heard, o.Heard),
		Away: max(c.Away, o.Away), Rechecked: max(c.Rechecked, o.Rechecked),
	}
}

// The value of a guild's cursors: four ids.
const guildCursorsSize = 4 * 8

func (c GuildCursors) append(b []byte) []byte {
	for _, id := range []ID{c.Seen, c.Heard, c.Away, c.Rechecked} {
		b = kv.U64(b, uint64(id))
	}
	return b
}

func getGuildCursors(b *kv.Bucket, guild ID) (c GuildCursors, err error) {
	key := kv.U64(nil, uint64(guild))
	payload, err := kv.Get(b, key)
	if err != nil || payload == nil {
		return c, err
	}
	if len(payload) != guildCursorsSize {
		return c, kv.Damaged(key)
	}
	for i, to := range []*ID{&c.Seen, &c.Heard, &c.Away, &c.Rechecked} {
		*to = ID(binary.BigEndian.Uint64(payload[8*i:]))
	}
	return c, nil
}

func channelKey(guild, channel ID) []byte {
	return kv.U64(kv.U64(make([]byte, 0, 16), uint64(guild)), uint64(channel))
}

// putCursors moves cursors of channels forward, never back: batches may come out of order.
func (w *writeTx) putCursors(bucket []byte, cursors []ChannelCursor) error {
	if len(cursors) == 0 {
		return nil // without opening the bucket
	}
	b := w.state(bucket)
	for _, c := range cursors {
		key := channelKey(c.Guild, c.Channel)
		before, err := getID(b, key)
		if err != nil {
			return err
		}
		if c.Last <= before {
			continue
		}
		if err := w.put(b, key, kv.U64(nil, uint64(c.Last))); err != nil {
			return err
		}
	}
	return nil
}

// putGuildCursors moves those of guilds, as putCursors does.
func (w *writeTx) putGuildCursors(cursors []GuildCursor) error {
	if len(cursors) == 0 {
		return nil
	}
	b := w.state(stateGuildCursors)
	for _, c := range cursors {
		before, err := getGuildCursors(b, c.Guild)
		if err != nil {
			return err
		}
		after := before.Max(c.GuildCursors)
		if after == before {
			continue
		}
		if err := w.put(b, kv.U64(nil, uint64(c.Guild)), after.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// Cursors returns the last message id seen of each channel of a guild.
func (db *DB) Cursors(ctx context.Context, guild ID) (map[ID]ID, error) {
	return db.cursorsIn(ctx, stateCursors, guild)
}

// Floors returns the floors of a guild's channels; see Floor.
func (db *DB) Floors(ctx context.Context, guild ID) (map[ID]ID, error) {
	return db.cursorsIn(ctx, stateFloors, guild)
}

func (db *DB) cursorsIn(ctx context.Context, bucket []byte, guild ID) (map[ID]ID, error) {
	cursors := map[ID]ID{}
	err := db.view(ctx, func(tx *kv.Tx) error {
		return eachCursor(tx, bucket, guild, func(channel, last ID) { cursors[channel] = last })
	})
	return cursors, err
}

// eachCursor calls fn with what a bucket of cursors has of a guild's channels, by channel.
func eachCursor(tx *kv.Tx, bucket []byte, guild ID, fn func(channel, last ID)) error {
	c := tx.Bucket(bucketState).Bucket(bucket).Cursor()
	prefix := kv.U64(nil, uint64(guild))
	for key, value := c.Seek(prefix); len(key) >= 8 && string(key[:8]) == string(prefix); key, value = c.Next() {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) != 16 || len(payload) != 8 {
			return kv.Damaged(key)
		}
		fn(ID(binary.BigEndian.Uint64(key[8:])), ID(binary.BigEndian.Uint64(payload)))
	}
	return nil
}

// Floor returns the message up to which all that was said in a channel is history: the
// channel's last one when it was met, if that was after its guild, or else GuildCursors.Seen.
func (db *DB) Floor(ctx context.Context, guild, channel ID) (floor ID, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		state := tx.Bucket(bucketState)
		of, err := getGuildCursors(state.Bucket(stateGuildCursors), guild)
		if err != nil {
			return err
		}
		floor, err = getID(state.Bucket(stateFloors), channelKey(guild, channel))
		floor = max(floor, of.Seen)
		return err
	})
	return floor, err
}

// GuildCursors returns the cursors of a guild as a whole.
func (db *DB) GuildCursors(ctx context.Context, guild ID) (c GuildCursors, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		c, err = getGuildCursors(tx.Bucket(bucketState).Bucket(stateGuildCursors), guild)
		return err
	})
	return c, err
}

// GuildsListened returns the guilds that have cursors, by id: those in which the bot has
// been, unlike those of which only logs have told.
func (db *DB) GuildsListened(ctx context.Context) (guilds []ID, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		guilds, err = guildsIn(listenedBuckets(tx)...)
		return err
	})
	return guilds, err
}

// listenedBuckets are those that have something of each guild in which the bot has been.
func listenedBuckets(tx *kv.Tx) []*kv.Bucket {
	state := tx.Bucket(bucketState)
	return []*kv.Bucket{state.Bucket(stateGuildCursors), state.Bucket(stateCursors)}
}

// knownGuilds returns the guilds that have records or cursors, by id.
func knownGuilds(tx *kv.Tx) ([]ID, error) {
	return guildsIn(append(listenedBuckets(tx), tx.Bucket(bucketGuilds))...)
}

// guildsIn returns the guilds that the keys of some buckets begin with, by id.
func guildsIn(buckets ...*kv.Bucket) (guilds []ID, err error) {
	for _, b := range buckets {
		c := b.Cursor()
		for key, _ := c.First(); key != nil; {
			if len(key) < 8 {
				return nil, kv.Damaged(key)
			}
			guild := ID(binary.BigEndian.Uint64(key))
			guilds = append(guilds, guild)
			if guild == 1<<64-1 {
				break
			}
			key, _ = c.Seek(kv.U64(nil, uint64(guild)+1))
		}
	}
	slices.Sort(guilds)
	return slices.Compact(guilds), nil
}
