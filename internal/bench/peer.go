package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"rollcall/internal/ndjson"
)

// peer is a database of another kind that messages are put into.
type peer interface {
	// insert puts messages in one transaction, and does not keep them.
	insert(context.Context, []entry) error
	// close leaves nothing for the next one who opens the database to catch up on.
	close() error
}

// opener makes a peer's database.
type opener func(ctx context.Context, path string) (peer, error)

// fill returns a contender that puts the messages into a peer's database, so many a
// transaction; ahead: while the next ones are being decoded in another goroutine, as
// migrate does it.
func fill(open opener, batch int, ahead bool) func(context.Context, task) (measures, error) {
	return func(ctx context.Context, t task) (measures, error) {
		return t.intoDatabase(func(m *measures) error {
			db, err := open(ctx, t.database())
			if err != nil {
				return err
			}
			put, wait := db.insert, func() error { return nil }
			if ahead {
				put, wait = behind(ctx, put)
			}
			var gathered []entry
			sum, err := readLogs(ctx, t.Corpus, func(_ string, _ ndjson.Line, e *entry) error {
				gathered = append(gathered, *e)
				if len(gathered) < batch {
					return nil
				}
				err := put(ctx, gathered)
				gathered = make([]entry, 0, batch)
				return err
			})
			if err == nil {
				err = put(ctx, gathered)
			}
			m.Count, m.Logs = sum.lines, sum.bytes
			return errors.Join(err, wait(), db.close(), t.expect(sum.lines, sum.messages))
		})
	}
}

// behind returns a put that lets another goroutine do the work, with at most one
// batch in waiting, and what waits for the end of all work and returns its error.
func behind(ctx context.Context, put func(context.Context, []entry) error) (later func(context.Context, []entry) error, wait func() error) {
	batches := make(chan []entry, 1)
	ended := make(chan error, 1)
	later = func(_ context.Context, batch []entry) error {
		batches <- batch
		return nil
	}
	go func() {
		var err error
		for batch := range batches { // after an error the rest is let go
			if err == nil {
				err = put(ctx, batch)
			}
		}
		ended <- err
	}()
	return later, func() error {
		close(batches)
		return <-ended
	}
}

// sizeOf returns the bytes of a file, or of all files in a folder.
func sizeOf(path string) (size int64, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
