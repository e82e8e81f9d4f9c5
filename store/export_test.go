package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// RoundTripGuild decodes a guild's entry and encodes it again.
func RoundTripGuild(b []byte) ([]byte, error) {
	info, err := decodeGuildInfo(b)
	if err != nil {
		return nil, err
	}
	return info.append(nil), nil
}

// Seal is how values are stored.
func Seal(key, payload []byte) []byte { return kv.Seal(key, payload) }

// Transactions returns how many write transactions the file has seen since it was made.
func Transactions(db *DB) (n int, err error) {
	err = db.file.View(context.Background(), func(tx *bbolt.Tx) error { n = tx.ID(); return nil })
	return n, err
}

// ForgetPartly is Forget that is stopped after so many transactions. It reports whether
// that was the end of it.
func ForgetPartly(ctx context.Context, db *DB, p Person, transactions int) (done bool, err error) {
	t, err := db.beginForget(ctx, p)
	for ; err == nil && !done && transactions > 1; transactions-- {
		_, done, err = db.Step(ctx, t)
	}
	return done, err
}

// BuryAlive writes a tombstone and removes nothing.
func BuryAlive(db *DB, p Person) error {
	return db.updateTombstones(context.Background(), func(w *writeTx) error { return w.addTombstone(p) })
}

// Scatter gives each record a key of its own in user_stats, as it had before there
// were blocks and runs.
func Scatter(db *DB) error {
	return errors.Join(countUncounted(db), db.file.Update(context.Background(), scatter))
}

func countUncounted(db *DB) error {
	return db.update(context.Background(), func(w *writeTx) error {
		return w.guildsFrom(0, func(g *guildTx) (bool, error) { return false, g.count(nil) })
	})
}

func scatter(tx *bbolt.Tx) error {
	return tx.Bucket(bucketRecords).ForEachBucket(func(name []byte) error {
		guild, err := ParseID(string(name))
		if err != nil {
			return err
		}
		r := recordsOf(tx, guild)
		var all []record.Entry
		c := r.Cursor()
		for b, value := c.First(); b != nil; b, value = c.Next() {
			all = append(all, record.Entry{Key: record.PadKey(b), Value: bytes.Clone(value)})
		}
		if err := lsm.DropGuild(tx.Bucket(bucketRecent), guild); err != nil {
			return err
		}
		main := tx.Bucket(bucketRecords).Bucket(name)
		for key, _ := main.Cursor().First(); key != nil; key, _ = main.Cursor().First() {
			if err := main.Delete(key); err != nil {
				return err
			}
		}
		for _, e := range all {
			if err := main.Put(e.Key.Append(nil), e.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// MakeFormatOne turns a file into what the first release would have left.
func MakeFormatOne(db *DB) error {
	if err := errors.Join(countUncounted(db), MakeFormatThree(db)); err != nil {
		return err
	}
	return db.file.Update(context.Background(), func(tx *bbolt.Tx) error {
		if err := errors.Join(scatter(tx), tx.DeleteBucket(bucketRecent)); err != nil {
			return err
		}
		if err := tx.Bucket(bucketState).DeleteBucket(stateTombstones); err != nil {
			return err
		}
		for _, name := range [][]byte{bucketActivity, bucketProfiles} {
			if err := tx.Bucket(name).ForEachBucket(func(guild []byte) error {
				return unpackUsers(tx, tx.Bucket(name), bytes.Clone(guild))
			}); err != nil {
				return err
			}
		}
		if err := saltChannelKeys(tx, nil); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, kv.Seal(keyFormat, kv.U32(nil, 1)))
	})
}

// unpackUsers gives each user of a packed bucket a key.
func unpackUsers(tx *bbolt.Tx, parent *bbolt.Bucket, name []byte) error {
	values := map[string][]byte{}
	err := parent.Bucket(name).ForEach(func(key, value []byte) error {
		payload, _ := kv.Unseal(key, value)
		return packed.Each(key, payload, func(user ID, value []byte) error {
			values[string(kv.U64(bytes.Clone(key[:len(key)-8]), uint64(user)))] = bytes.Clone(value)
			return nil
		})
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
	for key, value := range values {
		if err := b.Put([]byte(key), kv.Seal([]byte(key), value)); err != nil {
			return err
		}
	}
	return nil
}

// MakeFormatTwo turns a file into what there was before records had blocks and runs.
func MakeFormatTwo(db *DB) error {
	if err := errors.Join(countUncounted(db), MakeFormatThree(db)); err != nil {
		return err
	}
	return db.file.Update(context.Background(), func(tx *bbolt.Tx) error {
		return errors.Join(scatter(tx), tx.DeleteBucket(bucketRecent), tx.Bucket(bucketMeta).Put(keyFormat, kv.Seal(keyFormat, kv.U32(nil, 2))))
	})
}

// MakeFormatFour turns a file into what there was before format 5.
func MakeFormatFour(db *DB) error {
	return db.file.Update(context.Background(), func(tx *bbolt.Tx) error {
		state := tx.Bucket(bucketState)
		to, err := state.CreateBucket(stateTombstones)
		if err != nil {
			return err
		}
		for kind, from := range map[byte][]byte{
			tombPerson: stateForgotten, tombTask: stateTasks, tombMarker: stateMarkers, tombGuild: stateDeparted, tombAccount: stateAccounts,
		} {
			for _, key := range kv.Keys(state.Bucket(from), nil, 1<<30) {
				if err := rename(state.Bucket(from), to, key, append([]byte{kind}, key...)); err != nil {
					return err
				}
			}
		}
		cursors := state.Bucket(stateCursors)
		for _, key := range kv.Keys(state.Bucket(stateFloors), nil, 1<<30) {
			old := bytes.Clone(key)
			old[8] |= 0x80
			if err := rename(state.Bucket(stateFloors), cursors, key, old); err != nil {
				return err
			}
		}
		for _, key := range kv.Keys(state.Bucket(stateGuildCursors), nil, 1<<30) {
			guild := ID(binary.BigEndian.Uint64(key))
			own, err := getGuildCursors(state.Bucket(stateGuildCursors), guild)
			if err != nil {
				return err
			}
			for channel, last := range map[ID]ID{fourSeen: own.Seen, fourHeard: own.Heard, fourAway: own.Away, fourRechecked: own.Rechecked} {
				if old := channelKey(guild, channel); last != 0 {
					if err := cursors.Put(old, kv.Seal(old, kv.U64(nil, uint64(last)))); err != nil {
						return err
					}
				}
			}
		}
		gaps := state.Bucket(stateGaps)
		for _, key := range kv.Keys(gaps, nil, 1<<30) {
			payload, _ := kv.Unseal(key, gaps.Get(key))
			again := gapKindInJSON.ReplaceAll(payload, nil)
			if err := gaps.Put(key, kv.Seal(key, again)); err != nil {
				return err
			}
		}
		for _, name := range formatFiveState {
			if err := state.DeleteBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, kv.Seal(keyFormat, kv.U32(nil, 4)))
	})
}

var gapKindInJSON = regexp.MustCompile(`"kind":"[a-z]+",`)

// UpgradePartly opens a file, does so many transactions of its upgrade, of so many keys
// each, and closes it. It reports whether that was the end of it.
func UpgradePartly(path string, k Key, transactions, keys int) (done bool, err error) {
	db, err := open(path, Options{MustExist: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.useKey(k); err != nil {
		return false, err
	}
	for ; db.isOld() && transactions > 0; transactions-- {
		if err := db.upgradeOnce(keys); err != nil {
			return false, err
		}
	}
	return !db.isOld(), nil
}

// MakeFormatThree turns a file into what there was before format 4.
func MakeFormatThree(db *DB) error {
	return errors.Join(MakeFormatFour(db), SayFormatThree(db), db.file.Update(context.Background(), func(tx *bbolt.Tx) error {
		for _, name := range formatFourTop {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		for _, name := range formatFourState {
			if err := tx.Bucket(bucketState).DeleteBucket(name); err != nil {
				return err
			}
		}
		return nil
	}))
}

// SayFormatThree makes a file say that it is of format 3.
func SayFormatThree(db *DB) error {
	return db.file.Update(context.Background(), func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyFormat, kv.Seal(keyFormat, kv.U32(nil, 3)))
	})
}

// ActivityByPages reads all that a guild's users did, so many weeks a transaction.
func ActivityByPages(db *DB, guild ID, page int) (read []string, err error) {
	from, end := Days{}.Quarters()
	err = db.scanActivity(context.Background(), guild, from, end, page, func(week uint32, user ID, cells []rollup.Cell) {
		read = append(read, fmt.Sprint(week, user, cells))
	})
	return read, err
}

// Salt is the secret of the database.
func Salt(db *DB) []byte { return db.salt }

// LogKey is the id in the key of a log line.
func LogKey(salt []byte, channel, content string) uint64 {
	key, _ := record.LogKey(salt, nil, channel, content)
	return key
}

// RekeyBy is Rekey with steps of so many texts.
func RekeyBy(ctx context.Context, path string, o RekeyOptions, texts int) (Rekeyed, error) {
	return rekey(ctx, path, o, texts)
}

// Dump returns every value without its checksum but those of meta, by its bucket
// and key.
func Dump(t testing.TB, db *DB) map[string]string {
	t.Helper()
	dump := map[string]string{}
	var walk func(path string, b *bbolt.Bucket) error
	walk = func(path string, b *bbolt.Bucket) error {
		return b.ForEach(func(key, value []byte) error {
			if value == nil {
				return walk(path+"/"+string(key), b.Bucket(key))
			}
			payload, _ := kv.Unseal(key, value)
			dump[path+"/"+string(key)] = string(payload)
			return nil
		})
	}
	err := db.file.View(context.Background(), func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == string(bucketMeta) {
				return nil
			}
			return walk(string(name), b)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

// Raw gives access to all buckets.
func Raw(db *DB, fn func(*bbolt.Tx) error) error { return db.file.Update(context.Background(), fn) }

// SearchBy is Search that looks at first messages newest first, before windows, and reads
// page records of a window in a transaction.
func SearchBy(ctx context.Context, db *DB, q Query, behind *Position, limit int, patience time.Duration, first, page int) ([]Record, *Position, error) {
	s := &search{db: db, q: q, behind: behind, limit: limit, end: time.Now().Add(patience), first: first, page: page}
	err := s.run(ctx)
	return s.found, s.behind, err
}

// RoundTripEarly decodes an entry of state/early and encodes it again.
func RoundTripEarly(payload []byte) ([]byte, error) {
	e, err := decodeEarly(payload)
	if err != nil {
		return nil, err
	}
	return append(e.appendHead(nil), payload[earlyHead:]...), nil
}

// The bounds of state/early.
const (
	EarlyMost = earlyMost
	EarlyFor  = earlyFor
)

// EarlyCount returns how many entries state/early has, in the file and in memory.
func EarlyCount(db *DB) (file, memory int, err error) {
	err = db.file.View(context.Background(), func(tx *bbolt.Tx) error {
		file = tx.Bucket(bucketState).Bucket(stateEarly).Stats().KeyN
		return nil
	})
	return file, len(db.early.marks), err
}

// AgeEarly makes all entries of state/early older.
func AgeEarly(db *DB, by Micros) error {
	err := db.update(context.Background(), func(w *writeTx) error {
		db.early.mu.Lock()
		keys := slices.Collect(maps.Keys(db.early.marks))
		db.early.mu.Unlock()
		for _, key := range keys {
			e, ok, err := w.takeEarly(key)
			if err != nil || !ok {
				return errors.Join(err, fmt.Errorf("no entry %v", key))
			}
			e.noted -= by
			if err := w.putEarly(key, &e); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
