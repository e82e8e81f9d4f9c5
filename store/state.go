package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

// Bounds of the quarantine list. What goes beyond is counted with its file and
// not listed; the first lines tell an operator what is wrong.
const (
	quarantineLimit        = 10_000
	quarantineLimitPerFile = 1_000
	maxNameBytes           = 1 << 10
)

func (w *writeTx) putLogFile(f LogFile) error {
	if f.Key == "" {
		return nil
	}
	payload, err := json.Marshal(f)
	if err != nil {
		return err
	}
	key := []byte(f.Key)
	return w.put(w.state(stateLogFiles), key, logFileTexts(w.keys).Append(nil, key, payload))
}

func (w *writeTx) putLastDates(done []GuildDay) error {
	b := w.state(stateLastDates)
	for _, d := range done {
		key := kv.U64(nil, uint64(d.Guild))
		before, err := kv.Get(b, key)
		if err != nil {
			return err
		}
		if string(before) >= d.Date {
			continue
		}
		if err := w.put(b, key, []byte(d.Date)); err != nil {
			return err
		}
	}
	return nil
}

// Keys of the quarantine are file · 0 · offset u64; a file's last key, with the
// offset -1 (all ones), counts its entries, and the key of one 0 counts all.
func quarantineKey(file string, offset uint64) []byte {
	return kv.U64(append([]byte(file), 0), offset)
}

const quarantineCount = 1<<64 - 1

func (w *writeTx) putQuarantine(lines []Quarantined) error {
	b := w.state(stateQuarantine)
	for _, q := range lines {
		key := quarantineKey(q.File, uint64(q.Offset))
		if b.Get(key) == nil {
			all, of := []byte{0}, quarantineKey(q.File, quarantineCount)
			total, err := getID(b, all)
			if err != nil {
				return err
			}
			inFile, err := getID(b, of)
			if err != nil {
				return err
			}
			if total >= quarantineLimit || inFile >= quarantineLimitPerFile {
				continue
			}
			if err := w.put(b, all, kv.U64(nil, uint64(total)+1)); err != nil {
				return err
			}
			if err := w.put(b, of, kv.U64(nil, uint64(inFile)+1)); err != nil {
				return err
			}
		}
		if err := w.put(b, key, []byte(q.Reason)); err != nil {
			return err
		}
	}
	return nil
}

// dropQuarantine removes the malformed lines of parts of files, and from the counts.
func (w *writeTx) dropQuarantine(spans []LogSpan) error {
	b := w.state(stateQuarantine)
	for _, span := range spans {
		// Collected first: bbolt's cursor may pass over keys while they are deleted.
		var keys [][]byte
		end := quarantineKey(span.File, uint64(span.To))
		c := b.Cursor()
		for key, _ := c.Seek(quarantineKey(span.File, uint64(span.From))); key != nil && bytes.Compare(key, end) < 0; key, _ = c.Next() {
			keys = append(keys, bytes.Clone(key))
		}
		for _, key := range keys {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		for _, count := range [][]byte{{0}, quarantineKey(span.File, quarantineCount)} {
			if err := w.lowerCount(b, count, uint64(len(keys))); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachState calls fn with every key and payload of a state bucket, in order.
func (db *DB) eachState(ctx context.Context, name []byte, prefix []byte, fn func(key, payload []byte) error) error {
	return db.view(ctx, func(tx *kv.Tx) error {
		c := tx.Bucket(bucketState).Bucket(name).Cursor()
		for key, value := c.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, value = c.Next() {
			payload, ok := kv.Unseal(key, value)
			if !ok {
				return kv.Damaged(key)
			}
			if err := fn(key, payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// logFileTexts: a cursor tells the hash of a file's start, which who knows nearly
// all of it could find the rest by.
func logFileTexts(keys *crypt.Keyring) *crypt.Codec {
	return keys.NestedTexts(bucketState, stateLogFiles)
}

// LogFile returns a file's cursor; ok is false if the file was never read.
func (db *DB) LogFile(ctx context.Context, key string) (f LogFile, ok bool, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		payload, err := logFileTexts(db.keys).Get(tx.Bucket(bucketState).Bucket(stateLogFiles), []byte(key))
		if err != nil || payload == nil {
			return err
		}
		ok = true
		return kv.DecodeJSON([]byte(key), payload, &f)
	})
	return f, ok, err
}

// LogFiles returns all cursors by key.
func (db *DB) LogFiles(ctx context.Context) (files []LogFile, err error) {
	texts := logFileTexts(db.keys)
	err = db.eachState(ctx, stateLogFiles, nil, func(key, payload []byte) error {
		text, err := texts.Read(key, payload, 0)
		if err != nil {
			return err
		}
		files = append(files, LogFile{})
		return kv.DecodeJSON(key, text, &files[len(files)-1])
	})
	return files, err
}

// LastDates returns, by guild id, the last day whose logs were read to their end.
func (db *DB) LastDates(ctx context.Context) (dates []GuildDay, err error) {
	err = db.eachState(ctx, stateLastDates, nil, func(key, payload []byte) error {
		if len(key) != 8 {
			return kv.Damaged(key)
		}
		dates = append(dates, GuildDay{ID(binary.BigEndian.Uint64(key)), string(payload)})
		return nil
	})
	return dates, err
}

// Quarantine returns the malformed lines that were kept, by file and offset: at
// most 1,000 of a file and 10,000 in all, the first ones.
func (db *DB) Quarantine(ctx context.Context) (lines []Quarantined, err error) {
	err = db.eachState(ctx, stateQuarantine, nil, func(key, payload []byte) error {
		n := len(key) - 9
		if n < 0 {
			return nil
		}
		if offset := binary.BigEndian.Uint64(key[n+1:]); offset != quarantineCount {
			lines = append(lines, Quarantined{string(key[:n]), int64(offset), string(payload)})
		}
		return nil
	})
	return lines, err
}

func (w *writeTx) putNames(names []Name) error {
	b, texts := w.tx.Bucket(bucketNames), w.keys.Texts(string(bucketNames))
	for _, n := range names {
		key := kv.U64(kv.U64(nil, uint64(n.Guild)), uint64(n.User))
		before, err := texts.Get(b, key)
		if err != nil {
			return err
		}
		name := n.Name[:min(len(n.Name), maxNameBytes)]
		if name == "" || n.User == DeletedUser || n.User != 0 && w.forgotten.has(Person{n.User, n.Guild}) || before != nil && string(before) == name {
			continue
		}
		if err := w.put(b, key, texts.Append(nil, key, []byte(name))); err != nil {
			return err
		}
	}
	return nil
}

// Names returns the display names known in a guild, by user id; 0 is the guild's own.
func (db *DB) Names(ctx context.Context, guild ID) (map[ID]string, error) {
	return db.UsersCalled(ctx, guild, func([]byte) bool { return true })
}

// UsersCalled returns the display names known in a guild that match, by user id; 0 is the
// guild's own. It looks at one name after the other, in one read transaction, and copies those
// that match. match must not keep a name.
func (db *DB) UsersCalled(ctx context.Context, guild ID, match func(name []byte) bool) (map[ID]string, error) {
	names, texts := map[ID]string{}, db.keys.Texts(string(bucketNames))
	prefix := kv.U64(nil, uint64(guild))
	err := db.view(ctx, func(tx *kv.Tx) error {
		c := tx.Bucket(bucketNames).Cursor()
		visits := 0
		for key, value := c.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, value = c.Next() {
			if visits++; visits&0xfff == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			payload, ok := kv.Unseal(key, value)
			if !ok || len(key) != 16 {
				return kv.Damaged(key)
			}
			name, err := texts.Read(key, payload, 0)
			if err != nil {
				return err
			}
			if user := ID(binary.BigEndian.Uint64(key[8:])); user != DeletedUser && match(name) {
				names[user] = string(name)
			}
		}
		return nil
	})
	return names, err
}

// Name returns a user's display name in a guild, or the guild's own for user 0, as
// last seen; "" if it is not known.
func (db *DB) Name(ctx context.Context, guild, user ID) (name string, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		name, err = readName(tx, db.keys, guild, user)
		return err
	})
	return name, err
}

func readName(tx *kv.Tx, keys *crypt.Keyring, guild, user ID) (string, error) {
	if user == DeletedUser { // older builds have kept one
		return "", nil
	}
	name, err := keys.Texts(string(bucketNames)).Get(tx.Bucket(bucketNames), kv.U64(kv.U64(nil, uint64(guild)), uint64(user)))
	return string(name), err
}
