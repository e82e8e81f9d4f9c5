package migration

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// onceBatch is how many records Once commits at a time. Larger batches are no
// faster, and wait longer for the end of a commit when they are cancelled.
const onceBatch = 100_000

// OnceMemory (bytes) is what a process that does nothing but Once should let Go's
// runtime collect garbage for (debug.SetMemoryLimit). Without it, a commit into a file
// of ten million messages leaves garbage up to 265 MiB; with it, the last part of that
// is collected earlier, which takes no time that can be measured.
const OnceMemory = 220 << 20

// joinSteps bounds how many steps are committed together, so that the progress moves.
const joinSteps = 1000

// Once takes in everything that is there, at once: reading in one goroutine,
// arranging in another, storing in the caller's. What cannot be read is named in the log and left out.
//
// The Summary is of what was committed, also with an error: that of ctx, that
// of a root that cannot be read, or one of the store after which the process
// should end. Calling it again goes on where it stopped.
func Once(ctx context.Context, o Options) (Summary, error) { return once(ctx, o, joinSteps) }

// once is Once with a bound of the steps that are committed together.
func once(ctx context.Context, o Options, most int) (sum Summary, err error) {
	start := time.Now()
	m := newMigration(o)
	w := &writer{migration: m}
	defer func() {
		sum = w.sum
		sum.Seconds = time.Since(start).Seconds()
	}()
	total := int64(0)
	if o.Progress != nil {
		if total, err = m.toRead(ctx); err != nil {
			return sum, err
		}
		o.Progress(Progress{Total: total})
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps, loads := make(chan step), make(chan load)
	broken := &brokenFiles{paths: []string{}}
	m.report.broken = broken
	var unsupported int64
	var readErr, arrangeErr error
	go func() {
		defer close(steps)
		unsupported, readErr = m.readAll(ctx, steps)
	}()
	go func() {
		defer close(loads)
		if arrangeErr = m.arrangeAll(steps, loads, most); arrangeErr != nil {
			cancel()
		}
		for range steps { // the reader is about to notice that it is over
		}
	}()
	for l := range loads {
		if err != nil {
			continue // so is whoever arranges
		}
		if err = m.commitLoad(ctx, w, l, total); err != nil {
			cancel()
		}
	}
	w.sum.UnsupportedFiles = unsupported
	w.sum.IncompleteFiles, w.sum.Incomplete = broken.paths, broken.n
	return sum, cmp.Or(arrangeErr, err, readErr)
}

// arrangeAll makes loads of the steps. Of a load that is committed together no more
// is in memory than that, the one before it, and the step behind it.
func (m *migration) arrangeAll(steps <-chan step, loads chan<- load, most int) error {
	joined := join{most: most}
	flush := func() error {
		l, err := m.load(joined.steps...)
		if err == nil {
			loads <- l
		}
		joined = join{most: most}
		return err
	}
	for s := range steps {
		if !joined.takes(s) {
			if err := flush(); err != nil {
				return err
			}
		}
		joined.add(s)
	}
	return flush()
}

// join gathers steps that are committed together: each commit syncs the disk, and
// files may be small.
type join struct {
	most    int // steps
	steps   []step
	records int
	bytes   int64
}

// takes reports whether a step may join: it must be the first one of its file, because
// what a later one adds to is known when the one before it is committed.
func (j *join) takes(s step) bool {
	if s.end != nil || len(j.steps) == 0 {
		return true
	}
	return s.before != nil && len(j.steps) < j.most &&
		j.records+len(s.batch.Records) <= onceBatch && j.bytes+s.bytes <= stepBytes
}

func (j *join) add(s step) {
	j.steps = append(j.steps, s)
	j.records += len(s.batch.Records)
	j.bytes += s.bytes
}

// commitLoad commits a load and tells of the progress.
func (m *migration) commitLoad(ctx context.Context, w *writer, l load, total int64) error {
	_, err := w.write(ctx, l)
	if err == nil && m.Progress != nil && len(l.prepared.Batches) > 0 {
		m.Progress(Progress{Bytes: min(w.disk, total), Total: total, Lines: w.sum.Lines, Messages: w.sum.Messages})
	}
	return err
}

// readAll makes the steps of everything there is.
func (m *migration) readAll(ctx context.Context, steps chan<- step) (unsupported int64, err error) {
	walk, guilds, err := m.walk()
	if err != nil {
		return 0, err
	}
	p := pass{migration: m, walk: walk, most: onceBatch, emit: func(ctx context.Context, s step) error {
		select {
		case steps <- s:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	for g, days := range walk.all(guilds) {
		_, err := p.guild(ctx, g, days)
		unsupported += int64(g.texts)
		if err != nil {
			return unsupported, err
		}
	}
	return unsupported + int64(walk.reportUnread()), nil
}

// walk begins a walk that has to find the root.
func (m *migration) walk() (*walk, []*guild, error) {
	w, err := begin(m.Root, m.Guild, &m.report)
	if err == nil {
		var guilds []*guild
		if guilds, err = w.guilds(); err == nil {
			return w, guilds, nil
		}
	}
	return nil, nil, fmt.Errorf("read the logs' folder %q: %w", m.Root, plain(err))
}

// toRead returns how many bytes on disk there are to read.
func (m *migration) toRead(ctx context.Context) (total int64, err error) {
	walk, guilds, err := m.walk()
	if err != nil {
		return 0, err
	}
	for g, days := range walk.all(guilds) {
		for _, d := range days {
			files, _ := walk.files(g, d)
			for _, f := range files {
				j, todo, _, err := m.job(ctx, f)
				if err != nil {
					return 0, err
				}
				if todo {
					total += f.size
				}
				if todo && !j.outdated && strings.HasSuffix(f.path, ".jsonl") { // only a compressed file is read from its start
					total -= min(f.size, j.cursor.Offset)
				}
			}
		}
	}
	return total, nil
}
