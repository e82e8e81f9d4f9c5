package migration

import (
	"context"
	"errors"
	"io/fs"

	"rollcall/store"
)

var ErrStopped = errors.New("stopped")

// RunSteps is a Follower's pass in steps of so many records, without pauses, which
// is stopped after a number of commits. It returns how many bytes on disk that took.
func RunSteps(ctx context.Context, o Options, most, steps int) (disk int64, err error) {
	m := newMigration(o)
	walk, guilds, err := m.walk()
	if err != nil {
		return 0, err
	}
	w := &writer{migration: m}
	p := pass{migration: m, walk: walk, most: most, emit: func(ctx context.Context, s step) error {
		if s.end == nil && steps == 0 {
			return ErrStopped
		}
		if s.end == nil {
			steps--
		}
		_, err := w.writeStep(ctx, s)
		return err
	}}
	for g, days := range walk.all(guilds) {
		if _, err := p.guild(ctx, g, days); err != nil {
			return w.disk, err
		}
	}
	return w.disk, nil
}

// OnceUnjoined is Once with a commit for each step.
func OnceUnjoined(ctx context.Context, o Options) (Summary, error) { return once(ctx, o, 1) }

// NewFollowerWithRoom is for a disk that has as much room as a function says.
func NewFollowerWithRoom(o Options, room func(string) (int64, error)) *Follower {
	f := NewFollower(o)
	f.room = room
	return f
}

// Rewrite replaces a file that looked like this by one without its first byte.
func Rewrite(ctx context.Context, name string, before fs.FileInfo) error {
	return rewrite(ctx, name, before, []cut{{0, 1}})
}

// Oracle tells what a line counts as, and of a message the record, without the parser.
// folder is the guild of the file's folder.
func Oracle(line string, folder store.ID) (what string, r store.Record) {
	o, r := oracle(line, folder)
	return [...]string{"skipped", "message", "malformed"}[o], r
}

// Pieces and Messages are pieces and the messages of model, for tests with a database.
func Pieces(choice []byte, whose uint64) string { return pieces(choice, whose) }

func Messages(text string) (messages []store.Record, counts store.Counts) {
	m := model(text)
	return m.records, m.counts
}
