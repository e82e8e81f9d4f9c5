package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// Tasks returns the tasks that are not finished.
func (db *DB) Tasks(ctx context.Context) (tasks []Task, err error) {
	err = db.eachState(ctx, stateTombstones, []byte{tombTask}, func(key, _ []byte) error {
		t, ok := parseTask(key)
		if !ok {
			return kv.Damaged(key)
		}
		tasks = append(tasks, t)
		return nil
	})
	return tasks, err
}

// Step does one step of a task, in one bounded transaction. done says that the task
// is finished, by this step or by another caller's.
func (db *DB) Step(ctx context.Context, t Task) (erased Erased, done bool, err error) {
	err = db.update(ctx, func(w *writeTx) (err error) {
		erased, done = Erased{}, false
		b, key := w.state(stateTombstones), t.key()
		if b.Get(key) == nil {
			done = true
			return nil
		}
		position, err := kv.Get(b, key)
		if err != nil {
			return err
		}
		if erased, position, err = w.step(t, slices.Clone(position)); err != nil {
			return err
		}
		if done = position == nil; done {
			return b.Delete(key)
		}
		return w.put(b, key, position)
	})
	return erased, done, err
}

// step does one step of a task and returns how far it is then, nil at its end.
func (w *writeTx) step(t Task, position []byte) (Erased, []byte, error) {
	switch t.kind {
	case taskForget:
		return w.stepForget(Person{t.id, t.guild}, position)
	case taskRedactChannel, taskRemoveChannel:
		return w.stepChannel(t, position)
	case taskPair:
		return w.stepPair(t.guild, position)
	case taskAccount:
		return w.stepAccount(t.id, position)
	}
	return Erased{}, nil, fmt.Errorf("%w: a task of kind %d", ErrDamaged, t.kind)
}

// finish does what is left of a task. It leaves other writers half of the time.
func (db *DB) finish(ctx context.Context, t Task) (erased Erased, err error) {
	for {
		start := time.Now()
		part, done, err := db.Step(ctx, t)
		if erased.Add(part); err != nil || done {
			return erased, err
		}
		rest := time.NewTimer(time.Since(start))
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return erased, ctx.Err()
		}
	}
}

// Builds before format 4 took a message and a line for one only if text and channel name
// were equal, so a file of theirs may have two records where there should be one. Once
// such a file has been brought up to date, its messages that have no line look for one
// again, in a task; and so do those of a guild in which a channel's name has been learnt.

// pairVisits is how many records a step looks at, at whose lines it may have to look, too.
const pairVisits = 4_000

// pairAgain leaves the task for every guild.
func pairAgain(tx *kv.Tx) error {
	w := &writeTx{tx: tx}
	return tx.Bucket(bucketGuilds).ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) != 8 {
			return kv.Damaged(key)
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return kv.Damaged(key)
		}
		return w.putPairing(ID(binary.BigEndian.Uint64(key)), info)
	})
}

// putPairing leaves the task for a guild, if it has messages where lines are about.
func (w *writeTx) putPairing(guild ID, info guildInfo) error {
	if !info.ids.Set || !info.logs.Overlaps(info.ids.Min-logBefore, info.ids.Max+logAfter) {
		return nil
	}
	return w.put(w.state(stateTombstones), Task{taskPair, guild, 0}.key(), nil)
}

// stepPair lets some messages of a guild look for their lines, from the key of a record
// on, and returns the key to go on from, nil at the end.
func (w *writeTx) stepPair(guild ID, position []byte) (erased Erased, next []byte, err error) {
	if w.tx.Bucket(bucketGuilds).Get(kv.U64(nil, uint64(guild))) == nil {
		return erased, nil, nil
	}
	g, err := w.guild(guild)
	if err != nil {
		return erased, nil, err
	}
	var alone []record.Key
	c := g.records.Cursor()
	visits := 0
	for b, value := c.Seek(position); b != nil; b, value = c.Next() {
		if visits++; visits > pairVisits {
			next = slices.Clone(b)
			break
		}
		key := record.PadKey(b)
		if key.IsLog() || !g.info.logs.Overlaps(key.Time-logBefore, key.Time+logAfter) {
			continue
		}
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			g.w.bad.note(g.id, b, err)
		} else if !s.InLogs {
			alone = append(alone, key)
		}
	}
	for _, key := range alone {
		before := len(g.changes)
		if err := g.approach(key.User, key.Time); err != nil {
			return erased, nil, err
		}
		i, found := slices.BinarySearchFunc(g.near.messages, key, func(m *message, key record.Key) int { return m.key.Compare(key) })
		if !found || g.near.messages[i].InLogs {
			continue
		}
		if err := g.settleMessage(g.near.messages[i], false); err != nil {
			return erased, nil, err
		}
		if erased.Messages += int64(len(g.changes) - before); erased.Messages >= stepRecords {
			return erased, key.Append(nil), nil
		}
	}
	return erased, next, nil
}
