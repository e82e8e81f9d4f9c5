package migration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/store"
)

const (
	// fullRetry is how often a commit is tried again while the disk is full,
	// fullTell how often the log says so.
	fullRetry = time.Second
	fullTell  = time.Minute
)

// writer commits loads and counts. It belongs to one goroutine.
type writer struct {
	*migration
	sum     Summary
	disk    int64        // bytes on disk of what was committed
	file    store.Counts // of the file that is being taken in, since it was first read
	counted bool         // the file is in sum.Files
	day     store.Counts // of the day's files that were read to their ends
	guild   store.Counts // of the guild's lines, this run's alone
}

// load are steps that are committed in one transaction; all of them but a first
// one are the first steps of their files.
type load struct {
	steps    []step
	prepared *store.Prepared // of the steps' batches
}

// load arranges steps, and takes their records back.
func (m *migration) load(steps ...step) (load, error) {
	var batches []store.LogBatch
	for _, s := range steps {
		if s.end == nil {
			batches = append(batches, s.batch)
		}
	}
	prepared, err := m.Store.Prepare(batches...)
	if err != nil {
		return load{}, err
	}
	for i := range batches {
		records := batches[i].Records
		clear(records) // so that it does not hold on to texts
		records = records[:0]
		m.spare.Put(&records)
		batches[i].Records = nil
	}
	for i := range steps {
		steps[i].batch.Records = nil
	}
	return load{steps, prepared}, nil
}

// write commits a load. It returns how long the commit took.
func (w *writer) write(ctx context.Context, l load) (time.Duration, error) {
	batches := l.prepared.Batches
	for _, s := range l.steps {
		if s.end != nil {
			continue
		}
		if s.before != nil {
			w.file = *s.before
		}
		counts := &batches[0].File.Counts
		counts.Add(w.file)
		counts.Lines -= s.undone.Lines
		counts.Skipped -= s.undone.Skipped
		counts.Malformed -= s.undone.Malformed
		batches = batches[1:]
	}
	imported, took, err := w.commit(ctx, l.prepared)
	if err != nil {
		return took, err
	}
	for _, s := range l.steps {
		if s.end != nil {
			w.end(s.end)
			continue
		}
		w.add(s, imported[0])
		imported = imported[1:]
	}
	return took, nil
}

// writeStep commits one step.
func (w *writer) writeStep(ctx context.Context, s step) (time.Duration, error) {
	l, err := w.load(s)
	if err != nil {
		return 0, err
	}
	return w.write(ctx, l)
}

// add counts a step that was committed.
func (w *writer) add(s step, imported store.Imported) {
	counts := s.batch.File.Counts
	counts.Messages, counts.Duplicates = imported.Messages, imported.Duplicates
	counts.Skipped += imported.Skipped
	if s.before != nil {
		w.counted = false
	}
	if w.file = imported.File.Counts; s.batch.File.Complete {
		w.day.Add(w.file)
	}
	w.guild.Add(counts)
	if s.bytes > 0 && !w.counted {
		w.sum.Files++
		w.counted = true
	}
	w.disk += s.disk
	w.sum.Bytes += s.bytes
	w.sum.Lines += counts.Lines
	w.sum.Messages += counts.Messages
	w.sum.Skipped += counts.Skipped
	w.sum.Duplicates += counts.Duplicates
	w.sum.Malformed += counts.Malformed
}

// commit imports what was prepared, however long the disk stays full.
func (w *writer) commit(ctx context.Context, prepared *store.Prepared) ([]store.Imported, time.Duration, error) {
	if len(prepared.Batches) == 0 {
		return nil, 0, nil
	}
	for {
		start := time.Now()
		err := w.enoughRoom()
		if err == nil {
			var imported []store.Imported
			imported, err = w.Store.Commit(ctx, prepared)
			if !errors.Is(err, store.ErrFull) {
				w.waiting.Store(false)
				return imported, time.Since(start), err
			}
		}
		w.waiting.Store(true)
		if now := time.Now(); now.Sub(w.fullTold) >= fullTell {
			w.fullTold = now
			w.Log.Error("the disk is full: the migration waits for room; make some, it goes on by itself", "error", err)
		}
		if err := sleep(ctx, fullRetry); err != nil {
			return nil, 0, err
		}
	}
}

// enoughRoom returns an error while the disk has less room than Options.MinFree.
// A disk that does not tell has enough, until a commit says otherwise.
func (w *writer) enoughRoom() error {
	if w.MinFree == 0 {
		return nil
	}
	free, err := w.room(w.Store.Path())
	if err == nil && free < w.MinFree {
		return fmt.Errorf("%d MiB are free, %d MiB are left to live messages (ROLLCALL_MIN_FREE)", free>>20, w.MinFree>>20)
	}
	return nil
}

// end says in the log what has come to an end.
func (w *writer) end(e *ending) {
	if e.date == "" {
		w.Log.Info("the logs of a guild are read as far as they go", append([]any{"guild", e.guild.name()}, attributes(w.guild)...)...)
		w.guild = store.Counts{}
		return
	}
	if e.whole {
		w.day.Add(e.rest)
		w.Log.Info("a day is read", append([]any{"guild", e.guild.name(), "date", e.date}, attributes(w.day)...)...)
	}
	w.day = store.Counts{}
}

func attributes(c store.Counts) []any {
	return []any{"lines", c.Lines, "messages", c.Messages, "skipped", c.Skipped, "duplicates", c.Duplicates, "malformed", c.Malformed}
}

// sleep waits, or returns the error of ctx when that is done before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
