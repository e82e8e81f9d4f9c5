package store

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
)

// ErrStillForgotten says that somebody is forgotten everywhere, so that one guild
// alone cannot remember them.
var ErrStillForgotten = errors.New("forgotten in every guild")

// Forget removes everything of a person: records, what is kept beside them, names,
// and whom the answers of others were meant for. From its first transaction on
// nothing of theirs is stored any more, wherever it comes from, until Remember. It
// removes in bounded transactions, between which others write; if it is stopped or
// killed, a repeated call, or whoever does the Tasks, goes on. It returns what this
// call has removed.
//
// The bytes stay in free pages of the file until it is compacted.
func (db *DB) Forget(ctx context.Context, p Person) (Erased, error) {
	t, err := db.beginForget(ctx, p)
	if err != nil {
		return Erased{}, err
	}
	return db.finish(ctx, t)
}

// beginForget writes the tombstone and the task.
func (db *DB) beginForget(ctx context.Context, p Person) (Task, error) {
	t := Task{taskForget, p.Guild, p.User}
	if err := p.valid(); err != nil {
		return t, err
	}
	return t, db.updateTombstones(ctx, func(w *writeTx) error {
		// A task that has come far begins again: what has come in before its tombstone
		// was there may lie behind it.
		return errors.Join(w.addTombstone(p), w.eraseEarly(p), w.put(w.state(stateTasks), t.key(), nil))
	})
}

// Remember lets a person be recorded again from now on: in one guild, or everywhere
// and in each guild that had forgotten them. What was removed stays removed. It
// returns false if nobody had forgotten them, and ErrStillForgotten if a guild is
// named and the person is forgotten in all of them.
func (db *DB) Remember(ctx context.Context, p Person) (was bool, err error) {
	if err := p.valid(); err != nil {
		return false, err
	}
	if err := db.finishForgets(ctx, p); err != nil {
		return false, err
	}
	err = db.updateTombstones(ctx, func(w *writeTx) error {
		was = false
		b := w.state(stateForgotten)
		guilds := map[ID]bool{p.Guild: true}
		if p.Guild == 0 {
			if err := eachTombstone(w.tx, func(_ tombstone, guild ID) { guilds[guild] = true }); err != nil {
				return err
			}
		} else if hash := w.forgotten.of(Person{User: p.User}); b.Get(hash[:]) != nil {
			return ErrStillForgotten
		}
		for guild := range guilds {
			hash := w.forgotten.of(Person{p.User, guild})
			if b.Get(hash[:]) == nil {
				continue
			}
			was = true
			if err := b.Delete(hash[:]); err != nil {
				return err
			}
		}
		return nil
	})
	return was, err
}

// finishForgets ends what is left of forgetting a person: what is half removed must
// not meet anything new.
func (db *DB) finishForgets(ctx context.Context, p Person) error {
	tasks, err := db.Tasks(ctx)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.kind == taskForget && t.id == p.User {
			if _, err := db.finish(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// updateTombstones is update, after which the set in memory is that of the file. What
// a writer puts between the two of somebody who is being forgotten is there before
// the first step of forgetting them.
func (db *DB) updateTombstones(ctx context.Context, fn func(*writeTx) error) error {
	db.tombstoning.Lock()
	defer db.tombstoning.Unlock()
	err := db.update(ctx, fn)
	if err != nil {
		return err
	}
	return db.view(context.WithoutCancel(ctx), db.forgotten.load)
}

// Trace is what is stored of a person in a guild.
type Trace struct {
	Guild           ID
	GuildName, Name string // "" if unknown
	Messages        int64
}

// Traces returns what is stored of a person, by guild.
func (db *DB) Traces(ctx context.Context, p Person) (traces []Trace, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		traces = nil
		return tx.Bucket(bucketGuilds).ForEach(func(b, _ []byte) error {
			if len(b) != 8 {
				return kv.Damaged(b)
			}
			t := Trace{Guild: ID(binary.BigEndian.Uint64(b))}
			if p.Guild != 0 && t.Guild != p.Guild {
				return nil
			}
			var err error
			if t.Messages, err = messagesOf(tx, t.Guild, p.User); err != nil {
				return err
			}
			if t.Name, err = readName(tx, db.keys, t.Guild, p.User); err != nil || t.Messages == 0 && t.Name == "" {
				return err
			}
			t.GuildName, err = readName(tx, db.keys, t.Guild, 0)
			traces = append(traces, t)
			return err
		})
	})
	return traces, err
}

// messagesOf returns a user's total.
func messagesOf(tx *kv.Tx, guild, user ID) (int64, error) {
	r := recordsOf(tx, guild)
	if r == nil {
		return 0, nil
	}
	n, err := totalOf(tx, guild, user)
	return n + int64(len(uncountedOf(r, user))), err
}

// totalOf is a user's total without what is uncounted.
func totalOf(tx *kv.Tx, guild, user ID) (int64, error) {
	b := tx.Bucket(bucketProfiles).Bucket(bucketName(guild))
	if b == nil {
		return 0, nil
	}
	payload, err := packed.Get(b, nil, user)
	if err != nil || payload == nil {
		return 0, err
	}
	n, err := decodeProfile(payload)
	if err != nil {
		return 0, kv.Damaged(kv.U64(nil, uint64(user)))
	}
	return n, nil
}

// Forgetting has two phases. In the first one the position is empty: what is left
// of the person's own is looked for from the start, which is quick since it is
// gone. In the second one it is where the search for answers to them goes on.
func (w *writeTx) stepForget(p Person, position []byte) (erased Erased, next []byte, err error) {
	if len(position) == 0 {
		finished, err := w.eraseOwn(p, &erased)
		if err != nil || !finished {
			return erased, []byte{}, err
		}
		return erased, replyPosition(p.Guild, nil), nil
	}
	next, err = w.eraseReplies(p, position, &erased)
	return erased, next, err
}

// eraseOwn removes records and names of a person; finished is false if there are more.
func (w *writeTx) eraseOwn(p Person, erased *Erased) (finished bool, err error) {
	finished = true
	done := 0
	err = w.guildsFrom(p.Guild, func(g *guildTx) (bool, error) {
		if p.Guild != 0 && g.id != p.Guild {
			return true, nil
		}
		n, err := g.eraseUser(p.User, stepRecords-done)
		if err != nil {
			return true, err
		}
		markers, err := g.eraseMarkers(p.User, stepRecords-done-n)
		erased.Messages += int64(n)
		done += n + markers
		finished = done < stepRecords
		return !finished, err
	})
	if err != nil || !finished {
		return false, err
	}
	erased.Names, err = w.eraseNames(p)
	return true, err
}

// eraseUser removes the first records of a user and returns how many.
func (g *guildTx) eraseUser(user ID, most int) (int, error) {
	keys := g.records.Keys(kv.U64(nil, uint64(user)), most)
	for _, key := range keys {
		if err := g.remove(key); err != nil {
			return 0, err
		}
		if !key.IsLog() {
			g.w.kept = append(g.w.kept, keptOutMessage{ID(key.ID), KeptOutForgotten})
		}
	}
	return len(keys), nil
}

// eraseNames removes the names of a person. A guild may know a name without any record.
func (w *writeTx) eraseNames(p Person) (n int64, err error) {
	b := w.tx.Bucket(bucketNames)
	for guild := p.Guild; ; guild++ {
		key, _ := b.Cursor().Seek(kv.U64(nil, uint64(guild)))
		if key == nil {
			return n, nil
		}
		if len(key) != 16 {
			return n, kv.Damaged(key)
		}
		guild = ID(binary.BigEndian.Uint64(key))
		if p.Guild != 0 && guild != p.Guild {
			return n, nil
		}
		if name := kv.U64(kv.U64(nil, uint64(guild)), uint64(p.User)); b.Get(name) != nil {
			n++
			if err := b.Delete(name); err != nil {
				return n, err
			}
		}
		if guild == 1<<64-1 {
			return n, nil
		}
	}
}

// replyPosition is where the search for answers goes on: guild u64 · key of a record.
func replyPosition(guild ID, key []byte) []byte { return append(kv.U64(nil, uint64(guild)), key...) }

// eraseReplies takes out of the records of others whom and what they answer, where
// that is the person. It looks at a bounded number of records and returns where it
// is to go on, nil at the end.
func (w *writeTx) eraseReplies(p Person, position []byte, erased *Erased) (next []byte, err error) {
	if len(position) < 8 {
		return nil, kv.ErrBadValue
	}
	from, start := ID(binary.BigEndian.Uint64(position)), position[8:]
	visits := 0
	err = w.guildsFrom(from, func(g *guildTx) (bool, error) {
		switch {
		case p.Guild != 0 && g.id != p.Guild:
			return true, nil
		case g.id != from: // the guild that was being read is gone
			start = nil
		}
		if !g.info.ids.Set { // lines answer nobody
			return false, nil
		}
		found, more, err := g.repliesTo(p.User, start, &visits)
		if err != nil {
			return true, err
		}
		for _, key := range found {
			if err := g.amend(key, func(s *record.Value) error { s.ReplyTo, s.ReplyUser = 0, 0; return nil }); err != nil {
				return true, err
			}
		}
		erased.Replies += int64(len(found))
		if more != nil {
			next = replyPosition(g.id, more)
		}
		start = nil
		return more != nil, nil
	})
	return next, err
}

// repliesTo looks through a guild's records for those that answer a user, from a key
// on, until enough were looked at or found; more is the key to go on from.
func (g *guildTx) repliesTo(user ID, start []byte, visits *int) (found []record.Key, more []byte, err error) {
	c := g.records.Cursor()
	for b, value := c.Seek(start); b != nil; b, value = c.Next() {
		if *visits >= stepVisits || len(found) >= stepRecords {
			return found, slices.Clone(b), nil
		}
		*visits++
		key, ok := record.ParseKey(b)
		if !ok {
			return nil, nil, kv.Damaged(b)
		}
		if len(value) < 2 || value[1]&record.FlagFields == 0 {
			continue
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil { // it is of somebody else
			g.w.bad.note(g.id, b, err)
			continue
		}
		if s.ReplyUser == user {
			found = append(found, key)
		}
	}
	return found, nil, nil
}

// Forgotten reports whether a user is forgotten: in the guild or everywhere, or, if
// Guild is 0, everywhere.
func (db *DB) Forgotten(p Person) bool { return db.forgotten.has(p) }
