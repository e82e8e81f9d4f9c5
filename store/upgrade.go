package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
)

const formatVersion = 5

// steps[i] changes a file of format i+1 to format i+2.
var steps = []step{whole(toFormatTwo), whole(toFormatThree), whole(toFormatFour), toFormatFive}

// A step sees to at most so many keys in a transaction, from at on, nil at the beginning.
// It returns where to go on, nil at its end. The file is of the new format from the first
// transaction on, so that no older build opens what is done by half, and of no use before
// the last: Open goes on.
type step func(db *DB, tx *kv.Tx, at []byte, most int) (next []byte, err error)

// whole is a step that is done in one transaction.
func whole(do func(*DB, *kv.Tx) error) step {
	return func(db *DB, tx *kv.Tx, _ []byte, _ int) ([]byte, error) { return nil, do(db, tx) }
}

// upgradeKeys is how many keys one transaction of an upgrade sees to: some megabytes.
const upgradeKeys = 20_000

// upgrade brings the file up to date. It stops in front of damage, too: a step adds what its
// format brought and nothing that should have been there before.
func (db *DB) upgrade() error {
	for db.isOld() {
		if err := db.upgradeOnce(upgradeKeys); err != nil {
			return err
		}
	}
	return nil
}

// isOld reports whether there is anything left to upgrade.
func (db *DB) isOld() bool { return db.format < formatVersion || db.unfinished != nil }

// upgradeOnce does one transaction of the upgrade.
func (db *DB) upgradeOnce(most int) error {
	from := db.format
	if db.unfinished != nil {
		from--
	}
	var next []byte
	err := db.file.Update(context.Background(), func(tx *kv.Tx) (err error) {
		if next, err = steps[from-1](db, tx, db.unfinished, most); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		if next == nil {
			err = meta.Delete(keyUpgrade)
		} else {
			err = meta.Put(keyUpgrade, kv.Seal(keyUpgrade, bytes.Clone(next)))
		}
		return errors.Join(err, meta.Put(keyFormat, kv.Seal(keyFormat, kv.U32(nil, uint32(from+1)))))
	})
	if err != nil {
		return fmt.Errorf("bring it from format %d to %d: %w", from, from+1, err)
	}
	db.format, db.unfinished = from+1, next
	return nil
}

// OldFormat reports whether the file is of an older format, or not quite of the present one
// since its upgrade was stopped, and, opened for reading alone, is left so.
func (db *DB) OldFormat() bool { return db.options.ReadOnly && db.isOld() }

// toFormatTwo makes the bucket of tombstones, gives the hashes of channels their salt,
// and packs activity and profiles, which had a key for each user.
func toFormatTwo(_ *DB, tx *kv.Tx) error {
	if err := addStateBuckets(tx, stateTombstones); err != nil {
		return err
	}
	salt, ok := metaValue(tx.Bucket(bucketMeta), crypt.SaltKey, crypt.SaltSize)
	if !ok {
		return kv.Damaged(crypt.SaltKey)
	}
	if err := saltChannelKeys(tx, salt); err != nil {
		return err
	}
	for _, top := range [][]byte{bucketActivity, bucketProfiles} {
		parent := tx.Bucket(top)
		if parent == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, top)
		}
		var guilds [][]byte
		if err := parent.ForEachBucket(func(name []byte) error {
			guilds = append(guilds, bytes.Clone(name))
			return nil
		}); err != nil {
			return err
		}
		for _, guild := range guilds {
			if err := packUsers(tx, parent, guild); err != nil {
				return err
			}
		}
	}
	return nil
}

// toFormatThree makes the bucket of recent records. Those of user_stats may now be
// blocks of several; a key for each, as it was, is a block, too.
func toFormatThree(_ *DB, tx *kv.Tx) error {
	_, err := tx.CreateBucketIfNotExists(bucketRecent)
	return err
}

// toFormatFour makes the buckets of formatFourTop and formatFourState, empty, and leaves the
// task of pairing what older builds did not (pairing.go). A record may have fields from now on
// (record/value.go) that older builds would drop when they rewrite it.
func toFormatFour(db *DB, tx *kv.Tx) error {
	for _, name := range formatFourTop {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	if err := errors.Join(addStateBuckets(tx, formatFourState...), pairAgain(tx)); err != nil {
		return err
	}
	return nameChannels(db, tx)
}

// pairAgain leaves the task of pairing for every guild, where format 4 had tasks.
func pairAgain(tx *kv.Tx) error {
	return tx.Bucket(bucketGuilds).ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) != 8 {
			return kv.Damaged(key)
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return kv.Damaged(key)
		}
		if !info.mayPair() {
			return nil
		}
		task := append([]byte{tombTask}, Task{taskPair, ID(binary.BigEndian.Uint64(key)), 0}.key()...)
		return tx.Bucket(bucketState).Bucket(stateTombstones).Put(task, kv.Seal(task, nil))
	})
}

// nameChannels takes the name that each channel was met under last for its present one, until
// something younger tells another. Names that are not opened (CheckUnopened) are left out.
func nameChannels(db *DB, tx *kv.Tx) error {
	if db.keys.SkipDecrypt {
		return nil
	}
	w := &writeTx{tx: tx, keys: db.keys}
	return tx.Bucket(bucketGuilds).ForEach(func(b, _ []byte) error {
		if len(b) != 8 {
			return kv.Damaged(b)
		}
		guild := ID(binary.BigEndian.Uint64(b))
		channels := tx.Bucket(bucketChannels).Bucket(bucketName(guild))
		if channels == nil {
			return nil
		}
		texts := db.keys.NestedTexts(bucketChannels, bucketName(guild))
		cursor := channels.Cursor()
		for key, value := cursor.First(); len(key) == 5 && key[0] == 0; key, value = cursor.Next() {
			payload, ok := kv.Unseal(key, value)
			if !ok {
				return kv.Damaged(key)
			}
			c, err := decodeChannel(texts, key, payload)
			if err != nil {
				return err
			}
			if c.ID == 0 || c.Name == UnknownChannel {
				continue
			}
			if err := w.noteChannel(guild, c.ID, func(k *channelInfo) bool {
				k.name, k.named = c.Name, civil.MinMicros
				return true
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func addStateBuckets(tx *kv.Tx, names ...[]byte) error {
	state := tx.Bucket(bucketState)
	if state == nil {
		return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, bucketState)
	}
	for _, name := range names {
		if _, err := state.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// saltChannelKeys makes the hashes by which channels are found anew.
func saltChannelKeys(tx *kv.Tx, salt []byte) error {
	all := tx.Bucket(bucketChannels)
	if all == nil {
		return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, bucketChannels)
	}
	return all.ForEachBucket(func(guild []byte) error {
		b, names := all.Bucket(guild), crypt.NewKeyring(nil).NestedTexts(bucketChannels, guild)
		var old, fresh [][]byte
		err := b.ForEach(func(key, value []byte) error {
			payload, ok := kv.Unseal(key, value)
			if !ok {
				return kv.Damaged(key)
			}
			if key[0] != 0 {
				old = append(old, bytes.Clone(key))
				return nil
			}
			c, err := decodeChannel(names, key, payload)
			hash := channelHashKey(salt, c)
			fresh = append(fresh, hash, kv.Seal(hash, bytes.Clone(key[1:])))
			return err
		})
		for _, key := range old {
			err = errors.Join(err, b.Delete(key))
		}
		for i := 0; i < len(fresh); i += 2 {
			err = errors.Join(err, b.Put(fresh[i], fresh[i+1]))
		}
		return err
	})
}

// packUsers makes a packed bucket of one whose keys are prefix · user.
func packUsers(tx *kv.Tx, parent *kv.Bucket, name []byte) error {
	type group struct {
		prefix []byte
		users  []packed.Entry
	}
	var groups []group
	err := parent.Bucket(name).ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) < 8 {
			return kv.Damaged(key)
		}
		prefix := key[:len(key)-8]
		if n := len(groups); n == 0 || !bytes.Equal(groups[n-1].prefix, prefix) {
			groups = append(groups, group{prefix: bytes.Clone(prefix)})
		}
		g := &groups[len(groups)-1]
		g.users = append(g.users, packed.Entry{User: ID(binary.BigEndian.Uint64(key[len(prefix):])), Value: bytes.Clone(payload)})
		return nil
	})
	if err != nil {
		return err
	}
	if err := parent.DeleteBucket(name); err != nil {
		return err
	}
	b, err := parent.CreateBucket(name)
	if err != nil {
		return err
	}
	b.FillPercent = 0.9
	d := packed.NewWriter(b, new(kv.Arena))
	for _, g := range groups {
		err := d.Update(g.prefix, len(g.users), func(i int) ID { return g.users[i].User },
			func(i int, _, to []byte) ([]byte, error) { return append(to, g.users[i].Value...), nil })
		if err != nil {
			return err
		}
	}
	return nil
}
