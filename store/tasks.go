package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall/store/internal/kv"
)

// Tasks returns the tasks that are not finished.
func (db *DB) Tasks(ctx context.Context) (tasks []Task, err error) {
	err = db.eachState(ctx, stateTasks, nil, func(key, _ []byte) error {
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
		b, key := w.state(stateTasks), t.key()
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
		return w.stepPair(t, position)
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
