package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"rollcall/store/internal/kv"
)

// Work that would make too large a transaction is done in many. It is a task in the
// file until it is finished, so it goes on after a kill; whoever does the next step
// of it, nothing is done twice.
const (
	stepRecords = 500    // records that one step changes
	stepVisits  = 20_000 // records that one step looks at
)

// Task is work on the file that is not finished.
type Task struct {
	kind      byte
	guild, id ID
}

// The kinds of tasks.
const (
	taskForget        byte = 1 // id is a user, guild where, 0 for everywhere
	taskRedactChannel byte = 2 // id is a channel that was deleted
	taskRemoveChannel byte = 3
	taskAccount       byte = 4 // id is a user who is no person, and whose lines go
	taskPair          byte = 5 // messages of a guild without a line look for one once more
)

// Erased is what a task, or a step of it, has removed.
type Erased struct {
	Messages int64 `json:"messages"` // or their texts
	Replies  int64 `json:"replies"`  // of others, which no longer say whom they answer
	Names    int64 `json:"names"`
}

// Add adds o to e.
func (e *Erased) Add(o Erased) {
	e.Messages += o.Messages
	e.Replies += o.Replies
	e.Names += o.Names
}

// String says what the task is, without the id of a person.
func (t Task) String() string {
	switch t.kind {
	case taskForget:
		return "forget a person"
	case taskRedactChannel:
		return "redact deleted channel " + t.id.String()
	case taskRemoveChannel:
		return "remove deleted channel " + t.id.String()
	case taskPair:
		return "pair messages and log lines of guild " + t.guild.String()
	case taskAccount:
		return "remove the log lines of bot or webhook " + t.id.String()
	}
	return fmt.Sprint("task ", t.kind)
}

func (t Task) key() []byte {
	return kv.U64(kv.U64([]byte{tombTask, t.kind}, uint64(t.guild)), uint64(t.id))
}

func parseTask(key []byte) (Task, bool) {
	if len(key) != 18 || key[0] != tombTask {
		return Task{}, false
	}
	return Task{key[1], ID(binary.BigEndian.Uint64(key[2:])), ID(binary.BigEndian.Uint64(key[10:]))}, true
}

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

// guildsFrom calls fn with the guilds from an id on until it says that it is enough.
func (w *writeTx) guildsFrom(from ID, fn func(*guildTx) (enough bool, err error)) error {
	c := w.tx.Bucket(bucketGuilds).Cursor()
	for key, _ := c.Seek(kv.U64(nil, uint64(from))); key != nil; {
		if len(key) != 8 {
			return kv.Damaged(key)
		}
		id := ID(binary.BigEndian.Uint64(key))
		g, err := w.guild(id)
		if err != nil {
			return err
		}
		if enough, err := fn(g); err != nil || enough || id == 1<<64-1 {
			return err
		}
		key, _ = c.Seek(kv.U64(nil, uint64(id)+1)) // what fn has put may have moved the cursor
	}
	return nil
}
