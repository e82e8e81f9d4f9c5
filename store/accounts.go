package store

import (
	"encoding/binary"
	"fmt"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// Bots, webhooks and Discord itself have ids as people have, and other bots log what they
// write as they log what people write. A line does not tell; but whoever has one of these
// ids once has it for ever. So an account of which Discord has told that it is no person's
// is noted, once for all of its messages, and none of its lines is a record: those that
// are there already are removed by a task, those that come are left out. What has a
// message id stays, whatever is said of its author.

// accountsMost bounds the accounts that are noted: 3 MB. Lines of others count.
const accountsMost = 1 << 16

// putAccounts notes accounts that are no person's.
func (w *writeTx) putAccounts(ids []ID) error {
	if len(ids) == 0 {
		return nil
	}
	b := w.state(stateAccounts)
	for _, id := range ids {
		key := kv.U64(nil, uint64(id))
		if id == 0 || id == DeletedUser || b.Get(key) != nil || len(kv.Keys(b, nil, accountsMost)) >= accountsMost {
			continue
		}
		if err := w.put(b, key, nil); err != nil {
			return err
		}
		if err := w.put(w.state(stateTasks), Task{taskAccount, 0, id}.key(), nil); err != nil {
			return err
		}
	}
	return nil
}

// isAccount reports whether a user is known to be no person. Lines come in runs of one user.
func (g *guildTx) isAccount(user ID) bool {
	if g.accounts != nil && user != g.accounted {
		g.accounted = user
		g.room = kv.U64(g.room[:0], uint64(user))
		g.account = g.accounts.Get(g.room) != nil
	}
	return g.account
}

// stepAccount removes some of the lines of an account, and returns where to go on: guild
// u64 · key of a record, nil at the end.
func (w *writeTx) stepAccount(user ID, position []byte) (erased Erased, next []byte, err error) {
	from, start := ID(0), []byte(nil)
	if len(position) > 0 {
		if len(position) != 8+record.KeySize {
			return erased, nil, fmt.Errorf("%w: a task's place is %x", ErrDamaged, position)
		}
		from, start = ID(binary.BigEndian.Uint64(position)), position[8:]
	}
	visits := 0
	err = w.guildsFrom(from, func(g *guildTx) (bool, error) {
		if start == nil || g.id != from {
			start = kv.U64(nil, uint64(user))
		}
		var lines []record.Key
		c := g.records.Cursor()
		for b, _ := c.Seek(start); b != nil; b, _ = c.Next() {
			key := record.PadKey(b)
			if key.User != user {
				break
			}
			if visits++; visits > stepVisits || len(lines)+int(erased.Messages) >= stepRecords {
				next = append(kv.U64(nil, uint64(g.id)), b...)
				break
			}
			if key.IsLog() {
				lines = append(lines, key)
			}
		}
		for _, key := range lines {
			if err := g.remove(key); err != nil {
				return true, err
			}
		}
		erased.Messages += int64(len(lines))
		return next != nil, nil
	})
	return erased, next, err
}

// When an account is deleted Discord shows its messages as those of DeletedUser. One that
// was stored before then comes again under that name, from the history, or the other
// way round under its author's, from an old export. It counts once, for whom it was
// stored first.

// disowned returns a function that reports whether a message of a batch is stored as somebody else's.
func (g *guildTx) disowned(batch []putOp) (func(record.Key) bool, error) {
	var nobodys []Change
	for i := range batch {
		if p := &batch[i]; p.key.User == DeletedUser && !p.out {
			nobodys = append(nobodys, Change{Message: ID(p.key.ID), Time: p.key.Time})
		}
	}
	found := map[ID]record.Key{}
	if len(nobodys) > 0 {
		if err := g.findByTime(nobodys, found); err != nil {
			return nil, err
		}
	}
	c := g.records.Cursor()
	first, _ := c.Seek(record.Key{User: DeletedUser, Time: civil.MinMicros, ID: 0}.Append(nil))
	some := first != nil && record.PadKey(first).User == DeletedUser
	return func(key record.Key) bool {
		if key.User == DeletedUser {
			author, known := found[ID(key.ID)]
			return known && author.User != DeletedUser
		}
		return some && g.has(record.Key{User: DeletedUser, Time: key.Time, ID: key.ID})
	}, nil
}
